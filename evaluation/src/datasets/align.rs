//! From a set's own classes to those of a model.

use super::labels::composed;
use super::{DatasetError, ImageSet};

impl ImageSet {
    /// Changes the labels to indices of `names`, by class name; images of other classes become unlabelled. A set
    /// without class names takes `names` as its own.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Unsuitable`] if a set without class names has a label past the last of `names`.
    pub fn align(&mut self, names: &[String]) -> Result<(), DatasetError> {
        if self.class_names.as_deref() == Some(names) {
            // Even if two classes have the same name.
            return Ok(());
        }
        if let Some(own) = &self.class_names {
            self.labels = renamed(&self.labels, own, names);
        } else if let Some(image) = self
            .labels
            .iter()
            .position(|label| label.is_some_and(|label| usize::from(label) >= names.len()))
        {
            return Err(DatasetError::Unsuitable {
                set: self.name.clone(),
                reason: format!(
                    "image {image} has the label {}, but there are {} classes (0 to {})",
                    self.labels[image].unwrap_or_default(),
                    names.len(),
                    names.len().saturating_sub(1)
                ),
            });
        }
        self.class_names = Some(names.to_vec());
        Ok(())
    }

    /// As [`align`](Self::align), for a set in which every image must be of one of the classes `names`. If a set has
    /// neither class names nor labels, this is assumed.
    ///
    /// # Errors
    ///
    /// As [`align`](Self::align), and [`DatasetError::Unsuitable`], naming the class of the first image that is of
    /// none of `names`.
    pub fn align_only(&mut self, names: &[String]) -> Result<(), DatasetError> {
        let own = self.class_names.clone();
        let labels = self.labels.clone();
        self.align(names)?;
        let is_labelled = own.is_some() || labels.iter().any(Option::is_some);
        let foreign = self.labels.iter().position(Option::is_none);
        let Some(image) = foreign.filter(|_| is_labelled) else {
            return Ok(());
        };
        let class = labels[image].and_then(|label| own.as_ref()?.get(usize::from(label)));
        let what = match class {
            Some(class) => format!("is of the class \"{class}\", which is not one of the classes"),
            None => "is labelled as none of the classes".into(),
        };
        Err(DatasetError::Unsuitable {
            set: self.name.clone(),
            reason: format!(
                "image {image} (counted from 0) {what} ({}). Only images of these belong here: \
                 give another set, or select the classes to use (SET#class=NAME+NAME); a class must \
                 have the same name in both{}",
                abridged(names),
                class
                    .and_then(|class| alike(class, names))
                    .unwrap_or_default()
            ),
        })
    }
}

/// The labels as indices of `names` instead of `own`; `None` for a class that `names` does not have.
pub(crate) fn renamed(
    labels: &[Option<u16>],
    own: &[String],
    names: &[String],
) -> Vec<Option<u16>> {
    // Other tools may have written the model file.
    let written: Vec<String> = names.iter().map(|name| composed(name)).collect();
    let index = |name: &String| {
        let name = composed(name);
        let index = written.iter().position(|other| *other == name)?;
        u16::try_from(index).ok()
    };
    let table: Vec<Option<u16>> = own.iter().map(index).collect();
    let renamed = |label: &Option<u16>| *table.get(usize::from((*label)?))?;
    labels.iter().map(renamed).collect()
}

/// What to say if a class differs from one of the names only in case and in signs.
fn alike(class: &str, names: &[String]) -> Option<String> {
    let letters = |name: &str| -> String {
        let letters = name.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let meant = names.iter().find(|name| letters(name) == letters(class))?;
    Some(format!(": \"{class}\" is called \"{meant}\" by the model"))
}

/// The names, without those in the middle if they would fill the screen.
fn abridged(names: &[String]) -> String {
    match names {
        [first @ .., last] if first.len() > 20 => {
            format!("{}, …, {last}", first[..20].join(", "))
        }
        _ => names.join(", "),
    }
}
