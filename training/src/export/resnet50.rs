//! ResNet50 as ONNX nodes: the structure of [`crate::models`]'s.

use normgate_core::onnx::{Conv, GraphBuilder, Value};

use super::ExportError;
use super::layers::Layers;
use crate::models::resnet50::BLOCKS;

/// From images [N, 3, H, W] to the pooled features [N, D], named `representation`.
pub(super) fn add(
    layers: &Layers<'_>,
    graph: &mut GraphBuilder,
    images: &Value,
) -> Result<Value, ExportError> {
    let stem = layers.conv_bn(graph, images, ("conv1", "bn1"), 2)?;
    let stem = graph.relu("relu1", &stem);
    let halved = Conv {
        stride: 2,
        padding: 1,
    };
    let mut features = graph.max_pool("maxpool", &stem, 3, halved);
    for (stage, count) in BLOCKS.into_iter().enumerate() {
        for block in 0..count {
            let name = format!("layer{}.{block}", stage + 1);
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            features = add_block(layers, graph, &features, &name, stride)?;
        }
    }
    Ok(Layers::pool(graph, &features))
}

fn add_block(
    layers: &Layers<'_>,
    graph: &mut GraphBuilder,
    input: &Value,
    name: &str,
    stride: usize,
) -> Result<Value, ExportError> {
    let part = |part: &str| format!("{name}.{part}");
    let first = layers.conv_bn(graph, input, (&part("conv1"), &part("bn1")), 1)?;
    let first = graph.relu(&part("relu1"), &first);
    let second = layers.conv_bn(graph, &first, (&part("conv2"), &part("bn2")), stride)?;
    let second = graph.relu(&part("relu2"), &second);
    let third = layers.conv_bn(graph, &second, (&part("conv3"), &part("bn3")), 1)?;
    let around = layers.shortcut(graph, input, name, stride)?;
    let sum = graph.add(&part("add"), &third, &around);
    Ok(graph.relu(&part("relu3"), &sum))
}
