//! `normgate inspect`

use std::fmt::{self, Display, Formatter};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use normgate_core::calibration::Convention;
use normgate_core::{Calibration, Model, QuantizationRecord, TrainingRecord};

use super::failure::Failure;
use super::histogram::{bar, scores};
use super::terminal::{WIDEST, columns};
use crate::config::show_bytes;
use crate::model_document::document;

/// Show what a model file holds: labels, preprocessing, score, calibration, training.
///
/// Needs no ONNX Runtime, and works on models that are not calibrated yet.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  normgate inspect models/cifar10-lt.onnx\n  normgate inspect \
    --json my.onnx | jq .calibration.threshold"
)]
pub struct InspectArgs {
    /// The model file.
    #[arg(value_name = "MODEL")]
    model: PathBuf,

    /// Print the manifest as JSON, as GET /model answers it.
    #[arg(long, env = "NORMGATE_JSON")]
    json: bool,
}

/// Prints the manifest.
pub fn run(args: &InspectArgs) -> Result<(), Failure> {
    let model = Model::open(&args.model)?;
    let mut out = io::stdout().lock();
    if args.json {
        let document = document(&model)?;
        writeln!(out, "{}", serde_json::to_string_pretty(&document)?)?;
    } else {
        let text = ForPeople {
            model: &model,
            path: &args.model,
        };
        // Text is wrapped to the width that it is formatted with.
        write!(out, "{text:0$}", columns().unwrap_or(WIDEST).min(WIDEST))?;
    }
    Ok(())
}

const BAR: usize = 50;

struct ForPeople<'a> {
    model: &'a Model,
    path: &'a Path,
}

impl Display for ForPeople<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let manifest = self.model.manifest();
        writeln!(f, "{}", manifest.title())?;
        if let Some(description) = &manifest.description {
            wrapped(f, "", description)?;
        }
        let size = show_bytes(self.model.bytes().len());
        writeln!(f, "\n  {:15} {} ({size})", "file", self.path.display())?;
        writeln!(f, "  {:15} {}", "SHA-256", self.model.digest())?;
        wrapped(
            f,
            "labels",
            &format!("{}: {}", manifest.labels.len(), manifest.labels.join(", ")),
        )?;
        let p = &manifest.preprocessing;
        writeln!(f, "  {:15} {p}", "input")?;
        if p.mean != [0.0; 3] || p.std != [1.0; 3] {
            writeln!(f, "  {:15} mean {:?}, std {:?}", "", p.mean, p.std)?;
        }
        writeln!(
            f,
            "  {:15} {} values",
            "representation", manifest.representation_size
        )?;
        writeln!(
            f,
            "  {:15} {} (larger = more out of distribution)",
            "score", manifest.score
        )?;
        if let Some(fitted) = self.model.fitted() {
            let data = fitted.data.as_deref().unwrap_or("source not recorded");
            let numbers = format!("{} images ({data})", fitted.images);
            wrapped(f, "fitted to", &numbers)?;
        }
        if let Some(record) = &manifest.quantization {
            quantized(f, record)?;
        }
        match &manifest.calibration {
            Some(calibration) => calibrated(f, calibration, &manifest.labels)?,
            None => f.write_str(
                "\nNot calibrated, so it cannot be served: run `normgate calibrate` on images of \
                 its classes\nthat it was not trained on.\n",
            )?,
        }
        manifest
            .training
            .iter()
            .try_for_each(|record| trained(f, record, &manifest.labels))
    }
}

fn calibrated(f: &mut Formatter<'_>, c: &Calibration, labels: &[String]) -> fmt::Result {
    let target = c.target_tpr * 100.0;
    let meaning = match c.convention {
        Convention::IdPositive => format!("ID-positive: {target:.1} % of ID images pass"),
        Convention::OodPositive => format!("OOD-positive: {target:.1} % of an OOD set is caught"),
    };
    writeln!(f, "\nCalibration ({meaning})\n")?;
    let data = c.data.as_deref().unwrap_or("images");
    wrapped(f, "images", &format!("{} ({data})", c.count))?;
    let by_class = match c.per_class {
        Some(_) => ", for all classes alike; those in service are below",
        None => "",
    };
    writeln!(f, "  {:15} {:.4}{by_class}", "threshold", c.threshold)?;
    let share = c.expected_flag_rate * 100.0;
    writeln!(
        f,
        "  {:15} {share:.2} % of the calibration images\n",
        "flagged"
    )?;
    f.write_str(&scores(&c.scores, c.threshold, BAR))?;
    if let Some(classes) = &c.per_class {
        writeln!(
            f,
            "\n  {:20} {:>9} {:>7}",
            "predicted as", "threshold", "images"
        )?;
        let own = c.have_own_threshold();
        for ((label, class), own) in labels.iter().zip(classes).zip(own) {
            let shared = match own {
                true => "",
                false => "  shared",
            };
            writeln!(
                f,
                "  {label:20} {:>9.3} {:>7}{shared}",
                class.threshold, class.count
            )?;
        }
    }
    Ok(())
}

