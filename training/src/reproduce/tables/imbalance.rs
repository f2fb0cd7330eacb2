//! T5: other imbalances.

use super::super::figures::{Figure, Group, Over};
use super::super::models;
use super::super::paper;
use super::super::tasks::Task;
use super::{Block, ModelOf, Picture, Row, Table, beside, means};

const AUROC: Figure = Figure::Auroc(Over::All);
const ACCURACY: Figure = Figure::Accuracy(Group::All);

/// T5.
pub fn t5() -> Table {
    Table {
        id: "t5",
        title: "Table 5: AUROC and accuracy at other imbalances",
        asks: "Does the ranking of the methods hold for shorter and longer tails?",
        notes: &[
            "Imbalances under 100 need all of CIFAR's training images, as the sets `cifar10_train` \
             and `cifar100_train` (the official binary folders will do); without them, these \
             imbalances are left out.",
            "Under 100, the training images are cut from all of CIFAR's, and none are drawn at \
             random. At an imbalance of 1, 300 images of each class of CIFAR-10 and 5 of each \
             class of CIFAR-100 are kept out for calibration; at the others, 300 airplanes and 5 \
             apples, together with what the cut leaves over.",
            "As in the paper, PASCL's AUROC is that of its first stage and its accuracy that of \
             its second, PASCL-FT in T2.",
            "The paper's RNA has an AUROC of 75.06 on CIFAR100-LT in its tables 2 and 4, and of 74.33 \
             in 5 and 11.",
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
    // The model that detects, and the one that classifies.
    let rows: [(&str, [ModelOf; 2]); 3] = [
        ("OE", [models::oe; 2]),
        ("PASCL", [models::pascl, models::pascl_ft]),
        ("RNA", [models::rna; 2]),
    ];
    let rows = beside(rows, paper::t5(task)?).map(|((label, stages), published)| {
        let cells = imbalances
            .iter()
            .zip(published)
            .flat_map(|(&imbalance, figures)| {
                let asked = beside(stages, [AUROC, ACCURACY]);
                asked
                    .zip(figures)
                    .flat_map(move |((model, figure), published)| {
                        let model = model(task).imbalance(imbalance);
                        Row::of("", &model, model.score, &[figure], means([published])).cells
                    })
            });
        Row {
            label: label.into(),
            cells: cells.collect(),
        }
    });
    let columns = imbalances.iter().flat_map(|imbalance| {
        [AUROC, ACCURACY].map(|figure| format!("{imbalance}: {}", figure.title()))
    });
    Some(Block {
        task,
        columns: columns.collect(),
        rows: rows.collect(),
    })
}
