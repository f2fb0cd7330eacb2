//! What JPEG at some quality does to an image, without writing the file: colours to YCbCr, chroma
//! halved, cosine transform of 8×8 blocks, rounding by the standard's tables, and all the way back
//! (ITU-T T.81; tables of its Annex K, scaled by quality as in libjpeg).

use std::sync::LazyLock;

const BLOCK: usize = 8;

#[rustfmt::skip]
const LUMINANCE: [u16; 64] = [
    16, 11, 10, 16,  24,  40,  51,  61,
    12, 12, 14, 19,  26,  58,  60,  55,
    14, 13, 16, 24,  40,  57,  69,  56,
    14, 17, 22, 29,  51,  87,  80,  62,
    18, 22, 37, 56,  68, 109, 103,  77,
    24, 35, 55, 64,  81, 104, 113,  92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103,  99,
];

#[rustfmt::skip]
const CHROMINANCE: [u16; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99,
    18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
];

/// Row k is the cosine of frequency k over eight samples, normalised to length 1.
static COSINES: LazyLock<[[f32; BLOCK]; BLOCK]> = LazyLock::new(|| {
    std::array::from_fn(|k| {
        std::array::from_fn(|n| {
            let angle = std::f64::consts::PI * (2 * n + 1) as f64 * k as f64 / 16.0;
            let scale = if k == 0 { 0.125_f64 } else { 0.25 };
            (scale.sqrt() * angle.cos()) as f32
        })
    })
});

/// Changes square planes (R, G, B, 0 to 1) to what they would be after saving them as JPEG at `quality` (1 to 100)
/// and opening the file, with `halved` (4:2:0) or full (4:4:4) chroma.
pub(super) fn recompress(planes: &mut [f32], side: usize, quality: u8, halved: bool) {
    let grid = if halved { 2 * BLOCK } else { BLOCK };
    let padded = side.next_multiple_of(grid);
    let [mut y, mut cb, mut cr] = to_ycc(planes, side, padded);
    let (luminance, chrominance) = (scaled(&LUMINANCE, quality), scaled(&CHROMINANCE, quality));
    quantise(&mut y, padded, &luminance);
    for chroma in [&mut cb, &mut cr] {
        if halved {
            let mut half = halve(chroma, padded);
            quantise(&mut half, padded / 2, &chrominance);
            *chroma = double(&half, padded / 2);
        } else {
            quantise(chroma, padded, &chrominance);
        }
    }
    to_rgb([&y, &cb, &cr], padded, side, planes);
}

fn scaled(table: &[u16; 64], quality: u8) -> [f32; 64] {
    let quality = u16::from(quality.clamp(1, 100));
    let percent = if quality < 50 {
        5000 / quality
    } else {
        200 - 2 * quality
    };
    table.map(|step| {
        let step = (u32::from(step) * u32::from(percent) + 50) / 100;
        step.clamp(1, 255) as f32
    })
}

/// Level-shifted YCbCr of bytes, padded to whole blocks by repeating the right and lower border.
fn to_ycc(planes: &[f32], side: usize, padded: usize) -> [Vec<f32>; 3] {
    let area = side * side;
    let mut ycc = [(); 3].map(|()| Vec::with_capacity(padded * padded));
    for row in 0..padded {
        let start = row.min(side - 1) * side;
        for column in 0..padded {
            let at = start + column.min(side - 1);
            let rgb = [planes[at], planes[area + at], planes[2 * area + at]];
            let [r, g, b] = rgb.map(|value| (value * 255.0).round());
            ycc[0].push((0.299 * r + 0.587 * g + 0.114 * b).round() - 128.0);
            ycc[1].push((-0.168_736 * r - 0.331_264 * g + 0.5 * b).round());
            ycc[2].push((0.5 * r - 0.418_688 * g - 0.081_312 * b).round());
        }
    }
    ycc
}

fn to_rgb(ycc: [&[f32]; 3], padded: usize, side: usize, planes: &mut [f32]) {
    let area = side * side;
    let byte = |value: f32| value.round().clamp(0.0, 255.0) * (1.0 / 255.0);
    for row in 0..side {
        for column in 0..side {
            let [y, cb, cr] = ycc.map(|plane| plane[row * padded + column]);
            let (y, at) = (y + 128.0, row * side + column);
            planes[at] = byte(y + 1.402 * cr);
            planes[area + at] = byte(y - 0.344_136 * cb - 0.714_136 * cr);
            planes[2 * area + at] = byte(y + 1.772 * cb);
        }
    }
}

