//! Random numbers: every random choice is a pure function of the run's seed and of what the choice is for.
//!
//! No generator is carried along: neither the number of threads nor a resumed run can change a
//! draw, since nothing depends on the order in which draws are made.

use rand_pcg::Pcg64Mcg;

/// What a draw is for. Two purposes never share random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The order of a stream's images in one pass.
    Order,
    /// The augmentation of one image.
    Augmentation,
    /// That of its second view, if a method takes two.
    SecondView,
}

/// The generator for one draw.
///
/// `stream` numbers the image streams of a run (0: in-distribution, 1 and up: auxiliary), `pass` counts how often the
/// stream has been gone through, and `position` is the place within that pass (0 if the draw concerns the whole
/// pass).
#[must_use]
pub fn generator(seed: u64, purpose: Purpose, stream: usize, pass: u64, position: u64) -> Pcg64Mcg {
    let words = [seed, purpose as u64, stream as u64, pass, position];
    let low = words
        .iter()
        .fold(0x243f_6a88_85a3_08d3, |state, &word| mix(state ^ word));
    let high = mix(low ^ 0x1319_8a2e_0370_7344);
    Pcg64Mcg::new(u128::from(high) << 64 | u128::from(low))
}

/// SplitMix64's step: neighbouring inputs give unrelated outputs.
/// (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014.)
fn mix(word: u64) -> u64 {
    let mut mixed = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    fn first(seed: u64, purpose: Purpose, stream: usize, pass: u64, position: u64) -> u64 {
        generator(seed, purpose, stream, pass, position).next_u64()
    }

    #[test]
    fn the_same_place_draws_the_same_numbers() {
        let draw = || first(7, Purpose::Augmentation, 1, 2, 3);
        assert_eq!(draw(), draw());
    }

    #[test]
    fn every_part_of_the_place_matters() {
        let base = first(7, Purpose::Augmentation, 1, 2, 3);
        for other in [
            first(8, Purpose::Augmentation, 1, 2, 3),
            first(7, Purpose::Order, 1, 2, 3),
            first(7, Purpose::Augmentation, 0, 2, 3),
            first(7, Purpose::Augmentation, 1, 3, 3),
            first(7, Purpose::Augmentation, 1, 2, 4),
            first(7, Purpose::Augmentation, 1, 3, 2),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn neighbouring_places_are_uncorrelated() {
        let draws: Vec<f64> = (0..10_000)
            .map(|position| {
                first(0, Purpose::Augmentation, 0, 0, position) as f64 / u64::MAX as f64
            })
            .collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let lag: f64 = draws
            .windows(2)
            .map(|pair| (pair[0] - 0.5) * (pair[1] - 0.5))
            .sum::<f64>()
            / (draws.len() - 1) as f64;
        assert!((mean - 0.5).abs() < 0.015, "mean {mean}");
        assert!(lag.abs() < 0.004, "lag-1 covariance {lag}");
    }
}
