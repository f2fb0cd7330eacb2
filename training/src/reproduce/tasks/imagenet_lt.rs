//! ImageNet-LT.

use super::{About, NamedSet};
use crate::reproduce::sets::{Auxiliary, TrainingSets};

pub(super) const ABOUT: About = About {
    title: "ImageNet-LT",
    slug: "imagenet-lt",
    class_names: None,
    recipe: Some("imagenet-lt"),
    width: 64,
    epochs: 100,
    tuning_epochs: Some(3),
    oecc_epochs: 15,
    // ResNet50 on 224×224 pixels has 7.3 times the multiplications of ResNet18 on 32×32.
    work: 116.0 * 7.3,
    test: "imagenet_lt/ImageNet_LT_test.txt",
    ood,
    other_source: None,
    monitored: Vec::new,
    training,
    auxiliary,
    differences: &[
        "The sets are the paper's, if they are at hand: the published lists of ImageNet-LT for \
         training (115,846 images), calibration (20,000) and testing (50,000), ImageNet-Extra, and \
         ImageNet-1k-OOD (the first 50 images of each class, in the order of their names).",
        "EnergyOE, OECC and BEL have the settings that their authors give for CIFAR-100 (of OECC, \
         whose losses are sums over the batch, that on confidences then counts twice), and PASCL \
         those that its authors give for ImageNet, but for the rarest 400 classes and not for those \
         numbered from 600 on.",
    ],
};

fn ood() -> Vec<NamedSet> {
    // RNA's code takes the first 50 images of each of PASCL's 1,000 classes.
    vec![("imagenet_ood", "imagenet_ood#first=50".into())]
}

/// The published lists: one imbalance, and 20 further images of each class to choose settings on.
fn training(_imbalance: u32) -> TrainingSets {
    TrainingSets {
        data: "imagenet_lt/ImageNet_LT_train.txt",
        imbalance: None,
        hold_out: String::new(),
        calibration: vec!["imagenet_lt/ImageNet_LT_val.txt".into()],
        fit: Vec::new(),
        balance: false,
    }
}

fn auxiliary(which: Auxiliary) -> Vec<String> {
    vec![match which {
        Auxiliary::First(count) => format!("imagenet_extra#first={count}"),
        _ => "imagenet_extra".into(),
    }]
}
