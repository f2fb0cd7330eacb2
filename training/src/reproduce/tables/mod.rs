//! The tables: what each asks, and which figures of which models answer it.

mod affine;
mod balance;
mod camera;
mod dynamics;
mod fine_tuning;
mod imbalance;
mod methods;
mod together;
mod variants;

use normgate_core::scores::ScoreKind;

use super::figures::{Estimate, Figure, Group, Over};
use super::models::Model;
use super::tasks::Task;

/// All tables: the paper's in its order, then those that it does not have.
pub const TABLES: &[fn() -> Table] = &[
    methods::t1,
    methods::t2,
    variants::t3,
    methods::t4,
    imbalance::t5,
    methods::t6,
    variants::t7,
    methods::t8,
    methods::t9,
    methods::t10,
    methods::t11,
    variants::t12,
    variants::t13,
    variants::t14,
    variants::t15,
    variants::t16,
    fine_tuning::t17,
    variants::fig5,
    variants::fig6,
    dynamics::fig7,
    camera::camera,
    balance::balance,
    together::together,
    affine::affine,
];

/// A table.
pub struct Table {
    /// Its name on the command line, and that of its file.
    pub id: &'static str,
    /// Its place in the paper and its subject.
    pub title: &'static str,
    /// The question that it answers.
    pub asks: &'static str,
    /// What a reader has to know besides how the data differ.
    pub notes: &'static [&'static str],
    /// What is drawn beside it.
    pub picture: Picture,
    /// A part for each task.
    pub blocks: Vec<Block>,
}

/// What is drawn beside a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    /// Nothing.
    None,
    /// The table itself, with larger figures darker; for tables whose figures are all of one kind.
    Matrix,
    /// The training curves of each run, with the norms of what was monitored.
    Dynamics,
}

/// The part of a table about one task.
pub struct Block {
    /// What is in distribution.
    pub task: Task,
    /// The heads of the columns after the first.
    pub columns: Vec<String>,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// A line of a table.
#[derive(Clone)]
pub struct Row {
    /// What it is about.
    pub label: String,
    /// A cell for each column.
    pub cells: Vec<Cell>,
}

/// A figure of a model, and the paper's.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The model.
    pub model: Model,
    /// The score that detection figures are measured by.
    pub score: ScoreKind,
    /// The figure.
    pub figure: Figure,
    /// The paper's figure, if it gives one.
    pub paper: Option<Estimate>,
}

/// A model on any task.
type ModelOf = fn(Task) -> Model;

/// T2's columns: what most tables show.
const USUAL: [Figure; 7] = [
    Figure::Auroc(Over::All),
    Figure::Aupr(Over::All),
    Figure::Fpr95(Over::All),
    Figure::Accuracy(Group::All),
    Figure::Accuracy(Group::Many),
    Figure::Accuracy(Group::Medium),
    Figure::Accuracy(Group::Few),
];

impl Table {
    /// The tables of these names.
    ///
    /// # Errors
    ///
    /// A message with the name that no table has, and those that there are.
    pub fn find(names: &[String]) -> Result<Vec<Self>, String> {
        let find = |name: &String| {
            let table = TABLES
                .iter()
                .map(|table| table())
                .find(|table| table.id.eq_ignore_ascii_case(name));
            table.ok_or_else(|| {
                let all: Vec<_> = TABLES.iter().map(|table| table().id).collect();
                format!("there is no table \"{name}\"; there are {}", all.join(", "))
            })
        };
        names.iter().map(find).collect()
    }

    /// Whether the paper gives any of its figures in numbers.
    pub fn has_papers_figures(&self) -> bool {
        let rows = self.blocks.iter().flat_map(|block| &block.rows);
        rows.flat_map(|row| &row.cells)
            .any(|cell| cell.paper.is_some())
    }

    /// Every model that it shows, once, in its order.
    pub fn models(&self) -> Vec<&Model> {
        let mut models: Vec<&Model> = Vec::new();
        for block in &self.blocks {
            for model in block.models() {
                if !models.contains(&model) {
                    models.push(model);
                }
            }
        }
        models
    }
}

impl Block {
    /// Rows of one model each, all with the same figures.
    fn of(task: Task, figures: &[Figure], rows: Vec<Row>) -> Self {
        Self {
            task,
            columns: figures.iter().map(|figure| figure.title()).collect(),
            rows,
        }
    }

