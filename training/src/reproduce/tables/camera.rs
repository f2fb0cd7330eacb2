//! What auxiliary images teach: which content is OOD, or which images were made differently. Not in the paper, whose
//! auxiliary images come from CIFAR's own source.

use normgate_core::scores::ScoreKind::{Msp, RepresentationNorm as Rn};

use super::super::figures::{Figure, Group, Over, Trust};
use super::super::models::{Model, la_oe, rna};
use super::super::sets::Auxiliary;
use super::super::tasks::Task;
use super::{Block, Picture, Row, Table};

const FIGURES: [(&str, Figure); 10] = [
    ("Accuracy", Figure::Accuracy(Group::All)),
    ("AUROC, all", Figure::Auroc(Over::All)),
    (
        "`cifar100_unseen`",
        Figure::Auroc(Over::Set("cifar100_unseen")),
    ),
    ("`tinyimagenet`", Figure::Auroc(Over::Set("tinyimagenet"))),
    ("Far", Figure::Auroc(Over::Far)),
    ("FPR95, all", Figure::Fpr95(Over::All)),
    ("ID flagged", Figure::FalseFlags(Group::All)),
    ("Other source flagged", Figure::OtherSource(Trust::Flagged)),
    (
        "Accuracy on other source",
        Figure::OtherSource(Trust::Accuracy),
    ),
    ("If unflagged", Figure::OtherSource(Trust::Unflagged)),
];

/// Auxiliary images of another source or of both sources, with and without `--camera`.
pub fn camera() -> Table {
    let task = Task::Cifar10Lt;
    let alone = rna(task).auxiliary(Auxiliary::TinyImageNet);
    let shipped = |model: Model| model.with("aux-weights", "1,2").with("camera", 0.5);
    let rows = [
        ("Other source alone", alone.clone(), Rn),
        ("Both sources", rna(task), Rn),
        ("Both, `--camera 0.25`", rna(task).with("camera", 0.25), Rn),
        ("Both, `--camera 0.5`", rna(task).with("camera", 0.5), Rn),
        ("Both as 1 : 2, `--camera 0.5`", shipped(rna(task)), Rn),
        (
            "Other source alone, `--camera 0.5`",
            alone.with("camera", 0.5),
            Rn,
        ),
        ("LA+OE, MSP: both sources", la_oe(task), Msp),
        ("LA+OE, RN: both sources", la_oe(task), Rn),
        (
            "LA+OE, MSP: both as 1 : 2, `--camera 0.5`",
            shipped(la_oe(task)),
            Msp,
        ),
        (
            "LA+OE, RN: both as 1 : 2, `--camera 0.5`",
            shipped(la_oe(task)),
            Rn,
        ),
    ];
    let figures = FIGURES.map(|(_, figure)| figure);
    let row = |(label, model, score)| Row::of(label, &model, score, &figures, []);
    Table {
        id: "camera",
        title: "Content, not camera",
        asks: "Does the model flag OOD content, or images that were photographed and resampled \
               differently?",
        notes: &[
            "Not in the paper, whose auxiliary images come from CIFAR's own source, as its \
             training images do.",
            "Other source: `aux_train`, Tiny ImageNet, resampled and compressed differently from \
             CIFAR's images. Both: with `aux_train_cifar100`, drawn in proportion to their sizes \
             (25 : 20) unless a ratio is given.",
            "`id_other_source` shows CIFAR-10's classes as Tiny ImageNet has them: a model that \
             judges content lets them pass. `--camera` varies how every training image seems to \
             have been made; `--aux-weights 1,2 --camera 0.5` is the recipe of the shipped model.",
            "RNA is measured by RN. The last four rows are there because LA+OE's representations \
             tell OOD images apart as well (`together`). MSP is its authors' score, and the one \
             to compare methods by: that RN serves it better was seen on these test sets.",
            "Far, as in `t11`: `textures`, `scenes`, `characters` and `fashion`.",
        ],
        picture: Picture::None,
        blocks: vec![Block {
            task,
            columns: FIGURES.map(|(name, _)| name.to_owned()).into(),
            rows: rows.map(row).into(),
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::models;
    use super::super::Table;

    #[test]
    fn what_other_tables_train_too_is_not_trained_again() {
        let of = |name: &str| Table::find(&[name.into()]).unwrap().remove(0);
        let (camera, t2, t14) = (of("camera"), of("t2"), of("t14"));
        let shown = camera.models();
        assert!(t14.models().contains(&shown[0]));
        assert!(t2.models().contains(&shown[1]));
        assert_eq!(shown[4].name(), "cifar10-lt-rna-aux-weights-1-2-camera-0.5");
        assert_eq!(shown.len(), 8);
        assert_eq!(*shown[1], models::rna(super::Task::Cifar10Lt));
    }
}
