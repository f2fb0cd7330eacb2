//! Cutout (DeVries & Taylor 2017, arXiv 1708.04552): a square of the image is hidden, so that a network learns to go
//! by more than an object's most telling part.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

/// Grey: near the mean of most images, as in the paper.
const HIDDEN: f32 = 0.5;

/// Hides a square of `length` pixels a side, its centre anywhere in the image: what of it lies outside is lost.
pub(super) fn apply(planes: &mut [f32], side: usize, length: usize, random: &mut Pcg64Mcg) {
    let mut hidden = || {
        let centre = random.random_range(0..side.max(1));
        let start = centre.saturating_sub(length / 2);
        start..(centre + length.div_ceil(2)).min(side)
    };
    let (rows, columns) = (hidden(), hidden());
    for plane in planes.chunks_exact_mut((side * side).max(1)) {
        for row in rows.clone() {
            plane[row * side..][columns.clone()].fill(HIDDEN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_square_is_hidden_in_all_planes_and_as_much_of_it_as_lies_inside() {
        let mut whole = 0;
        for seed in 0..200 {
            let mut planes = vec![0.0; 3 * 16 * 16];
            apply(&mut planes, 16, 4, &mut Pcg64Mcg::seed_from_u64(seed));
            let hidden: Vec<_> = planes
                .chunks(256)
                .map(|plane| {
                    let places = plane
                        .iter()
                        .enumerate()
                        .filter(|&(_, &value)| value == HIDDEN);
                    places.map(|(at, _)| (at / 16, at % 16)).collect::<Vec<_>>()
                })
                .collect();
            assert!(hidden.iter().all(|plane| *plane == hidden[0]));
            let (&first, &last) = (hidden[0].first().unwrap(), hidden[0].last().unwrap());
            let (rows, columns) = (last.0 - first.0 + 1, last.1 - first.1 + 1);
            assert_eq!(rows * columns, hidden[0].len());
            assert!((2..=4).contains(&rows) && (2..=4).contains(&columns));
            whole += usize::from(hidden[0].len() == 16);
        }
        // The centre lies far enough inside in 13 of 16 rows and columns: 66 %.
        assert!((110..155).contains(&whole), "{whole}");
    }

    #[test]
    fn a_square_larger_than_the_image_hides_it() {
        let mut planes = vec![0.0; 3 * 4];
        apply(&mut planes, 2, 9, &mut Pcg64Mcg::new(1));
        assert_eq!(planes, [HIDDEN; 12]);
    }
}
