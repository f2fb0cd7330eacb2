//! Tables of variants of RNA.

use super::super::figures::{Figure, Group, Over, Side};
use super::super::models::{self, Model, rna};
use super::super::paper;
use super::super::sets::Auxiliary;
use super::super::tasks::Task;
use super::{Block, ModelOf, Picture, Row, Table, USUAL, beside, means};

const AUROC: Figure = Figure::Auroc(Over::All);
const FPR95: Figure = Figure::Fpr95(Over::All);
const ACCURACY: Figure = Figure::Accuracy(Group::All);
const FEW: Figure = Figure::Accuracy(Group::Few);
const NORMS: [Figure; 2] = [Figure::Norm(Side::Id), Figure::Norm(Side::Ood)];
const ACTIVE: [Figure; 2] = [Figure::Active(Side::Id), Figure::Active(Side::Ood)];

/// The usual case: CIFAR10-LT, a row for each model, by the score that it is served with.
fn block<L: Into<String>, const N: usize, const ROWS: usize>(
    figures: &[Figure],
    rows: [(L, Model); ROWS],
    paper: [[f64; N]; ROWS],
) -> Vec<Block> {
    let rows = beside(rows, paper).map(|((label, model), published)| {
        Row::of(label, &model, model.score, figures, means(published))
    });
    vec![Block::of(Task::Cifar10Lt, figures, rows.collect())]
}

/// T3.
pub fn t3() -> Table {
    let task = Task::Cifar10Lt;
    let [id_norm, ood_norm] = NORMS;
    let [id_active, ood_active] = ACTIVE;
    let figures = [
        AUROC, FPR95, ACCURACY, FEW, id_norm, ood_norm, id_active, ood_active,
    ];
    let rows = [
        ("Attenuation of OOD norms", models::attenuation(task)),
        ("Both", models::rna_attenuation(task)),
        ("Amplification of ID norms (RNA)", rna(task)),
    ];
    Table {
        id: "t3",
        title: "Table 3: variants of the RNA loss",
        asks: "Is it better to raise ID norms or to lower those of auxiliary images?",
        notes: &["Norms and active units of OOD images are means over the test sets."],
        picture: Picture::None,
        blocks: block(&figures, rows, paper::T3),
    }
}

/// T7.
pub fn t7() -> Table {
    let task = Task::Cifar10Lt;
    let figures = [AUROC, ACCURACY, FPR95, FEW];
    let rows = [
        ("CE (MSP)", models::ce(task)),
        (
            "RNA, no auxiliary images",
            rna(task).auxiliary(Auxiliary::None),
        ),
        (
            "RNA, crops of the training images",
            rna(task).auxiliary(Auxiliary::Crops),
        ),
        ("RNA, auxiliary images", rna(task)),
    ];
    Table {
        id: "t7",
        title: "Table 7: RNA without auxiliary images",
        asks: "Does RNA need auxiliary images, or will crops of the training images do?",
        notes: &["Crops: 5 to 25 % of a training image, enlarged."],
        picture: Picture::None,
        blocks: block(&figures, rows, paper::T7),
    }
}

/// T12.
pub fn t12() -> Table {
    let first = |count| rna(Task::Cifar10Lt).auxiliary(Auxiliary::First(count));
    let figures = [AUROC, FPR95, ACCURACY, FEW];
    // As in the authors' code, where an epoch ends when the shorter of the two sets has been seen.
    let once = |count| first(count).with("epoch-end", "shortest");
    let rows = [
        ("300", once(300)),
        ("3,000", once(3_000)),
        ("30,000", first(30_000)),
        ("all: 45,000 (paper: 300,000)", rna(Task::Cifar10Lt)),
    ];
    let mut blocks = block(&figures, rows, paper::T12);
    let again = [
        ("300, again and again", first(300)),
        ("3,000, again and again", first(3_000)),
    ];
    let again = again.map(|(label, model)| Row::of(label, &model, model.score, &figures, []));
    for block in &mut blocks {
        block.rows.extend(again.clone());
    }
    Table {
        id: "t12",
        title: "Table 12: size of the auxiliary set",
        asks: "How many auxiliary images are enough?",
        notes: &[
            "Half of each number is from Tiny ImageNet and half from CIFAR-100, with equally many \
             images of each of its classes; all 45,000 are 25,000 and 20,000, so the shares \
             differ as well.",
            "In the authors' code, and so in the rows above the paper's, an epoch ends when all \
             auxiliary images have been seen: 300 after 2 steps, 3,000 after 23; the images to \
             classify last for 94. Again and again: epochs are whole, and show the auxiliary \
             images several times.",
        ],
        picture: Picture::None,
        blocks,
    }
}

