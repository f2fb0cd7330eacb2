//! Images of one size with their labels, in memory or in files still to be read.

use std::path::PathBuf;

use normgate_core::preprocess::{PreprocessError, Preprocessor, Rgb8};

use super::labels::composed;
use super::{DatasetError, FineOrCoarse};

/// Characters that separate names and sets on the command line, so that no name given there can have them.
const SIGNS: [char; 3] = ['+', ',', '#'];

/// A set of RGB images of one size, in a fixed order, with what is known of their classes.
///
/// Everything that evaluates or trains reads this one type, whatever the files looked like. If
/// [`LoadOptions::in_files`](super::LoadOptions) left the images in their files, the set has `files` instead of
/// `pixels`; labels and order are the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageSet {
    /// What reports call the set: the name given, or else the last part of its path.
    pub name: String,
    /// Width of every image in pixels.
    pub width: usize,
    /// Height of every image in pixels.
    pub height: usize,
    /// The images one after another: rows of R, G, B bytes (`n * height * width * 3`).
    pub pixels: Vec<u8>,
    /// The image files, one for each image, of any size, if the images are still to be read; otherwise empty. Width
    /// and height are then those that the images will be brought to.
    pub files: Vec<PathBuf>,
    /// The class of each image; `None` if it belongs to none of the classes, or is unlabelled.
    pub labels: Vec<Option<u16>>,
    /// The superclass of each image, if the layout has superclasses (CIFAR-100: 0 to 19).
    pub coarse_labels: Option<Vec<Option<u16>>>,
    /// The names of the classes by index, if the layout or the caller gives them.
    pub class_names: Option<Vec<String>>,
    /// The names of the superclasses by index, if the layout has superclasses.
    pub coarse_names: Option<Vec<String>>,
    /// How many images `#readable` left out because they cannot be read.
    pub left_out: usize,
}

impl ImageSet {
    /// How many images there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// What to tell people about images that were left out, if there are any.
    pub fn notice(&self) -> Option<String> {
        let (name, all) = (&self.name, self.len() + self.left_out);
        (self.left_out > 0).then(|| {
            let of = format!("{} of {all} images", self.left_out);
            format!("{name}: {of} cannot be read and are left out")
        })
    }

    /// Bytes of an image: `height * width * 3`.
    pub fn image_bytes(&self) -> usize {
        self.width * self.height * 3
    }

    /// Whether the images are still in their files.
    pub fn is_in_files(&self) -> bool {
        !self.files.is_empty()
    }

    /// The pixels of image `i` (HWC, RGB); empty if there is no such image in memory.
    pub fn image(&self, i: usize) -> &[u8] {
        let size = self.image_bytes();
        let start = i.checked_mul(size);
        let pixels = start.and_then(|start| self.pixels.get(start..)?.get(..size));
        pixels.unwrap_or_default()
    }

    /// Image `i` with its size; without pixels if there is no such image in memory.
    pub fn picture(&self, i: usize) -> Rgb8 {
        Rgb8 {
            width: self.width as u32,
            height: self.height as u32,
            pixels: self.image(i).to_vec(),
        }
    }

    /// Writes the images from `first` on as a model's input, as many as `tensors` has room for.
    ///
    /// # Errors
    ///
    /// The index of the image that cannot be brought to the model's size, and why.
    pub fn write_tensors(
        &self,
        first: usize,
        preprocessor: &Preprocessor,
        tensors: &mut [f32],
    ) -> Result<(), (usize, PreprocessError)> {
        let tensors = tensors.chunks_exact_mut(preprocessor.tensor_len());
        (first..).zip(tensors).try_for_each(|(index, tensor)| {
            let written = preprocessor.write_tensor(&self.picture(index), tensor);
            written.map_err(|error| (index, error))
        })
    }

    /// The images at `indices`, in that order. Indices past the end are left out.
    pub fn select(&self, indices: &[usize]) -> ImageSet {
        let inside = || indices.iter().copied().filter(|&i| i < self.len());
        let in_memory = if self.is_in_files() { 0 } else { indices.len() };
        let mut pixels = Vec::with_capacity(in_memory * self.image_bytes());
        inside().for_each(|i| pixels.extend_from_slice(self.image(i)));
        let file = |i: usize| self.files.get(i).cloned();
        ImageSet {
            name: self.name.clone(),
            width: self.width,
            height: self.height,
            pixels,
            files: inside().filter_map(file).collect(),
            labels: inside().map(|i| self.labels[i]).collect(),
            coarse_labels: self
                .coarse_labels
                .as_ref()
                .map(|coarse| inside().filter_map(|i| coarse.get(i).copied()).collect()),
            class_names: self.class_names.clone(),
            coarse_names: self.coarse_names.clone(),
            left_out: self.left_out,
        }
    }

    /// The images whose index and label `keep` accepts, in order.
    pub fn filter(&self, mut keep: impl FnMut(usize, Option<u16>) -> bool) -> ImageSet {
        let indices: Vec<usize> = (0..self.len())
            .filter(|&i| keep(i, self.labels[i]))
            .collect();
        self.select(&indices)
    }

    /// How many images each of the classes 0 to `classes - 1` has. Images without a label, or with
    /// one past the last class, are not counted.
    pub fn class_counts(&self, classes: usize) -> Vec<u64> {
        let mut counts = vec![0; classes];
        for label in self.labels.iter().flatten() {
            if let Some(count) = counts.get_mut(usize::from(*label)) {
                *count += 1;
            }
        }
        counts
    }

