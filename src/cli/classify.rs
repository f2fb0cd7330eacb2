//! `normgate classify`

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use normgate_core::preprocess::Limits;
use normgate_core::printable::on_one_line;
use normgate_core::{Classification, Classifier, Session, SessionOptions};

use super::failure::Failure;
use super::terminal::{columns, complain};
use super::{image_file, model_file};
use crate::config::{ImageLimits, ModelConfig, parse_count};
use crate::engine::{Pipeline, decode_caught};
use crate::problem::Problem;
use crate::reply::{DEFAULT_TOP, FileReply, Reply};

/// Classify image files as the server would, without a server.
///
/// Prints one line for each file, in order. The exit code is 0 if every file was classified,
/// whatever the verdict, and 1 if any could not be: those are named on standard error, and the
/// others are classified all the same.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  normgate classify photo.jpg\n  normgate classify --json *.jpg \
    | jq 'select(.is_ood) | .file'"
)]
pub struct ClassifyArgs {
    /// JPEG, PNG, WebP, GIF or BMP files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Print one line of JSON for each file: the server's reply, with the file's name.
    #[arg(long, env = "NORMGATE_JSON")]
    json: bool,

    /// How many of the likeliest labels to list in the JSON [default: 5]
    #[arg(long, env = "NORMGATE_TOP", value_name = "N", value_parser = parse_count::<MOST_LABELS>)]
    top: Option<NonZeroUsize>,

    #[command(flatten)]
    model: ModelConfig,

    #[command(flatten)]
    limits: ImageLimits,
}

/// The most labels that a model can have; how many this one has is known once it is open.
const MOST_LABELS: usize = 65_536;

/// Classifies each file.
pub fn run(args: &ClassifyArgs) -> Result<(), Failure> {
    let is_model = |file: &&PathBuf| file.extension().is_some_and(|it| it == "onnx");
    if let Some(model) = args.files.iter().find(is_model) {
        return Err(Failure::Usage(format!(
            "{0} is a model, not an image: --model {0}",
            model.display()
        )));
    }
    let model = model_file::open(&args.model.model)?;
    let labels = &model.manifest().labels;
    let top = match args.top.map(NonZeroUsize::get) {
        None => DEFAULT_TOP.min(labels.len()),
        Some(top) if top <= labels.len() => top,
        // As the server answers. A shorter list than was asked for could be taken for all labels that there are.
        Some(top) => {
            return Err(Failure::Usage(format!(
                "--top {top}: this model has {n} labels; give a number from 1 to {n}",
                n = labels.len()
            )));
        }
    };
    let classifier = Classifier::new(&model)?;
    let runtime = args.model.runtime.load()?;
    let session = Session::new(&runtime, &model, &SessionOptions::default())?;
    let mut pipeline = Pipeline::new(session, classifier, 1);
    let mut out = io::stdout().lock();
    let table = Table::new(&args.files, labels, columns());
    let mut headed = false;
    let limits = args.limits.limits();
    let mut failed = 0;
    for file in &args.files {
        let name = file.display().to_string();
        // As it is in JSON; on a terminal, it is to take one line, and command nothing.
        let shown = on_one_line(&name);
        match classify(file, &limits, &mut pipeline)? {
            Ok(answer) if args.json => {
                let reply = Reply::new(model.manifest(), &answer, top);
                print_json(&mut out, &FileReply::reply(Some(name), reply))?;
            }
            Ok(answer) => {
                // A head above nothing but errors would only confuse.
                if !std::mem::replace(&mut headed, true) {
                    writeln!(out, "{}", table.head())?;
                }
                let row = table.row(&shown, &labels[answer.class_index], &answer);
                writeln!(out, "{row}")?;
            }
            Err(problem) => {
                failed += 1;
                complain(&format!("{name}: {}", problem.detail()));
                if args.json {
                    print_json(&mut out, &FileReply::problem(Some(name), problem))?;
                }
            }
        }
    }
    match failed {
        0 => Ok(()),
        _ => Err(Failure::Reported(format!(
            "{failed} of {} files could not be classified",
            args.files.len()
        ))),
    }
}

