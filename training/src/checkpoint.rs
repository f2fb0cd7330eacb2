//! A run's state in one safetensors file: weights, batch statistics, optimiser state and how far the run has come.
//! That is enough to continue as if it had never stopped.
//!
//! The interface has no libtorch types: export reads checkpoints without libtorch.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, Metadata, SafeTensorError, SafeTensors, TensorView, serialize};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::config::RunConfig;
use crate::history::Totals;
use crate::optimiser::OptimiserKind;

/// The checkpoint's name within a run folder.
pub const FILE_NAME: &str = "checkpoint.safetensors";

const CONFIG_KEY: &str = "normgate.config";
const PROGRESS_KEY: &str = "normgate.progress";

/// A float32 tensor as plain values, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// The lengths of its dimensions; empty for a scalar.
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
    #[error("there is no {}: give a run folder of `normgate-train train`, or its checkpoint", .0.display())]
    Missing(PathBuf),
    /// The system could not read or write it.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not a safetensors file, or is cut off.
    #[error("{} is not a complete safetensors file: {source}", path.display())]
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
        let path = file(path);
        let bytes = std::fs::read(&path).map_err(|source| unread(&path, source))?;
        let format = |source| CheckpointError::Format {
            path: path.clone(),
            source,
        };
        let foreign = |reason: String| CheckpointError::Foreign {
            path: path.clone(),
            reason,
        };

        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(format)?;
        let config: RunConfig = entry(&path, &header, CONFIG_KEY)?;
        let progress = entry(&path, &header, PROGRESS_KEY)?;

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

impl Progress {
    /// How far the run of a checkpoint has come, given its file or its run folder. The tensors are not checked.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`], naming the file and what is wrong with it.
    pub fn of(path: &Path) -> Result<Self, CheckpointError> {
        let path = file(path);
        entry(&path, &read_header(&path)?, PROGRESS_KEY)
    }
}

/// The checkpoint's file, given the file or its run folder.
fn file(path: &Path) -> PathBuf {
    match path.is_dir() {
        true => path.join(FILE_NAME),
        false => path.to_owned(),
    }
}

fn unread(path: &Path, source: io::Error) -> CheckpointError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => CheckpointError::Missing(path),
        _ => CheckpointError::File { path, source },
    }
}

/// Reads the header of a safetensors file: its length in 8 bytes, then as much JSON.
fn read_header(path: &Path) -> Result<Metadata, CheckpointError> {
    let format = |source| CheckpointError::Format {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(|source| unread(path, source))?;
    let mut length = [0; 8];
    let read = file.read_exact(&mut length);
    read.map_err(|error| format(error.into()))?;
    let mut json = Vec::new();
    let read = file.take(u64::from_le_bytes(length)).read_to_end(&mut json);
    read.map_err(|source| unread(path, source))?;
    serde_json::from_slice(&json)
        .map_err(|error| format(SafeTensorError::InvalidHeaderDeserialization(error)))
}

/// What the header says under `key`.
fn entry<T: DeserializeOwned>(
    path: &Path,
    header: &Metadata,
    key: &str,
) -> Result<T, CheckpointError> {
    let foreign = |reason: String| CheckpointError::Foreign {
        path: path.to_owned(),
        reason,
    };
    let entries = header.metadata().as_ref();
    let text = entries
        .and_then(|entries| entries.get(key))
        .ok_or_else(|| foreign(format!("it has no `{key}`")))?;
    serde_json::from_str(text).map_err(|error| foreign(format!("`{key}`: {error}")))
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

/// Writes a file so that readers see the old one or the new one, never half of it: writes beside it, then renames.
///
/// # Errors
///
/// What the system says.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Another process may be writing the same file: `reproduce` can be run twice at once.
    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    let written = std::fs::write(&beside, bytes)
        .and_then(|()| File::open(&beside)?.sync_all())
        .and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        // Half a file would keep a full disk full.
        let _ = std::fs::remove_file(&beside);
    }
    written
}
