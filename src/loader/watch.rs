//! Notices that a file was replaced, by looking at it now and then.
//!
//! Looking works everywhere: a notification would be for one inode, while a Kubernetes volume swaps a symbolic link
//! above the file, and network file systems notify nobody.

use std::fs;
use std::mem;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What is known about the file.
pub struct Watch {
    path: PathBuf,
    interval: Duration,
    /// The file as it was last taken up.
    known: Option<Look>,
    /// The file as it was at the last look.
    last: Option<Look>,
    /// When to take it up again even if it is the same.
    again: Option<Instant>,
}

/// After this many looks, a file is tried again that could not be taken up for reasons that are not its own and may
/// pass without a trace on it: too many open files, permissions of a folder above.
const AGAIN_AFTER: u32 = 30;

/// What is compared of a file: any change of the file changes some of it. Symbolic links are followed. The time of
/// the last change of status is included because nobody can set it: `cp -p` sets the other one.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Watch {
    /// Knows the file as it is now. Start before the file is read, and no change is missed.
    pub fn start(path: PathBuf, interval: Duration) -> Self {
        let now = look(&path);
        Self {
            path,
            interval,
            known: now,
            last: now,
            again: None,
        }
    }

    /// How long to wait between two looks.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Whether the file is a different one than was last taken up, and is no longer being written: it was the same in
    /// two looks. If so, it counts as taken up. If a writer pauses for longer, its file is taken up in part, and
    /// again when the writer goes on.
    pub fn has_changed(&mut self) -> bool {
        let now = look(&self.path);
        let settled = now == mem::replace(&mut self.last, now);
        let is_due = self.again.is_some_and(|again| again <= Instant::now());
        let changed = settled && (now != self.known || is_due);
        if changed {
            self.known = now;
            self.again = None;
        }
        changed
    }

    /// The file could not be taken up, for a reason that is not its own: it is tried again in a while.
    pub fn try_again(&mut self) {
        self.again = Some(Instant::now() + AGAIN_AFTER * self.interval);
    }

    /// There was no file after all: when it is back, changed or not, it is taken up.
    pub fn was_gone(&mut self) {
        self.known = None;
    }

    /// The file is taken up as it is now, for another reason.
    pub fn take_note(&mut self) {
        self.known = look(&self.path);
        self.last = self.known;
        self.again = None;
    }
}

fn look(path: &PathBuf) -> Option<Look> {
    let file = fs::metadata(path).ok()?;
    Some(Look {
        device: file.dev(),
        inode: file.ino(),
        size: file.size(),
        modified: (file.mtime(), file.mtime_nsec()),
        changed: (file.ctime(), file.ctime_nsec()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn watched(path: PathBuf) -> Watch {
        Watch::start(path, Duration::from_secs(1))
    }

    #[test]
    fn a_file_is_taken_up_once_when_it_has_stayed_the_same_for_a_look() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        fs::write(&path, "old").unwrap();
        let mut watch = watched(path.clone());
        assert!(!watch.has_changed());
        fs::write(&path, "half of it").unwrap();
        assert!(!watch.has_changed());
        fs::write(&path, "half of it, and the rest").unwrap();
        assert!(!watch.has_changed());
        assert!(watch.has_changed());
        assert!(!watch.has_changed());
    }

    #[test]
    fn a_renamed_file_of_the_same_size_and_time_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("model"), folder.path().join("other"));
        fs::write(&path, "one").unwrap();
        fs::write(&other, "two").unwrap();
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        let file = fs::File::options().write(true).open(&other).unwrap();
        file.set_modified(time).unwrap();
        let mut watch = watched(path.clone());
        fs::rename(&other, &path).unwrap();
        assert!(!watch.has_changed());
        assert!(watch.has_changed());
    }

    #[test]
    fn a_link_above_the_file_that_is_swapped_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        for version in ["1", "2"] {
            fs::create_dir(folder.path().join(version)).unwrap();
            fs::write(folder.path().join(version).join("model"), "same").unwrap();
        }
        let link = folder.path().join("current");
        symlink("1", &link).unwrap();
        let mut watch = watched(link.join("model"));
        symlink("2", folder.path().join("next")).unwrap();
        fs::rename(folder.path().join("next"), &link).unwrap();
        assert!(!watch.has_changed());
        assert!(watch.has_changed());
    }

    #[test]
    fn a_file_that_goes_and_comes_back_is_taken_up_both_times() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        fs::write(&path, "model").unwrap();
        let mut watch = watched(path.clone());
        fs::remove_file(&path).unwrap();
        assert!(!watch.has_changed());
        assert!(watch.has_changed());
        fs::write(&path, "model").unwrap();
        assert!(!watch.has_changed());
        assert!(watch.has_changed());
    }

    #[test]
    fn a_file_that_could_not_be_taken_up_is_tried_again_in_a_while_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        fs::write(&path, "model").unwrap();
        let mut watch = watched(path);
        watch.try_again();
        assert!(!watch.has_changed());
        watch.again = Some(Instant::now());
        assert!(watch.has_changed());
        assert!(!watch.has_changed());
    }

    #[test]
    fn a_file_that_was_gone_for_a_moment_is_taken_up_and_one_that_stays_away_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        fs::write(&path, "model").unwrap();
        let mut watch = watched(path.clone());
        watch.was_gone();
        assert!(watch.has_changed());
        fs::remove_file(&path).unwrap();
        watch.was_gone();
        assert!(!watch.has_changed());
        assert!(!watch.has_changed());
    }

    #[test]
    fn what_was_taken_up_for_another_reason_is_not_taken_up_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        let mut watch = watched(path.clone());
        fs::write(&path, "model").unwrap();
        watch.take_note();
        assert!(!watch.has_changed());
        assert!(!watch.has_changed());
    }
}
