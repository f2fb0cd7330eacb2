//! Files that lie or are broken: they give an error, never a panic, and never take memory for what is not there.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::*;

/// As a server for tiny images would set it, so that no mutant can reserve much.
const SMALL: Limits = Limits {
    max_pixels: 1 << 20,
};

fn image(name: &str) -> Vec<u8> {
    std::fs::read(fixtures().join("images").join(name)).unwrap()
}

fn set(mut file: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

fn position(file: &[u8], name: &[u8]) -> usize {
    file.windows(name.len())
        .position(|window| window == name)
        .unwrap()
}

#[track_caller]
fn assert_too_large(file: &[u8], size: (u32, u32)) {
    let limits = Limits::default();
    let expected = DecodeError::TooLarge {
        width: size.0,
        height: size.1,
        limit: limits.max_pixels,
    };
    assert_eq!(decode(file, &limits), Err(expected));
}

#[test]
fn headers_that_say_enormous_sizes_are_refused_by_what_they_say() {
    let jpeg = image("444.jpg");
    let frame = position(&jpeg, &[0xFF, 0xC0]);
    assert_too_large(&set(jpeg, frame + 5, &[0xFF; 4]), (65_535, 65_535));

    let png = set(image("rgb.png"), 16, &[0, 1, 0, 0, 0, 1, 0, 0]);
    assert_too_large(&png, (65_536, 65_536));

    let screen = set(image("palette.gif"), 6, &[0xFF; 4]);
    assert_too_large(&screen, (65_535, 65_535));
    let gif = image("palette.gif");
    let frame = position(&gif, b"\x2C\0\0\0\0");
    assert_too_large(&set(gif.clone(), frame + 5, &[0xFF; 4]), (65_535, 65_535));
    // A frame far from the screen enlarges what must be held in memory.
    assert_too_large(&set(gif, frame + 1, &[0xFF; 4]), (65_556, 65_548));

    let bmp = image("rgb24.bmp");
    let size = [3_000_000_i32.to_le_bytes(), (-2_000_000_i32).to_le_bytes()].concat();
    assert_too_large(&set(bmp.clone(), 18, &size), (3_000_000, 2_000_000));
    let least = [i32::MIN.to_le_bytes(), i32::MIN.to_le_bytes()].concat();
    assert_too_large(&set(bmp, 18, &least), (1 << 31, 1 << 31));

    let canvas = set(image("animated.webp"), 24, &[0xFF; 6]);
    assert_too_large(&canvas, (1 << 24, 1 << 24));
    let lossy = set(image("lossy.webp"), 26, &[0xFF, 0x3F, 0xFF, 0x3F]);
    assert_too_large(&lossy, (16_383, 16_383));
    let lossless = set(image("lossless.webp"), 21, &[0xFF, 0xFF, 0xFF, 0x0F]);
    assert_too_large(&lossless, (16_384, 16_384));
}

#[test]
fn a_webp_frame_larger_than_its_canvas_is_refused_before_it_is_decoded() {
    // The decoder would reserve memory by the inner size, and compare only then.
    let file = image("lossy_alpha.webp");
    let inner = position(&file, b"VP8 ") + 14;
    assert_too_large(
        &set(file.clone(), inner, &[0xFF, 0x3F, 0xFF, 0x3F]),
        (16_383, 16_383),
    );
    let error = decode(&set(file, inner, &[22, 0, 13, 0]), &Limits::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("22 x 13 pixels, but says 21 x 13"),
        "{error}"
    );
}

#[test]
fn a_webp_chunk_that_is_longer_than_the_file_is_refused() {
    let file = image("orientation_6.webp");
    let exif = position(&file, b"EXIF") + 4;
    let error = decode(&set(file, exif, &[0xF0; 4]), &Limits::default()).unwrap_err();
    assert_eq!(error, DecodeError::truncated(ImageFormat::WebP));
}

#[test]
fn a_damaged_chunk_of_a_png_is_called_by_its_name() {
    let png = image("rgb.png");
    let header = position(&png, b"IHDR");
    let error = decode(&set(png, header + 12, &[7]), &Limits::default()).unwrap_err();
    let said = error.to_string();
    assert!(said.ends_with("while decoding IHDR chunk."), "{said}");
}

#[test]
fn kinds_of_jpeg_that_are_not_decoded_are_named() {
    let jpeg = image("444.jpg");
    let frame = position(&jpeg, &[0xFF, 0xC0]);
    for (at, value, expected) in [
        (1, 0xC3, "lossless coding"),
        (1, 0xC6, "hierarchical coding"),
        (1, 0xC9, "arithmetic coding"),
        (4, 12, "a sample size other than 8 bits"),
    ] {
        let error = decode(&set(jpeg.clone(), frame + at, &[value]), &Limits::default());
        let (format, feature) = (ImageFormat::Jpeg, expected.to_owned());
        assert_eq!(
            error,
            Err(DecodeError::UnsupportedFeature { format, feature })
        );
    }
}

#[test]
fn a_png_whose_first_chunk_is_another_is_damaged_and_not_too_large() {
    let png = image("rgb.png");
    let foreign = b"\0\0\0\x04CgBI\x50\0\x20\x02\x2B\xD5\xB3\x7F";
    let error = decode(
        &[&png[..8], foreign, &png[8..]].concat(),
        &Limits::default(),
    );
    assert!(
        matches!(error, Err(DecodeError::Corrupt { .. })),
        "{error:?}"
    );
}

#[test]
fn an_extension_of_a_gif_that_is_not_known_is_passed_over() {
    let gif = image("palette.gif");
    let plain = decode(&gif, &Limits::default()).unwrap();
    let frame = position(&gif, b"\x2C\0\0\0\0");
    let unknown = b"\x21\x42\x02hi\0";
    let with = [&gif[..frame], unknown, &gif[frame..]].concat();
    assert_eq!(decode(&with, &Limits::default()).unwrap(), plain);
    // A frame that is called otherwise is damage, and the next one not the image.
    let gif = image("animated.gif");
    let frame = position(&gif, b"\x2C\0\0\0\0");
    for kind in [0x00, 0x20, 0x2D, 0x6C] {
        let error = decode(&set(gif.clone(), frame, &[kind]), &Limits::default());
        assert!(
            matches!(error, Err(DecodeError::Corrupt { .. })),
            "{error:?}"
        );
    }
}

#[test]
fn an_empty_gif_frame_is_damaged() {
    let gif = image("palette.gif");
    let frame = position(&gif, b"\x2C\0\0\0\0");
    let error = decode(&set(gif, frame + 5, &[0; 4]), &Limits::default()).unwrap_err();
    assert!(
        matches!(
            error,
            DecodeError::Corrupt {
                format: ImageFormat::Gif,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn random_damage_never_panics_and_never_gives_a_picture_of_the_wrong_length() {
    let mut random = Pcg64Mcg::seed_from_u64(7);
    let (mut decoded, mut refused) = (0, 0);
    for fixture in images() {
        let file = fixture.bytes();
        for _ in 0..400 {
            let mut mutant = file.clone();
            for _ in 0..random.random_range(1..=4) {
                let at = random.random_range(0..mutant.len());
                mutant[at] = match random.random_range(0..4) {
                    0 => 0,
                    1 => 0xFF,
                    2 => mutant[at] ^ (1 << random.random_range(0..8)),
                    _ => random.random(),
                };
            }
            match decode(&mutant, &SMALL) {
                Ok(picture) => {
                    decoded += 1;
                    let pixels = u64::from(picture.width) * u64::from(picture.height);
                    assert!(pixels > 0 && pixels <= SMALL.max_pixels, "{}", fixture.file);
                    assert_eq!(picture.pixels.len() as u64, 3 * pixels, "{}", fixture.file);
                }
                Err(error) => {
                    refused += 1;
                    // Decoders' phrases that repeat ours (the format, the damage) or are meant for programmers.
                    let said = error.to_string();
                    let twice = ["Format error", "The decoder for", "ChunkType {"];
                    assert!(!twice.iter().any(|words| said.contains(words)), "{said}");
                }
            }
        }
    }
    assert!(
        decoded > 1000 && refused > 1000,
        "{decoded} decoded, {refused} refused"
    );
}

#[test]
fn pieces_of_one_file_within_another_never_panic() {
    let mut random = Pcg64Mcg::seed_from_u64(8);
    let files: Vec<Vec<u8>> = images().iter().map(Fixture::bytes).collect();
    for _ in 0..4_000 {
        let mut mutant = files[random.random_range(0..files.len())].clone();
        let other = &files[random.random_range(0..files.len())];
        let start = random.random_range(0..mutant.len());
        let from = random.random_range(0..other.len());
        let length = random.random_range(0..64).min(other.len() - from);
        let end = (start + random.random_range(0..64)).min(mutant.len());
        mutant.splice(start..end, other[from..from + length].iter().copied());
        let _ = decode(&mutant, &SMALL);
    }
}

#[test]
fn a_jpeg_with_thousands_of_parts_of_an_xmp_document_is_decoded_without_them() {
    // The decoder would put them together again after each of the segments: some 10^10 steps.
    let plain = image("444.jpg");
    let mut part = b"\xFF\xE1\0\x4Dhttp://ns.adobe.com/xmp/extension/\0".to_vec();
    part.extend([b'A'; 32]);
    part.extend([0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1]);
    let comment = [0xFF, 0xFE, 0, 2];
    let file = [
        &plain[..2],
        &part.repeat(20_000),
        &comment.repeat(500_000),
        &plain[2..],
    ]
    .concat();
    assert_eq!(decode(&file, &SMALL), decode(&plain, &SMALL));
}

#[test]
fn a_webp_of_more_prefix_codes_than_blocks_is_refused_before_it_is_decoded() {
    let lossless = image("lossless.webp");
    assert!(decode(&lossless, &SMALL).is_ok());
    let payload = position(&lossless, b"VP8L") + 8;
    // No transform, no colours cached, and an index for each block, which is 65,535 throughout.
    let index = [0x84, 0xFE, 0xF7, 0xBF, 0x00, 0x05, 0x28, 0x00];
    let error = decode(&set(lossless, payload + 5, &index), &SMALL).unwrap_err();
    assert!(error.to_string().contains("more prefix codes"), "{error}");
}

#[test]
fn a_png_of_more_than_a_hundred_thousand_chunks_is_refused_not_one_with_bytes_behind_it() {
    let png = image("rgb.png");
    let padded = [&png[..], &[0; 2_000_000]].concat();
    assert_eq!(decode(&padded, &SMALL), decode(&png, &SMALL));
    let text = [0, 0, 0, 0, b't', b'E', b'X', b't', 0, 0, 0, 0];
    let [few, many] = [50_000, 100_001].map(|count| {
        let file = [&png[..33], &text.repeat(count), &png[33..]].concat();
        decode(&file, &SMALL).map_err(|error| error.to_string())
    });
    assert_ne!(
        few,
        Err("the PNG image is damaged: it has more than 100000 chunks".into())
    );
    assert_eq!(
        many,
        Err("the PNG image is damaged: it has more than 100000 chunks".into())
    );
}

#[test]
fn a_small_png_may_not_take_as_much_memory_for_metadata_as_a_large_one_does_for_pixels() {
    let png = image("rgb.png");
    let with_text = |length: u32| {
        let mut file = png[..33].to_vec();
        file.extend(length.to_be_bytes());
        file.extend(b"tEXt");
        file.resize(file.len() + length as usize + 4, b'a');
        file.extend(&png[33..]);
        decode(&file, &Limits::default())
    };
    assert_eq!(with_text(4 << 20), decode(&png, &Limits::default()));
    let error = with_text(20 << 20).unwrap_err().to_string();
    assert!(error.contains("far more metadata"), "{error}");
}

#[test]
fn a_bitmap_without_pixels_is_damaged_not_too_large() {
    for (at, zeros) in [(18, 8), (18, 4), (22, 4)] {
        let empty = set(image("rgb24.bmp"), at, &[0; 8][..zeros]);
        let error = decode(&empty, &SMALL).unwrap_err();
        let said = "the BMP image is damaged: it has no pixels";
        assert_eq!(error.to_string(), said);
    }
}

#[test]
fn what_stands_behind_the_end_of_a_webp_is_not_decoded() {
    let lossless = image("lossless.webp");
    assert!(decode(&lossless, &SMALL).is_ok());
    let sides = u32::from_le_bytes([lossless[21], lossless[22], lossless[23], lossless[24]]);
    let (width, height) = (sides & 0x3FFF, (sides >> 14) & 0x3FFF);
    let mut file = b"RIFF\x16\0\0\0WEBPVP8X\x0A\0\0\0\0\0\0\0".to_vec();
    file.extend(&width.to_le_bytes()[..3]);
    file.extend(&height.to_le_bytes()[..3]);
    file.extend(&lossless[12..]);
    assert!(decode(&file, &SMALL).is_err());
    let length = (file.len() - 8) as u32;
    assert!(decode(&set(file, 4, &length.to_le_bytes()), &SMALL).is_ok());
}

#[test]
fn a_webp_frame_that_begins_with_something_else_than_a_picture_is_refused() {
    let file = image("animated.webp");
    assert!(decode(&file, &SMALL).is_ok());
    let frame = position(&file, b"ANMF") + 8 + 16;
    let error = decode(&set(file.clone(), frame, b"XXXX"), &SMALL).unwrap_err();
    assert!(error.to_string().contains("where none belongs"), "{error}");
    let still = position(&file, b"VP8X") + 8;
    let error = decode(&set(file, still, &[0]), &SMALL).unwrap_err();
    assert!(
        error.to_string().contains("ANMF where none belongs"),
        "{error}"
    );
}
