//! The folder of a run: whose it is, and what is in it before the first epoch.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use normgate_evaluation::datasets::ImageSet;

use crate::checkpoint::{self, write_atomically};
use crate::config::RunConfig;
use crate::error::TrainError;
use crate::held_out;

/// What the options are kept in.
pub(super) const CONFIG_FILE: &str = "config.json";

/// That no run would be lost. One that was killed before its first checkpoint leaves what nothing could
/// go on from.
pub(super) fn check_is_free(run: &Path) -> Result<(), TrainError> {
    let problem = if run.is_file() {
        format!("{} is a file: name a new folder", run.display())
    } else if run.join(checkpoint::FILE_NAME).exists() {
        format!(
            "{0} already holds a run. Go on with it (--resume {0}), or name another folder",
            run.display()
        )
    } else {
        return Ok(());
    };
    Err(TrainError::Options(format!("--out: {problem}")))
}

/// Takes the folder of a run, so that no other process writes into it meanwhile.
pub(super) fn lock(run: &Path) -> Result<File, TrainError> {
    let file = |source| TrainError::File {
        path: run.to_owned(),
        source,
    };
    std::fs::create_dir_all(run).map_err(file)?;
    let lock = File::open(run).map_err(file)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(TrainError::Options(format!(
            "another process is training in {}: wait for it, or name another folder",
            run.display()
        ))),
        // Not every file system in a network has locks.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(lock),
        Err(TryLockError::Error(source)) => Err(file(source)),
    }
}

/// What is kept out of training, for `calibrate`.
pub(super) fn keep_held_out(run: &Path, held: &ImageSet) -> Result<(), TrainError> {
    match held_out::write(run, held) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::InvalidFilename => {
            eprintln!(
                "warning: a class's name can be no folder's, so what is held out is not kept in {}: calibrate on \
                 it by filters (normgate-train calibrate --help)",
                run.display()
            );
            Ok(())
        }
        Err(source) => Err(TrainError::File {
            path: run.join(held_out::FOLDER),
            source,
        }),
    }
}

/// All of a run's options, for people and scripts; the checkpoint holds them too.
pub(super) fn write_config(run: &Path, config: &RunConfig) -> Result<(), TrainError> {
    let path = run.join(CONFIG_FILE);
    let file = |source| TrainError::File {
        path: path.clone(),
        source,
    };
    let json = serde_json::to_vec_pretty(config).map_err(|error| file(error.into()))?;
    write_atomically(&path, &json).map_err(file)
}