/// Transforms each 8×8 block of the plane, rounds it to multiples of the table's steps, and transforms it back.
fn quantise(plane: &mut [f32], width: usize, steps: &[f32; 64]) {
    let cosines = &*COSINES;
    for top in (0..plane.len() / width).step_by(BLOCK) {
        for left in (0..width).step_by(BLOCK) {
            let mut block = [[0.0; BLOCK]; BLOCK];
            for (row, values) in block.iter_mut().enumerate() {
                let start = (top + row) * width + left;
                values.copy_from_slice(&plane[start..start + BLOCK]);
            }
            let mut spectrum =
                transposed(&product(cosines, &transposed(&product(cosines, &block))));
            for (value, step) in spectrum.as_flattened_mut().iter_mut().zip(steps) {
                *value = (*value / step).round() * step;
            }
            let inverse = transposed(cosines);
            let block = transposed(&product(
                &inverse,
                &transposed(&product(&inverse, &spectrum)),
            ));
            for (row, values) in block.iter().enumerate() {
                let start = (top + row) * width + left;
                let values = values.map(|value| value.round().clamp(-128.0, 127.0));
                plane[start..start + BLOCK].copy_from_slice(&values);
            }
        }
    }
}

type Block = [[f32; BLOCK]; BLOCK];

fn product(a: &Block, b: &Block) -> Block {
    a.map(|weights| {
        let mut sums = [0.0; BLOCK];
        for (weight, row) in weights.iter().zip(b) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += weight * value;
            }
        }
        sums
    })
}

fn transposed(block: &Block) -> Block {
    std::array::from_fn(|row| std::array::from_fn(|column| block[column][row]))
}

fn halve(plane: &[f32], width: usize) -> Vec<f32> {
    let half = width / 2;
    let mut out = Vec::with_capacity(half * half);
    for rows in plane.chunks_exact(2 * width) {
        let (upper, lower) = rows.split_at(width);
        let pairs = upper
            .as_chunks::<2>()
            .0
            .iter()
            .zip(lower.as_chunks::<2>().0);
        out.extend(pairs.map(|(upper, lower)| 0.25 * (upper[0] + upper[1] + lower[0] + lower[1])));
    }
    out
}

/// Twice the size, each sample three quarters of its nearest and one quarter of the next (libjpeg's
/// "fancy upsampling").
fn double(half: &[f32], width: usize) -> Vec<f32> {
    let near_and_next = |at: usize| {
        let next = if at.is_multiple_of(2) {
            (at / 2).saturating_sub(1)
        } else {
            (at / 2 + 1).min(width - 1)
        };
        (at / 2, next)
    };
    let mut out = Vec::with_capacity(4 * half.len());
    for row in 0..2 * width {
        let (near, next) = near_and_next(row);
        let mixed: Vec<f32> = half[near * width..(near + 1) * width]
            .iter()
            .zip(&half[next * width..(next + 1) * width])
            .map(|(near, next)| 0.75 * near + 0.25 * next)
            .collect();
        out.extend((0..2 * width).map(|column| {
            let (near, next) = near_and_next(column);
            0.75 * mixed[near] + 0.25 * mixed[next]
        }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::super::reference::{distance, figures, planes};
    use super::*;

    #[test]
    fn the_pixels_are_those_of_a_file_saved_and_opened_by_libjpeg() {
        for (side, quality) in [(16, 30), (11, 75)] {
            for (halved, chroma) in [(false, "444"), (true, "420")] {
                let mut image = planes(side);
                recompress(&mut image, side, quality, halved);
                let bytes: Vec<f32> = image.iter().map(|value| value * 255.0).collect();
                let expected = figures(&format!("jpeg_{side}_{quality}_{chroma}"));
                // libjpeg's integer transforms round at every stage.
                let worst = distance(&bytes, &expected);
                let pairs = bytes.iter().zip(&expected);
                let mean = pairs.map(|(a, b)| (a - b).abs()).sum::<f32>() / bytes.len() as f32;
                assert!(
                    worst <= 5.0 && mean < 0.5,
                    "{side} {chroma}: {worst}, mean {mean}"
                );
            }
        }
    }

    #[test]
    fn the_best_quality_loses_almost_nothing_and_the_worst_much() {
        let change = |quality| {
            let mut image = planes(32);
            recompress(&mut image, 32, quality, false);
            distance(&image, &planes(32))
        };
        // libjpeg itself changes a value of this image by 3 at most.
        let best = change(100) * 255.0;
        assert!(best < 4.5, "{best}");
        assert!(change(1) > 50.0 / 255.0);
    }
}
