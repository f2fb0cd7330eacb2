//! What ONNX Runtime says when something fails, as its users can read it.

/// The message on one line, without places in ONNX Runtime's source: before its reason, it may name a file there, a line,
/// and a C++ function with the types of its parameters.
pub(super) fn said(error: &ort::Error) -> String {
    readable(&error.to_string())
}

fn readable(message: &str) -> String {
    let words: Vec<&str> = message.split_whitespace().collect();
    let text = words.join(" ");
    // Behind the reason, CUDA's provider has the machine's name, and again a file, a line and the code there.
    let text = text.split(" ; GPU=").next().unwrap_or(&text);
    let mut kept = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find(SOURCE) {
        kept.push_str(&rest[..begin]);
        rest = &rest[begin..];
        rest = match after_place(rest) {
            Some(reason) => reason,
            None => {
                kept.push_str(SOURCE);
                &rest[SOURCE.len()..]
            }
        };
    }
    kept.push_str(rest);
    kept.trim_end_matches('.').to_owned()
}

/// Where official builds were compiled.
const SOURCE: &str = "/onnxruntime_src/";

/// What follows a file, a line, and a function if there is one.
fn after_place(text: &str) -> Option<&str> {
    let (place, rest) = text.split_once(' ')?;
    let (_, line) = place.rsplit_once(':')?;
    let is_line = !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit());
    is_line.then(|| after_signature(rest).unwrap_or(rest))
}

/// What follows a function's signature. Unlike brackets in a sentence, those of its parameters follow a name.
fn after_signature(text: &str) -> Option<&str> {
    let is_named = text[..text.find('(')?].ends_with(|c: char| !c.is_whitespace());
    let mut rest = is_named.then_some(text)?;
    // `operator()(int)` has two pairs, and a function within another, `f()::<lambda(int)>`, as well.
    loop {
        rest = after_pair(rest, '(', ')')?;
        if !rest.starts_with(['(', ':']) {
            break;
        }
    }
    let rest = rest.trim_start_matches('>');
    let rest = rest
        .strip_prefix(" const")
        .filter(|it| it.starts_with(' ') || it.is_empty())
        .unwrap_or(rest);
    let rest = rest.trim_start();
    // What the parameters of a template are.
    match rest.starts_with("[with ") {
        true => after_pair(rest, '[', ']').map(str::trim_start),
        false => Some(rest),
    }
}

/// What follows the first pair of brackets.
fn after_pair(text: &str, opening: char, closing: char) -> Option<&str> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        if c == opening {
            depth += 1;
        } else if c == closing {
            depth = depth.checked_sub(1)?;
            if depth == 0 {
                return Some(&text[at + 1..]);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_source_is_left_out_and_the_reason_kept() {
        for (message, expected) in [
            (
                "Non-zero status code returned while running Add node. Name:'/Add' Status Message: \
                 /onnxruntime_src/onnxruntime/core/providers/cpu/math/element_wise_ops.h:583 void \
                 onnxruntime::BroadcastIterator::Append(ptrdiff_t, ptrdiff_t) axis == 1 || axis == largest was \
                 false. Attempting to broadcast an axis by a dimension other than 1. 197 by 257\n",
                "Non-zero status code returned while running Add node. Name:'/Add' Status Message: axis == 1 || \
                 axis == largest was false. Attempting to broadcast an axis by a dimension other than 1. 197 by 257",
            ),
            (
                "/onnxruntime_src/onnxruntime/core/graph/model_load_utils.h:46 void \
                 onnxruntime::model_load_utils::ValidateOpsetForDomain(const std::unordered_map<std::string, int>&, \
                 std::function<void(int)>, bool) const ONNX Runtime only *guarantees* support till opset 28.\n",
                "ONNX Runtime only *guarantees* support till opset 28",
            ),
            (
                "/onnxruntime_src/a.cc:1 f::operator()(int) first; /onnxruntime_src/b.cc:2 g() second",
                "first; second",
            ),
            (
                "CUDA error: /onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:129 \
                 std::conditional_t<THRW, void, onnxruntime::common::Status> onnxruntime::CudaCall(ERRTYPE, const \
                 char*, int) [with ERRTYPE = cudaError; bool THRW = true; std::conditional_t<THRW, void, \
                 common::Status> = void] CUDA failure 804: forward compatibility was attempted on non supported HW \
                 ; GPU=0 ; hostname=host ; file=/onnxruntime_src/onnxruntime/core/a.cc ; line=238 ; expr=f(x);",
                "CUDA error: CUDA failure 804: forward compatibility was attempted on non supported HW",
            ),
            (
                "/onnxruntime_src/a.cc:1 void f()::<lambda(int)> a lambda; /onnxruntime_src/a.cc:1 g(int) constant",
                "a lambda; constant",
            ),
            (
                "Exception in /onnxruntime_src/a.cc:12 shape mismatch (3 vs 4) for node Conv",
                "Exception in shape mismatch (3 vs 4) for node Conv",
            ),
            ("/onnxruntime_src/a.cc:1 unclear (", "unclear ("),
            (
                "no line: /onnxruntime_src/a.cc f(x)",
                "no line: /onnxruntime_src/a.cc f(x)",
            ),
            (
                "GEMM: Dimension mismatch, W: {10,25088} K: 32768 N:10",
                "GEMM: Dimension mismatch, W: {10,25088} K: 32768 N:10",
            ),
        ] {
            assert_eq!(readable(message), expected);
        }
    }
}