fn quantized(f: &mut Formatter<'_>, record: &QuantizationRecord) -> fmt::Result {
    let data = record.data.as_deref().unwrap_or("source not recorded");
    let percentile = record.percentile.map(|p| format!(" {p}"));
    let mut text = format!(
        "int8, ranges by {}{} of {} images ({data})",
        record.range,
        percentile.unwrap_or_default(),
        record.images
    );
    if record.reduce_range {
        text += ", weights of 7 bits";
    }
    if !record.keep_fp32.is_empty() {
        text += &format!(
            "; the {} layer stayed fp32",
            record.keep_fp32.join(" and the ")
        );
    }
    wrapped(f, "quantised", &text)?;
    writeln!(f, "  {:15} {}", "of SHA-256", record.of)
}

fn trained(f: &mut Formatter<'_>, record: &TrainingRecord, labels: &[String]) -> fmt::Result {
    let TrainingRecord {
        method,
        epochs,
        seed,
        ..
    } = record;
    writeln!(f, "\nTraining ({method}, {epochs} epochs, seed {seed})\n")?;
    wrapped(f, "data", &record.data.join(", "))?;
    if !record.auxiliary.is_empty() {
        wrapped(f, "auxiliary OOD", &record.auxiliary.join(", "))?;
    }
    if let Some(command) = &record.command {
        wrapped(f, "command", command)?;
    }
    let most = record.class_counts.iter().copied().max().unwrap_or(0);
    writeln!(f)?;
    for (label, count) in labels.iter().zip(&record.class_counts) {
        writeln!(f, "  {label:20} {count:>7} {}", bar(*count, most, BAR))?;
    }
    Ok(())
}

/// The narrowest width for text; narrower terminals break the lines themselves.
const NARROWEST: usize = 40;

/// Text in the column of values, broken between words to the width that `f` has. A word longer than that is broken,
/// too.
fn wrapped(f: &mut Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    let indent = if name.is_empty() { 0 } else { 18 };
    let room = f.width().unwrap_or(WIDEST).max(NARROWEST) - indent;
    let mut line = String::new();
    let mut lines = Vec::new();
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        if !line.is_empty() && line.chars().count() + 1 + word.len() > room {
            lines.push(std::mem::take(&mut line));
        }
        while word.len() > room {
            lines.push(word.drain(..room).collect());
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word);
    }
    lines.push(line);
    for (number, line) in lines.iter().enumerate() {
        match (number, indent) {
            (_, 0) => writeln!(f, "{line}")?,
            (0, _) => writeln!(f, "  {name:15} {line}")?,
            _ => writeln!(f, "{:indent$}{line}", "")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Wrapped<'a>(&'a str, &'a str);

    impl Display for Wrapped<'_> {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            wrapped(f, self.0, self.1)
        }
    }

    #[test]
    fn long_text_is_broken_to_the_width_and_loses_nothing() {
        let text = format!("{} {}", "airplane, ".repeat(30).trim(), "x".repeat(250));
        for width in [80, 100] {
            let shown = format!("{:width$}", Wrapped("labels", &text));
            let widest = shown.lines().map(|line| line.chars().count()).max();
            assert_eq!(widest, Some(width), "{shown}");
            let strip = |text: &str| text.replace(char::is_whitespace, "");
            assert_eq!(strip(&shown), format!("labels{}", strip(&text)));
            assert!(
                shown
                    .lines()
                    .skip(1)
                    .all(|line| line.starts_with(&" ".repeat(18)))
            );
        }
    }
}
