//! The page of a table: our figures and the paper's, what differs, and how to make them again.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use normgate_core::scores::ScoreKind;
use normgate_evaluation::reports::plots::matrix;
use normgate_evaluation::reports::table::Table as Lines;

use super::carry_out::is_made_as_now;
use super::dynamics;
use super::error::ReproduceError;
use super::figures::{Estimate, Figure, Group, Trust};
use super::models::Model;
use super::report::Report;
use super::results::{Record, Results};
use super::run::{Run, Setting};
use super::tables::{Block, Cell, Picture, Table};
use super::tasks::Task;

/// Figures shown for every model, whatever the table: what its flags are worth.
const SERVED: [Figure; 7] = [
    Figure::FalseFlags(Group::All),
    Figure::FalseFlags(Group::Many),
    Figure::FalseFlags(Group::Medium),
    Figure::FalseFlags(Group::Few),
    Figure::OtherSource(Trust::Flagged),
    Figure::OtherSource(Trust::Accuracy),
    Figure::OtherSource(Trust::Unflagged),
];

/// The head of a row of the paper's figures.
pub const IN_THE_PAPER: &str = "… in the paper";

/// A note on pages that have the paper's figures.
const PAPERS_FIGURES: &str = "\nThe paper's figures are in the rows below ours. They are for the \
    same images only on the ID test sets, on `cifar10` as an OOD set of CIFAR100-LT, and on \
    ImageNet-LT. They are means of six seeds at width 64 and 200 epochs (ImageNet-LT: 100). AUPR \
    depends on how many OOD images there are beside the 10,000 ID ones, and the paper's OOD sets \
    are larger, so ours is lower at the same AUROC.\n";

/// A page in Markdown, and the plots that it shows.
pub struct Page {
    /// The table's id, after which files are named.
    pub id: &'static str,
    /// The table's title, which the text begins with.
    pub title: &'static str,
    /// The text, from its title on.
    pub text: String,
    /// Names of files beside it, each with an SVG document.
    pub pictures: Vec<(String, String)>,
}

/// A table's page from the finished runs of every setting and of the first `seeds` seeds; `None` if there are none.
///
/// # Errors
///
/// [`ReproduceError`] if results cannot be read.
pub fn page(table: &Table, results: &Results, seeds: u64) -> Result<Option<Page>, ReproduceError> {
    let mut records = results.records()?;
    records.retain(|record| record.seed <= seeds);
    let mut sections = Vec::new();
    let mut pictures = Vec::new();
    for setting in settings(&records) {
        let part = Part {
            results,
            setting,
            records: &records,
        };
        sections.extend(part.section(table, &mut pictures)?);
    }
    if sections.is_empty() {
        return Ok(None);
    }
    let mut out = format!("# {}\n\n{}\n", table.title, table.asks);
    for note in table.notes {
        out += &format!("\n- {note}");
    }
    if !table.notes.is_empty() {
        out += "\n";
    }
    out += "\n## How the data differ from the paper's\n";
    for block in &table.blocks {
        out += &format!("\n{}:\n\n", block.task.about().title);
        for difference in block.task.about().differences {
            out += &format!("- {difference}\n");
        }
    }
    if table.has_papers_figures() {
        out += PAPERS_FIGURES;
    }
    out += &sections.concat();
    Ok(Some(Page {
        id: table.id,
        title: table.title,
        text: out,
        pictures,
    }))
}

/// Every setting that there are runs of, largest first.
fn settings(records: &[Record]) -> Vec<Setting> {
    let mut settings: Vec<Setting> = Vec::new();
    for record in records {
        if !settings.contains(&record.setting) {
            settings.push(record.setting);
        }
    }
    settings.sort_by_key(|setting| Reverse((setting.width, setting.epochs)));
    settings
}

/// A table's figures of one setting.
struct Part<'a> {
    results: &'a Results,
    setting: Setting,
    records: &'a [Record],
}

