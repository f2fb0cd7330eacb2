//! How the file stores weights: as they are, or smaller.
//!
//! Whatever the form, ONNX Runtime turns them into float32 once, when the model is loaded (it
//! folds what depends on constants only), so a smaller form changes the file's size, and the
//! answers a little, but not the speed.

use clap::ValueEnum;
use half::f16;
use normgate_core::onnx::{GraphBuilder, TensorData, Value};

/// The form of convolution and linear weights in the file. Biases stay float32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum WeightForm {
    /// 4 bytes a weight
    #[default]
    Fp32,
    /// 2 bytes a weight; answers change in the fourth digit
    Fp16,
    /// 1 byte a weight, with a scale for each output channel; answers change in the second digit
    Int8,
}

impl WeightForm {
    /// Adds a weight of shape `dims` (its first axis the output channels) and the nodes that make it float32 again.
    pub(super) fn add(
        self,
        graph: &mut GraphBuilder,
        name: &str,
        dims: &[usize],
        values: &[f32],
    ) -> Value {
        match self {
            Self::Fp32 => graph.floats(name, dims, values),
            Self::Fp16 => {
                let halves: Vec<u16> = values.iter().copied().map(nearest_half).collect();
                let stored = format!("{name}.fp16");
                let stored = graph.constant(&stored, dims, TensorData::F16(&halves));
                graph.cast_to_float(name, &stored)
            }
            Self::Int8 => {
                let (bytes, scales) = quantise(values, dims[0]);
                let stored = graph.constant(&format!("{name}.int8"), dims, TensorData::I8(&bytes));
                let mut broadcast = vec![1; dims.len()];
                broadcast[0] = dims[0];
                let scales = graph.floats(&format!("{name}.scale"), &broadcast, &scales);
                // Not DequantizeLinear, which ONNX Runtime keeps for quantised kernels and would therefore compute
                // again for every batch.
                let whole = graph.cast_to_float(&format!("{name}.whole"), &stored);
                graph.node(name, "Mul", &[&whole, &scales], vec![])
            }
        }
    }
}

/// Rounds to whole numbers in −127..=127 with one scale for each output channel: the one that the channel's largest
/// weight needs.
fn quantise(values: &[f32], channels: usize) -> (Vec<i8>, Vec<f32>) {
    let mut bytes = Vec::with_capacity(values.len());
    let mut scales = Vec::with_capacity(channels);
    for channel in values.chunks_exact((values.len() / channels.max(1)).max(1)) {
        let largest = channel
            .iter()
            .fold(0.0f32, |largest, v| largest.max(v.abs()));
        let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
        scales.push(scale);
        bytes.extend(channel.iter().map(|value| (value / scale).round() as i8));
    }
    (bytes, scales)
}

/// The nearest half as its bit pattern; values that are too large become the largest finite half, so that one huge
/// weight does not turn answers into NaN.
fn nearest_half(value: f32) -> u16 {
    f16::from_f32(value.clamp(-65504.0, 65504.0)).to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_the_nearest_ones() {
        for (value, bits) in [
            (0.0, 0x0000),
            (-0.0, 0x8000),
            (1.0, 0x3c00),
            (-2.0, 0xc000),
            (0.1, 0x2e66),
            (65504.0, 0x7bff),
            (1e9, 0x7bff),
            (5.960_464_5e-8, 0x0001),
            (6.097_555e-5, 0x03ff),
            (6.103_515_6e-5, 0x0400),
            (1.000_488_3, 0x3c00),
            (1.001_464_8, 0x3c02),
            (1.9999, 0x4000),
        ] {
            assert_eq!(nearest_half(value), bits, "{value}");
        }
    }

    #[test]
    fn a_quantised_weight_is_within_half_a_step_of_itself() {
        let values = [0.5, -1.27, 0.004, 1e-3, 2e-3, -3e-3];
        let (bytes, scales) = quantise(&values, 2);
        assert_eq!(bytes[1], -127);
        assert_eq!(bytes[5], -127);
        for (index, value) in values.iter().enumerate() {
            let scale = scales[index / 3];
            let back = f32::from(bytes[index]) * scale;
            assert!(
                (back - value).abs() <= scale / 2.0 + 1e-7,
                "{value} became {back}"
            );
        }
    }

    #[test]
    fn a_channel_of_zeros_stays_zero() {
        assert_eq!(quantise(&[0.0, 0.0], 1), (vec![0, 0], vec![1.0]));
    }
}
