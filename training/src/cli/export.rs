//! `normgate-train export`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use normgate_core::model::Model;
use normgate_evaluation::datasets::HeldOut;
use normgate_evaluation::out::has_folder;
use normgate_evaluation::reports::table::counted;
use normgate_evaluation::shell::quoted_path;
use normgate_evaluation::workbench::print;

use crate::checkpoint::Checkpoint;
use crate::export::{ExportOptions, WeightForm, export};
use crate::held_out_folder;

/// Turn a run into a model file
///
/// The file holds the network without its projection head, the labels, the preprocessing and a
/// record of the training. It cannot be served until `calibrate` has given it a threshold.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  normgate-train export runs/mine --out photos.onnx --description 'parts on a belt'"
)]
pub struct ExportArgs {
    /// The run folder, or a checkpoint
    run: PathBuf,
    /// The model file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The model's name in replies and metrics [default: the file's, without extension]
    #[arg(long)]
    name: Option<String>,
    /// The model's version
    #[arg(long, value_name = "VERSION", default_value = "1.0.0")]
    model_version: String,
    /// A description of the model, for people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// How the weights are stored
    #[arg(long, value_enum, default_value_t)]
    weights: WeightForm,
}

/// Checks that nothing is lost that would be missed: an earlier export of the run is made again, and nothing else.
fn may_be_written(out: &Path, command: &str) -> Result<(), Box<dyn std::error::Error>> {
    has_folder(out)?;
    if !out.exists() {
        return Ok(());
    }
    let what = match Model::open(out) {
        Ok(model) if model.manifest().calibration.is_some() => {
            "a calibrated model, whose threshold would be lost".to_owned()
        }
        Ok(model) => {
            let training = model.manifest().training.as_ref();
            if training.and_then(|it| it.command.as_deref()) == Some(command) {
                return Ok(());
            }
            "a model that this run did not make".to_owned()
        }
        Err(error) => format!("something else ({error})"),
    };
    let out = out.display();
    Err(format!("--out {out}: there is {what}. Give another name, or remove it first").into())
}

/// Carries out the command.
///
/// # Errors
///
/// If the checkpoint cannot be read or exported, or the model file cannot be written.
pub fn run(args: &ExportArgs) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let checkpoint = Checkpoint::load(&args.run)?;
    let stem = args.out.file_stem().unwrap_or(args.out.as_os_str());
    let options = ExportOptions {
        name: args
            .name
            .clone()
            .unwrap_or_else(|| stem.to_string_lossy().into_owned()),
        version: args.model_version.clone(),
        description: args.description.clone(),
        weights: args.weights,
    };
    may_be_written(&args.out, &checkpoint.config.command)?;
    let model = export(&checkpoint, &options)?;
    model.save(&args.out)?;
    let out = args.out.display();
    let (done, epochs) = (checkpoint.progress.epochs, checkpoint.config.recipe.epochs);
    let held_out = args.run.join(held_out_folder::FOLDER);
    let images = match HeldOut::is_in(&held_out) {
        true => quoted_path(&held_out),
        false => "IMAGES".into(),
    };
    let after = match done < epochs {
        true => format!("{done} of {epochs} epochs: the run is not finished"),
        false => counted(done, "epoch"),
    };
    print(&format!(
        "Wrote {out}: {} {}, {:.1} MB, {} classes, after {after}\n\
         Next, on images not trained on: normgate-train calibrate {} --data {images}\n",
        options.name,
        options.version,
        model.bytes().len() as f64 / 1e6,
        model.manifest().labels.len(),
        quoted_path(&args.out),
    ))?;
    Ok(ExitCode::SUCCESS)
}
