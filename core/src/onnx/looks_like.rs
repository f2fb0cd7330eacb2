/// Says what a file that is not an ONNX model looks like, if its first bytes tell.
pub(super) fn looks_like(bytes: &[u8]) -> Option<&'static str> {
    const SIGNATURES: [(&[u8], &str); 13] = [
        (b"\x89PNG", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"GIF8", "a GIF image"),
        (b"RIFF", "a WebP image or another RIFF file"),
        (b"%PDF", "a PDF document"),
        (b"PK\x03\x04", "a ZIP archive, such as a PyTorch checkpoint"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"\x28\xb5\x2f\xfd", "a zstd archive"),
        (b"\x80\x02", "a Python pickle"),
        (b"\x89HDF", "an HDF5 file, such as a Keras model"),
        (b"\x7fELF", "a program or shared library"),
        (
            b"version https://git-lfs",
            "a Git LFS pointer; run `git lfs pull`",
        ),
        (b"GGUF", "a GGUF model"),
    ];
    if let Some((_, kind)) = SIGNATURES
        .iter()
        .find(|(signature, _)| bytes.starts_with(signature))
    {
        return Some(kind);
    }
    match bytes {
        [_, _, _, _, b'O', b'R', b'T', b'M', ..] => return Some("an ORT-format model"),
        [_, _, _, _, b'T', b'F', b'L', b'3', ..] => return Some("a TensorFlow Lite model"),
        // The length in eight bytes, then a JSON header.
        [_, _, _, _, _, _, 0, 0, b'{', ..] => return Some("a safetensors file"),
        _ => {}
    }
    let start = bytes.trim_ascii_start();
    match start.first() {
        Some(b'<') => return Some("an HTML or XML page"),
        Some(b'{' | b'[') => return Some("a JSON document"),
        _ => {}
    }
    let sample = &bytes[..bytes.len().min(512)];
    let is_text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e);
    (!sample.is_empty() && sample.iter().all(is_text)).then_some("a text file")
}
