//! A checkpoint's layers as ONNX nodes.

use std::collections::BTreeMap;

use normgate_core::onnx::{GraphBuilder, Value, Window};

use super::{ExportError, WeightForm};
use crate::checkpoint::NamedTensor;

/// PyTorch's default for batch normalisation, which the networks are trained with.
const EPSILON: f64 = 1e-5;

/// A checkpoint's tensors, and how the file is to store them.
pub(super) struct Layers<'a> {
    pub tensors: &'a BTreeMap<String, NamedTensor>,
    pub weights: WeightForm,
}

impl Layers<'_> {
    /// The shortcut around a block: its input, or the 1×1 convolution of it if the block has one.
    pub fn shortcut(
        &self,
        graph: &mut GraphBuilder,
        input: &Value,
        block: &str,
        stride: usize,
    ) -> Result<Value, ExportError> {
        let part = |part: &str| format!("{block}.shortcut.{part}");
        match self.tensors.contains_key(&format!("{}.weight", part("0"))) {
            true => self.conv_bn(graph, input, (&part("0"), &part("1")), stride),
            false => Ok(input.clone()),
        }
    }

    /// A convolution with the batch normalisation that follows it folded into weight and bias, in double precision.
    ///
    /// A separate `BatchNormalization` node would gain nothing: ONNX Runtime 1.32 folds it while loading (the same
    /// time a batch to within 1 % at widths 16, 32 and 64, batches of 1 and 32; answers within 1e-6 of each other).
    /// Folded here, the file is smaller, runtimes that do not fold gain too, and the scales of 8-bit weights fit the
    /// weights that are really computed with.
    pub fn conv_bn(
        &self,
        graph: &mut GraphBuilder,
        input: &Value,
        (conv, bn): (&str, &str),
        stride: usize,
    ) -> Result<Value, ExportError> {
        let weight = self.tensor(&format!("{conv}.weight"))?;
        let (outputs, kernel) = match *weight.shape.as_slice() {
            [outputs, _, kernel, _] if !weight.values.is_empty() => (outputs, kernel),
            _ => {
                return Err(ExportError::WrongShape {
                    name: format!("{conv}.weight"),
                    found: weight.shape.clone(),
                    wanted: "[outputs, inputs, kernel, kernel]",
                });
            }
        };
        let norm = self.normalisation(bn, outputs)?;
        let each = weight.values.len() / outputs;
        let scaled: Vec<f32> = weight
            .values
            .iter()
            .enumerate()
            .map(|(index, &value)| (f64::from(value) * norm.scale[index / each]) as f32)
            .collect();
        let shift: Vec<f32> = norm.shift.iter().map(|&shift| shift as f32).collect();
        let weight = self
            .weights
            .add(graph, &format!("{conv}.weight"), &weight.shape, &scaled);
        let bias = graph.floats(&format!("{conv}.bias"), &[outputs], &shift);
        let shape = Window {
            stride,
            padding: kernel / 2,
        };
        Ok(graph.conv(conv, input, &weight, Some(&bias), shape))
    }

    /// What a batch normalisation does to each channel in evaluation: `x · scale + shift`.
    fn normalisation(&self, name: &str, channels: usize) -> Result<Normalisation, ExportError> {
        let mean = self.vector(&format!("{name}.running_mean"), channels)?;
        let variance = self.vector(&format!("{name}.running_var"), channels)?;
        let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
        let (gamma, beta) = match self.tensors.contains_key(&weight) {
            true => (
                self.vector(&weight, channels)?,
                self.vector(&bias, channels)?,
            ),
            false => (vec![1.0; channels], vec![0.0; channels]),
        };
        let scale: Vec<f64> = gamma
            .iter()
            .zip(&variance)
            .map(|(g, v)| g / (v + EPSILON).sqrt())
            .collect();
        let shift = beta
            .iter()
            .zip(&mean)
            .zip(&scale)
            .map(|((b, m), s)| b - m * s)
            .collect();
        Ok(Normalisation { scale, shift })
    }

    /// From representations to class logits, named `logits`.
    pub fn head(
        &self,
        graph: &mut GraphBuilder,
        representation: &Value,
    ) -> Result<Value, ExportError> {
        let (weight, bias) = (self.tensor("linear.weight")?, self.tensor("linear.bias")?);
        let weight = self
            .weights
            .add(graph, "linear.weight", &weight.shape, &weight.values);
        let bias = graph.floats("linear.bias", &bias.shape, &bias.values);
        Ok(graph.linear("logits", representation, &weight, Some(&bias)))
    }

    fn vector(&self, name: &str, length: usize) -> Result<Vec<f64>, ExportError> {
        let tensor = self.tensor(name)?;
        if tensor.values.len() != length {
            return Err(ExportError::WrongShape {
                name: name.into(),
                found: tensor.shape.clone(),
                wanted: "one value for each channel of its convolution",
            });
        }
        Ok(tensor.values.iter().copied().map(f64::from).collect())
    }

    fn tensor(&self, name: &str) -> Result<&NamedTensor, ExportError> {
        let tensor = self.tensors.get(name);
        tensor.ok_or_else(|| ExportError::MissingTensor { name: name.into() })
    }
}

struct Normalisation {
    scale: Vec<f64>,
    shift: Vec<f64>,
}
