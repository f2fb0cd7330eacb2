//! Figures from torchvision, Pillow and SciPy, and the image that they were computed for
//! (`tests/fixtures/augment.py`).

/// The image (HWC bytes) of `side` × `side` pixels.
pub(super) fn image(side: usize) -> Vec<u8> {
    let value = |y: usize, x: usize, c: usize| {
        let wave = (x * (13 + 6 * c) + y * (29 - 9 * c) + 90 * c) % 510;
        wave.abs_diff(255) as u8
    };
    let places = (0..side).flat_map(|y| (0..side).map(move |x| (y, x)));
    places
        .flat_map(|(y, x)| [0, 1, 2].map(|c| value(y, x, c)))
        .collect()
}

/// The image as planes (CHW, 0 to 1).
pub(super) fn planes(side: usize) -> Vec<f32> {
    let mut planes = vec![0.0; 3 * side * side];
    super::crop_flip::to_planes(&image(side), side, false, &mut planes);
    planes
}

/// The figures under this name.
pub(super) fn figures(name: &str) -> Vec<f32> {
    let text = include_str!("../../tests/fixtures/augment.json");
    let all: std::collections::HashMap<String, Vec<f32>> = serde_json::from_str(text).unwrap();
    all[name].clone()
}

/// The largest difference between the two.
pub(super) fn distance(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let pairs = found.iter().zip(expected);
    let distances = pairs.map(|(a, b)| (a - b).abs());
    // To `total_cmp`, NaN is the largest.
    distances.max_by(f32::total_cmp).unwrap()
}
