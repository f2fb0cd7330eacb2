//! The folder of a run: which process may write to it, and what is in it before the first epoch.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use normgate_evaluation::datasets::{HeldOut, ImageSet};
use normgate_evaluation::say;
use normgate_evaluation::shell::quoted_path;

use crate::checkpoint::{self, write_atomically};
use crate::config::RunConfig;
use crate::error::TrainError;
use crate::export::learnt_from;
use crate::{held_out_folder, lock};

/// The file that keeps a run's options.
pub(super) const CONFIG_FILE: &str = "config.json";

/// Checks that no run would be lost. One that was killed before its first checkpoint may be: nothing could continue
/// from it.
pub(super) fn check_is_free(run: &Path, holds_out: bool) -> Result<(), TrainError> {
    let shown = run.display();
    let problem = if run.is_file() {
        format!("{shown} is a file: name a new folder")
    } else if run.join(checkpoint::FILE_NAME).exists() {
        format!(
            "{shown} already holds a run. Continue it (--resume {}), or name another folder",
            quoted_path(run)
        )
    } else if is_of_others(&run.join(CONFIG_FILE)) {
        format!("{shown} has a {CONFIG_FILE} that no run made: name a new folder")
    } else if holds_out && !held_out_folder::may_write(run) {
        format!(
            "{shown} already has a {} that no run made: name a new folder",
            held_out_folder::FOLDER
        )
    } else {
        return Ok(());
    };
    Err(TrainError::Options(format!("--out: {problem}")))
}

/// Whether there is a file that is not the options of a run.
fn is_of_others(config: &Path) -> bool {
    let text = fs::read(config);
    text.is_ok_and(|text| serde_json::from_slice::<RunConfig>(&text).is_err())
}

/// Makes the folder of a new run, if it is not there, and locks it as [`lock()`] does.
pub(super) fn make_and_lock(run: &Path) -> Result<File, TrainError> {
    std::fs::create_dir_all(run).map_err(|source| TrainError::File {
        path: run.to_owned(),
        source,
    })?;
    lock(run)
}

/// Locks the folder of a run, so that no other process writes into it meanwhile.
pub(super) fn lock(run: &Path) -> Result<File, TrainError> {
    let taken = File::open(run).and_then(lock::take);
    let taken = taken.map_err(|source| TrainError::File {
        path: run.to_owned(),
        source,
    })?;
    let lock = taken.ok_or_else(|| {
        TrainError::Options(format!(
            "another process is training in {}: wait for it, or name another folder",
            run.display()
        ))
    })?;
    remove_half_written(run);
    Ok(lock)
}

/// Removes what a process that was killed had half written (`write_atomically`): at full width 0.2 GB each time.
fn remove_half_written(run: &Path) {
    for entry in fs::read_dir(run).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_ours = ["checkpoint.", "history.", "config."];
        if name.ends_with(".tmp") && is_ours.iter().any(|start| name.starts_with(start)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Keeps the held-out images in the run folder, for `calibrate`, and says where.
pub(super) fn keep_held_out(
    run: &Path,
    config: &RunConfig,
    held: &ImageSet,
) -> Result<(), TrainError> {
    let place = run.join(held_out_folder::FOLDER);
    // As the model's record will have them.
    let mark = HeldOut {
        class_counts: config.data.class_counts.clone(),
        sets: learnt_from(config).data,
    };
    match held_out_folder::write(run, held, &mark) {
        Ok(()) if held.is_empty() => {}
        Ok(()) => {
            say!(
                "{} images are held out in {}: calibrate on them",
                held.len(),
                place.display()
            );
            if held.len() < LEAST {
                say!(
                    "warning: a threshold needs {LEAST} images, better a few hundred: hold out more"
                );
            }
        }
        Err(error) if error.kind() == ErrorKind::InvalidFilename => say!(
            "warning: a class's name cannot be a folder's, so the {} held-out images are not kept in {}: to \
             calibrate on them, select them with filters (normgate-train calibrate --help)",
            held.len(),
            run.display()
        ),
        Err(source) => {
            return Err(TrainError::File {
                path: place,
                source,
            });
        }
    }
    Ok(())
}

/// The fewest calibration images that give a threshold at a TPR of 95 % (ID-positive).
const LEAST: usize = 19;

/// Writes all of a run's options, for people and scripts; the checkpoint holds them too.
pub(super) fn write_config(run: &Path, config: &RunConfig) -> Result<(), TrainError> {
    let path = run.join(CONFIG_FILE);
    let file = |source| TrainError::File {
        path: path.clone(),
        source,
    };
    let json = serde_json::to_vec_pretty(config).map_err(|error| file(error.into()))?;
    write_atomically(&path, &json).map_err(file)
}
