//! An image set as named on the command line: where it is, what it is called, and which part of it is meant.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::{
    Amount, ClassFilter, DatasetError, FineOrCoarse, HeldOut, ImageSet, LoadOptions, Split, files,
    load, name_of,
};

/// What `--help` says about naming a set.
pub const SYNTAX: &str = "\
An image set is written [NAME=]PATH[#FILTER]... PATH is a folder with a folder of images for each
class (images deeper inside belong to that class too), a folder of images, a list (.txt) with a line
PATH CLASS for each image (paths relative to the list, classes numbered from 0: ImageNet-LT), the
official CIFAR-10 or CIFAR-100 binary folder or one of its .bin files, or a folder of WebP strips.
Filters select a part of it, from left to right:
  #class=cat+dog   only these classes, by name or number (from 0; names with + , or # in them
                   only by number); != for all but these
  #coarse=fish+15  the same for CIFAR-100's superclasses
  #first=300       the first 300 images of each class (unlabelled images count as one class)
  #last=300        the last 300 of each class
  #but-last=300    all but those: what training sees if --hold-out keeps 300 for calibration;
                   also a share of each class, #but-last=10%
  #readable        without the images that cannot be read; if counts follow, put it first
  #split=all       train, test or all, if one folder has both [default: train for --fit-data,
                   else test]
  #labels=coarse   CIFAR-100's superclasses as the classes
For example: unseen=data/cifar-100#split=test#coarse!=fish+flowers";

/// An image set on the command line: `[NAME=]PATH[#FILTER]…`, as [`SYNTAX`] explains it.
///
/// The syntax has no comma, so options can take several sets separated by commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetSpec {
    text: String,
    name: Option<String>,
    pub(super) path: PathBuf,
    pub(super) split: Option<Split>,
    labels: Option<FineOrCoarse>,
    pub(super) filters: Vec<Filter>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    Classes(ClassFilter),
    First(Amount),
    Last(Amount),
    ButLast(Amount),
    Readable,
}

impl SetSpec {
    /// Reads the set and applies the filters. What these say about split and labels overrides `options`.
    ///
    /// # Errors
    ///
    /// Those of [`load`], and [`DatasetError::Unsuitable`] for a class that the set does not have, or if no image is
    /// left.
    pub fn load(&self, options: &LoadOptions) -> Result<ImageSet, DatasetError> {
        let mut options = options.clone();
        options.split = self.split.unwrap_or(options.split);
        options.labels = self.labels.unwrap_or(options.labels);
        // Files that the filters leave out need not be read.
        let wanted_in_files = options.in_files;
        options.in_files |= !self.filters.is_empty();
        let class_filters = self.filters.iter().filter_map(Filter::of_classes);
        options.class_filters = class_filters.cloned().collect();
        let mut set = load(&self.path, &options)?;
        set.name = self.name();
        for filter in &self.filters {
            set = filter.apply(&set, &self.path)?;
        }
        if set.is_empty() {
            return Err(DatasetError::Unsuitable {
                set: set.name,
                reason: format!("no image is left of {self}"),
            });
        }
        if set.is_in_files() && !wanted_in_files {
            return files::read_in(set, &options);
        }
        Ok(set)
    }

