//! ResNet18 as ONNX nodes: the structure of [`crate::models`]'s.

use normgate_core::onnx::{GraphBuilder, Value};

use super::ExportError;
use super::layers::Layers;

/// From images [N, 3, H, W] to the pooled features [N, D], named `representation`.
pub(super) fn add(
    layers: &Layers<'_>,
    graph: &mut GraphBuilder,
    images: &Value,
) -> Result<Value, ExportError> {
    let stem = layers.conv_bn(graph, images, ("conv1", "bn1"), 1)?;
    let mut features = graph.relu("relu1", &stem);
    for (stage, block) in (0..4).flat_map(|stage| (0..2).map(move |block| (stage, block))) {
        let name = format!("layer{}.{block}", stage + 1);
        let stride = if stage > 0 && block == 0 { 2 } else { 1 };
        features = add_block(layers, graph, &features, &name, stride)?;
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
    let first = layers.conv_bn(graph, input, (&part("conv1"), &part("bn1")), stride)?;
    let first = graph.relu(&part("relu1"), &first);
    let second = layers.conv_bn(graph, &first, (&part("conv2"), &part("bn2")), 1)?;
    let around = layers.shortcut(graph, input, name, stride)?;
    let sum = graph.add(&part("add"), &second, &around);
    Ok(graph.relu(&part("relu2"), &sum))
}
