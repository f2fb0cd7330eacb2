//! How γ and β in batch normalisation affect RNA and what it is compared with. Not in the paper, which says (D.1)
//! that RNA is trained without any; its code keeps them on the shortcuts.

use normgate_core::scores::ScoreKind::{self, Msp, RepresentationNorm as Rn};

use super::super::figures::{Figure, Group, Over, Side};
use super::super::models::{Model, la_oe, oe, rna};
use super::super::tasks::Task;
use super::{Block, Picture, Row, Table};

const FIGURES: [Figure; 9] = [
    Figure::Auroc(Over::Near),
    Figure::Auroc(Over::Far),
    Figure::Auroc(Over::All),
    Figure::Fpr95(Over::All),
    Figure::Norm(Side::Id),
    Figure::Norm(Side::Ood),
    Figure::Active(Side::Ood),
    Figure::Accuracy(Group::All),
    Figure::Accuracy(Group::Few),
];

/// RNA and LA+OE with γ and β nowhere, on the shortcuts and everywhere; OE on the shortcuts and everywhere.
pub fn affine() -> Table {
    let task = Task::Cifar10Lt;
    let nowhere = |model: Model| model.with("shortcut-affine", false);
    let everywhere = |model: Model| model.with("affine", true);
    let rows: [(&str, Model, ScoreKind); 13] = [
        ("RNA, nowhere, RN", nowhere(rna(task)), Rn),
        ("RNA, shortcuts, RN", rna(task), Rn),
        ("RNA, everywhere, RN", everywhere(rna(task)), Rn),
        ("LA+OE, nowhere, MSP", nowhere(la_oe(task)), Msp),
        ("LA+OE, nowhere, RN", nowhere(la_oe(task)), Rn),
        ("LA+OE, shortcuts, MSP", la_oe(task), Msp),
        ("LA+OE, shortcuts, RN", la_oe(task), Rn),
        ("LA+OE, everywhere, MSP", everywhere(la_oe(task)), Msp),
        ("LA+OE, everywhere, RN", everywhere(la_oe(task)), Rn),
        ("OE, shortcuts, MSP", oe(task), Msp),
        ("OE, shortcuts, RN", oe(task), Rn),
        ("OE, everywhere, MSP", everywhere(oe(task)), Msp),
        ("OE, everywhere, RN", everywhere(oe(task)), Rn),
    ];
    let row = |(label, model, score)| Row::of(label, &model, score, &FIGURES, []);
    Table {
        id: "affine",
        title: "Batch normalisation with γ and β",
        asks: "Do our results for RNA and the others depend on where γ and β are?",
        notes: &[
            "The paper says that no layer of RNA's network has them (its D.1: they would amplify \
             OOD images as well), but its code keeps them on the three downsampling shortcuts. \
             The methods that it compares with are trained as in the original papers, whose code \
             has them everywhere. T2 has them on the shortcuts for all methods, as RNA's code does.",
            "Near, as in `t11`: the other CIFAR and Tiny ImageNet; far: the rest.",
        ],
        picture: Picture::None,
        blocks: vec![Block::of(task, &FIGURES, rows.map(row).into())],
    }
}