    /// What reports call the set: the name given, or else the last part of its path.
    pub fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| name_of(&self.path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that there is something at its path, long before it is read.
    ///
    /// # Errors
    /// [`DatasetError::Missing`].
    pub fn check_exists(&self) -> Result<(), DatasetError> {
        match self.path.exists() {
            true => Ok(()),
            false => Err(DatasetError::Missing {
                path: self.path.clone(),
            }),
        }
    }

    /// Where the images are from, if the trainer held them out.
    pub(crate) fn held_out(&self) -> Option<HeldOut> {
        HeldOut::read(&self.path)
    }

    /// The set's name with its filters: which images they are, but not where.
    pub fn describe(&self) -> String {
        let filters = self.text.find('#').map_or("", |start| &self.text[start..]);
        self.name() + filters
    }
}

impl fmt::Display for SetSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for SetSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split('#');
        let place = parts.next().unwrap_or_default();
        // A "=" after the first "/" belongs to the path.
        let (name, path) = match place.split_once('=') {
            Some((name, path)) if !name.contains('/') => (Some(name), path),
            _ => (None, place),
        };
        if path.is_empty() || name == Some("") {
            return Err(format!(
                "\"{text}\" has no path; write [NAME=]PATH[#FILTER]"
            ));
        }
        let mut spec = SetSpec {
            text: text.into(),
            name: name.map(String::from),
            path: path.into(),
            split: None,
            labels: None,
            filters: Vec::new(),
        };
        for part in parts {
            spec.add(part)?;
        }
        Ok(spec)
    }
}

impl SetSpec {
    fn add(&mut self, filter: &str) -> Result<(), String> {
        let bad = || {
            format!(
                "there is no filter \"#{filter}\"; there are #class=, #class!=, #coarse=, \
                 #coarse!=, #first=N, #last=N, #but-last=N (or N%), #readable, #split=train|test|all, \
                 #labels=fine|coarse. Give a class with # in its name by its number"
            )
        };
        if filter == "readable" {
            self.filters.push(Filter::Readable);
            return Ok(());
        }
        let (key, value) = filter.split_once('=').ok_or_else(bad)?;
        let amount = || value.parse().map_err(|_| bad());
        match (key, value) {
            ("class" | "class!" | "coarse" | "coarse!", _) if !value.is_empty() => {
                self.filters.push(Filter::Classes(ClassFilter {
                    coarse: key.starts_with("coarse"),
                    keep: !key.ends_with('!'),
                    classes: value.split('+').map(String::from).collect(),
                }));
            }
            ("first", _) => self.filters.push(Filter::First(amount()?)),
            ("last", _) => self.filters.push(Filter::Last(amount()?)),
            ("but-last", _) => self.filters.push(Filter::ButLast(amount()?)),
            ("split", "train") => self.split = Some(Split::Train),
            ("split", "test") => self.split = Some(Split::Test),
            ("split", "all") => self.split = Some(Split::All),
            ("labels", "fine") => self.labels = Some(FineOrCoarse::Fine),
            ("labels", "coarse") => self.labels = Some(FineOrCoarse::Coarse),
            _ => return Err(bad()),
        }
        Ok(())
    }
}

impl Filter {
    pub(super) fn of_classes(&self) -> Option<&ClassFilter> {
        match self {
            Filter::Classes(filter) => Some(filter),
            _ => None,
        }
    }

    fn apply(&self, set: &ImageSet, path: &Path) -> Result<ImageSet, DatasetError> {
        match self {
            Filter::Classes(filter) => filter.apply(set, path),
            Filter::Readable => files::readable(set),
            Filter::First(count) => Ok(set.select(&leading(0..set.len(), set, *count))),
            Filter::Last(count) => {
                let mut indices = leading((0..set.len()).rev(), set, *count);
                indices.reverse();
                Ok(set.select(&indices))
            }
            Filter::ButLast(count) => {
                let last: HashSet<_> = leading((0..set.len()).rev(), set, *count)
                    .into_iter()
                    .collect();
                Ok(set.filter(|i, _| !last.contains(&i)))
            }
        }
    }
}

