//! RNA, which trains representations, and OE, which trains answers, together. Not in the paper.

use normgate_core::scores::ScoreKind::{self, Fusion, Msp, RepresentationNorm};

use super::super::figures::{Figure, Group, Over};
use super::super::models::{Model, la_oe, rna, rna_oe};
use super::super::tasks::Task;
use super::{Block, Picture, Row, Table};

const FIGURES: [Figure; 7] = [
    Figure::Auroc(Over::Near),
    Figure::Auroc(Over::Far),
    Figure::Auroc(Over::All),
    Figure::Aupr(Over::All),
    Figure::Fpr95(Over::All),
    Figure::Accuracy(Group::All),
    Figure::Accuracy(Group::Few),
];

/// LA+OE, RNA, and both at once, each by the scores that it can be served with.
pub fn together() -> Table {
    let task = Task::Cifar10Lt;
    let (la_oe, rna, both) = (la_oe(task), rna(task), rna_oe(task));
    let rows: [(&str, &Model, ScoreKind); 8] = [
        ("LA+OE, MSP", &la_oe, Msp),
        ("LA+OE, RN", &la_oe, RepresentationNorm),
        ("LA+OE, fusion", &la_oe, Fusion),
        ("RNA, RN", &rna, RepresentationNorm),
        ("RNA, fusion", &rna, Fusion),
        ("RNA+OE, RN", &both, RepresentationNorm),
        ("RNA+OE, MSP", &both, Msp),
        ("RNA+OE, fusion", &both, Fusion),
    ];
    let row = |(label, model, score)| Row::of(label, model, score, &FIGURES, []);
    Table {
        id: "together",
        title: "RNA and Outlier Exposure together",
        asks: "Does RNA's effect on norms add to Outlier Exposure's effect on answers?",
        notes: &[
            "Not in the paper, whose auxiliary images share RNA's batches and never enter its \
             loss. RNA+OE adds Outlier Exposure's loss on them; both losses keep the weights that \
             they have alone.",
            "Near, as in `t11`: the other CIFAR and Tiny ImageNet; far: the rest.",
        ],
        picture: Picture::None,
        blocks: vec![Block::of(task, &FIGURES, rows.map(row).into())],
    }
}