    /// Every model that it shows, once, in its order.
    pub fn models(&self) -> Vec<&Model> {
        let mut models: Vec<&Model> = Vec::new();
        for cell in self.rows.iter().flat_map(|row| &row.cells) {
            if !models.contains(&&cell.model) {
                models.push(&cell.model);
            }
        }
        models
    }
}

impl Row {
    /// Figures of one model by one score, beside the paper's in the same order; if the paper has fewer, the rest have
    /// none beside them.
    fn of(
        label: impl Into<String>,
        model: &Model,
        score: ScoreKind,
        figures: &[Figure],
        paper: impl IntoIterator<Item = Estimate>,
    ) -> Self {
        let mut paper = paper.into_iter();
        let cell = |&figure: &Figure| Cell {
            model: model.clone(),
            score,
            figure,
            paper: paper.next(),
        };
        Self {
            label: label.into(),
            cells: figures.iter().map(cell).collect(),
        }
    }
}

/// Rows, each with the paper's figures of it, in the same order; the compiler checks that there are as many.
fn beside<A, B, const N: usize>(rows: [A; N], paper: [B; N]) -> impl Iterator<Item = (A, B)> {
    rows.into_iter().zip(paper)
}

/// Figures that the paper gives with a deviation.
fn pairs<const N: usize>(figures: [[f64; 2]; N]) -> impl Iterator<Item = Estimate> {
    figures.into_iter().map(|[mean, deviation]| Estimate {
        mean,
        deviation: Some(deviation),
    })
}

/// Figures that the paper gives without a deviation.
fn means<const N: usize>(figures: [f64; N]) -> impl Iterator<Item = Estimate> {
    figures.into_iter().map(|mean| Estimate {
        mean,
        deviation: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::MethodKind;
    use crate::reproduce::run::{Run, Setting};

    #[test]
    fn each_table_has_a_name_of_its_own_and_as_many_cells_as_columns() {
        let tables: Vec<_> = TABLES.iter().map(|table| table()).collect();
        for (index, table) in tables.iter().enumerate() {
            assert!(
                tables[..index].iter().all(|other| other.id != table.id),
                "{}",
                table.id
            );
            for block in &table.blocks {
                assert!(!block.rows.is_empty(), "{}", table.id);
                for row in &block.rows {
                    let name = format!("{} {}", table.id, row.label);
                    assert_eq!(row.cells.len(), block.columns.len(), "{name}");
                    assert!(
                        row.cells.iter().all(|cell| cell.model.task == block.task),
                        "{name}"
                    );
                }
            }
        }
    }

    #[test]
    fn two_models_never_share_a_name() {
        let setting = Setting {
            width: 64,
            epochs: 200,
            precision: crate::config::Precision::Fp32,
        };
        let mut runs: Vec<Run> = Vec::new();
        for table in TABLES.iter().map(|table| table()) {
            for model in table.models() {
                let run = Run {
                    model: model.clone(),
                    setting,
                    seed: 1,
                };
                match runs.iter().find(|other| other.name() == run.name()) {
                    Some(other) => assert_eq!(*other, run),
                    None => runs.push(run),
                }
            }
        }
        assert!(runs.len() > 30, "{}", runs.len());
    }

    #[test]
    fn tables_share_their_models() {
        let of = |name: &str| Table::find(&[name.into()]).unwrap().remove(0);
        let (t2, t4) = (of("t2"), of("t4"));
        assert!(t4.models().iter().all(|model| t2.models().contains(model)));
        assert!(Table::find(&["t99".into()]).is_err_and(|error| error.contains("t2, t3")));
    }

    #[test]
    fn the_paper_s_row_of_rna_stands_beside_rna() {
        let t2 = Table::find(&["t2".into()]).unwrap().remove(0);
        let row = t2.blocks[0]
            .rows
            .iter()
            .find(|row| row.label.starts_with("RNA"))
            .unwrap();
        let paper: Vec<f64> = row
            .cells
            .iter()
            .map(|cell| cell.paper.unwrap().mean)
            .collect();
        assert_eq!(paper, [92.90, 92.14, 29.18, 78.73, 93.72, 76.40, 66.90]);
        assert!(
            row.cells
                .iter()
                .all(|cell| cell.model.method == MethodKind::Rna)
        );
    }
}
