//! A model small enough to be computed by hand, for this crate's tests.

use crate::calibration::Calibration;
use crate::manifest::{Filter, METADATA_KEY, Manifest, Preprocessing, Resize, TrainingRecord};
use crate::model::Model;
use crate::onnx::{Dim, GraphBuilder, Window};
use crate::scores::ScoreKind;

/// Height and width of the model's input.
pub(crate) const SIDE: usize = 4;

pub(crate) fn manifest() -> Manifest {
    let scores: Vec<f32> = (0..40).map(|index| index as f32 / 10.0 - 4.0).collect();
    Manifest {
        schema_version: 1,
        name: "tiny".into(),
        version: "1".into(),
        description: None,
        labels: vec!["red".into(), "green".into(), "dark".into()],
        representation_size: 2,
        preprocessing: Preprocessing {
            width: SIDE as u32,
            height: SIDE as u32,
            resize: Resize::Stretch,
            filter: Filter::Bilinear,
            mean: [0.0; 3],
            std: [1.0; 3],
        },
        score: ScoreKind::RepresentationNorm,
        calibration: Some(Calibration::id_positive(&scores, 0.95).unwrap()),
        training: Some(TrainingRecord {
            method: "by hand".into(),
            class_counts: vec![3, 2, 1],
            command: None,
            seed: 0,
            epochs: 0,
            data: vec![],
            auxiliary: vec![],
        }),
        quantization: None,
    }
}

/// What differs between the variants of the model.
pub(crate) struct Variant {
    pub(crate) batch: Dim,
    pub(crate) logits: &'static str,
    pub(crate) side: usize,
    pub(crate) declared_representation: usize,
}

impl Default for Variant {
    fn default() -> Self {
        Self {
            batch: Dim::Batch,
            logits: "logits",
            side: SIDE,
            declared_representation: 2,
        }
    }
}

impl Variant {
    /// Features `a = relu(2 R − 0.5)` and `b = relu(G − B)`, averaged over the image; logits
    /// `(a, b, 0.5 − a − b)`.
    pub(crate) fn bytes(&self, manifest: &str) -> Vec<u8> {
        let mut graph = GraphBuilder::new("tiny");
        let side = Dim::Fixed(self.side);
        let x = graph.input("image", &[self.batch, Dim::Fixed(3), side, side]);
        let kernels = [2.0, 0.0, 0.0, 0.0, 1.0, -1.0];
        let weight = graph.floats("conv.weight", &[2, 3, 1, 1], &kernels);
        let bias = graph.floats("conv.bias", &[2], &[-0.5, 0.0]);
        let whole = Window {
            stride: 1,
            padding: 0,
        };
        let x = graph.conv("conv", &x, &weight, Some(&bias), whole);
        let x = graph.relu("relu", &x);
        let x = graph.global_average_pool("pool", &x);
        let representation = graph.flatten("representation", &x);
        let rows = [1.0, 0.0, 0.0, 1.0, -1.0, -1.0];
        let weight = graph.floats("linear.weight", &[3, 2], &rows);
        let bias = graph.floats("linear.bias", &[3], &[0.0, 0.0, 0.5]);
        let logits = graph.linear(self.logits, &representation, &weight, Some(&bias));
        graph.output(&logits, &[self.batch, Dim::Fixed(3)]);
        graph.output(
            &representation,
            &[self.batch, Dim::Fixed(self.declared_representation)],
        );
        graph.finish(&[(METADATA_KEY, manifest)]).unwrap()
    }

    pub(crate) fn model(&self) -> Model {
        Model::from_bytes(self.bytes(&manifest().to_json().unwrap())).unwrap()
    }
}

/// A graph with [`manifest`]'s metadata.
pub(crate) fn built(graph: GraphBuilder) -> Model {
    let json = manifest().to_json().unwrap();
    Model::from_bytes(graph.finish(&[(METADATA_KEY, &json)]).unwrap()).unwrap()
}

pub(crate) fn bytes() -> Vec<u8> {
    Variant::default().bytes(&manifest().to_json().unwrap())
}

/// An image of one colour as the model's input.
pub(crate) fn plain(colour: [f32; 3]) -> Vec<f32> {
    colour
        .iter()
        .flat_map(|value| [*value; SIDE * SIDE])
        .collect()
}
