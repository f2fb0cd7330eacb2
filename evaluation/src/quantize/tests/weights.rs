use serde::Deserialize;

use crate::quantize::weights::{quantize, quantize_bias};

#[derive(Deserialize)]
struct Fixture {
    weights: Tensor,
}

/// Values from ONNX Runtime's quantiser: `evaluation/tests/fixtures/quantize.py`.
#[derive(Deserialize)]
struct Tensor {
    values: Vec<f32>,
    shape: Vec<usize>,
    channels: Vec<Channel>,
}

#[derive(Deserialize)]
struct Channel {
    scale: f32,
    levels: Vec<i8>,
}

#[test]
fn weights_are_rounded_as_onnx_runtime_rounds_them() {
    let json = include_str!("../../../tests/fixtures/quantize.json");
    let Fixture { weights } = serde_json::from_str(json).unwrap();
    let found = quantize(&weights.values, &weights.shape, 0, 127, None, 1.0);
    for (index, channel) in weights.channels.iter().enumerate() {
        assert!(
            (found.scales[index] / channel.scale - 1.0).abs() < 1e-6,
            "{index}"
        );
        let levels = &found.levels[index * 20..(index + 1) * 20];
        assert_eq!(levels, channel.levels, "{index}");
    }
}

#[test]
fn the_output_channel_may_be_the_last_axis() {
    // [in, out], as MatMul has them.
    let found = quantize(&[1.0, 10.0, -0.5, 5.0], &[2, 2], 1, 127, None, 1.0);
    assert_eq!(found.levels, [127, 127, -64, 64]);
    assert_eq!(found.scales, [1.0 / 127.0, 10.0 / 127.0]);
}

#[test]
fn weights_of_seven_bits_stay_within_63() {
    let found = quantize(&[1.0, -1.0, 0.4], &[1, 3], 0, 63, None, 1.0);
    assert_eq!(found.levels, [63, -63, 25]);
}

#[test]
fn a_bias_far_above_its_weights_still_fits() {
    let found = quantize(&[1e-9, 0.0], &[2, 1], 0, 127, Some(&[1000.0, 0.0]), 1e-4);
    let (levels, units) = quantize_bias(&[1000.0, 0.0], 1e-4, &found.scales);
    let back = f64::from(levels[0]) * f64::from(units[0]);
    assert!((back - 1000.0).abs() < 1e-3, "{back}");
    assert_eq!((levels[1], found.levels[1], found.scales[1]), (0, 0, 1.0));
    // What a kernel of 3×3 over 512 channels can add.
    let products = 512 * 9 * 255 * 127;
    assert!(levels[0].checked_add(products).is_some(), "{}", levels[0]);
}

#[test]
fn a_bias_is_rounded_to_the_nearest_of_its_units() {
    let (levels, units) = quantize_bias(&[0.9, -0.9, 1.2], 0.25, &[1.0, 1.0, 2.0]);
    assert_eq!(levels, [4, -4, 2]);
    assert_eq!(units, [0.25, 0.25, 0.5]);
}
