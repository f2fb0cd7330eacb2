//! Tables that compare the methods.

use normgate_core::scores::ScoreKind;

use super::super::figures::{Figure, Group, Over};
use super::super::models::{self, Model};
use super::super::paper;
use super::super::tasks::Task;
use super::{Block, ModelOf, Picture, Row, Table, USUAL, beside, means, pairs};

/// The methods of T2 in its order, by the paper's names.
const METHODS: [(&str, ModelOf); 9] = [
    ("CE (MSP)", models::ce),
    ("OECC", models::oecc),
    ("EnergyOE", models::energy_oe),
    ("OE", models::oe),
    ("PASCL", models::pascl),
    ("BEL", models::bel),
    ("RNA", models::rna),
    ("PASCL-FT", models::pascl_ft),
    ("BEL-FT", models::bel_ft),
];

/// T1.
pub fn t1() -> Table {
    let task = Task::Cifar10Lt;
    let figures = [
        Figure::Fpr95(Over::Set("characters")),
        Figure::Accuracy(Group::All),
        Figure::Accuracy(Group::Few),
    ];
    let rows: [(&str, ModelOf); 6] = [
        ("CE", models::ce),
        ("OE", models::oe),
        ("LA", models::la),
        ("LA+OE", models::la_oe),
        ("PASCL", models::pascl),
        ("RNA", models::rna),
    ];
    let rows = beside(rows, paper::T1).map(|((label, model), published)| {
        let model = model(task);
        Row::of(label, &model, model.score, &figures, means(published))
    });
    Table {
        id: "t1",
        title: "Table 1: detection versus classification of rare classes",
        asks: "Does learning to detect OOD images cost a model its rare classes?",
        notes: &[
            "`characters` stands in for SVHN. FPR95 is the mean over all classes, as in the \
             paper's column Avg.; FPR95 of the rare classes alone and mean confidences are not \
             measured.",
            "The paper's accuracy for PASCL is that of its second stage, PASCL-FT in T2.",
        ],
        picture: Picture::None,
        blocks: vec![Block {
            columns: ["FPR95, `characters`", "Accuracy", "Few"]
                .map(String::from)
                .into(),
            ..Block::of(task, &figures, rows.collect())
        }],
    }
}

/// T2.
pub fn t2() -> Table {
    let block = |task| {
        let mut rows: Vec<_> = beside(METHODS, paper::t2(task))
            .map(|((label, model), figures)| {
                let model = model(task);
                Row::of(label, &model, model.score, &USUAL, pairs(figures))
            })
            .collect();
        // Not in the paper's T2, but in its T1: logit adjustment, which RNA uses too, alone and with OE.
        for (label, model) in [("LA", models::la(task)), ("LA+OE", models::la_oe(task))] {
            rows.push(Row::of(label, &model, model.score, &USUAL, []));
        }
        Block::of(task, &USUAL, rows)
    };
    Table {
        id: "t2",
        title: "Table 2: OOD detection and classification, all methods",
        asks: "Which method detects and classifies best?",
        notes: &[
            "Each method is measured by its authors' score: CE, OECC, OE, LA, LA+OE and PASCL by \
             MSP, EnergyOE and BEL by energy, RNA by the representation norm.",
            "EnergyOE, OECC and BEL tune the CE run of the same seed for 10, 15 (CIFAR100-LT: 30) \
             and 20 epochs, with SGD and an initial learning rate of 0.001, as in their authors' \
             code; everything else on CIFAR is trained with Adam. PASCL-FT and BEL-FT tune the \
             PASCL and the BEL run for 10 epochs. On ImageNet-LT, each of these tunes for 3.",
            "On CIFAR, all methods have RNA's batch normalisation, without γ and β except on the \
             shortcuts, RNA's augmentation, and 128 images and 128 auxiliary images a step. The \
             authors of the other methods train with γ and β, mostly with 256 auxiliary images, \
             and all but PASCL's crop and flip only, and normalise; the paper says that it trains \
             them in their authors' way too (its D.1): `affine` is about γ and β. Second stages tune every \
             γ and β in their authors' code; here they can tune only those of the shortcuts, and \
             the head.",
        ],
        picture: Picture::None,
        blocks: Task::ALL.map(block).into(),
    }
}

/// T4.
pub fn t4() -> Table {
    // The paper's three, then those that it does not have.
    let paper_s = [
        ScoreKind::Msp,
        ScoreKind::Energy,
        ScoreKind::RepresentationNorm,
    ];
    let further = ScoreKind::ALL
        .into_iter()
        .filter(|score| !paper_s.contains(score));
    let scores: Vec<_> = paper_s.into_iter().chain(further).collect();
    let rows: [(&str, ModelOf); 5] = [
        ("CE", models::ce),
        ("OE", models::oe),
        ("PASCL", models::pascl),
        ("BEL", models::bel),
        ("RNA", models::rna),
    ];
    let row = |label: &str, model: Model, figures: [f64; 3]| {
        let published = means(figures).map(Some).chain(std::iter::repeat(None));
        let cells = scores.iter().zip(published).flat_map(|(&score, figure)| {
            Row::of("", &model, score, &[Figure::Auroc(Over::All)], figure).cells
        });
        Row {
            label: label.into(),
            cells: cells.collect(),
        }
    };
    let block = |task| Block {
        task,
        columns: scores
            .iter()
            .map(|score| score.title().to_owned())
            .collect(),
        rows: beside(rows, paper::t4(task))
            .map(|((label, model), figures)| row(label, model(task), figures))
            .collect(),
    };
    Table {
        id: "t4",
        title: "Table 4: mean AUROC by training method and score",
        asks: "What matters for detection, the training or the score?",
        notes: &[
            "The paper has MSP, energy and RN. The energy in its authors' code is that of the softmax \
             probabilities, not of the logits (`utils/ood_metrics.py`), which puts images in nearly \
             the same order as MSP. Its column shows that for all but BEL, so only BEL's figures \
             can be held against ours.",
            "The scores from Mahalanobis on are fitted to the training images (left out on \
             ImageNet-LT).",
            "KNN and NNGuide keep equally many images of each class, or all if a class has fewer: \
             8,191 of CIFAR10-LT's 12,106. KNN's k is one in a thousand of these, 8; on CIFAR, \
             its authors keep all images and take 50.",
        ],
        picture: Picture::Matrix,
        blocks: Task::ALL.map(block).into(),
    }
}

