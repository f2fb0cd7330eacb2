//! T17: a trained model, tuned with auxiliary images.

use super::super::figures::{Figure, Group, Over};
use super::super::models::{self, Model};
use super::super::paper;
use super::super::tasks::Task;
use super::{Block, ModelOf, Picture, Row, Table, beside, means};

const FIGURES: [Figure; 4] = [
    Figure::Auroc(Over::All),
    Figure::Aupr(Over::All),
    Figure::Fpr95(Over::All),
    Figure::Accuracy(Group::All),
];

/// T17.
pub fn t17() -> Table {
    Table {
        id: "t17",
        title: "Table 17: fine-tuning with auxiliary images",
        asks: "Do a few more epochs make a trained model detect OOD images?",
        notes: &[
            "Each row names the classification loss of training, then that of the 10 epochs of \
             tuning (ImageNet-LT: 3). The paper's three rows for each method are taken to be CE → \
             CE, CE → LA and LA → LA.",
            "OE and EnergyOE tune with SGD and an initial learning rate of 0.001, as their \
             authors do. The paper names no optimiser for tuning. RNA tunes as it trains, with \
             Adam on CIFAR and SGD on ImageNet-LT, so it differs from the others in more than the \
             objective.",
        ],
        picture: Picture::None,
        blocks: Task::ALL.map(block).into(),
    }
}

fn block(task: Task) -> Block {
    let tuned = |first: ModelOf, model: Model| model.tuned_from(first(task));
    let (ce, la): (ModelOf, ModelOf) = (models::ce, models::la);
    let energy = models::energy_oe_alone;
    let models = [
        ("OE, CE → CE", tuned(ce, models::oe(task))),
        ("OE, CE → LA", tuned(ce, models::la_oe(task))),
        ("OE, LA → LA", tuned(la, models::la_oe(task))),
        ("EnergyOE, CE → CE", tuned(ce, energy(task))),
        ("EnergyOE, CE → LA", tuned(ce, energy(task).with("tau", 1))),
        ("EnergyOE, LA → LA", tuned(la, energy(task).with("tau", 1))),
        ("RNA, CE → CE", tuned(ce, models::rna(task).with("tau", 0))),
        ("RNA, CE → LA", tuned(ce, models::rna(task))),
        ("RNA, LA → LA", tuned(la, models::rna(task))),
    ];
    let rows = beside(models, paper::t17(task)).map(|((label, model), published)| {
        Row::of(label, &model, model.score, &FIGURES, means(published))
    });
    Block::of(task, &FIGURES, rows.collect())
}
