//! The mark of a folder of images that the trainer held out of a run, for `calibrate` and `evaluate`.

use std::path::Path;
use std::{fs, io};

/// The mark's file name. Whatever the folders beside it are called, they are classes.
const FILE: &str = ".normgate-held-out";

/// What a folder of held-out images says about where they are from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldOut {
    /// How many images of each class were trained on.
    pub class_counts: Vec<u64>,
    /// The sets that they were held out of, as the model's record of training names them.
    pub sets: Vec<String>,
}

impl HeldOut {
    /// Whether the trainer has made this folder from held-out images.
    pub fn is_in(folder: &Path) -> bool {
        folder.join(FILE).is_file()
    }

    /// Reads the mark in a folder, if it has one.
    pub fn read(folder: &Path) -> Option<Self> {
        let mark = fs::read_to_string(folder.join(FILE)).ok()?;
        let mut lines = mark.lines().map(String::from);
        let counts = lines.next().unwrap_or_default();
        let counts = counts.split(',').filter_map(|count| count.parse().ok());
        Some(Self {
            class_counts: counts.collect(),
            sets: lines.collect(),
        })
    }

    /// Marks a folder: the counts on the first line, separated by commas, then each set on a line.
    ///
    /// # Errors
    ///
    /// What the system said.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let counts: Vec<String> = self.class_counts.iter().map(u64::to_string).collect();
        let lines = [&[counts.join(",")], &*self.sets].concat();
        fs::write(folder.join(FILE), lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_says_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!HeldOut::is_in(folder.path()));
        assert_eq!(HeldOut::read(folder.path()), None);
        for sets in [&["a#first=3", "b (held out: all=9)"][..], &[]] {
            let mark = HeldOut {
                class_counts: vec![12, 0, 7],
                sets: sets.iter().map(ToString::to_string).collect(),
            };
            mark.write(folder.path()).unwrap();
            assert!(HeldOut::is_in(folder.path()));
            assert_eq!(HeldOut::read(folder.path()), Some(mark));
        }
    }
}