impl Part<'_> {
    fn section(
        &self,
        table: &Table,
        pictures: &mut Vec<(String, String)>,
    ) -> Result<Option<String>, ReproduceError> {
        let runs: Vec<&Record> = table
            .models()
            .into_iter()
            .flat_map(|m| self.runs(m))
            .collect();
        if runs.is_empty() {
            return Ok(None);
        }
        let mut out = format!("\n## {}\n", capitalised(&self.setting.title()));
        for block in &table.blocks {
            if block
                .models()
                .into_iter()
                .all(|model| self.runs(model).is_empty())
            {
                continue;
            }
            out += &format!(
                "\n### {}\n\n{}",
                block.task.about().title,
                self.block(block)?
            );
            match table.picture {
                Picture::None => {}
                Picture::Matrix => {
                    let (task, setting) = (block.task.about().slug, self.setting.slug());
                    let file = format!("{}-{task}-{setting}.svg", table.id);
                    out += &format!("\n![{}]({file})\n", table.title);
                    pictures.push((file, self.matrix(table, block)?));
                }
                Picture::Dynamics => out += &self.dynamics(table, block, pictures)?,
            }
            out += &self.served(block)?;
        }
        out += &self.made(table, &runs);
        Ok(Some(out))
    }

    fn block(&self, block: &Block) -> Result<String, ReproduceError> {
        let mut lines = Lines {
            title: String::new(),
            note: format!(
                "In %{}; with two seeds both figures, with more the mean ± standard deviation.",
                if block.has_norms() {
                    ", except for norms"
                } else {
                    ""
                }
            ),
            header: vec![String::new(), "Seeds".into()],
            text_columns: 1,
            rows: Vec::new(),
        };
        lines.header.extend(block.columns.iter().cloned());
        for row in &block.rows {
            let mut seeds = BTreeSet::new();
            let mut cells = Vec::new();
            for cell in &row.cells {
                let reports = self.reports(&cell.model)?;
                let values = cell.values(&reports);
                // If a run lacks a figure, the mean is that of the others.
                seeds.insert(match values.len() {
                    0 => reports.len(),
                    count => count,
                });
                cells.push(shown(&values));
            }
            let seeds = match (seeds.first(), seeds.last()) {
                (Some(fewest), Some(most)) if fewest != most => format!("{fewest} to {most}"),
                (Some(count), _) => count.to_string(),
                (None, _) => String::new(),
            };
            let head = [row.label.clone(), seeds];
            lines.rows.push(head.into_iter().chain(cells).collect());
            if row.cells.iter().any(|cell| cell.paper.is_some()) {
                let head = [IN_THE_PAPER.to_owned(), String::new()];
                let cells = row.cells.iter().map(|cell| published(cell.paper));
                lines.rows.push(head.into_iter().chain(cells).collect());
            }
        }
        Ok(lines.markdown())
    }

    fn matrix(&self, table: &Table, block: &Block) -> Result<String, ReproduceError> {
        let title = format!("{}, {}", block.task.about().title, self.setting.title());
        let mut values = Vec::new();
        for row in &block.rows {
            let value = |cell: &Cell| {
                let values = cell.values(&self.reports(&cell.model)?);
                Ok(Estimate::of(&values).map(|estimate| estimate.mean))
            };
            let row = row.cells.iter().map(value);
            values.push(row.collect::<Result<Vec<_>, ReproduceError>>()?);
        }
        let rows: Vec<_> = block.rows.iter().map(|row| row.label.clone()).collect();
        let plot = matrix(&title, table.title, &rows, &block.columns, &values);
        Ok(plot.svg().to_owned())
    }

    /// What was monitored of each run, as a table and as curves.
    fn dynamics(
        &self,
        table: &Table,
        block: &Block,
        pictures: &mut Vec<(String, String)>,
    ) -> Result<String, ReproduceError> {
        let mut out = String::new();
        for record in block
            .models()
            .into_iter()
            .flat_map(|model| self.runs(model))
        {
            let history = self.results.history(record)?;
            if history.is_empty() {
                continue;
            }
            let lines = dynamics::table(format!("Seed {}:", record.seed), &history);
            let file = format!("{}-{}.svg", table.id, record.run);
            out += &format!(
                "\n{lines}\n![{}, seed {}]({file})\n",
                table.title, record.seed
            );
            let title = format!("Training of {}", record.run);
            pictures.push((file, dynamics::picture(&title, &history)));
        }
        Ok(out)
    }

    /// What the flags of each model are worth as it is served.
    fn served(&self, block: &Block) -> Result<String, ReproduceError> {
        let other_source = block.task.about().other_source;
        let figures = match other_source {
            Some(_) => &SERVED[..],
            None => &SERVED[..4],
        };
        let names = [
            "Model",
            "Score",
            "Flagged",
            "Many",
            "Medium",
            "Few",
            "Other source flagged",
            "Accuracy",
            "If unflagged",
        ];
        let mut lines = Lines {
            title: String::new(),
            note: "As served, with the threshold that 95 % of the calibration images pass: the \
                 share of ID test images that are flagged"
                .into(),
            header: names.map(String::from)[..2 + figures.len()].into(),
            text_columns: 2,
            rows: Vec::new(),
        };
        lines.note += match other_source {
            Some(_) => {
                ". The last three columns are for images of the same classes from another source \
                 (`id_other_source`), which should pass if the model judges content and not the \
                 camera: the share flagged, and the accuracy on all of them and on the unflagged \
                 ones."
            }
            None => ".",
        };
        for model in block.models() {
            let reports = self.reports(model)?;
            if reports.is_empty() {
                continue;
            }
            let head = [format!("`{}`", model.name()), model.score.title().into()];
            let cells = figures
                .iter()
                .map(|&figure| shown(&values(figure, model.score, &reports)));
            lines.rows.push(head.into_iter().chain(cells).collect());
        }
        Ok(format!("\n{}", lines.markdown()))
    }

    /// By which command the runs were made, where and when.
    fn made(&self, table: &Table, runs: &[&Record]) -> String {
        let seeds = runs.iter().map(|record| record.seed).max().unwrap_or(1);
        let machines: BTreeSet<_> = runs.iter().map(|record| record.machine.as_str()).collect();
        let dates: BTreeSet<_> = runs.iter().map(|record| record.date.as_str()).collect();
        let hours = runs
            .iter()
            .map(|record| record.training.seconds)
            .sum::<f64>()
            / 3600.0;
        let dates = match (dates.first(), dates.last()) {
            (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
            (Some(only), _) => (*only).to_owned(),
            _ => String::new(),
        };
        let imagenet = Task::ImagenetLt.about().slug;
        // Only if this task is named does it take another size than its own.
        let task = match runs.iter().all(|record| record.run.starts_with(imagenet)) {
            true => format!(" --task {imagenet}"),
            false => String::new(),
        };
        let count = match runs.len() {
            1 => "1 run".to_owned(),
            count => format!("{count} runs"),
        };
        format!(
            "\nMade with\n\n    normgate-train reproduce {}{task} {} --seeds {seeds}\n\non {} \
             ({dates}; {count}, {hours:.1} hours of training). [runs/](runs/) has what was \
             measured in each run, and its commands.\n",
            table.id,
            self.setting.options(),
            machines.into_iter().collect::<Vec<_>>().join("; "),
        )
    }

    /// The finished runs of a model.
    fn runs(&self, model: &Model) -> Vec<&Record> {
        let of_model = |record: &&Record| {
            let run = Run {
                model: model.clone(),
                setting: self.setting,
                seed: record.seed,
            };
            // One of another command counts as failed: its figures are not this model's.
            record.setting == self.setting
                && record.run == run.name()
                && is_made_as_now(&run, &record.commands)
        };
        self.records.iter().filter(of_model).collect()
    }

    fn reports(&self, model: &Model) -> Result<Vec<Report>, ReproduceError> {
        let reports = self
            .runs(model)
            .into_iter()
            .map(|record| self.results.report(record));
        reports.collect()
    }
}

impl Block {
    fn has_norms(&self) -> bool {
        let mut cells = self.rows.iter().flat_map(|row| &row.cells);
        cells.any(|cell| matches!(cell.figure, Figure::Norm(_) | Figure::TrainingNorm(_)))
    }
}

impl Cell {
    fn values(&self, reports: &[Report]) -> Vec<f64> {
        values(self.figure, self.score, reports)
    }
}

/// The figure of those runs that have it.
fn values(figure: Figure, score: ScoreKind, reports: &[Report]) -> Vec<f64> {
    let values = reports.iter().filter_map(|report| figure.of(report, score));
    values.collect()
}

/// Two values are shown as they are, which also shows how far apart they are.
fn shown(values: &[f64]) -> String {
    match values {
        [one, other] => format!("{one:.2}, {other:.2}"),
        values => published(Estimate::of(values)),
    }
}

fn published(estimate: Option<Estimate>) -> String {
    estimate.map_or_else(|| "–".into(), |estimate| estimate.to_string())
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}
