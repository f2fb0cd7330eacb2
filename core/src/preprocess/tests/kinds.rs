//! What is not a supported image is recognised and named.

use super::*;

fn looks_like(bytes: &[u8]) -> Option<&'static str> {
    match decode(bytes, &Limits::default()) {
        Err(DecodeError::UnsupportedFormat { looks_like }) => looks_like,
        other => panic!("{other:?}"),
    }
}

#[test]
fn other_kinds_of_file_are_refused_by_name() {
    for (bytes, expected) in [
        (b"II*\0\x08\0\0\0".as_slice(), "TIFF"),
        (b"MM\0*\0\0\0\x08", "TIFF"),
        (b"II+\0\x08\0\0\0", "TIFF"),
        (b"\0\0\0\x20ftypavif\0\0\0\0", "AVIF"),
        (b"\0\0\0\x20ftypavis", "AVIF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"\0\0\0\x18ftypheix", "HEIC"),
        (b"\0\0\0\x18ftypmif1", "HEIC"),
        (b"\0\0\0\x18ftypisom", "an MP4 or another ISO media file"),
        (b"\xFF\x0A\xFA\x1F", "JPEG XL"),
        (b"\0\0\0\x0CJXL \r\n\x87\n", "JPEG XL"),
        (b"\0\0\0\x0CjP  \r\n\x87\n", "JPEG 2000"),
        (b"8BPS\0\x01", "a Photoshop document"),
        (b"\0\0\x01\0\x01\0", "an ICO icon"),
        (b"P6\n2 2\n255\n", "a PNM image"),
        (b"qoif\0\0\0\x01", "QOI"),
        (b"%PDF-1.7\n", "PDF"),
        (b"PK\x03\x04\x14\0", "a ZIP archive"),
        (b"\x1F\x8B\x08", "gzip"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (
            b"\xEF\xBB\xBF<?xml version='1.0'?>\n<!-- a --><svg/>",
            "SVG",
        ),
        (b"\n <!DOCTYPE html>\n<p>", "HTML"),
        (b"<HTML><body>", "HTML"),
        (b"<?xml version='1.0'?><rss/>", "XML"),
        (b"{\"image\": \"\"}", "JSON"),
        (b" [1, 2]", "JSON"),
        (b"data:image/png;base64,iVBORw0KGgo", "a data: URL"),
        (b"https://example.org/cat.jpg", "a URL"),
        (b"/9j/4AAQSkZJRgABAQ", "an image in base64 text"),
        (b"iVBORw0KGgoAAAANSUhEUg", "an image in base64 text"),
    ] {
        assert_eq!(
            looks_like(bytes),
            Some(expected),
            "{}",
            bytes.escape_ascii()
        );
        let error = decode(bytes, &Limits::default()).unwrap_err().to_string();
        assert!(
            error.contains(expected) && error.contains("JPEG, PNG, WebP, GIF or BMP"),
            "{error}"
        );
    }
}

#[test]
fn what_looks_like_nothing_known_is_refused_without_a_guess() {
    for bytes in [
        b"\0".as_slice(),
        b"hello, world",
        b"BM is how this text begins, and it is no bitmap",
        b"\xFF\xD8",
        b"RIFF\x10\0\0\0WAVEfmt ",
        b"GIF90a",
        b"\x89PNG\r\n",
    ] {
        assert_eq!(looks_like(bytes), None, "{}", bytes.escape_ascii());
    }
}

#[test]
fn no_bytes_are_an_error_of_their_own() {
    assert_eq!(decode(&[], &Limits::default()), Err(DecodeError::Empty));
}

#[test]
fn the_format_is_read_from_the_bytes() {
    for fixture in images() {
        let expected = match fixture.file.rsplit('.').next() {
            Some("jpg") => ImageFormat::Jpeg,
            Some("png") => ImageFormat::Png,
            Some("webp") => ImageFormat::WebP,
            Some("gif") => ImageFormat::Gif,
            _ => ImageFormat::Bmp,
        };
        assert_eq!(sniff(&fixture.bytes()), Some(expected), "{}", fixture.file);
    }
}

#[test]
fn each_format_has_a_name_and_a_media_type() {
    use ImageFormat::*;
    for format in [Jpeg, Png, WebP, Gif, Bmp] {
        let subtype = format.media_type().strip_prefix("image/").unwrap();
        assert_eq!(subtype, format.to_string().to_lowercase());
    }
}
