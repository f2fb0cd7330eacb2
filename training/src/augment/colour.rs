//! Changes of colour, as torchvision's `ColorJitter` and `rgb_to_grayscale` make them on tensors.
//! Images are three planes (R, G, B) one after another, 0 to 1.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::config::ColourConfig;
use super::{chance, uniform};

/// Weights of the primaries in grey (ITU-R BT.601, with torchvision's digits).
pub(super) const GREY: [f32; 3] = [0.2989, 0.587, 0.114];

/// One change of an image's colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Brightness,
    Contrast,
    Saturation,
    Hue,
}

impl Change {
    pub(super) const ALL: [Change; 4] = [
        Change::Brightness,
        Change::Contrast,
        Change::Saturation,
        Change::Hue,
    ];

    /// Changes an image; `by` is the factor or, for the hue, the turn.
    pub(super) fn apply(self, image: &mut [f32], by: f32) {
        match self {
            Change::Brightness => brightness(image, by),
            Change::Contrast => contrast(image, by),
            Change::Saturation => saturation(image, by),
            Change::Hue => hue(image, by),
        }
    }
}

/// Draws what changes an image's colours, and by how much: brightness, contrast, saturation and hue by random
/// factors, in a random order, or nothing.
pub(super) fn draw(config: &ColourConfig, random: &mut Pcg64Mcg) -> Vec<(Change, f32)> {
    if !chance(random, config.probability) {
        return Vec::new();
    }
    let mut order = Change::ALL;
    for last in (1..order.len()).rev() {
        order.swap(last, random.random_range(0..=last));
    }
    let strength = |change| match change {
        Change::Brightness => config.brightness,
        Change::Contrast => config.contrast,
        Change::Saturation => config.saturation,
        Change::Hue => config.hue,
    };
    let changing = order.into_iter().filter(|&change| strength(change) > 0.0);
    let drawn = changing.map(|change| {
        let strength = strength(change);
        let by = match change {
            Change::Hue => uniform(random, -strength, strength),
            _ => uniform(random, (1.0 - strength).max(0.0), 1.0 + strength),
        };
        (change, by)
    });
    drawn.collect()
}

/// Multiplies every value by `factor`.
pub(super) fn brightness(image: &mut [f32], factor: f32) {
    for value in image {
        *value = (*value * factor).clamp(0.0, 1.0);
    }
}

/// Moves every value away from (`factor` over 1) or towards the mean grey of the image.
pub(super) fn contrast(image: &mut [f32], factor: f32) {
    let area = image.len() / 3;
    let sums = image
        .chunks_exact(area)
        .map(|plane| plane.iter().sum::<f32>());
    let mean = sums.zip(GREY).map(|(sum, share)| sum * share).sum::<f32>() / area as f32;
    let offset = (1.0 - factor) * mean;
    for value in image {
        *value = (*value * factor + offset).clamp(0.0, 1.0);
    }
}

/// Moves every pixel away from (`factor` over 1) or towards its own grey.
pub(super) fn saturation(image: &mut [f32], factor: f32) {
    each_pixel(image, |rgb| {
        let offset = (1.0 - factor) * grey(rgb);
        rgb.map(|value| (value * factor + offset).clamp(0.0, 1.0))
    });
}

/// Turns every pixel's hue by `turn` of the colour circle (HSV), -0.5 to 0.5.
pub(super) fn hue(image: &mut [f32], turn: f32) {
    each_pixel(image, |[red, green, blue]| {
        let most = red.max(green).max(blue);
        let chroma = most - red.min(green).min(blue);
        let scale = if chroma > 0.0 { 1.0 / chroma } else { 0.0 };
        // The hue in sixths of the circle, counted from the strongest primary.
        let sixths = if most == red {
            (green - blue) * scale
        } else if most == green {
            2.0 + (blue - red) * scale
        } else {
            4.0 + (red - green) * scale
        };
        let sixths = sixths + 6.0 * turn;
        // Back to RGB without the usual six cases: each channel is the same trapezoid, shifted.
        [5.0, 3.0, 1.0].map(|shift| {
            let place = sixths + shift;
            let place = place - 6.0 * (place * (1.0 / 6.0)).floor();
            most - chroma * place.min(4.0 - place).clamp(0.0, 1.0)
        })
    });
}

