//! From a block's coefficients to its pixels, scaled: of the 8 × 8 coefficients, those of the lowest frequencies
//! alone give fewer pixels of the same image, smoothed as scaling down requires.

use std::f32::consts::{FRAC_1_SQRT_2, PI};

/// Writes a block's pixels into `out`, whose rows are `stride` apart.
///
/// Coefficients are in rows of 8. Those used are set to 0, except perhaps the first; `flat` says that all but the
/// first are 0 already.
pub(super) type Inverse = fn(&Basis, &mut [f32; 64], flat: bool, &mut [u8], stride: usize);

/// The share of each frequency in each pixel, for each length that a side of a block may have: 1, 2, 4 or 8 pixels.
pub(super) struct Basis([[[f32; 8]; 8]; 4]);

impl Basis {
    pub(super) fn new() -> Self {
        let share = |pixels: usize, frequency: usize, pixel: usize| {
            let angle = (2 * pixel + 1) as f32 * frequency as f32 * PI / (2 * pixels) as f32;
            0.5 * angle.cos() * if frequency == 0 { FRAC_1_SQRT_2 } else { 1.0 }
        };
        Self(std::array::from_fn(|log| {
            std::array::from_fn(|frequency| {
                std::array::from_fn(|pixel| share(1 << log, frequency, pixel))
            })
        }))
    }
}

/// The transform to this many pixels; `None` if a side is not 1, 2, 4 or 8.
pub(super) fn inverse(width: usize, height: usize) -> Option<Inverse> {
    match width {
        2 if height == 2 => Some(two_by_two),
        1 => inverse_of::<1>(height),
        2 => inverse_of::<2>(height),
        4 => inverse_of::<4>(height),
        8 => inverse_of::<8>(height),
        _ => None,
    }
}

fn inverse_of<const WIDTH: usize>(height: usize) -> Option<Inverse> {
    match height {
        1 => Some(transform::<WIDTH, 1>),
        2 => Some(transform::<WIDTH, 2>),
        4 => Some(transform::<WIDTH, 4>),
        8 => Some(transform::<WIDTH, 8>),
        _ => None,
    }
}

fn transform<const WIDTH: usize, const HEIGHT: usize>(
    basis: &Basis,
    coefficients: &mut [f32; 64],
    flat: bool,
    out: &mut [u8],
    stride: usize,
) {
    let out = out.chunks_mut(stride).take(HEIGHT);
    let out = out.filter_map(|row| row.first_chunk_mut::<WIDTH>());
    if flat {
        let value = mean(coefficients[0]);
        return out.for_each(|row| *row = [value; WIDTH]);
    }
    let across = &basis.0[WIDTH.ilog2() as usize];
    let down = &basis.0[HEIGHT.ilog2() as usize];
    let mut rows = [[0.0_f32; WIDTH]; HEIGHT];
    for (row, frequencies) in rows.iter_mut().zip(coefficients.as_chunks_mut::<8>().0) {
        for (&coefficient, shares) in frequencies.iter().zip(across).take(WIDTH) {
            for (value, share) in row.iter_mut().zip(shares) {
                *value += coefficient * share;
            }
        }
        *frequencies = [0.0; 8];
    }
    for (y, out) in out.enumerate() {
        let mut values = [128.0_f32; WIDTH];
        for (row, shares) in rows.iter().zip(down) {
            for (value, term) in values.iter_mut().zip(row) {
                *value += term * shares[y];
            }
        }
        *out = values.map(to_byte);
    }
}

/// With two pixels a side, each coefficient has the same share in every pixel, apart from the sign. That is no more
/// work than asking whether there is only the first. Coefficients that are not shown are left as they are.
fn two_by_two(_: &Basis, coefficients: &mut [f32; 64], _: bool, out: &mut [u8], stride: usize) {
    let [all, across] = [0, 1].map(|place| coefficients[place]);
    let [down, both] = [8, 9].map(|place| coefficients[place]);
    for place in [1, 8, 9] {
        coefficients[place] = 0.0;
    }
    let rows = [
        [all + across + (down + both), all - across + (down - both)],
        [all + across - (down + both), all - across - (down - both)],
    ];
    for (values, out) in rows.iter().zip(out.chunks_mut(stride)) {
        if let Some(out) = out.first_chunk_mut() {
            *out = values.map(mean);
        }
    }
}

/// The mean of a block's pixels, which its first coefficient alone gives.
#[inline(always)]
pub(super) fn mean(first: f32) -> u8 {
    to_byte(first * 0.125 + 128.0)
}

/// The nearest byte. Adding this number leaves the nearest whole number in the float's lowest bits, which can be
/// compared and cut off: quicker than a conversion, since several values are done at once.
#[inline(always)]
fn to_byte(value: f32) -> u8 {
    const ZERO: f32 = 12_582_912.0;
    const LEAST: i32 = ZERO.to_bits() as i32;
    ((value + ZERO).to_bits() as i32).clamp(LEAST, LEAST + 255) as u8
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    use super::*;

    #[test]
    fn two_by_two_pixels_are_those_of_the_transform_for_any_number() {
        let basis = Basis::new();
        let mut random = Pcg64Mcg::seed_from_u64(3);
        for round in 0..1000 {
            let mut coefficients = [0.0; 64];
            for place in [0, 1, 8, 9] {
                coefficients[place] = random.random_range(-600.0..600.0);
            }
            let flat = round % 10 == 0;
            if flat {
                coefficients[1..].fill(0.0);
            }
            let mut same = coefficients;
            let [mut short, mut long] = [[7; 10]; 2];
            two_by_two(&basis, &mut coefficients, flat, &mut short, 5);
            transform::<2, 2>(&basis, &mut same, flat, &mut long, 5);
            let differs = |(one, other): (&u8, &u8)| one.abs_diff(*other) > 1;
            assert!(!short.iter().zip(&long).any(differs), "{short:?} {long:?}");
            assert_eq!([short[2..5].to_vec(), short[7..].to_vec()], [[7; 3]; 2]);
            assert!(
                coefficients[1..]
                    .iter()
                    .all(|&coefficient| coefficient == 0.0)
            );
        }
    }
}
