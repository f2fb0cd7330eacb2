//! Random crop and mirroring: where in the image things are.

/// Copies an image (HWC bytes) into planes (CHW, 0 to 1), mirrored if asked.
pub(super) fn to_planes(image: &[u8], side: usize, mirrored: bool, out: &mut [f32]) {
    const SCALE: f32 = 1.0 / 255.0;
    let area = side * side;
    let (red, rest) = out.split_at_mut(area);
    let (green, blue) = rest.split_at_mut(area);
    let rows = image.chunks_exact(side * 3);
    for (y, row) in rows.enumerate() {
        for (x, pixel) in row.chunks_exact(3).enumerate() {
            let at = y * side + if mirrored { side - 1 - x } else { x };
            red[at] = f32::from(pixel[0]) * SCALE;
            green[at] = f32::from(pixel[1]) * SCALE;
            blue[at] = f32::from(pixel[2]) * SCALE;
        }
    }
}

/// Moves the content of square planes `down` and `right` (negative: up and left); what moves in is black. This is the
/// same as cutting a window out of an image padded with black.
pub(super) fn shift(planes: &mut [f32], side: usize, down: isize, right: isize) {
    if (down, right) == (0, 0) {
        return;
    }
    for plane in planes.chunks_exact_mut(side * side) {
        let source = plane.to_vec();
        for (y, row) in plane.chunks_exact_mut(side).enumerate() {
            row.fill(0.0);
            let from = y.wrapping_add_signed(-down);
            if from >= side {
                continue;
            }
            let source = &source[from * side..(from + 1) * side];
            let moved = right.unsigned_abs().min(side);
            if right >= 0 {
                row[moved..].copy_from_slice(&source[..side - moved]);
            } else {
                row[..side - moved].copy_from_slice(&source[moved..]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_are_split_scaled_and_mirrored() {
        let image = [0, 51, 102, 153, 204, 255, 0, 0, 0, 255, 255, 255];
        let mut out = [9.0; 12];
        to_planes(&image, 2, false, &mut out);
        let expected = [0.0, 0.6, 0.0, 1.0, 0.2, 0.8, 0.0, 1.0, 0.4, 1.0, 0.0, 1.0];
        for (found, expected) in out.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6);
        }
        to_planes(&image, 2, true, &mut out);
        assert_eq!(out[..4], [0.6, 0.0, 1.0, 0.0]);
    }

    #[test]
    fn what_a_shift_brings_in_is_black() {
        let plane: Vec<f32> = (1..=9).map(|n| n as f32).collect();
        let shifted = |down, right| {
            let mut plane = plane.clone();
            shift(&mut plane, 3, down, right);
            plane
        };
        assert_eq!(shifted(1, 0), [0., 0., 0., 1., 2., 3., 4., 5., 6.]);
        assert_eq!(shifted(-1, 1), [0., 4., 5., 0., 7., 8., 0., 0., 0.]);
        assert_eq!(shifted(0, -2), [3., 0., 0., 6., 0., 0., 9., 0., 0.]);
        assert_eq!(shifted(0, 0), plane);
        assert_eq!(shifted(5, -7), [0.0; 9]);
    }
}
