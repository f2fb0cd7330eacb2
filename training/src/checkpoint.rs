//! A run's state in one safetensors file: weights, batch statistics, optimiser state and how far
//! the run has come. What is in it is enough to go on as if nothing had happened.
//!
//! No libtorch types in the interface: export reads checkpoints without it.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::config::RunConfig;
use crate::history::Totals;
use crate::optimiser::OptimiserKind;

/// The checkpoint's name within a run folder.
pub const FILE_NAME: &str = "checkpoint.safetensors";

const CONFIG_KEY: &str = "normgate.config";
const PROGRESS_KEY: &str = "normgate.progress";

/// A float32 tensor as plain values, row after row.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// The lengths of its dimensions; none for a scalar.
    pub shape: Vec<usize>,
    /// Its values, the last dimension running fastest.
    pub values: Vec<f32>,
}

/// How far a run has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Epochs completed.
    pub epochs: usize,
    /// Steps taken in the epoch after those.
    pub steps: usize,
    /// Steps the optimiser has taken in all.
    pub optimiser_steps: u64,
    /// Sums over the steps of the unfinished epoch, for the history.
    pub totals: Totals,
}

/// A run's state.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// What is trained, on what, and how.
    pub config: RunConfig,
    /// How far the run has come.
    pub progress: Progress,
    /// Weights and batch statistics under their PyTorch names (`layer1.0.conv1.weight`).
    pub tensors: BTreeMap<String, NamedTensor>,
    /// What the optimiser keeps of each trained tensor, in the order of
    /// [`OptimiserKind::state_names`]: Adam's running means of its gradient and of the square, SGD's
    /// momentum.
    pub moments: BTreeMap<String, Vec<NamedTensor>>,
}

/// Why a checkpoint could not be read or written.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// There is none.
    #[error("{} is not there: give a run folder of `normgate-train train`, or its checkpoint", .0.display())]
    Missing(PathBuf),
    /// The system refused.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not a safetensors file, or is cut off.
    #[error("{} is not a whole safetensors file: {source}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        source: SafeTensorError,
    },
    /// A safetensors file, but not one of ours.
    #[error("{} is not a checkpoint of this trainer: {reason}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is missing or wrong.
        reason: String,
    },
}

impl Checkpoint {
    /// Reads a checkpoint, given its file or its run folder.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`], naming the file and what is wrong with it.
    pub fn load(path: &Path) -> Result<Self, CheckpointError> {
        let path = if path.is_dir() {
            path.join(FILE_NAME)
        } else {
            path.to_owned()
        };
        let bytes = std::fs::read(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => CheckpointError::Missing(path.clone()),
            _ => CheckpointError::File {
                path: path.clone(),
                source,
            },
        })?;
        let format = |source| CheckpointError::Format {
            path: path.clone(),
            source,
        };
        let foreign = |reason: String| CheckpointError::Foreign {
            path: path.clone(),
            reason,
        };

        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(format)?;
        let metadata = header.metadata().as_ref();
        let entry = |key: &str| {
            metadata
                .and_then(|metadata| metadata.get(key))
                .ok_or_else(|| foreign(format!("it has no `{key}`")))
        };
        let parse = |key: &str, error: serde_json::Error| foreign(format!("`{key}`: {error}"));
        let config: RunConfig =
            serde_json::from_str(entry(CONFIG_KEY)?).map_err(|error| parse(CONFIG_KEY, error))?;
        let progress = serde_json::from_str(entry(PROGRESS_KEY)?)
            .map_err(|error| parse(PROGRESS_KEY, error))?;

        let mut tensors = BTreeMap::new();
        for (name, view) in SafeTensors::deserialize(&bytes).map_err(format)?.iter() {
            if view.dtype() != Dtype::F32 {
                return Err(foreign(format!("the tensor `{name}` is not float32")));
            }
            tensors.insert(name.to_owned(), NamedTensor::from_view(&view));
        }
        let moments = take_moments(&mut tensors, config.recipe.optimiser).map_err(foreign)?;
        Ok(Self {
            config,
            progress,
            tensors,
            moments,
        })
    }

    /// Writes the checkpoint; a reader sees the old file or the new one, never half of it.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`], naming the file.
    pub fn save(&self, path: &Path) -> Result<(), CheckpointError> {
        let foreign = |error: serde_json::Error| CheckpointError::Foreign {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let metadata = HashMap::from([
            (
                CONFIG_KEY.to_owned(),
                serde_json::to_string(&self.config).map_err(foreign)?,
            ),
            (
                PROGRESS_KEY.to_owned(),
                serde_json::to_string(&self.progress).map_err(foreign)?,
            ),
        ]);
        let mut named: Vec<(String, &NamedTensor)> = self
            .tensors
            .iter()
            .map(|(name, tensor)| (name.clone(), tensor))
            .collect();
        let prefixes = self.config.recipe.optimiser.state_names();
        for (name, kept) in &self.moments {
            for (prefix, tensor) in prefixes.iter().zip(kept) {
                named.push((format!("{prefix}{name}"), tensor));
            }
        }
        let bytes: Vec<(String, &NamedTensor, Vec<u8>)> = named
            .into_iter()
            .map(|(name, tensor)| (name, tensor, tensor.to_bytes()))
            .collect();
        let format = |source| CheckpointError::Format {
            path: path.to_owned(),
            source,
        };
        let views = bytes
            .iter()
            .map(|(name, tensor, bytes)| {
                Ok((
                    name,
                    TensorView::new(Dtype::F32, tensor.shape.clone(), bytes)?,
                ))
            })
            .collect::<Result<Vec<_>, SafeTensorError>>()
            .map_err(format)?;
        let file = serialize(views, Some(metadata)).map_err(format)?;
        write_atomically(path, &file).map_err(|source| CheckpointError::File {
            path: path.to_owned(),
            source,
        })
    }
}

impl NamedTensor {
    fn from_view(view: &TensorView<'_>) -> Self {
        let (words, _) = view.data().as_chunks::<4>();
        let values = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
        Self {
            shape: view.shape().to_vec(),
            values,
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    }
}

/// Moves the optimiser's tensors out of `tensors`.
fn take_moments(
    tensors: &mut BTreeMap<String, NamedTensor>,
    optimiser: OptimiserKind,
) -> Result<BTreeMap<String, Vec<NamedTensor>>, String> {
    let prefixes = optimiser.state_names();
    let first = prefixes.first().copied().unwrap_or_default();
    let names: Vec<String> = tensors
        .keys()
        .filter_map(|name| name.strip_prefix(first))
        .map(str::to_owned)
        .collect();
    names
        .into_iter()
        .map(|name| {
            let mut take = |prefix: &&str| {
                let full = format!("{prefix}{name}");
                tensors
                    .remove(&full)
                    .ok_or_else(|| format!("it has no `{full}`"))
            };
            let state = prefixes.iter().map(&mut take);
            let state = state.collect::<Result<_, String>>()?;
            Ok((name, state))
        })
        .collect()
}

/// Writes beside the file, then renames.
///
/// # Errors
///
/// What the system says.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Another process may write the same file: `reproduce` can be given twice.
    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    std::fs::write(&beside, bytes)?;
    std::fs::File::open(&beside)?.sync_all()?;
    std::fs::rename(&beside, path)
}
