//! What ONNX Runtime says when something fails, as its users can read it.

/// The message on one line, without places in ONNX Runtime's source: before its reason, it may name a file there, a line,
/// and a C++ function with the types of its parameters.
pub(super) fn said(error: &ort::Error) -> String {
    readable(&error.to_string())
}

fn readable(message: &str) -> String {
    let words: Vec<&str> = message.split_whitespace().collect();
    let mut text = words.join(" ");
    while let Some(begin) = text.find(SOURCE) {
        let Some(reason) = after_signature(&text[begin..]) else {
            break;
        };
        text = format!("{}{reason}", &text[..begin]);
    }
    text.trim_end_matches('.').to_owned()
}

/// Where official builds were compiled.
const SOURCE: &str = "/onnxruntime_src/";

/// What follows the parameters of the function named first.
fn after_signature(place: &str) -> Option<&str> {
    let mut depth = 0_usize;
    for (at, c) in place.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            _ => continue,
        }
        let rest = &place[at + 1..];
        // `operator()(int)` has two pairs.
        if depth == 0 && !rest.starts_with('(') {
            let rest = rest.strip_prefix(" const").unwrap_or(rest);
            return Some(rest.trim_start());
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
                "/onnxruntime_src/a.cc:1 unclear (",
                "/onnxruntime_src/a.cc:1 unclear (",
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
