//! How the image sets at hand differ from the paper's: what every page says above its figures.

use super::sets::Task;

impl Task {
    /// How the data differ from the paper's, a sentence each.
    pub fn differences(self) -> &'static [&'static str] {
        match self {
            Task::Cifar10Lt => &[
                "Training: the paper's CIFAR10-LT images, but for 300 airplanes of 5,000, which are \
                 kept out to calibrate on.",
                "Auxiliary: 25,000 images of Tiny ImageNet and 20,000 of CIFAR-100's training set in \
                 place of 300K random images of CIFAR's own source.",
                "CIFAR-100 as OOD: `cifar100_unseen`, the 5,000 test images of the ten superclasses of \
                 which no auxiliary image was trained on; the paper tests on all 10,000.",
                "Textures: 1,200 images, 10 of 47 textures. Tiny ImageNet: 2,900 images, 58 classes \
                 that are not among the auxiliary ones.",
                "SVHN, LSUN and Places365 are missing: `characters` (from street photos) stands for \
                 the first, `scenes` (outdoors) for the other two. `fashion` is in addition. Means \
                 are over these six sets.",
                "OOD images that show ID classes: the paper's sets are the SC-OOD benchmark's (Yang et al. \
                 2021), and the code of PASCL and RNA counts such images as ID ones. Here none is moved: the \
                 100 pickup trucks of `cifar100_unseen` count as OOD, and so does what `scenes` may show of cars.",
                "`id_other_source` has 2,300 images of seven of the ten classes (600 dogs, 400 birds, 400 \
                 automobiles, 300 cats, 200 frogs, 200 ships, 200 trucks): what is right of it depends on \
                 how a model does on these.",
            ],
            Task::Cifar100Lt => &[
                "Training: as many images of each class as in the paper's CIFAR100-LT, but others \
                 (drawn at random), and 5 fewer of each of the 33 largest classes, which are kept out \
                 to calibrate on.",
                "Calibrated on those 165 images of the 33 largest classes, since all others are trained on \
                 or tested on: of the rarer classes more than 5 % are flagged. AUROC, AUPR and FPR95 do \
                 not depend on it.",
                "Auxiliary: 25,000 images of Tiny ImageNet in place of 300K random images of CIFAR's \
                 own source.",
                "Textures: 1,200 images, 10 of 47 textures. SVHN is missing: `characters` (from street \
                 photos) stands for it. `fashion` is in addition.",
                "No Tiny ImageNet, LSUN or Places365: most of what is at hand for them shows classes \
                 of CIFAR-100 (bees, tractors, forests, seas). Means are over four sets: \
                 `cifar10`, `textures`, `characters` and `fashion`.",
                "OOD images that show ID classes: the paper's sets are the SC-OOD benchmark's (Yang et al. \
                 2021), and the code of PASCL and RNA counts such images as ID ones. Here none is moved.",
            ],
            Task::ImagenetLt => &[
                "The paper's sets, where they are at hand: the published lists of ImageNet-LT for \
                 training (115,846 images), calibration (20,000) and test (50,000), ImageNet-Extra, \
                 ImageNet-1k-OOD (the first 50 images of each class, in the order of their names).",
                "EnergyOE, OECC and BEL have the numbers that their authors give for CIFAR-100; PASCL has \
                 its authors' for ImageNet.",
            ],
        }
    }
}
