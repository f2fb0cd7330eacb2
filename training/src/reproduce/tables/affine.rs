//! What batch normalisation's γ and β are to RNA and to what it is compared with. Not in the paper,
//! which trains RNA without them and the others with.

use normgate_core::scores::ScoreKind::{self, Msp, RepresentationNorm};

use super::super::figures::{Figure, Group, Over, Side};
use super::super::models::{Model, la_oe, oe, rna};
use super::super::sets::Task;
use super::{Block, Picture, Row, Table};

const FIGURES: [Figure; 8] = [
    Figure::Auroc(Over::Near),
    Figure::Auroc(Over::Far),
    Figure::Auroc(Over::All),
    Figure::Fpr95(Over::All),
    Figure::Norm(Side::Id),
    Figure::Norm(Side::Ood),
    Figure::Accuracy(Group::All),
    Figure::Accuracy(Group::Few),
];

/// OE, LA+OE and RNA, each with and without.
pub fn affine() -> Table {
    let task = Task::Cifar10Lt;
    let with = |model: Model| model.with("affine", true);
    let rows: [(&str, Model, ScoreKind); 10] = [
        ("OE without, MSP", oe(task), Msp),
        ("OE without, RN", oe(task), RepresentationNorm),
        ("OE with, MSP", with(oe(task)), Msp),
        ("OE with, RN", with(oe(task)), RepresentationNorm),
        ("LA+OE without, MSP", la_oe(task), Msp),
        ("LA+OE without, RN", la_oe(task), RepresentationNorm),
        ("LA+OE with, MSP", with(la_oe(task)), Msp),
        ("LA+OE with, RN", with(la_oe(task)), RepresentationNorm),
        ("RNA without, RN", rna(task), RepresentationNorm),
        ("RNA with, RN", with(rna(task)), RepresentationNorm),
    ];
    let row = |(label, model, score)| Row::of(label, &model, score, &FIGURES, []);
    Table {
        id: "affine",
        title: "Batch normalisation with γ and β",
        asks: "Are others level with RNA here because they, too, are trained without γ and β?",
        notes: &[
            "The paper trains RNA without (its D.1: they would amplify foreign images as well), and the \
             others as their authors do, with. T2 trains all of them without, so that they differ in \
             nothing but the objective.",
            "Without: but for those of the shortcuts, as in RNA's code. Near: the other CIFAR and Tiny \
             ImageNet; far: the rest.",
        ],
        picture: Picture::None,
        blocks: vec![Block::of(task, &FIGURES, rows.map(row).into())],
    }
}
