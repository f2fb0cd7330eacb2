//! What is kept of each run: `runs/<run>/report.json`, as `evaluate` wrote it except for white space and the order of
//! keys, and beside it `run.json`, which says how the run was made; for runs whose norms were monitored,
//! `history.json` too. All are small, so that they can be committed: tables are made from these alone.

use std::fs;
use std::path::{Path, PathBuf};

use normgate_evaluation::reports::plots;
use serde::{Deserialize, Serialize};

use super::error::ReproduceError;
use super::report::{Report, TrainingNorms};
use super::run::Setting;
use crate::checkpoint::write_atomically;
use crate::history::{self, Epoch};

/// The folder of the tables.
#[derive(Clone, Debug)]
pub struct Results(PathBuf);

/// How a run was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its name.
    pub run: String,
    /// Its size and length.
    pub setting: Setting,
    /// Its seed.
    pub seed: u64,
    /// The command lines, with `data` and `runs` as the folders.
    pub commands: Vec<String>,
    /// The machine that trained it.
    pub machine: String,
    /// When it was finished, year-month-day (UTC).
    pub date: String,
    /// Figures of its training.
    pub training: Training,
}

/// Figures of a run's training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Seconds of all epochs.
    pub seconds: f64,
    /// Images a second, auxiliary ones included, over all epochs.
    pub images_per_second: f64,
    /// Mean norm of the in-distribution representations in the last epoch, in train mode.
    pub id_norm: f64,
    /// That of the auxiliary ones, if there were any.
    pub auxiliary_norm: Option<f64>,
}

impl Training {
    /// From a finished run's history; `None` if that is empty.
    pub fn of(history: &[Epoch]) -> Option<Self> {
        let last = history.last()?;
        let seconds: f64 = history.iter().map(|epoch| epoch.seconds).sum();
        let images = history
            .iter()
            .map(|epoch| epoch.images_per_second * epoch.seconds);
        Some(Self {
            seconds,
            images_per_second: images.sum::<f64>() / seconds.max(1e-9),
            id_norm: last.id_norm,
            auxiliary_norm: last.auxiliary_norm,
        })
    }
}

impl Results {
    /// Results in a folder, which need not exist yet.
    pub fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Where a run is kept.
    pub fn folder(&self, run: &str) -> PathBuf {
        self.0.join("runs").join(run)
    }

    /// How a run was made; `None` if it is not finished.
    ///
    /// # Errors
    ///
    /// [`ReproduceError`] if its file cannot be read.
    pub fn record(&self, run: &str) -> Result<Option<Record>, ReproduceError> {
        let path = self.folder(run).join("run.json");
        if !path.exists() {
            return Ok(None);
        }
        read(&path).map(Some)
    }

    /// What was measured of a finished run.
    ///
    /// # Errors
    ///
    /// [`ReproduceError`] if its file cannot be read.
    pub fn report(&self, record: &Record) -> Result<Report, ReproduceError> {
        let mut report: Report = read(&self.folder(&record.run).join("report.json"))?;
        report.training_norms = TrainingNorms {
            id: Some(record.training.id_norm),
            auxiliary: record.training.auxiliary_norm,
        };
        Ok(report)
    }

    /// The epochs of a finished run whose norms were monitored; empty for other runs.
    ///
    /// # Errors
    ///
    /// [`ReproduceError`] if its file cannot be read.
    pub fn history(&self, record: &Record) -> Result<Vec<plots::Epoch>, ReproduceError> {
        let path = self.folder(&record.run).join(history::FILE_NAME);
        match path.exists() {
            true => read(&path),
            false => Ok(Vec::new()),
        }
    }

    /// Keeps a finished run; `report` is its `report.json`.
    ///
    /// # Errors
    ///
    /// [`ReproduceError`] if a file cannot be written.
    pub fn keep(
        &self,
        record: &Record,
        report: &[u8],
        history: &[Epoch],
    ) -> Result<(), ReproduceError> {
        let folder = self.folder(&record.run);
        let write = |path: PathBuf, bytes: &[u8]| {
            write_atomically(&path, bytes).map_err(|source| ReproduceError::File { path, source })
        };
        fs::create_dir_all(&folder).map_err(|source| ReproduceError::File {
            path: folder.clone(),
            source,
        })?;
        let path = folder.join("report.json");
        let json = |source| ReproduceError::Json {
            path: path.clone(),
            source,
        };
        let whole: serde_json::Value = serde_json::from_slice(report).map_err(json)?;
        let compact = serde_json::to_vec(&whole).map_err(json)?;
        write(path, &compact)?;
        if history
            .iter()
            .any(|epoch| !epoch.monitored_norms.is_empty())
        {
            let path = folder.join(history::FILE_NAME);
            let compact = serde_json::to_vec(history).map_err(|source| ReproduceError::Json {
                path: path.clone(),
                source,
            })?;
            write(path, &compact)?;
        }
        // Written last: if it is there, the rest is complete.
        let path = folder.join("run.json");
        let json = serde_json::to_vec_pretty(record).map_err(|source| ReproduceError::Json {
            path: path.clone(),
            source,
        })?;
        write(path, &json)
    }

    /// Writes a file of a table.
    ///
    /// # Errors
    ///
    /// [`ReproduceError`] if the file cannot be written.
    pub fn write(&self, file: &str, text: &str) -> Result<PathBuf, ReproduceError> {
        let path = self.0.join(file);
        let io = |source| ReproduceError::File {
            path: path.clone(),
            source,
        };
        fs::create_dir_all(&self.0).map_err(io)?;
        write_atomically(&path, text.as_bytes()).map_err(io)?;
        Ok(path)
    }

    /// Every finished run.
    ///
    /// # Errors
    ///
    /// [`ReproduceError`] if a file cannot be read.
    pub fn records(&self) -> Result<Vec<Record>, ReproduceError> {
        let folder = self.0.join("runs");
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let file = |source| ReproduceError::File {
            path: folder.clone(),
            source,
        };
        let mut names = Vec::new();
        for entry in fs::read_dir(&folder).map_err(file)? {
            names.push(
                entry
                    .map_err(file)?
                    .file_name()
                    .to_string_lossy()
                    .into_owned(),
            );
        }
        names.sort();
        let records = names.iter().map(|name| self.record(name));
        Ok(records
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect())
    }
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, ReproduceError> {
    let bytes = fs::read(path).map_err(|source| ReproduceError::File {
        path: path.into(),
        source,
    })?;
    serde_json::from_slice(&bytes).map_err(|source| ReproduceError::Json {
        path: path.into(),
        source,
    })
}