/// Makes all three channels the pixel's grey.
pub(super) fn greyscale(image: &mut [f32]) {
    each_pixel(image, |rgb| [grey(rgb); 3]);
}

fn grey(rgb: [f32; 3]) -> f32 {
    GREY[0] * rgb[0] + GREY[1] * rgb[1] + GREY[2] * rgb[2]
}

fn each_pixel(image: &mut [f32], change: impl Fn([f32; 3]) -> [f32; 3]) {
    let area = image.len() / 3;
    let (red, rest) = image.split_at_mut(area);
    let (green, blue) = rest.split_at_mut(area);
    for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
        [*red, *green, *blue] = change([*red, *green, *blue]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::{distance, figures, planes};
    use super::*;

    fn check(name: &str, change: impl Fn(&mut [f32])) {
        let mut image = planes(8);
        change(&mut image);
        let distance = distance(&image, &figures(name));
        assert!(distance < 1e-5, "{name}: {distance}");
    }

    #[test]
    fn every_change_is_torchvisions() {
        check("brightness_0.6", |image| brightness(image, 0.6));
        check("brightness_1.4", |image| brightness(image, 1.4));
        check("contrast_0.6", |image| contrast(image, 0.6));
        check("contrast_1.4", |image| contrast(image, 1.4));
        check("saturation_0.6", |image| saturation(image, 0.6));
        check("saturation_1.4", |image| saturation(image, 1.4));
        check("hue_0.1", |image| hue(image, 0.1));
        check("hue_-0.1", |image| hue(image, -0.1));
        check("hue_0.5", |image| hue(image, 0.5));
        check("greyscale", greyscale);
    }

    #[test]
    fn hue_turns_the_primaries_into_each_other_and_leaves_grey() {
        // Pixels: red, grey, yellow.
        let mut image = [1.0, 0.5, 1.0, 0.0, 0.5, 1.0, 0.0, 0.5, 0.0];
        hue(&mut image, 1.0 / 3.0);
        let expected = [0.0, 0.5, 0.0, 1.0, 0.5, 1.0, 0.0, 0.5, 1.0];
        assert!(distance(&image, &expected) < 1e-5, "{image:?}");
    }

    #[test]
    fn all_orders_are_drawn_and_equally_often() {
        // On this image the order of brightness and contrast makes a difference; nothing else is switched on.
        let config = ColourConfig {
            probability: 1.0,
            brightness: 0.4,
            contrast: 0.4,
            saturation: 0.0,
            hue: 0.0,
        };
        let before = [0.9, 0.8, 0.1, 0.2, 0.3, 0.4];
        let mut brightness_first = 0;
        for seed in 0..2000 {
            let mut random = Pcg64Mcg::new(seed * 2 + 1);
            let mut image = before;
            for (change, by) in draw(&config, &mut random) {
                change.apply(&mut image, by);
            }
            // Replays the draws: whether at all, three for the order, then the factors in that order.
            let mut random = Pcg64Mcg::new(seed * 2 + 1);
            assert!(chance(&mut random, config.probability));
            for last in (1..4usize).rev() {
                let _ = random.random_range(0..=last);
            }
            let (first, second) = (
                uniform(&mut random, 0.6, 1.4),
                uniform(&mut random, 0.6, 1.4),
            );
            let mut replayed = before;
            brightness(&mut replayed, first);
            contrast(&mut replayed, second);
            brightness_first += u32::from(replayed == image);
        }
        assert!(
            (900..1100).contains(&brightness_first),
            "{brightness_first}"
        );
    }
}