/// The first `amount` of the indices of each class.
fn leading(order: impl Iterator<Item = usize>, set: &ImageSet, amount: Amount) -> Vec<usize> {
    let mut images: HashMap<_, usize> = HashMap::new();
    for label in &set.labels {
        *images.entry(*label).or_insert(0) += 1;
    }
    let mut seen = HashMap::new();
    order
        .filter(|&i| {
            let seen = seen.entry(set.labels[i]).or_insert(0);
            *seen += 1;
            *seen <= amount.of(images[&set.labels[i]])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> SetSpec {
        text.parse().unwrap()
    }

    fn set() -> ImageSet {
        ImageSet {
            name: "set".into(),
            width: 1,
            height: 1,
            pixels: (0..18).collect(),
            files: Vec::new(),
            labels: vec![Some(0), Some(1), Some(2), Some(0), Some(1), None],
            coarse_labels: Some(vec![Some(0), Some(0), Some(1), Some(0), Some(0), None]),
            class_names: Some(vec!["cat".into(), "dog".into(), "oak".into()]),
            coarse_names: Some(vec!["animals".into(), "trees".into()]),
            left_out: 0,
        }
    }

    fn kept(filter: &str) -> Vec<u8> {
        let spec = parse(&format!("path#{filter}"));
        let kept = spec.filters[0].apply(&set(), &spec.path).unwrap();
        (0..kept.len()).map(|i| kept.image(i)[0] / 3).collect()
    }

    #[test]
    fn a_name_is_told_from_a_path_with_an_equals_sign() {
        let named = parse("mine=some/folder");
        assert_eq!(named.name.as_deref(), Some("mine"));
        assert_eq!(named.path, PathBuf::from("some/folder"));
        let path = parse("./a=b/c");
        assert_eq!(
            (path.name.clone(), path.path),
            (None, PathBuf::from("./a=b/c"))
        );
    }

    #[test]
    fn a_set_is_described_by_its_name_and_filters_and_not_by_its_place() {
        for (text, expected) in [
            ("some/my-photos", "my-photos"),
            ("some/my-photos/", "my-photos"),
            ("mine=some/folder#class=cat", "mine#class=cat"),
            (
                "some/cifar-10/#split=train#last=300",
                "cifar-10#split=train#last=300",
            ),
            ("some/path#class=a/b", "path#class=a/b"),
        ] {
            assert_eq!(parse(text).describe(), expected);
        }
        let folder = tempfile::tempdir().unwrap();
        let versioned = folder.path().join("photos.2");
        std::fs::create_dir(&versioned).unwrap();
        assert_eq!(parse(versioned.to_str().unwrap()).name(), "photos.2");
        assert_eq!(parse("some/test_batch.bin").name(), "test_batch");
    }

    #[test]
    fn each_filter_keeps_what_it_says() {
        assert_eq!(kept("class=cat+2"), [0, 2, 3]);
        assert_eq!(kept("class!=cat"), [1, 2, 4, 5]);
        assert_eq!(kept("coarse=animals"), [0, 1, 3, 4]);
        assert_eq!(kept("coarse!=0"), [2, 5]);
        assert_eq!(kept("first=1"), [0, 1, 2, 5]);
        assert_eq!(kept("last=1"), [2, 3, 4, 5]);
        assert_eq!(kept("but-last=1"), [0, 1]);
        assert_eq!(kept("but-last=0"), [0, 1, 2, 3, 4, 5]);
        // One each of two cats and two dogs, none of the others.
        assert_eq!(kept("last=50%"), [3, 4]);
        assert_eq!(kept("but-last=50%"), [0, 1, 2, 5]);
    }

    #[test]
    fn split_and_labels_go_before_the_options() {
        let spec = parse("path#split=all#labels=coarse");
        assert_eq!(
            (spec.split, spec.labels),
            (Some(Split::All), Some(FineOrCoarse::Coarse))
        );
    }

    #[test]
    fn a_spec_is_written_as_it_was_read() {
        let text = "mine=some/folder#class=cat#last=3";
        assert_eq!(parse(text).to_string(), text);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for text in [
            "",
            "name=",
            "=path",
            "path#",
            "path#first=x",
            "path#class=",
            "path#split=x",
        ] {
            assert!(text.parse::<SetSpec>().is_err(), "{text}");
        }
        let error = parse("path#class=horse").filters[0]
            .apply(&set(), Path::new("path"))
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "set: there is no class \"horse\"; there are cat, dog, oak"
        );
    }
}
