use normgate_core::onnx::TensorData;
use normgate_core::onnx::proto::TensorProto;

use super::QuantizeError;
use super::links::Links;

/// Weights as integers, with a scale for each output channel: `real = level · scale`.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// In the order of the weights.
    pub levels: Vec<i8>,
    /// One for each output channel.
    pub scales: Vec<f32>,
}

/// A bias must fit 32 bits with room for what the layer adds to it.
const LARGEST_BIAS: f64 = (1u32 << 30) as f64;

/// Rounds weights to −`largest`..=`largest`. `axis` of `shape` is the output channel. `bias` and the scale of the
/// `input` are needed for scales with which each bias fits into 32 bits, as a multiple of `input · scale`.
pub fn quantize(
    values: &[f32],
    shape: &[usize],
    axis: usize,
    largest: i8,
    bias: Option<&[f32]>,
    input: f32,
) -> Weights {
    let channels = shape[axis];
    let inner: usize = shape[axis + 1..].iter().product();
    let channel = |index: usize| index / inner.max(1) % channels.max(1);
    let mut greatest = vec![0.0f32; channels];
    for (index, value) in values.iter().enumerate() {
        let greatest = &mut greatest[channel(index)];
        *greatest = greatest.max(value.abs());
    }
    let scale = |(channel, greatest): (usize, f32)| {
        let of_bias = bias.map_or(0.0, |bias| {
            f64::from(bias[channel].abs()) / f64::from(input) / LARGEST_BIAS
        });
        match (greatest / f32::from(largest)).max(of_bias as f32) {
            // A channel without weights: any scale does.
            0.0 => 1.0,
            scale => scale.max(super::ranges::SMALLEST),
        }
    };
    let scales: Vec<f32> = greatest.into_iter().enumerate().map(scale).collect();
    let level = |(index, value): (usize, &f32)| {
        let limit = f32::from(largest);
        (value / scales[channel(index)])
            .round_ties_even()
            .clamp(-limit, limit) as i8
    };
    Weights {
        levels: values.iter().enumerate().map(level).collect(),
        scales,
    }
}

/// The bias in units of `input · scale` of its channel, and these units.
pub fn quantize_bias(bias: &[f32], input: f32, scales: &[f32]) -> (Vec<i32>, Vec<f32>) {
    let units: Vec<f32> = scales.iter().map(|scale| input * scale).collect();
    let levels = bias.iter().zip(&units);
    let level = |(bias, unit): (&f32, &f32)| {
        // Casting saturates.
        (f64::from(*bias) / f64::from(*unit)).round_ties_even() as i32
    };
    (levels.map(level).collect(), units)
}

/// The values of a float constant, which must be finite.
fn finite(tensor: &TensorProto) -> Result<Option<Vec<f32>>, QuantizeError> {
    let Some(values) = tensor.floats() else {
        return Ok(None);
    };
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(QuantizeError::BrokenWeight {
            tensor: tensor.name.clone(),
            value: *value,
        }),
        None => Ok(Some(values)),
    }
}

/// The values of a constant, and its shape.
type Values = (Vec<f32>, Vec<usize>);

/// Values and shape of the float constant of that name, which must be finite.
pub fn constant(links: &Links<'_>, name: Option<&str>) -> Result<Option<Values>, QuantizeError> {
    match name.and_then(|name| links.constant(name)) {
        Some(tensor) => Ok(finite(tensor)?.zip(tensor.shape())),
        None => Ok(None),
    }
}

/// A constant of floats.
pub fn floats(name: &str, dims: &[usize], values: &[f32]) -> TensorProto {
    TensorProto::constant(name, dims, TensorData::F32(values))
}
