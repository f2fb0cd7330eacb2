//! A folder with the model of colours and image sets for it.

use std::fs;
use std::path::PathBuf;

use image::{Rgb, RgbImage};
use normgate_core::manifest::{
    Filter, METADATA_KEY, Manifest, Preprocessing, Resize, SCHEMA_VERSION, TrainingRecord,
};
use normgate_core::model::Model;
use normgate_core::onnx::{Dim, GraphBuilder};
use normgate_core::scores::ScoreKind;
use normgate_evaluation::calibrate::CalibrateArgs;
use normgate_evaluation::evaluate::EvaluateArgs;

pub const COLOURS: [&str; 3] = ["red", "green", "blue"];
const SIDE: u32 = 8;
/// How much of another colour test images have: too little to make one as bright as the next brighter one.
pub const TRACE: u8 = 10;

/// A folder with the model and image sets; gone when dropped.
pub struct Place(tempfile::TempDir);

impl Place {
    /// Makes the model `colours.onnx`, whose training had 100, 10 and 1 images of the classes, in the set `training`, and
    /// auxiliary ones in the set `grey`.
    pub fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let manifest = Manifest {
            schema_version: SCHEMA_VERSION,
            name: "colours".into(),
            version: "1".into(),
            description: None,
            labels: COLOURS.map(String::from).to_vec(),
            representation_size: 3,
            preprocessing: Preprocessing {
                width: SIDE,
                height: SIDE,
                resize: Resize::CentreCrop { shorter_side: SIDE },
                filter: Filter::Lanczos3,
                mean: [0.0; 3],
                std: [1.0; 3],
            },
            score: ScoreKind::RepresentationNorm,
            calibration: None,
            training: Some(TrainingRecord {
                method: "by hand".into(),
                class_counts: vec![100, 10, 1],
                command: Some("train --seed 0".into()),
                seed: 0,
                epochs: 0,
                data: vec!["training".into()],
                auxiliary: vec!["grey".into()],
            }),
            quantization: None,
        };
        let mut graph = GraphBuilder::new("colours");
        let side = Dim::Fixed(SIDE as usize);
        let image = graph.input("image", &[Dim::Batch, Dim::Fixed(3), side, side]);
        let mean = graph.global_average_pool("mean", &image);
        let representation = graph.flatten("representation", &mean);
        let weight = [10.0, 0.0, 0.0, 0.0, 10.0, 0.0, 0.0, 0.0, 10.0];
        let weight = graph.floats("weight", &[3, 3], &weight);
        let logits = graph.linear("logits", &representation, &weight, None);
        graph.output(&logits, &[Dim::Batch, Dim::Fixed(3)]);
        graph.output(&representation, &[Dim::Batch, Dim::Fixed(3)]);
        let bytes = graph.finish(&[(METADATA_KEY, &manifest.to_json().unwrap())]);
        Model::from_bytes(bytes.unwrap())
            .unwrap()
            .save(&place.path("colours.onnx"))
            .unwrap();
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Adds images of one channel's colour, one of each brightness, to a class of a set.
    pub fn add(&self, set: &str, class: &str, channel: usize, brightness: std::ops::Range<u8>) {
        self.add_with(0, set, class, channel, brightness);
    }

    /// As [`add`](Self::add), with a trace of the next channel's colour.
    fn add_with(
        &self,
        trace: u8,
        set: &str,
        class: &str,
        channel: usize,
        brightness: std::ops::Range<u8>,
    ) {
        let folder = self.path(set).join(class);
        fs::create_dir_all(&folder).unwrap();
        for value in brightness {
            let mut pixel = [0; 3];
            pixel[channel] = value;
            pixel[(channel + 1) % 3] = trace;
            let image = RgbImage::from_pixel(SIDE, SIDE, Rgb(pixel));
            image
                .save(folder.join(format!("{channel}-{value:03}-{trace}.png")))
                .unwrap();
        }
    }

    /// Adds 100 images of each class, of brightness 100 to 199.
    pub fn add_bright(&self, set: &str) {
        for (channel, class) in COLOURS.iter().enumerate() {
            self.add(set, class, channel, 100..200);
        }
    }

    /// Adds as many test images, which differ from those and are slightly brighter.
    pub fn add_test(&self, set: &str) {
        for (channel, class) in COLOURS.iter().enumerate() {
            self.add_with(TRACE, set, class, channel, 100..200);
        }
    }

    pub fn calibrate_args(&self) -> CalibrateArgs {
        let text = ["calibrate", "MODEL", "--data", "SET"].map(|part| match part {
            "MODEL" => self.path("colours.onnx").into_os_string(),
            "SET" => self.path("calibration").into_os_string(),
            part => part.into(),
        });
        parse(text)
    }

    pub fn evaluate_args(&self, more: &[(&str, &str)]) -> EvaluateArgs {
        let mut text = vec![
            "evaluate".into(),
            self.path("colours.onnx").into_os_string(),
        ];
        for (option, set) in more {
            text.push(option.into());
            text.push(self.path(set).into_os_string());
        }
        parse(text)
    }
}

fn parse<A: clap::Args>(text: impl IntoIterator<Item = std::ffi::OsString>) -> A {
    let command = A::augment_args(clap::Command::new("test"));
    A::from_arg_matches(&command.try_get_matches_from(text).unwrap()).unwrap()
}
