//! From the image sets named on the command line to what is trained on.

use normgate_core::manifest::unfit;
use normgate_core::model::hex;
use normgate_evaluation::datasets::{ImageSet, LoadOptions, SetSpec, labels};
use normgate_evaluation::overlap::{Fingerprints, in_another_class};
use normgate_evaluation::reports::table::counted;
use sha2::{Digest, Sha256};

use crate::augment::Crop;
use crate::auxiliary::{self, AuxiliarySpec};
use crate::batches::Stream;
use crate::error::TrainError;
use crate::holdout::{self, HoldOut};
use crate::input::{Normalise, preprocessing};
use crate::long_tail;
use crate::pictures::Part;

/// What to read, and what of it to use.
#[derive(Clone, Debug)]
pub struct Selection {
    /// In-distribution sets.
    pub data: Vec<SetSpec>,
    /// Auxiliary sets; empty if the method uses none.
    pub auxiliary: Vec<AuxiliarySpec>,
    /// Shares of the auxiliary sets in each batch; empty: by their sizes.
    pub auxiliary_weights: Vec<f64>,
    /// Images to keep out of training.
    pub hold_out: Vec<HoldOut>,
    /// The imbalance to cut the set to.
    pub imbalance: Option<f64>,
    /// The classes' names, if the sets come without them or they should be in another order.
    pub class_names: Option<Vec<String>>,
    /// Side in pixels of the square that all images are brought to.
    pub image_size: u32,
    /// How the images are cropped; if parts of them are drawn, image files are read when they are needed.
    pub crop: Crop,
    /// In-distribution images in a step.
    pub batch_size: usize,
    /// Auxiliary images in a step.
    pub auxiliary_batch_size: usize,
}

/// What is trained on.
#[derive(Debug)]
pub struct TrainingData {
    /// The in-distribution stream, then the auxiliary ones.
    pub streams: Vec<Stream>,
    /// The classes' names, in the order of their indices.
    pub class_names: Vec<String>,
    /// How many images of each class there are.
    pub class_counts: Vec<u64>,
    /// What was kept out of training.
    pub held_out: ImageSet,
    /// How many different images of those are also trained on, as copies.
    pub copies_held_out: usize,
    /// How many images are copies of ones of another class.
    pub in_another_class: usize,
}

impl TrainingData {
    /// Reads the sets.
    ///
    /// # Errors
    ///
    /// [`TrainError`], naming the set that cannot be read or does not fit, and why.
    pub fn load(selection: &Selection) -> Result<Self, TrainError> {
        if let Some(names) = &selection.class_names {
            check_names(names, "--class-names")?;
        }
        let options = LoadOptions {
            // The whole centre square is kept, as bytes: what the network sees of it is cut and normalised later.
            preprocessing: Some(preprocessing(
                selection.image_size,
                Crop::Padded,
                Normalise::None,
            )),
            in_files: selection.crop == Crop::Resized,
            ..LoadOptions::train()
        };
        let mut sets = read(&selection.data, &options)?;
        if let Some(names) = &selection.class_names {
            // Each by itself: once joined, one set's class numbers would be taken for another's.
            for set in &mut sets {
                check_classes(set, names)?;
                set.align(names)?;
            }
        }
        let mut images = ImageSet::concat(sets)?;
        if selection.class_names.is_none() {
            leave_out_empty_classes(&mut images)?;
        }
        if let Some(imbalance) = selection.imbalance {
            images = long_tail::subsample(&images, imbalance)?;
        }
        let held = holdout::resolve(&images, &selection.hold_out)?;
        let (images, held_out) = holdout::split(&images, &held)?;
        if held_out.is_empty() && !selection.hold_out.is_empty() {
            return Err(TrainError::Data(format!(
                "{}: --hold-out takes no image of any class: give a larger share, or a number (CLASS=N)",
                images.name
            )));
        }
        let class_names = class_names(&images)?;
        check_names(&class_names, &images.name)?;
        let class_counts = class_counts(&images, &class_names, selection)?;

        let id = Stream {
            images,
            per_step: selection.batch_size,
            part: Part::of(selection.crop, false),
        };
        let mut streams = vec![id];
        let auxiliary = auxiliary::streams(selection, &streams[0].images, &options)?;
        let id = Fingerprints::of("--data", &streams[0].images);
        let in_another_class = in_another_class(&streams[0].images);
        // Copies in the calibration images would look more familiar than new images do.
        let copies_held_out = id.shared_with(&Fingerprints::of("--hold-out", &held_out));
        if !selection.auxiliary.contains(&AuxiliarySpec::Crops) {
            for stream in &auxiliary {
                let apart = id.apart_from(&Fingerprints::of("--aux", &stream.images));
                apart.map_err(|error| TrainError::Data(error.to_string()))?;
            }
        }
        streams.extend(auxiliary);
        check_sizes(&streams)?;
        Ok(Self {
            streams,
            class_names,
            class_counts,
            held_out,
            copies_held_out,
            in_another_class,
        })
    }
}

