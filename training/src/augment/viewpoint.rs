//! Viewpoint: an image turned, sheared and zoomed about its centre, and moved, in one resampling (as
//! torchvision's `RandomAffine`).

use rand_pcg::Pcg64Mcg;

use super::uniform;

/// Largest turn, in degrees, at strength 1.
const TURN: f32 = 45.0;
/// Largest shear: by how many columns a row moves for each row further down, at strength 1.
const SHEAR: f32 = 0.3;
/// Largest zoom, the logarithm of a factor, at strength 1.
const ZOOM: f32 = 0.3;

/// Where each pixel of the result comes from, as seen from the image's centre: column `a x + b y`, row `c x + d y`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Viewpoint {
    a: f32,
    b: f32,
    c: f32,
    d: f32,
}

impl Viewpoint {
    /// Draws a turn, a shear and a zoom, each up to `strength` (0 to 1) of its largest, in either direction.
    pub(super) fn draw(strength: f32, random: &mut Pcg64Mcg) -> Self {
        let mut up_to = |most: f32| uniform(random, -strength * most, strength * most);
        let (turn, shear, zoom) = (up_to(TURN), up_to(SHEAR), up_to(ZOOM));
        Self::new(turn, shear, zoom.exp())
    }

    /// `turn` in degrees, `shear` in columns a row; a pixel of the result spans `zoom` pixels of the image.
    fn new(turn: f32, shear: f32, zoom: f32) -> Self {
        let (sine, cosine) = turn.to_radians().sin_cos();
        Viewpoint {
            a: zoom * cosine,
            b: zoom * (cosine * shear - sine),
            c: zoom * sine,
            d: zoom * (sine * shear + cosine),
        }
    }

    /// Shows square planes from here, moved `down` and `right`, between pixels by bilinear interpolation; what comes
    /// from outside the image is black.
    pub(super) fn apply(self, planes: &mut [f32], side: usize, (down, right): (isize, isize)) {
        let centre = (side as f32 - 1.0) / 2.0;
        let (centre_y, centre_x) = (centre + down as f32, centre + right as f32);
        let source = planes.to_vec();
        let area = side * side;
        for y in 0..side {
            for x in 0..side {
                let (far, low) = (x as f32 - centre_x, y as f32 - centre_y);
                let from_x = self.a * far + self.b * low + centre;
                let from_y = self.c * far + self.d * low + centre;
                let parts = neighbours(from_x, from_y, side);
                for (plane, source) in planes.chunks_exact_mut(area).zip(source.chunks_exact(area))
                {
                    let value: f32 = parts.iter().map(|&(at, part)| part * source[at]).sum();
                    // Rounded shares can add up to a little more than one.
                    plane[y * side + x] = value.min(1.0);
                }
            }
        }
    }
}

/// The four pixels around a place, and the share of each; one outside the image has none.
fn neighbours(x: f32, y: f32, side: usize) -> [(usize, f32); 4] {
    let (left, top) = (x.floor(), y.floor());
    let (across, under) = (x - left, y - top);
    let last = side as f32 - 1.0;
    [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)].map(|(right, down)| {
        let (column, row) = (left + right, top + down);
        if !(0.0..=last).contains(&column) || !(0.0..=last).contains(&row) {
            return (0, 0.0);
        }
        let share = |along: f32, far: f32| if far > 0.0 { along } else { 1.0 - along };
        let at = row as usize * side + column as usize;
        (at, share(across, right) * share(under, down))
    })
}

#[cfg(test)]
mod tests {
    use super::super::reference;
    use super::*;

    #[test]
    fn images_are_those_that_scipy_makes() {
        for (name, turn, shear, zoom) in [
            ("viewpoint_30_0_1", 30.0, 0.0, 1.0),
            ("viewpoint_-20_0_1.25", -20.0, 0.0, 1.25),
            ("viewpoint_0_0.3_1", 0.0, 0.3, 1.0),
            ("viewpoint_15_-0.2_0.8", 15.0, -0.2, 0.8),
        ] {
            let mut planes = reference::planes(8);
            Viewpoint::new(turn, shear, zoom).apply(&mut planes, 8, (0, 0));
            let distance = reference::distance(&planes, &reference::figures(name));
            assert!(distance < 1e-5, "{name}: {distance}");
        }
    }

    #[test]
    fn what_is_drawn_goes_as_far_as_the_strength_and_no_further() {
        for strength in [0.1, 1.0] {
            let mut widest = 0.0_f32;
            for seed in 0..500 {
                let drawn = Viewpoint::draw(strength, &mut Pcg64Mcg::new(seed));
                let turn = drawn.c.atan2(drawn.a).to_degrees().abs();
                let zoom = (drawn.a * drawn.d - drawn.b * drawn.c).sqrt().ln().abs();
                assert!(turn < TURN * strength + 1e-3, "{turn}");
                assert!(zoom < ZOOM * strength + 1e-4, "{zoom}");
                widest = widest.max(turn);
            }
            assert!(widest > 0.9 * TURN * strength, "{widest}");
        }
    }

    #[test]
    fn what_is_turned_is_moved_after_it() {
        let turned = |by| {
            let mut planes = reference::planes(8);
            Viewpoint::new(90.0, 0.0, 1.0).apply(&mut planes, 8, by);
            planes
        };
        let mut expected = turned((0, 0));
        super::super::crop_flip::shift(&mut expected, 8, 2, -3);
        assert!(reference::distance(&turned((2, -3)), &expected) < 1e-4);
    }

    #[test]
    fn a_move_alone_is_the_crop_s() {
        let mut expected = reference::planes(8);
        super::super::crop_flip::shift(&mut expected, 8, 2, -3);
        let mut planes = reference::planes(8);
        Viewpoint::new(0.0, 0.0, 1.0).apply(&mut planes, 8, (2, -3));
        assert_eq!(planes, expected);
    }
}
