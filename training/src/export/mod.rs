//! From a run's checkpoint to a model file: all heads except the linear one are dropped, batch normalisation is
//! folded into the convolutions, and the manifest is written into the ONNX metadata.
//!
//! Without libtorch: a checkpoint's tensors go straight into the ONNX messages of the core.

mod layers;
mod resnet;
mod weights;

use normgate_core::manifest::{
    METADATA_KEY, Manifest, ManifestError, SCHEMA_VERSION, TrainingRecord,
};
use normgate_core::model::{Model, ModelError};
use normgate_core::onnx::{Dim, GraphBuilder, GraphError};
use normgate_evaluation::datasets::SetSpec;
use normgate_evaluation::recorded;

use crate::auxiliary::AuxiliarySpec;
use crate::checkpoint::Checkpoint;
use crate::config::{DataConfig, Earlier, RunConfig};
use crate::methods::Auxiliary;

use layers::Layers;
pub use weights::WeightForm;

/// What a checkpoint does not say about the model that it becomes.
#[derive(Clone, Debug)]
pub struct ExportOptions {
    /// The model's name in replies and metrics.
    pub name: String,
    /// The model's version, free text.
    pub version: String,
    /// What the model is, for people.
    pub description: Option<String>,
    /// How the file stores the weights.
    pub weights: WeightForm,
}

/// Why a checkpoint did not become a model.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The checkpoint lacks a tensor of its architecture.
    #[error("the checkpoint has no tensor `{name}`: it belongs to another kind of network")]
    MissingTensor {
        /// The tensor's name.
        name: String,
    },
    /// A tensor does not have the shape that its place in the network needs.
    #[error(
        "the tensor `{name}` has shape {found:?} in the checkpoint, but the network needs {wanted}"
    )]
    WrongShape {
        /// The tensor's name.
        name: String,
        /// The checkpoint's shape.
        found: Vec<usize>,
        /// What the network needs.
        wanted: &'static str,
    },
    /// The run has not finished its first epoch.
    #[error("the run has not finished an epoch yet: there is nothing worth exporting")]
    Untrained,
    /// The graph could not be built.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The manifest would be invalid.
    #[error("the model's manifest would be invalid: {0}")]
    Manifest(#[from] ManifestError),
    /// The finished file cannot be read back.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// Makes a model from a checkpoint: input `image` [N, 3, H, W], outputs `logits` [N, classes] and `representation`
/// [N, D], for any N. It is not calibrated yet.
///
/// # Errors
///
/// [`ExportError`] if the run has not finished an epoch, or the checkpoint does not make a valid model.
pub fn export(checkpoint: &Checkpoint, options: &ExportOptions) -> Result<Model, ExportError> {
    let config = &checkpoint.config;
    if checkpoint.progress.epochs == 0 {
        return Err(ExportError::Untrained);
    }
    let (width, height) = config.data.image_size;
    let mut graph = GraphBuilder::new(&options.name);
    let shape = [
        Dim::Batch,
        Dim::Fixed(3),
        Dim::Fixed(height),
        Dim::Fixed(width),
    ];
    let images = graph.input("image", &shape);
    let layers = Layers {
        tensors: &checkpoint.tensors,
        weights: options.weights,
    };
    let structure = config.model.architecture.structure();
    let representation = resnet::add(&layers, &structure, &mut graph, &images)?;
    let logits = layers.head(&mut graph, &representation)?;
    let manifest = manifest(checkpoint, options)?;
    graph.output(&logits, &[Dim::Batch, Dim::Fixed(manifest.labels.len())]);
    graph.output(
        &representation,
        &[Dim::Batch, Dim::Fixed(manifest.representation_size)],
    );
    let bytes = graph.finish(&[(METADATA_KEY, &manifest.to_json()?)])?;
    Ok(Model::from_bytes(bytes)?)
}

fn manifest(checkpoint: &Checkpoint, options: &ExportOptions) -> Result<Manifest, ExportError> {
    let RunConfig {
        data,
        recipe,
        command,
        ..
    } = &checkpoint.config;
    let head = "linear.weight";
    let weight = checkpoint.tensors.get(head);
    let weight = weight.ok_or_else(|| ExportError::MissingTensor { name: head.into() })?;
    let &[_, representation_size] = weight.shape.as_slice() else {
        return Err(ExportError::WrongShape {
            name: head.into(),
            found: weight.shape.clone(),
            wanted: "[classes, representation size]",
        });
    };
    let learnt = learnt_from(&checkpoint.config);
    Ok(Manifest {
        schema_version: SCHEMA_VERSION,
        name: options.name.clone(),
        version: options.version.clone(),
        description: options.description.clone(),
        labels: data.class_names.clone(),
        representation_size,
        preprocessing: checkpoint.config.preprocessing(),
        score: recipe.method.traits().score,
        calibration: None,
        training: Some(TrainingRecord {
            method: recipe.method.to_string(),
            class_counts: data.class_counts.clone(),
            command: Some(command.clone()),
            seed: recipe.seed,
            epochs: checkpoint.progress.epochs as u32,
            data: learnt.data,
            auxiliary: learnt.auxiliary,
        }),
        quantization: None,
    })
}

/// What a run has learnt from, and the runs before it.
pub(crate) fn learnt_from(config: &RunConfig) -> Earlier {
    let data = &config.data;
    let auxiliary = match config.recipe.method.traits().auxiliary {
        Auxiliary::Never => Vec::new(),
        _ => data.auxiliary.iter().map(|set| describe(set)).collect(),
    };
    Earlier {
        data: joined(id_sets(data), &data.earlier.data),
        auxiliary: joined(auxiliary, &data.earlier.auxiliary),
    }
}

fn joined(mut sets: Vec<String>, more: &[String]) -> Vec<String> {
    for set in more {
        if !sets.contains(set) {
            sets.push(set.clone());
        }
    }
    sets
}

/// The names of the ID sets, and what of them was kept out of training.
fn id_sets(data: &DataConfig) -> Vec<String> {
    let described = |set: &String| {
        set.parse()
            .map_or_else(|_| set.clone(), |it: SetSpec| it.describe())
    };
    let mut names: Vec<String> = data.data.iter().map(described).collect();
    if let (Some(last), false) = (names.last_mut(), data.hold_out.is_empty()) {
        *last = recorded::held_out(last, &data.hold_out);
    }
    names
}

/// An auxiliary set's name, with what was taken of it.
fn describe(set: &str) -> String {
    set.parse()
        .map_or_else(|_| set.to_owned(), |set: AuxiliarySpec| set.describe())
}