/// The outer error ends the command, the inner one concerns only this file.
fn classify(
    file: &Path,
    limits: &Limits,
    pipeline: &mut Pipeline,
) -> Result<Result<Classification, Problem>, Failure> {
    let bytes = match image_file::read(file) {
        Ok(bytes) => bytes,
        Err(problem) => return Ok(Err(problem)),
    };
    let image = match decode_caught(pipeline.preprocessor(), &bytes, limits) {
        Some(Ok(image)) => image,
        Some(Err(error)) => return Ok(Err(error.into())),
        None => {
            return Ok(Err(Problem::internal_because(
                "its decoder failed, which is a bug",
            )));
        }
    };
    pipeline.add(&image)?;
    match pipeline.run()?.next() {
        Some(answer) => Ok(answer.map_err(|error| Problem::internal_because(error.to_string()))),
        None => Err(Failure::Reported("the model gave no answer".into())),
    }
}

fn print_json(out: &mut impl Write, reply: &FileReply<'_>) -> Result<(), Failure> {
    // Returned as an I/O error, which it is: a reader that has read enough closes the pipe.
    serde_json::to_writer(&mut *out, reply).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// Columns as wide as they need to be. On a terminal, long names are cut at the front so that each row stays on one
/// line: files differ at their ends.
struct Table {
    file: usize,
    label: usize,
}

/// This much of a name is shown, however narrow the terminal is.
const SHORTEST_NAME: usize = 16;

impl Table {
    /// A table for a terminal of `columns` characters, if there is one.
    fn new(files: &[PathBuf], labels: &[String], columns: Option<usize>) -> Self {
        let names = files
            .iter()
            .map(|file| on_one_line(&file.display().to_string()).chars().count());
        let labels = labels.iter().map(|label| label.chars().count());
        let label = labels.max().unwrap_or(0).max("label".len());
        let mut table = Self {
            file: "file".len(),
            label,
        };
        let others = table.head().chars().count() - table.file;
        let room = columns.map_or(usize::MAX, |all| all.saturating_sub(others));
        let longest = names.max().unwrap_or(0).max(table.file);
        table.file = longest.min(room.max(SHORTEST_NAME));
        table
    }

    fn head(&self) -> String {
        let Self { file, label } = *self;
        format!(
            "{:file$}  {:label$}  {:>10}  {:<15}  {:>9}  {:>9}",
            "file", "label", "confidence", "verdict", "score", "threshold"
        )
    }

    fn row(&self, name: &str, label: &str, answer: &Classification) -> String {
        let width = self.file;
        let length = name.chars().count();
        let name = match length > width {
            true => format!(
                "…{}",
                name.chars().skip(length + 1 - width).collect::<String>()
            ),
            false => name.to_owned(),
        };
        let verdict = if answer.is_ood {
            "OOD"
        } else {
            "in distribution"
        };
        format!(
            "{name:width$}  {label:labels$}  {:>8.1} %  {verdict:<15}  {:>9.3}  {:>9.3}",
            answer.confidence * 100.0,
            answer.score,
            answer.threshold,
            labels = self.label,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(is_ood: bool) -> Classification {
        Classification {
            class_index: 0,
            confidence: 0.934,
            probabilities: vec![0.934, 0.066],
            score: -31.25,
            threshold: -18.4,
            p_value: Some(0.6),
            is_ood,
        }
    }

    #[test]
    fn on_a_terminal_the_columns_line_up_and_long_names_keep_their_ends() {
        let long = format!("{}/last.jpg", "folder".repeat(20));
        let files = [PathBuf::from("a.jpg"), PathBuf::from(&long)];
        let labels = ["automobile".into(), "cat".into()];
        let table = Table::new(&files, &labels, Some(80));
        let lines = [
            table.head(),
            table.row("a.jpg", "cat", &answer(false)),
            table.row(&long, "cat", &answer(true)),
        ];
        let widths: Vec<usize> = lines.iter().map(|line| line.chars().count()).collect();
        assert_eq!(widths, [80; 3]);
        assert!(lines[1].contains("93.4 %") && lines[1].contains("in distribution"));
        assert!(
            lines[2].starts_with('…')
                && lines[2].contains("/last.jpg  ")
                && lines[2].contains("OOD")
        );
    }

    #[test]
    fn where_no_terminal_is_names_are_whole() {
        let long = format!("{}/last.jpg", "folder".repeat(20));
        let table = Table::new(&[PathBuf::from(&long)], &["cat".into()], None);
        assert!(table.row(&long, "cat", &answer(true)).starts_with(&long));
    }
}
