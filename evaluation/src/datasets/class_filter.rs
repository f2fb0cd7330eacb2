//! The filters `#class=` and `#class!=`, and those for superclasses.

use std::path::Path;

use super::folder::{entries, file_name};
use super::labels::composed;
use super::{DatasetError, ImageSet};

/// Which classes a set is narrowed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassFilter {
    /// Whether CIFAR-100's superclasses are meant.
    pub(super) coarse: bool,
    /// Whether the classes are those to keep, or those to leave out.
    pub(super) keep: bool,
    /// Their names or numbers.
    pub(super) classes: Vec<String>,
}

impl ClassFilter {
    /// The images of `set`, which was read from `path`, that it keeps.
    pub(super) fn apply(&self, set: &ImageSet, path: &Path) -> Result<ImageSet, DatasetError> {
        let find = |class: &String| match self.coarse {
            true => set.coarse_index(class),
            false => set.class_index(class),
        };
        // A class that was left out because its folder is empty is not one of the set's.
        let is_there = |class: &str| {
            let inside = entries(path).map(|(folders, _)| folders);
            let mut names = inside
                .into_iter()
                .flatten()
                .map(|it| composed(&file_name(&it)));
            names.any(|name| name == composed(class))
        };
        let is_gone =
            |class: &&String| !self.coarse && !self.keep && find(class).is_err() && is_there(class);
        let classes = self.classes.iter().filter(|class| !is_gone(class));
        let chosen: Vec<u16> = classes.map(find).collect::<Result<_, _>>()?;
        let coarse = set.coarse_labels.as_ref().filter(|_| self.coarse);
        let labels = coarse.unwrap_or(&set.labels);
        let is_chosen =
            |i: usize| labels[i].is_some_and(|label| chosen.contains(&label)) == self.keep;
        Ok(set.filter(|i, _| is_chosen(i)))
    }

    /// Whether it is certain to leave out a class of this name. What the filter's numbers mean is unknown before the
    /// classes are known.
    pub(super) fn leaves_out(&self, name: &str) -> bool {
        let mut classes = self.classes.iter();
        let is_named = classes.any(|class| composed(class) == name);
        match (self.coarse, self.keep) {
            (true, _) => false,
            (false, false) => is_named,
            (false, true) => !is_named && self.has_names_only(),
        }
    }

    fn has_names_only(&self) -> bool {
        let mut classes = self.classes.iter();
        classes.all(|class| class.parse::<usize>().is_err())
    }
}
