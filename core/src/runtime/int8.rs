//! What the processor does with 8-bit integers.

/// Whether it multiplies and adds them in one instruction (AVX-512 VNNI, AVX-VNNI, or on aarch64 the dot product),
/// which is where an int8 model's speed comes from. On other architectures, this is assumed.
pub fn has_int8_instructions() -> bool {
    // As ONNX Runtime chooses its kernels: where there is AVX-512, it uses no AVX-VNNI.
    #[cfg(target_arch = "x86_64")]
    let has = match has_avx512() {
        true => is_x86_feature_detected!("avx512vnni"),
        false => is_x86_feature_detected!("avxvnni"),
    };
    #[cfg(target_arch = "aarch64")]
    let has = std::arch::is_aarch64_feature_detected!("dotprod");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let has = true;
    has
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

/// ONNX Runtime's `session.x64quantprecision`: whether weights are used in a form that cannot overflow. On x86
/// without these instructions, sums of two products overflow 16 bits otherwise, and a cat becomes a frog. With them
/// nothing overflows, and that form would take more than twice as long.
pub(super) fn needs_precision() -> &'static str {
    match has_int8_instructions() {
        true => "0",
        false => "1",
    }
}
