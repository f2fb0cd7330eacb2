//! A residual network as ONNX nodes, with the structure that [`crate::models`] says.

use normgate_core::onnx::{GraphBuilder, Value, Window};

use super::ExportError;
use super::layers::Layers;
use crate::models::Structure;

/// From images [N, 3, H, W] to the pooled features [N, D], named `representation`.
pub(super) fn add(
    layers: &Layers<'_>,
    structure: &Structure,
    graph: &mut GraphBuilder,
    images: &Value,
) -> Result<Value, ExportError> {
    let stride = if structure.large_stem { 2 } else { 1 };
    let stem = layers.conv_bn(graph, images, ("conv1", "bn1"), stride)?;
    let mut features = graph.relu("relu1", &stem);
    if structure.large_stem {
        let halved = Window {
            stride: 2,
            padding: 1,
        };
        features = graph.max_pool("maxpool", &features, 3, halved);
    }
    for (name, _, stride) in structure.blocks() {
        let numbered = |kind: &str, index: usize| format!("{name}.{kind}{}", index + 1);
        let last = structure.kernels.len() - 1;
        let mut within = features.clone();
        for index in 0..=last {
            let names = (&*numbered("conv", index), &*numbered("bn", index));
            within = layers.conv_bn(graph, &within, names, structure.stride(index, stride))?;
            if index < last {
                within = graph.relu(&numbered("relu", index), &within);
            }
        }
        let around = layers.shortcut(graph, &features, &name, stride)?;
        let sum = graph.add(&format!("{name}.add"), &within, &around);
        features = graph.relu(&numbered("relu", last), &sum);
    }
    let pooled = graph.global_average_pool("pool", &features);
    Ok(graph.flatten("representation", &pooled))
}