    /// The number of classes: as many as there are names, or else one more than the largest label.
    pub fn classes(&self) -> usize {
        let largest = self.labels.iter().flatten().max();
        match &self.class_names {
            Some(names) => names.len(),
            None => largest.map_or(0, |&label| usize::from(label) + 1),
        }
    }

    /// The index of a class given by its name or its number.
    ///
    /// # Errors
    /// [`DatasetError`] if the set has no such class; it names those that it has.
    pub fn class_index(&self, class: &str) -> Result<u16, DatasetError> {
        self.index_in(class, self.class_names.as_deref(), self.classes(), "class")
    }

    /// The index of a superclass given by its name or its number.
    ///
    /// # Errors
    /// As [`class_index`](Self::class_index).
    pub fn coarse_index(&self, class: &str) -> Result<u16, DatasetError> {
        let names = self.coarse_names.as_deref();
        let count = names.map_or(0, <[String]>::len);
        self.index_in(class, names, count, "superclass")
    }

    /// The sets one after another, under the name of the first joined with the others' by "+". Superclasses are kept
    /// only if all the sets have the same.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Mismatch`] if the image sizes differ, if the images of one set are in memory and the other's
    /// in files, or if of two sets with labels one names its classes differently, or not at all.
    pub fn concat(sets: Vec<ImageSet>) -> Result<ImageSet, DatasetError> {
        let mut sets = sets.into_iter();
        let Some(mut all) = sets.next() else {
            return Ok(ImageSet::default());
        };
        for set in sets {
            all.append(set)?;
        }
        Ok(all)
    }

    /// The images without labels and class names.
    pub fn unlabelled(self) -> ImageSet {
        ImageSet {
            labels: vec![None; self.len()],
            coarse_labels: None,
            class_names: None,
            coarse_names: None,
            ..self
        }
    }

    /// Sets CIFAR-100's two kinds of labels, one of them as the classes.
    pub(super) fn set_cifar100(
        &mut self,
        coarse: Vec<Option<u16>>,
        fine: Vec<Option<u16>>,
        coarse_names: Vec<String>,
        fine_names: Vec<String>,
        classes: FineOrCoarse,
    ) {
        (self.labels, self.class_names) = match classes {
            FineOrCoarse::Fine => (fine, Some(fine_names)),
            FineOrCoarse::Coarse => (coarse.clone(), Some(coarse_names.clone())),
        };
        self.coarse_labels = Some(coarse);
        self.coarse_names = Some(coarse_names);
    }

    fn append(&mut self, other: ImageSet) -> Result<(), DatasetError> {
        let mismatch = |reason: String| DatasetError::Mismatch {
            first: self.name.clone(),
            second: other.name.clone(),
            reason,
        };
        if (self.width, self.height) != (other.width, other.height) {
            return Err(mismatch(format!(
                "their images are {}x{} and {}x{} pixels",
                self.width, self.height, other.width, other.height
            )));
        }
        if !self.is_empty() && !other.is_empty() && self.is_in_files() != other.is_in_files() {
            return Err(mismatch(
                "the images of one are files of any size, those of the other have one size and are \
                 in memory: write the latter out as files too, or (auxiliary sets) keep the sets \
                 apart with --aux-weights"
                    .into(),
            ));
        }
        let labelled = |set: &ImageSet| set.labels.iter().any(Option::is_some);
        match (labelled(self), labelled(&other)) {
            (true, true) if self.class_names != other.class_names => {
                return Err(mismatch(
                    match (&self.class_names, &other.class_names) {
                        (Some(_), Some(_)) => "their classes have different names",
                        // Numbers mean the same as names only if somebody says so.
                        _ => {
                            "one names its classes, the other has only numbers: give the names (for \
                             training: --class-names)"
                        }
                    }
                    .into(),
                ));
            }
            (false, true) => self.class_names = other.class_names,
            (false, false) => self.class_names = self.class_names.take().or(other.class_names),
            (true, _) => {}
        }
        self.left_out += other.left_out;
        self.coarse_labels = match (self.coarse_labels.take(), other.coarse_labels) {
            (Some(mut ours), Some(theirs)) if self.coarse_names == other.coarse_names => {
                ours.extend(theirs);
                Some(ours)
            }
            _ => None,
        };
        if self.coarse_labels.is_none() {
            self.coarse_names = None;
        }
        self.name = format!("{}+{}", self.name, other.name);
        self.pixels.extend_from_slice(&other.pixels);
        self.files.extend(other.files);
        self.labels.extend(other.labels);
        Ok(())
    }

    fn index_in(
        &self,
        class: &str,
        names: Option<&[String]>,
        count: usize,
        kind: &str,
    ) -> Result<u16, DatasetError> {
        let written = composed(class);
        let named = names.and_then(|names| {
            let mut names = names.iter();
            names.position(|name| composed(name) == written)
        });
        let numbered = || class.parse::<usize>().ok().filter(|&index| index < count);
        let index = named.or_else(numbered);
        index
            .and_then(|index| u16::try_from(index).ok())
            .ok_or_else(|| DatasetError::Unsuitable {
                set: self.name.clone(),
                reason: match names {
                    Some(names) => format!(
                        "there is no {kind} \"{class}\"; there are {}{}",
                        names.join(", "),
                        match names.iter().any(|name| name.contains(SIGNS)) {
                            true =>
                                ". Give one with a + , or # in its name by its number, counted \
                                 from 0 in this order",
                            false => "",
                        }
                    ),
                    None if count == 0 => format!("the set has no {kind}es to choose from"),
                    None => format!(
                        "there is no {kind} \"{class}\"; the {kind}es have no names, only the \
                         numbers 0 to {}",
                        count - 1
                    ),
                },
            })
    }
}
