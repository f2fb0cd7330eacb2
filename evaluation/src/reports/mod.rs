//! The report of an evaluation: a table for the terminal, and a folder with `report.json`,
//! `report.md`, `report.html`, which needs no other file, and the plots as SVG and PNG.

pub mod html;
mod notes;
pub mod plots;
pub mod table;
mod tables;
mod terms;

use std::fmt;
use std::fs;
use std::path::Path;

use normgate_core::calibration::{Calibration, Convention};
use normgate_core::manifest::TrainingRecord;
use normgate_core::model::Model;
use normgate_core::scores::ScoreKind;
use serde::Serialize;

use crate::error::EvaluationError;
use crate::evaluate::figures::Figures;
use crate::out::holds_report;
use plots::Plot;

/// The results of an evaluation, as in `report.json`. Its [`Display`](fmt::Display) is the table for the terminal, at
/// most 100 columns wide.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Version of the Normgate that evaluated.
    pub normgate: String,
    /// Version of the ONNX Runtime that it ran on.
    pub onnxruntime: String,
    /// The command line.
    pub command: String,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// What was evaluated.
    pub model: ModelRecord,
    /// Test images that the model may have seen before, for people to judge: a sentence for each set.
    pub doubts: Vec<String>,
    /// What was measured.
    pub figures: Figures,
}

/// The model file that was evaluated.
#[derive(Clone, Debug, Serialize)]
pub struct ModelRecord {
    /// From the manifest.
    pub name: String,
    /// From the manifest.
    pub version: String,
    /// Digest of the file.
    pub sha256: String,
    /// Size of the file.
    pub bytes: usize,
    /// The score it is served with.
    pub score: ScoreKind,
    /// When it flags.
    pub calibration: CalibrationRecord,
    /// How it was trained, if the manifest says so.
    pub training: Option<TrainingRecord>,
}

/// A model's calibration without the scores behind it.
#[derive(Clone, Debug, Serialize)]
pub struct CalibrationRecord {
    /// What `target_tpr` counts.
    pub convention: Convention,
    /// The true positive rate asked for.
    pub target_tpr: f64,
    /// Scores above it are flagged, unless predicted classes have thresholds of their own.
    pub threshold: f64,
    /// Whether predicted classes have thresholds of their own.
    pub per_class: bool,
    /// The least and the greatest of these.
    pub per_class_thresholds: Option<[f64; 2]>,
    /// How many images it was calibrated on.
    pub count: usize,
    /// Share of the calibration's ID images that are flagged.
    pub expected_flag_rate: f64,
    /// What the images were.
    pub data: Option<String>,
}

impl ModelRecord {
    pub(crate) fn new(model: &Model, calibration: &Calibration) -> Self {
        let manifest = model.manifest();
        Self {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            sha256: model.digest().to_owned(),
            bytes: model.bytes().len(),
            score: manifest.score,
            calibration: CalibrationRecord {
                convention: calibration.convention,
                target_tpr: calibration.target_tpr,
                threshold: calibration.threshold,
                per_class: calibration.per_class.is_some(),
                per_class_thresholds: calibration.thresholds_by_class(),
                count: calibration.count,
                expected_flag_rate: calibration.expected_flag_rate,
                data: calibration.data.clone(),
            },
            training: manifest.training.clone(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in tables::introduction(self) {
            writeln!(formatter, "{line}")?;
        }
        for table in tables::all(&self.figures) {
            write!(formatter, "\n{}", table.terminal())?;
        }
        Ok(())
    }
}

impl Report {
    fn title(&self) -> String {
        format!("Evaluation of {} {}", self.model.name, self.model.version)
    }

    /// The report as Markdown, with the plots (names without extension, and what they show) in it.
    pub fn markdown(&self, plots: &[NamedPlot]) -> String {
        let mut out = format!("# {}\n\n", self.title());
        for line in tables::introduction(self) {
            out += &format!("- {line}\n");
        }
        out += &format!("- sha256 `{}`\n", self.model.sha256);
        for table in tables::all(&self.figures) {
            out += &format!("\n{}", table.markdown());
        }
        for NamedPlot {
            file,
            caption,
            plot,
        } in plots
        {
            // A viewer of the SVG has fonts for names in any script.
            let shown = match plot.is_legible_as_png() {
                true => "png",
                false => "svg",
            };
            out += &format!("\n## {caption}\n\n[![{caption}]({file}.{shown})]({file}.svg)\n");
        }
        out += "\n## What the words mean\n\n";
        for line in terms::of(&self.figures) {
            out += &format!("- {line}\n");
        }
        out += &format!(
            "\n## How this was made\n\nIn {:.0} s with Normgate {} on ONNX Runtime {}, by\n\n    {}\n",
            self.seconds, self.normgate, self.onnxruntime, self.command
        );
        out
    }

    /// Writes `report.json`, `report.md`, `report.html` and every plot as SVG and PNG into `folder`, which is made if
    /// it does not exist; files with those names are replaced, and plots of an earlier report that this one has not
    /// are removed.
    ///
    /// # Errors
    /// [`EvaluationError`] if a file cannot be written, or a plot cannot be rendered.
    pub fn write(&self, folder: &Path, plots: &[NamedPlot]) -> Result<(), EvaluationError> {
        let io = |path: &Path, result: std::io::Result<()>| {
            result.map_err(|source| EvaluationError::Io {
                path: path.into(),
                source,
            })
        };
        io(folder, fs::create_dir_all(folder))?;
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            io(&path, fs::write(&path, bytes))
        };
        let path = folder.join("report.json");
        let json = serde_json::to_string_pretty(self)
            .map_err(|source| EvaluationError::Json { path, source })?;
        let was_report = holds_report(folder);
        // Written last, so that a folder that has it has all.
        let report = folder.join("report.json");
        if report.exists() {
            io(&report, fs::remove_file(&report))?;
        }
        if was_report {
            let is_shown = |plot: &&str| plots.iter().any(|it| it.file == *plot);
            for plot in PLOTS.into_iter().filter(|plot| !is_shown(plot)) {
                // One that stays although nobody shows it does no harm.
                let _ = fs::remove_file(folder.join(format!("{plot}.svg")));
                let _ = fs::remove_file(folder.join(format!("{plot}.png")));
            }
        }
        write("report.md", self.markdown(plots).as_bytes())?;
        write("report.html", html::page(self, plots).as_bytes())?;
        for NamedPlot { file, plot, .. } in plots {
            write(&format!("{file}.svg"), plot.svg().as_bytes())?;
            write(&format!("{file}.png"), &plot.png()?)?;
        }
        write("report.json", json.as_bytes())
    }
}

/// The plots that reports may have, by the names of their files.
const PLOTS: [&str; 6] = ["norms", "roc", "sets", "classes", "taken-for", "training"];

/// What the text of every report has before the version.
pub(crate) const MADE_BY: &str = "s with Normgate";

/// The names of all files that a report may have.
pub(crate) fn files() -> impl Iterator<Item = String> {
    let texts = ["report.md", "report.html", "report.json"].map(String::from);
    let plots = PLOTS.into_iter();
    texts
        .into_iter()
        .chain(plots.flat_map(|plot| [format!("{plot}.svg"), format!("{plot}.png")]))
}

/// A plot, the name of its files, and what it shows.
pub struct NamedPlot {
    /// File name without extension.
    pub file: &'static str,
    /// A heading for it.
    pub caption: &'static str,
    /// The plot itself.
    pub plot: Plot,
}