/// T13.
pub fn t13() -> Table {
    let [id_norm, ood_norm] = NORMS;
    let [id_active, ood_active] = ACTIVE;
    let figures = [
        AUROC, FPR95, ACCURACY, id_norm, ood_norm, id_active, ood_active,
    ];
    let rows = [32, 64, 128, 256, 512].map(|auxiliary| {
        let model = rna(Task::Cifar10Lt);
        let model = match auxiliary {
            128 => model,
            _ => model.with("aux-batch-size", auxiliary),
        };
        (format!("128:{auxiliary}"), model)
    });
    Table {
        id: "t13",
        title: "Table 13: ratio of ID to auxiliary images in a batch",
        asks: "How many auxiliary images should a batch have?",
        notes: &["Norms and active units of OOD images are means over the test sets."],
        picture: Picture::None,
        blocks: block(&figures, rows, paper::T13),
    }
}

/// T14.
pub fn t14() -> Table {
    let task = Task::Cifar10Lt;
    let other = |model: Model| model.auxiliary(Auxiliary::TinyImageNet);
    let pascl = other(models::pascl(task));
    let rows = [
        ("OE", other(models::oe(task))),
        ("PASCL", pascl.clone()),
        ("RNA", other(rna(task))),
        ("PASCL-FT", models::pascl_ft(task).tuned_from(pascl)),
    ];
    Table {
        id: "t14",
        title: "Table 14: another auxiliary set",
        asks: "Does the ranking of the methods hold with auxiliary images from another source?",
        notes: &[
            "The paper takes ImageNet-RC; here it is the 25,000 images of Tiny ImageNet alone, \
             which were resampled and compressed differently from CIFAR's.",
        ],
        picture: Picture::None,
        blocks: block(&USUAL, rows, paper::T14),
    }
}

/// The models of T15 and T16.
fn projections() -> [(&'static str, Model); 3] {
    let with = |projection: &str| rna(Task::Cifar10Lt).with("projection", projection);
    [
        ("log(1 + ‖f‖)", with("none")),
        ("log(1 + ‖W f‖)", with("linear")),
        ("log(1 + ‖MLP(f)‖) (RNA)", rna(Task::Cifar10Lt)),
    ]
}

/// T15.
pub fn t15() -> Table {
    Table {
        id: "t15",
        title: "Table 15: structure of the projection",
        asks: "Does the norm have to be that of a projection?",
        notes: &[],
        picture: Picture::None,
        blocks: block(&USUAL, projections(), paper::T15),
    }
}

/// T16.
pub fn t16() -> Table {
    let [id, ood] = NORMS;
    let figures = [
        Figure::TrainingNorm(Side::Id),
        Figure::TrainingNorm(Side::Ood),
        id,
        ood,
    ];
    Table {
        id: "t16",
        title: "Table 16: representation norms by projection",
        asks: "Do norms grow without bound if there is no projection?",
        notes: &[
            "Norms of training and auxiliary images are means over the last epoch, in train mode; \
             norms of OOD test images are means over the sets.",
        ],
        picture: Picture::None,
        blocks: block(&figures, projections(), paper::T16),
    }
}

/// Fig. 5, whose curves the paper does not give in numbers.
pub fn fig5() -> Table {
    Table {
        id: "fig5",
        title: "Figure 5: weight λ of the RNA loss",
        asks: "How much does the weight of the norm loss matter?",
        notes: &[
            "The paper shows curves for ten λ, without numbers: AUROC is steady from small λ on, \
             and accuracy falls, but not on ImageNet-LT.",
        ],
        picture: Picture::None,
        blocks: weights(
            rna,
            &Task::ALL,
            &[
                "0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10",
            ],
        ),
    }
}

/// Fig. 6, whose curves the paper does not give in numbers.
pub fn fig6() -> Table {
    Table {
        id: "fig6",
        title: "Figure 6: weight λ of the OE loss beside logit adjustment",
        asks: "Can LA+OE be made to detect and classify well at once?",
        notes: &[
            "The paper shows curves without numbers: with a small λ, LA+OE classifies better and \
             detects worse; with a large λ, the reverse.",
        ],
        picture: Picture::None,
        blocks: weights(
            models::la_oe,
            &[Task::Cifar10Lt, Task::Cifar100Lt],
            &["0.01", "0.05", "0.1", "0.5", "1"],
        ),
    }
}

/// A model at several weights of its loss; 0.5 is its default.
fn weights(model: ModelOf, tasks: &[Task], strengths: &[&str]) -> Vec<Block> {
    let figures = [AUROC, FPR95, ACCURACY, FEW];
    let block = |&task: &Task| {
        let row = |&lambda: &&str| {
            let model = match lambda {
                "0.5" => model(task),
                _ => model(task).with("lambda", lambda),
            };
            Row::of(format!("λ = {lambda}"), &model, model.score, &figures, [])
        };
        Block::of(task, &figures, strengths.iter().map(row).collect())
    };
    tasks.iter().map(block).collect()
}
