//! T5: other imbalances.

use super::super::figures::{Figure, Group, Over};
use super::super::models;
use super::super::paper;
use super::super::sets::Task;
use super::{Block, ModelOf, Picture, Row, Table, means};

const FIGURES: [Figure; 2] = [Figure::Auroc(Over::All), Figure::Accuracy(Group::All)];

/// T5.
pub fn t5() -> Table {
    Table {
        id: "t5",
        title: "Table 5: AUROC and accuracy at other imbalances",
        asks: "Does the order hold for shorter and longer tails?",
        notes: &[
            "Imbalances under 100 need all of CIFAR's training images, as the sets `cifar10_train` \
             and `cifar100_train` (the official binary folders will do); without, they are left out.",
        ],
        picture: Picture::None,
        blocks: Task::ALL.into_iter().filter_map(block).collect(),
    }
}

fn block(task: Task) -> Option<Block> {
    let imbalances: &[u32] = match task {
        Task::Cifar10Lt => &[1, 10, 50, 100, 1000],
        Task::Cifar100Lt => &[1, 10, 50, 100],
        Task::ImagenetLt => return None,
    };
    let rows: [(&str, ModelOf); 3] = [
        ("OE", models::oe),
        ("PASCL", models::pascl),
        ("RNA", models::rna),
    ];
    let rows = rows
        .iter()
        .zip(paper::t5(task)?)
        .map(|(&(label, model), published)| {
            let cells = imbalances
                .iter()
                .zip(published)
                .flat_map(|(&imbalance, figures)| {
                    let model = model(task).imbalance(imbalance);
                    Row::of("", &model, model.score, &FIGURES, means(figures)).cells
                });
            Row {
                label: label.into(),
                cells: cells.collect(),
            }
        });
    let columns = imbalances
        .iter()
        .flat_map(|imbalance| FIGURES.map(|figure| format!("{imbalance}: {}", figure.title())));
    Some(Block {
        task,
        columns: columns.collect(),
        rows: rows.collect(),
    })
}
