//! CIFAR100-LT.

use super::{About, NamedSet};
use crate::reproduce::sets::{Auxiliary, TrainingSets, USUAL_IMBALANCE, far_from_photos};

/// How many classes of CIFAR100-LT, the largest, can spare images for calibration: the Many third except for its
/// rarest class, which without them would be as rare as the first of the Medium third.
const SPARING_CLASSES: usize = 33;

pub(super) const ABOUT: About = About {
    title: "CIFAR100-LT",
    slug: "cifar100-lt",
    class_names: Some("cifar100"),
    recipe: None,
    width: 64,
    epochs: 200,
    tuning_epochs: None,
    oecc_epochs: 30,
    work: 12.0,
    test: "ood_cifar100_test",
    ood,
    other_source: None,
    monitored: Vec::new,
    training,
    auxiliary,
    differences: &[
        "Training: as many images of each class as in the paper's CIFAR100-LT, but other ones \
         (drawn at random), minus 5 of each of the 33 largest classes, which are kept out \
         for calibration.",
        "Calibration: those 165 images of the 33 largest classes, since all others are trained or \
         tested on. So more than 5 % of the images of rarer classes are flagged. AUROC, AUPR and \
         FPR95 do not depend on it.",
        "Auxiliary: 25,000 images of Tiny ImageNet instead of 300K random images from CIFAR's \
         own source.",
        "Textures: 1,200 images of 10 of the 47 textures. SVHN is missing: `characters` (from \
         street photos) stands in for it. `fashion` is added.",
        "No Tiny ImageNet, LSUN or Places365: most of the images at hand for them show classes \
         of CIFAR-100 (bees, tractors, forests, seas). Means are over four sets: \
         `cifar10`, `textures`, `characters` and `fashion`.",
        "No images of its classes from another source: those at hand show a few of the hundred only. So \
         nothing is said about content and camera.",
        "OOD images that show ID classes: the paper's sets are the SC-OOD benchmark's (Yang et al. \
         2021), and the code of PASCL and RNA counts such images as ID. Here no image is moved.",
    ],
};

fn ood() -> Vec<NamedSet> {
    let mut sets = far_from_photos();
    // No other sets: they show bees, tractors, oranges, forests, mountains and seas, which are classes of CIFAR-100.
    sets.push(("cifar10", "cifar10_test".into()));
    sets
}

fn training(imbalance: u32) -> TrainingSets {
    let cut = (imbalance != USUAL_IMBALANCE && imbalance != 1).then_some(imbalance);
    if imbalance >= USUAL_IMBALANCE {
        let classes: Vec<_> = (0..SPARING_CLASSES)
            .map(|class| class.to_string())
            .collect();
        let held: Vec<_> = classes.iter().map(|class| format!("{class}=5")).collect();
        let sparing = classes.join("+");
        let set = "cifar100_train_lt100";
        return TrainingSets {
            data: set,
            imbalance: cut,
            hold_out: held.join(","),
            calibration: vec![format!("{set}#class={sparing}#last=5")],
            fit: match cut {
                None => vec![
                    format!("{set}#class!={sparing}"),
                    format!("{set}#class={sparing}#but-last=5"),
                ],
                Some(_) => Vec::new(),
            },
            balance: false,
        };
    }
    TrainingSets {
        data: "cifar100_train",
        imbalance: cut,
        hold_out: if imbalance == 1 { "all=5" } else { "apple=5" }.into(),
        calibration: vec!["cifar100_train#split=train#last=5".into()],
        fit: Vec::new(),
        balance: false,
    }
}

fn auxiliary(which: Auxiliary) -> Vec<String> {
    match which {
        Auxiliary::First(count) => vec![format!("aux_train#first={count}")],
        _ => vec!["aux_train".into()],
    }
}
