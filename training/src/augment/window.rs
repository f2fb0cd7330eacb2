//! A small window of a picture, enlarged to the size of the whole: parts of things and plain
//! surfaces, which show none of the classes any more. What the RNA paper takes where there are no
//! auxiliary images ("Aug. ID", Sec. 6.3.4, T7): random crops of 5 to 25 % of the image, cut as
//! torchvision's `RandomResizedCrop` cuts them.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::uniform;

/// Shares of the image's area.
const AREA: (f32, f32) = (0.05, 0.25);
/// The widest window is 4:3, the highest 3:4.
const ASPECT: f32 = 4.0 / 3.0;

/// A window drawn at random out of a square image (HWC, RGB bytes), at the image's size.
#[must_use]
pub fn cut(image: &[u8], random: &mut Pcg64Mcg) -> Vec<u8> {
    let side = (image.len() / 3).isqrt();
    let area = uniform(random, AREA.0, AREA.1) * (side * side) as f32;
    let aspect = uniform(random, -ASPECT.ln(), ASPECT.ln()).exp();
    let length = |square: f32| (square.sqrt().round() as usize).clamp(1, side.max(1));
    let (width, height) = (length(area * aspect), length(area / aspect));
    let left = random.random_range(0..=side.saturating_sub(width));
    let top = random.random_range(0..=side.saturating_sub(height));
    enlarge(image, side, (left, width), (top, height))
}

/// Bilinear, as Pillow enlarges: (start, length) of the columns and of the rows.
fn enlarge(image: &[u8], side: usize, columns: (usize, usize), rows: (usize, usize)) -> Vec<u8> {
    let (columns, rows) = (between(columns, side), between(rows, side));
    let mut out = Vec::with_capacity(image.len());
    for &(above, below, down) in &rows {
        for &(left, right, along) in &columns {
            for channel in 0..3 {
                let at = |y: usize, x: usize| f32::from(image[(y * side + x) * 3 + channel]);
                let mix = |y| at(y, left) + (at(y, right) - at(y, left)) * along;
                let value = mix(above) + (mix(below) - mix(above)) * down;
                out.push((value + 0.5) as u8);
            }
        }
    }
    out
}

/// For each of `side` places on a window of `length`: the two pixels that it lies between, and how
/// near it is to the second, 0 to 1.
fn between((start, length): (usize, usize), side: usize) -> Vec<(usize, usize, f32)> {
    let place = |index: usize| {
        let centre = (index as f32 + 0.5) * length as f32 / side as f32 - 0.5;
        let centre = centre.clamp(0.0, (length - 1) as f32);
        let first = centre as usize;
        let second = (first + 1).min(length - 1);
        (start + first, start + second, centre - first as f32)
    };
    (0..side).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::super::reference::{distance, figures, image};
    use super::*;

    #[test]
    fn a_window_is_enlarged_as_pillow_does() {
        let found = enlarge(&image(12), 12, (3, 5), (2, 4));
        let found: Vec<f32> = found.into_iter().map(f32::from).collect();
        // Pillow rounds after each of the two directions.
        assert!(distance(&found, &figures("window_12_3_5_2_4")) <= 1.0);
    }

    #[test]
    fn windows_are_of_5_to_25_percent_and_lie_everywhere() {
        // Each pixel's red is its column, its green its row: a window shows where it was cut.
        let side = 32_usize;
        let places = (0..side).flat_map(|y| (0..side).map(move |x| [x as u8, y as u8, 0]));
        let image: Vec<u8> = places.flatten().collect();
        let mut random = Pcg64Mcg::new(1);
        let mut corners = [[255, 0], [255, 0]];
        for _ in 0..2000 {
            let window = cut(&image, &mut random);
            assert_eq!(window.len(), image.len());
            let mut area = 1.0;
            for (channel, corner) in corners.iter_mut().enumerate() {
                let values = || window.iter().skip(channel).step_by(3).copied();
                let (least, most) = (values().min().unwrap(), values().max().unwrap());
                *corner = [corner[0].min(least), corner[1].max(most)];
                area *= f32::from(most - least + 1);
            }
            let share = area / (side * side) as f32;
            assert!((0.04..=0.27).contains(&share), "{share}");
        }
        assert_eq!(corners, [[0, 31], [0, 31]]);
    }
}
