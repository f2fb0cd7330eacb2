use super::{GraphBuilder, Value};
use crate::onnx::proto::{AttributeProto, AttributeType, DataType};

/// Stride and zero padding of a convolution or pooling, the same on both axes and all sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Step, at least 1.
    pub stride: usize,
    /// Zeros added on each side.
    pub padding: usize,
}

/// The operators that residual networks are made of.
impl GraphBuilder {
    /// Convolution with square kernels: `x` is `[N, C, H, W]`, `weight` is `[K, C, R, R]`, `bias` is `[K]`. ONNX
    /// reads the kernel's size from the weight.
    pub fn conv(
        &mut self,
        name: &str,
        x: &Value,
        weight: &Value,
        bias: Option<&Value>,
        window: Window,
    ) -> Value {
        let mut inputs = vec![x, weight];
        inputs.extend(bias);
        let attributes = vec![
            ints("strides", &[window.stride as i64; 2]),
            ints("pads", &[window.padding as i64; 4]),
        ];
        self.node(name, "Conv", &inputs, attributes)
    }

    /// The operator `max(x, 0)`.
    pub fn relu(&mut self, name: &str, x: &Value) -> Value {
        self.node(name, "Relu", &[x], vec![])
    }

    /// The operator `a + b`, broadcast.
    pub fn add(&mut self, name: &str, a: &Value, b: &Value) -> Value {
        self.node(name, "Add", &[a, b], vec![])
    }

    /// The largest value in each square window of side `kernel`.
    pub fn max_pool(&mut self, name: &str, x: &Value, kernel: usize, window: Window) -> Value {
        let attributes = vec![
            ints("kernel_shape", &[kernel as i64; 2]),
            ints("strides", &[window.stride as i64; 2]),
            ints("pads", &[window.padding as i64; 4]),
        ];
        self.node(name, "MaxPool", &[x], attributes)
    }

    /// The mean over height and width: from `[N, C, H, W]` to `[N, C, 1, 1]`.
    pub fn global_average_pool(&mut self, name: &str, x: &Value) -> Value {
        self.node(name, "GlobalAveragePool", &[x], vec![])
    }

    /// Everything but the batch in one axis: from `[N, C, H, W]` to `[N, C·H·W]`.
    pub fn flatten(&mut self, name: &str, x: &Value) -> Value {
        self.node(name, "Flatten", &[x], vec![AttributeProto::int("axis", 1)])
    }

    /// A linear layer as PyTorch stores it: `x · weightᵀ + bias`, where `weight` is `[out, in]`.
    pub fn linear(&mut self, name: &str, x: &Value, weight: &Value, bias: Option<&Value>) -> Value {
        let mut inputs = vec![x, weight];
        inputs.extend(bias);
        self.node(
            name,
            "Gemm",
            &inputs,
            vec![AttributeProto::int("transB", 1)],
        )
    }

    /// A constant or value as 32-bit floats, for weights that are kept as 16-bit floats.
    pub fn cast_to_float(&mut self, name: &str, x: &Value) -> Value {
        let to = i64::from(i32::from(DataType::Float));
        self.node(name, "Cast", &[x], vec![AttributeProto::int("to", to)])
    }
}

fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        ints: ints.into(),
        r#type: AttributeType::Ints.into(),
        ..Default::default()
    }
}