impl TrainingData {
    /// Checks that no class, and nothing of what is held out, is among the auxiliary images: of a large auxiliary set, a
    /// rare class is so small a share that [`load`](Self::load) lets it pass.
    ///
    /// # Errors
    ///
    /// [`TrainError::Data`], naming the class.
    pub fn check_auxiliary(&self, selection: &Selection) -> Result<(), TrainError> {
        let [id, auxiliary @ ..] = &*self.streams else {
            return Ok(());
        };
        if selection.auxiliary.contains(&AuxiliarySpec::Crops) {
            return Ok(());
        }
        let labels = &id.images.labels;
        let held_out = Fingerprints::of("--hold-out", &self.held_out);
        for stream in auxiliary {
            let known = Fingerprints::of("--aux", &stream.images);
            let apart = known.apart_from(&held_out);
            apart.map_err(|error| TrainError::Data(error.to_string()))?;
            for (class, name) in self.class_names.iter().enumerate() {
                let is_of_class = |index: &usize| labels[*index].map(usize::from) == Some(class);
                let of_class: Vec<usize> = (0..labels.len()).filter(is_of_class).collect();
                let apart =
                    known.apart_from(&Fingerprints::of("--data", &id.images.select(&of_class)));
                apart.map_err(|error| TrainError::Data(format!("class {name}: {error}")))?;
            }
        }
        Ok(())
    }

    /// SHA-256 of all images in their order, with their labels, in hexadecimal; for images that are read when they
    /// are needed, of their files' names.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for images in self.streams.iter().map(|stream| &stream.images) {
            hasher.update((images.len() as u64).to_le_bytes());
            for label in &images.labels {
                hasher.update(label.map_or(u32::MAX, u32::from).to_le_bytes());
            }
            hasher.update(&images.pixels);
            for file in &images.files {
                hasher.update(file.as_os_str().as_encoded_bytes());
                hasher.update([0]);
            }
        }
        hex(&hasher.finalize())
    }
}

fn read(sets: &[SetSpec], options: &LoadOptions) -> Result<Vec<ImageSet>, TrainError> {
    let read = |set: &SetSpec| Ok(set.load(options)?);
    sets.iter().map(read).collect()
}

fn class_names(images: &ImageSet) -> Result<Vec<String>, TrainError> {
    if let Some(names) = &images.class_names {
        return Ok(names.clone());
    }
    let name = &images.name;
    let counts = images.class_counts(images.classes());
    Err(match counts.first() {
        None => TrainError::Data(format!(
            "the images of {name} have no classes: put those of each class into a folder of its own, \
             {name}/CLASS/"
        )),
        Some(0) => TrainError::Data(format!(
            "{name} has no image of class 0: classes are numbered from 0"
        )),
        Some(_) => TrainError::Options(format!(
            "the set {name} does not name its {} classes: give --class-names, as a list, a file (one \
             name a line, or JSON), cifar10 or cifar100",
            counts.len()
        )),
    })
}

/// Checks that --class-names has every class that the set has images of: they would have no class otherwise.
fn check_classes(set: &ImageSet, names: &[String]) -> Result<(), TrainError> {
    let own = set.class_names.iter().flatten();
    let shown = own.zip(set.class_counts(set.classes()));
    let mut foreign = shown.filter(|(name, count)| *count > 0 && !names.contains(name));
    match foreign.next() {
        None => Ok(()),
        Some((class, count)) => Err(TrainError::Options(format!(
            "\"{class}\", of which {} has {}, is not one of the classes to train on: add it \
             to --class-names, or leave it out ({}#class!={class})",
            set.name,
            counted(count as usize, "image"),
            set.name
        ))),
    }
}

