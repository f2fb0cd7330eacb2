//! A part of an image drawn at random, to be scaled to the network's size: torchvision's `RandomResizedCrop`.

use normgate_core::preprocess::Rgb8;

/// The widest part is 4:3, the tallest 3:4.
const ASPECT: f64 = 4.0 / 3.0;
/// How many parts are drawn in search of one that fits.
const ATTEMPTS: usize = 10;

/// A part of an image, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rectangle {
    /// Columns to its left.
    pub left: u32,
    /// Rows above it.
    pub top: u32,
    /// Its width, at least 1.
    pub width: u32,
    /// Its height, at least 1.
    pub height: u32,
}

impl Rectangle {
    /// Draws a part of an image of `width` × `height`, of `scale` (least and most) of its area, with an aspect ratio
    /// that is uniform on a logarithmic scale; after ten that do not fit, takes the largest central part within the
    /// aspect ratios. `uniform` draws from 0 to 1, 1 excluded.
    pub fn draw(
        (width, height): (u32, u32),
        scale: (f64, f64),
        mut uniform: impl FnMut() -> f64,
    ) -> Self {
        let (columns, rows) = (f64::from(width), f64::from(height));
        for _ in 0..ATTEMPTS {
            let area = columns * rows * (scale.0 + (scale.1 - scale.0) * uniform());
            let aspect = (ASPECT.ln() * (2.0 * uniform() - 1.0)).exp();
            let part = [area * aspect, area / aspect].map(|square| square.sqrt().round() as u32);
            let [part_width, part_height] = part;
            if (1..=width).contains(&part_width) && (1..=height).contains(&part_height) {
                let mut start = |free: u32| (f64::from(free + 1) * uniform()) as u32;
                let (top, left) = (start(height - part_height), start(width - part_width));
                return Self {
                    left,
                    top,
                    width: part_width,
                    height: part_height,
                };
            }
        }
        let widest = ((rows * ASPECT).round() as u32).min(width);
        let highest = ((columns * ASPECT).round() as u32).min(height);
        Self::central((width, height), (widest, highest))
    }

    /// The largest square in the centre.
    pub fn square((width, height): (u32, u32)) -> Self {
        let side = width.min(height);
        Self::central((width, height), (side, side))
    }

    fn central((width, height): (u32, u32), (part_width, part_height): (u32, u32)) -> Self {
        Self {
            left: (width - part_width) / 2,
            top: (height - part_height) / 2,
            width: part_width,
            height: part_height,
        }
    }

    /// The pixels of this part of an image, which should lie inside it: rows that do not are left out.
    pub fn cut(self, picture: &Rgb8) -> Rgb8 {
        let length = |pixels: u32| 3 * pixels as usize;
        let rows = picture.pixels.chunks_exact(length(picture.width).max(1));
        let (start, end) = (length(self.left), length(self.left + self.width));
        let rows = rows.skip(self.top as usize).take(self.height as usize);
        let pixels = rows.filter_map(|row| row.get(start..end)).flatten();
        Rgb8 {
            width: self.width,
            height: self.height,
            pixels: pixels.copied().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of `resized_crop.py`: Numerical Recipes' 32-bit LCG, its upper 24 bits.
    fn uniform(mut state: u32) -> impl FnMut() -> f64 {
        move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 24)
        }
    }

    /// Seed, width and height, scale, and the part: left, top, width, height.
    type Case = (u32, [u32; 2], [f64; 2], [u32; 4]);

    #[test]
    fn parts_are_those_that_torchvision_draws() {
        let text = include_str!("../../tests/fixtures/resized_crop.json");
        let cases: Vec<Case> = serde_json::from_str(text).unwrap();
        assert!(cases.len() > 50);
        for (seed, [width, height], scale, expected) in cases {
            let found = Rectangle::draw((width, height), scale.into(), uniform(seed));
            let found_as = [found.left, found.top, found.width, found.height];
            assert_eq!(found_as, expected, "{width}x{height}, {scale:?}, {seed}");
        }
    }

    #[test]
    fn parts_cover_a_fifth_to_all_and_lie_everywhere() {
        let size = (500, 375);
        let mut random = uniform(1);
        let mut reach = [u32::MAX, 0, u32::MAX, 0];
        let mut shares = 0.0;
        for _ in 0..2000 {
            let part = Rectangle::draw(size, (0.2, 1.0), &mut random);
            let (right, bottom) = (part.left + part.width, part.top + part.height);
            assert!(right <= 500 && bottom <= 375, "{part:?}");
            let share = f64::from(part.width * part.height) / f64::from(500 * 375);
            assert!((0.19..=1.0).contains(&share), "{part:?}");
            shares += share;
            reach = [
                reach[0].min(part.left),
                reach[1].max(right),
                reach[2].min(part.top),
                reach[3].max(bottom),
            ];
        }
        assert_eq!(reach, [0, 500, 0, 375]);
        assert!((0.4..0.6).contains(&(shares / 2000.0)), "{shares}");
    }

    #[test]
    fn of_a_sliver_the_centre_is_shown() {
        let part = Rectangle::draw((1000, 30), (0.2, 1.0), uniform(3));
        let expected = Rectangle {
            left: 480,
            top: 0,
            width: 40,
            height: 30,
        };
        assert_eq!(part, expected);
        assert_eq!(Rectangle::square((5, 9)).top, 2);
    }

    #[test]
    fn a_part_has_the_pictures_own_pixels() {
        let picture = Rgb8 {
            width: 3,
            height: 2,
            pixels: (0..18).collect(),
        };
        let part = Rectangle {
            left: 1,
            top: 1,
            width: 2,
            height: 1,
        };
        let cut = part.cut(&picture);
        assert_eq!((cut.width, cut.height), (2, 1));
        assert_eq!(cut.pixels, [12, 13, 14, 15, 16, 17]);
    }
}
