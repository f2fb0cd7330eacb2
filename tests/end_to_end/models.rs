//! Models that are loaded in a moment, and that can be told apart by each part of a reply.

use std::{fs, path::Path};

use normgate_core::{
    Calibration, Filter, Manifest, Model, Preprocessing, Resize, ScoreKind,
    manifest::METADATA_KEY,
    onnx::{Dim, GraphBuilder, Window},
};
use serde_json::{Value, json};

/// What is particular to a model: its version, its labels, which of them a colour gets (weights) and its threshold.
pub struct Kind {
    pub version: &'static str,
    pub labels: [&'static str; 3],
    /// The class of a red image; green and blue follow, in a ring.
    pub red: usize,
    pub lowest_score: f32,
}

pub const ENGLISH: Kind = Kind {
    version: "english",
    labels: ["red", "green", "blue"],
    red: 0,
    lowest_score: -1.0,
};

pub const GERMAN: Kind = Kind {
    version: "deutsch",
    labels: ["blau", "rot", "gruen"],
    red: 1,
    lowest_score: -1.5,
};

impl Kind {
    pub fn manifest(&self) -> Manifest {
        let scores: Vec<f32> = (0..100)
            .map(|n| self.lowest_score + 0.008 * n as f32)
            .collect();
        Manifest {
            version: self.version.into(),
            calibration: Calibration::id_positive(&scores, 0.95).ok(),
            ..manifest("colours", &self.labels, 3, 8)
        }
    }

    pub fn model(&self) -> Model {
        let metadata = [(METADATA_KEY, self.manifest().to_json().unwrap())];
        Model::from_bytes(self.graph(4.0, &metadata)).unwrap()
    }

    /// The mean colour is the representation; the logits are `strength` times that.
    pub fn graph(&self, strength: f32, metadata: &[(&str, String)]) -> Vec<u8> {
        let mut graph = GraphBuilder::new("colours");
        let (three, side) = (Dim::Fixed(3), Dim::Fixed(8));
        let image = graph.input("image", &[Dim::Batch, three, side, side]);
        let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let kernel = graph.floats("kernel", &[3, 3, 1, 1], &identity);
        let whole = Window {
            stride: 1,
            padding: 0,
        };
        let image = graph.conv("conv", &image, &kernel, None, whole);
        let mean = graph.global_average_pool("mean", &image);
        let representation = graph.flatten("representation", &mean);
        let mut weights = [0.0; 9];
        for colour in 0..3 {
            weights[(self.red + colour) % 3 * 3 + colour] = strength;
        }
        let weight = graph.floats("weight", &[3, 3], &weights);
        let bias = graph.floats("bias", &[3], &[0.0; 3]);
        let logits = graph.linear("logits", &representation, &weight, Some(&bias));
        graph.output(&logits, &[Dim::Batch, three]);
        graph.output(&representation, &[Dim::Batch, three]);
        let metadata: Vec<_> = metadata.iter().map(|(k, v)| (*k, v.as_str())).collect();
        graph.finish(&metadata).unwrap()
    }

    /// Puts the model in the file's place in one step.
    pub fn put(&self, path: &Path) {
        let beside = path.with_extension("new");
        fs::write(&beside, self.model().bytes()).unwrap();
        fs::rename(&beside, path).unwrap();
    }

    /// What in a reply to a red image shows the model: name, labels, weights and threshold.
    pub fn signs(&self) -> Value {
        let mut labels = self.labels;
        labels.sort();
        json!({
            "version": self.version,
            "label": self.labels[self.red],
            "class_index": self.red,
            "threshold": as_answered(self.manifest().calibration.unwrap().threshold),
            "labels": labels,
        })
    }
}

/// A manifest with some calibration, for images of `side` × `side` pixels as they are.
pub fn manifest(name: &str, labels: &[&str], representation: usize, side: usize) -> Manifest {
    let scores: Vec<f32> = (0..100).map(|n| n as f32 / 100.0).collect();
    Manifest {
        schema_version: 1,
        name: name.into(),
        version: "1".into(),
        description: None,
        labels: labels.iter().copied().map(String::from).collect(),
        representation_size: representation,
        preprocessing: Preprocessing {
            width: side as u32,
            height: side as u32,
            resize: Resize::Stretch,
            filter: Filter::Bilinear,
            mean: [0.0; 3],
            std: [1.0; 3],
        },
        score: ScoreKind::RepresentationNorm,
        calibration: Calibration::id_positive(&scores, 0.95).ok(),
        training: None,
        quantization: None,
    }
}

/// A threshold as replies write it: in the digits of single precision, and never above it.
pub fn as_answered(threshold: f64) -> f64 {
    let nearest = threshold as f32;
    let written = match f64::from(nearest) > threshold {
        true => nearest.next_down(),
        false => nearest,
    };
    written.to_string().parse().expect("a number")
}

/// The same, read from a reply.
pub fn signs(reply: &Value) -> Value {
    let top = reply["top"].as_array().expect("a list of labels");
    let mut labels: Vec<_> = top.iter().filter_map(|one| one["label"].as_str()).collect();
    labels.sort_unstable();
    json!({
        "version": reply["model"]["version"],
        "label": reply["label"],
        "class_index": reply["class_index"],
        "threshold": reply["ood"]["threshold"],
        "labels": labels,
    })
}