/// Removes classes of which filters left nothing (`#class!=cat`), so that the network does not get them.
fn leave_out_empty_classes(images: &mut ImageSet) -> Result<(), TrainError> {
    let Some(names) = &images.class_names else {
        return Ok(());
    };
    let counts = images.class_counts(names.len());
    let shown = names.iter().zip(counts).filter(|(_, count)| *count > 0);
    let shown: Vec<String> = shown.map(|(name, _)| name.clone()).collect();
    Ok(images.align(&shown)?)
}

/// Refuses the class names that a model file would refuse, before days of training and not after.
fn check_names(names: &[String], of: &str) -> Result<(), TrainError> {
    let mut unfit = (0..)
        .zip(names)
        .filter_map(|(index, name)| Some((index, unfit(name)?)));
    let unfit = unfit.next();
    let unfit =
        unfit.map(|(index, why)| format!("the name of class {index} (counted from 0) {why}"));
    let problem = unfit.or_else(|| {
        let (_, second) = labels::twins(names)?;
        Some(format!("two classes are called \"{}\"", names[second]))
    });
    match problem {
        Some(problem) => Err(TrainError::Options(format!(
            "{of}: {problem}; give each class a name of its own"
        ))),
        None => Ok(()),
    }
}

fn class_counts(
    images: &ImageSet,
    names: &[String],
    selection: &Selection,
) -> Result<Vec<u64>, TrainError> {
    let name = &images.name;
    if let Some(index) = images.labels.iter().position(Option::is_none) {
        return Err(TrainError::Data(format!(
            "image {index} (counted from 0) of {name} has no class, so it cannot be trained on: put the \
             images of each class into a folder of its own, {name}/CLASS/"
        )));
    }
    if names.len() < 2 {
        return Err(TrainError::Data(format!(
            "{name} has fewer than two classes: put the images of each into a folder of its own, {name}/CLASS/"
        )));
    }
    let counts = images.class_counts(names.len());
    match counts.iter().position(|&count| count == 0) {
        // Its prior would be 0, its logit adjustment minus infinity.
        Some(class) => {
            let class = &names[class];
            let remedies = [
                Some("add some".into()),
                (!selection.hold_out.is_empty())
                    .then(|| "let --hold-out take fewer (all=10%)".into()),
                Some(match selection.class_names {
                    Some(_) => "leave the class out of --class-names".into(),
                    None => format!("leave the class out (#class!={class})"),
                }),
            ];
            let remedies: Vec<String> = remedies.into_iter().flatten().collect();
            Err(TrainError::Data(format!(
                "no image of the class {class} is left in {name} to train on: {}",
                remedies.join(", or ")
            )))
        }
        None => Ok(counts),
    }
}

/// Checks that each stream fills a step, and says of all that do not what would do.
fn check_sizes(streams: &[Stream]) -> Result<(), TrainError> {
    let is_short = |(_, stream): &(usize, &Stream)| stream.steps_per_pass() == 0;
    let short: Vec<_> = streams.iter().enumerate().filter(is_short).collect();
    if short.is_empty() {
        return Ok(());
    }
    let said = short.iter().map(|(_, stream)| {
        let (images, needed) = (stream.images.len(), stream.per_step);
        let images = counted(images, "image");
        format!(
            "{} has {images} for training, and each step takes {needed}",
            stream.images.name
        )
    });
    let of = |kind: fn(usize) -> bool, option: &str| {
        let least = short.iter().filter(|(index, _)| kind(*index));
        // Half of them, so that an epoch has two steps; of several auxiliary sets, each has a share.
        let least = least
            .map(|(index, stream)| {
                let fewest = if *index == 0 { 1 } else { streams.len() - 1 };
                (stream.images.len() / 2).max(fewest)
            })
            .min();
        least.map(|size| format!("{option} {size}"))
    };
    let sizes = [
        of(|index| index == 0, "--batch-size"),
        of(|index| index > 0, "--aux-batch-size"),
    ];
    Err(TrainError::Data(format!(
        "{}: add images, or give {} or less",
        said.collect::<Vec<_>>().join("; "),
        sizes.into_iter().flatten().collect::<Vec<_>>().join(" ")
    )))
}
