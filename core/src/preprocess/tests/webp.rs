//! WebP files whose header promises more or less than they hold.

use super::*;

const XMP: u8 = 0b100;
const EXIF: u8 = 0b1000;
const ALPHA: u8 = 0b1_0000;
/// Where the flags are.
const FLAGS: usize = 20;

fn image(name: &str) -> Vec<u8> {
    std::fs::read(fixtures().join("images").join(name)).unwrap()
}

fn decoded(file: &[u8]) -> Rgb8 {
    decode(file, &Limits::default()).unwrap()
}

fn with_flags(mut file: Vec<u8>, flags: u8) -> Vec<u8> {
    assert_eq!(&file[12..16], b"VP8X");
    file[FLAGS] = flags;
    file
}

/// A file of a single chunk, under a header.
fn under_a_header(file: &[u8], flags: u8) -> Vec<u8> {
    let chunks = [b"VP8X\x0A\0\0\0\0\0\0\0\x14\0\0\x0C\0\0", &file[12..]].concat();
    let length = (chunks.len() as u32 + 4).to_le_bytes();
    with_flags([b"RIFF", &length[..], b"WEBP", &chunks].concat(), flags)
}

#[test]
fn metadata_and_transparency_that_are_promised_and_missing_are_not_missed() {
    let lossy = image("lossy.webp");
    for flags in [EXIF, XMP, ALPHA, EXIF | XMP | ALPHA] {
        let promised = under_a_header(&lossy, flags);
        assert_eq!(decoded(&promised), decoded(&lossy), "{flags:b}");
    }
    let turned = image("orientation_6.webp");
    let flags = turned[FLAGS] | XMP;
    assert_eq!(
        decoded(&with_flags(turned.clone(), flags)),
        decoded(&turned)
    );
}

#[test]
fn transparency_that_is_not_promised_is_laid_over_white_too() {
    let lossy = image("lossy_alpha.webp");
    assert_eq!(decoded(&with_flags(lossy.clone(), 0)), decoded(&lossy));
    let lossless = image("lossless_alpha.webp");
    let silent = match &lossless[12..16] {
        b"VP8X" => with_flags(lossless.clone(), 0),
        _ => under_a_header(&lossless, 0),
    };
    assert_eq!(decoded(&silent), decoded(&lossless));
}

#[test]
fn what_the_first_frame_of_an_animation_does_not_cover_is_white() {
    let mut animated = image("animated.webp");
    assert_eq!((animated[24], animated[27]), (20, 12));
    animated[FLAGS] &= !ALPHA;
    (animated[24], animated[27]) = (23, 12);
    let picture = decoded(&animated);
    assert_eq!((picture.width, picture.height), (24, 13));
    assert_eq!(picture.pixels[3 * 21..3 * 24], [255; 9]);
}