/// T6.
pub fn t6() -> Table {
    let rows: [(&str, ModelOf); 4] = [
        ("CE", models::ce),
        ("OE", models::oe),
        ("PASCL", models::pascl),
        ("RNA", models::rna),
    ];
    let block = |task| {
        let rows = beside(rows, paper::t6(task)).map(|((label, model), figures)| {
            let model = model(task);
            Row::of(label, &model, model.score, &[Figure::Ece], pairs(figures))
        });
        Block::of(task, &[Figure::Ece], rows.collect())
    };
    Table {
        id: "t6",
        title: "Table 6: expected calibration error",
        asks: "Are answers with a confidence of 80 % correct in 80 % of cases?",
        notes: &["15 bins of the softmax probability of the predicted class."],
        picture: Picture::None,
        blocks: Task::ALL.map(block).into(),
    }
}

/// T8.
pub fn t8() -> Table {
    by_set(
        "t8",
        "Table 8: AUROC on each OOD set",
        Figure::Auroc,
        paper::t8,
    )
}

/// T9.
pub fn t9() -> Table {
    by_set(
        "t9",
        "Table 9: AUPR on each OOD set",
        Figure::Aupr,
        paper::t9,
    )
}

/// T10.
pub fn t10() -> Table {
    by_set(
        "t10",
        "Table 10: FPR95 on each OOD set",
        Figure::Fpr95,
        paper::t10,
    )
}

fn by_set(
    id: &'static str,
    title: &'static str,
    figure: fn(Over) -> Figure,
    paper: fn(Task) -> Option<paper::BySet>,
) -> Table {
    // The paper's sets, then one that it does not have.
    let sets = [
        ("textures", Over::Set("textures")),
        ("characters (SVHN)", Over::Set("characters")),
        ("other CIFAR", Over::Cifar),
        ("tinyimagenet", Over::Set("tinyimagenet")),
        ("scenes (LSUN)", Over::Set("scenes")),
        ("scenes (Places365)", Over::Set("scenes")),
        ("fashion", Over::Set("fashion")),
    ];
    let figures = sets.map(|(_, over)| figure(over));
    // The paper has no second stages in these tables.
    let [first_stages @ .., _pascl_ft, _bel_ft] = METHODS;
    let block = |task| {
        let rows = beside(first_stages, paper(task)?).map(|((label, model), published)| {
            let model = model(task);
            Row::of(label, &model, model.score, &figures, pairs(published))
        });
        Some(Block {
            task,
            columns: sets.map(|(name, _)| name.to_owned()).into(),
            rows: rows.collect(),
        })
    };
    Table {
        id,
        title,
        asks: "Which method detects which OOD set best?",
        notes: &[
            "In brackets: the set that ours stands in for, and that the paper's figure is for.",
        ],
        picture: Picture::None,
        blocks: Task::ALL.into_iter().filter_map(block).collect(),
    }
}

/// T11.
pub fn t11() -> Table {
    let figures = [
        Figure::Auroc(Over::Near),
        Figure::Auroc(Over::Far),
        Figure::Auroc(Over::All),
        Figure::Accuracy(Group::All),
    ];
    let block = |task| {
        let (oe, rna) = (models::oe(task), models::rna(task));
        let rows = [
            ("OE, MSP", &oe, ScoreKind::Msp),
            ("RNA, MSP", &rna, ScoreKind::Msp),
            ("RNA, RN", &rna, ScoreKind::RepresentationNorm),
            ("RNA, fusion", &rna, ScoreKind::Fusion),
        ];
        let published = (task == Task::Cifar100Lt).then_some(paper::T11);
        let rows = rows
            .into_iter()
            .enumerate()
            .map(|(index, (label, model, score))| {
                let figures_of = published
                    .and_then(|rows| rows.get(index).copied())
                    .map(means);
                Row::of(
                    label,
                    model,
                    score,
                    &figures,
                    figures_of.into_iter().flatten(),
                )
            });
        Block::of(task, &figures, rows.collect())
    };
    Table {
        id: "t11",
        title: "Table 11: near and far OOD",
        asks: "Which score detects images that are nearly in distribution?",
        notes: &[
            "Near: the other CIFAR and, if CIFAR-10 is ID, Tiny ImageNet; far: `textures`, \
             `characters`, `fashion` and `scenes`. The paper has CIFAR100-LT only, and counts \
             Tiny ImageNet as near.",
            "The paper's RNA has an AUROC of 75.06 on CIFAR100-LT in its tables 2 and 4, and of 74.33 \
             in 5 and 11.",
        ],
        picture: Picture::None,
        blocks: [Task::Cifar100Lt, Task::Cifar10Lt].map(block).into(),
    }
}
