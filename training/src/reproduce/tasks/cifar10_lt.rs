//! CIFAR10-LT.

use super::{About, NamedSet};
use crate::reproduce::sets::{Auxiliary, TrainingSets, USUAL_IMBALANCE, far_from_photos};

/// The superclasses of CIFAR-100 that `aux_train_cifar100` shows: the other ten are a fair test.
const SHARED_SUPERCLASSES: &str = "fish+flowers+food_containers+fruit_and_vegetables+\
    household_electrical_devices+large_natural_outdoor_scenes+medium_mammals+people+trees+insects";

pub(super) const ABOUT: About = About {
    title: "CIFAR10-LT",
    slug: "cifar10-lt",
    class_names: Some("cifar10"),
    recipe: None,
    width: 64,
    epochs: 200,
    tuning_epochs: None,
    oecc_epochs: 15,
    work: 12.0,
    test: "cifar10_test",
    ood,
    other_source: Some("id_other_source"),
    monitored,
    training,
    auxiliary,
    differences: &[
        "Training: the paper's CIFAR10-LT images, except for 300 of the 5,000 airplanes, which \
         are kept out for calibration.",
        "Auxiliary: 25,000 images of Tiny ImageNet and 20,000 of CIFAR-100's training set \
         instead of 300K random images from CIFAR's own source.",
        "CIFAR-100 as OOD: `cifar100_unseen`, the 5,000 test images of the ten superclasses that \
         the auxiliary images of CIFAR-100 do not show; the paper tests on all 10,000.",
        "Textures: 1,200 images of 10 of the 47 textures. Tiny ImageNet: 2,900 images of 58 \
         classes that are not among the auxiliary ones.",
        "SVHN, LSUN and Places365 are missing: `characters` (from street photos) stands in for \
         the first, `scenes` (outdoors) for the other two. `fashion` is added. Means are over \
         the six OOD sets.",
        "OOD images that show ID classes: the paper's sets are the SC-OOD benchmark's (Yang et al. \
         2021), and the code of PASCL and RNA counts such images as ID. Here no image is moved: \
         the 100 pickup trucks of `cifar100_unseen` count as OOD, and so do any cars in `scenes`.",
        "`id_other_source` has 2,300 images of seven of the ten classes (600 dogs, 400 birds, 400 \
         automobiles, 300 cats, 200 frogs, 200 ships, 200 trucks): accuracy on it depends on \
         how a model does on these.",
    ],
};

fn ood() -> Vec<NamedSet> {
    let mut sets = far_from_photos();
    sets.extend([
        (
            "cifar100_unseen",
            format!("ood_cifar100_test#coarse!={SHARED_SUPERCLASSES}"),
        ),
        ("tinyimagenet", "ood_tinyimagenet".into()),
        ("scenes", "ood_scenes".into()),
    ]);
    sets
}

fn monitored() -> Vec<NamedSet> {
    // `first` counts within each class: this makes 600 images of three classes (all 272 of the training images'
    // tail), and 500 of each OOD set.
    vec![
        (
            "train_head",
            "cifar10_train_lt100#class=airplane+automobile+bird#first=200".into(),
        ),
        (
            "train_tail",
            "cifar10_train_lt100#class=horse+ship+truck#first=200".into(),
        ),
        (
            "test_head",
            "cifar10_test#class=airplane+automobile+bird#first=200".into(),
        ),
        (
            "test_tail",
            "cifar10_test#class=horse+ship+truck#first=200".into(),
        ),
        ("ood_textures", "ood_textures#first=500".into()),
        (
            "ood_cifar100_unseen",
            format!("ood_cifar100_test#coarse!={SHARED_SUPERCLASSES}#first=10"),
        ),
    ]
}

fn training(imbalance: u32) -> TrainingSets {
    // A set can be cut to be more imbalanced than it is, but not less.
    let cut = (imbalance != USUAL_IMBALANCE && imbalance != 1).then_some(imbalance);
    if imbalance >= USUAL_IMBALANCE {
        return TrainingSets {
            data: "cifar10_train_lt100",
            imbalance: cut,
            hold_out: "airplane=300".into(),
            calibration: vec![
                "cifar10_train_more".into(),
                "cifar10_train_lt100#class=airplane#last=300".into(),
            ],
            fit: match cut {
                None => vec![
                    "cifar10_train_lt100#class!=airplane".into(),
                    "cifar10_train_lt100#class=airplane#but-last=300".into(),
                ],
                Some(_) => Vec::new(),
            },
            balance: true,
        };
    }
    TrainingSets {
        data: "cifar10_train",
        imbalance: cut,
        // Of every other class, the cut leaves more than these over.
        hold_out: if imbalance == 1 {
            "all=300"
        } else {
            "airplane=300"
        }
        .into(),
        calibration: vec!["cifar10_train#split=train#last=300".into()],
        fit: Vec::new(),
        balance: false,
    }
}

fn auxiliary(which: Auxiliary) -> Vec<String> {
    match which {
        Auxiliary::TinyImageNet => vec!["aux_train".into()],
        // The second set has 50 classes, and `first` counts in each.
        Auxiliary::First(count) => vec![
            format!("aux_train#first={}", count / 2),
            format!("aux_train_cifar100#first={}", count / 100),
        ],
        _ => vec!["aux_train".into(), "aux_train_cifar100".into()],
    }
}
