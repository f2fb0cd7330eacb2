//! The images that were kept out of training, as a folder that `calibrate` reads: whatever set they come from, nobody
//! has to say again which they are.

use std::path::{Path, PathBuf};
use std::{fs, io};

use normgate_evaluation::datasets::{HeldOut, ImageSet, is_read};

/// The folder's name within a run folder.
pub const FOLDER: &str = "held-out";

/// Whether [`write`] would overwrite only what is ours: there is no such folder yet, or an earlier start of a run has
/// made it.
pub fn may_write(run: &Path) -> bool {
    let folder = run.join(FOLDER);
    folder.symlink_metadata().is_err() || HeldOut::is_in(&folder)
}

/// Writes a folder of images for each class that has any: without loss, as the network gets them, or as links to the
/// files if the images are still in them. This replaces what an earlier start left; if something goes wrong, nothing
/// is left.
///
/// # Errors
///
/// What the system said; [`io::ErrorKind::InvalidFilename`] if a class's name cannot be a folder's,
/// [`io::ErrorKind::AlreadyExists`] if not [`may_write`].
pub fn write(run: &Path, held: &ImageSet, mark: &HeldOut) -> io::Result<()> {
    let folder = run.join(FOLDER);
    if !may_write(run) {
        // If there is nothing to keep, it does not matter what is there.
        return match held.is_empty() {
            true => Ok(()),
            false => Err(io::ErrorKind::AlreadyExists.into()),
        };
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    if held.is_empty() {
        return Ok(());
    }
    let names = held.class_names.iter().flatten();
    if names.clone().any(|name| !is_folder_name(name)) {
        return Err(io::ErrorKind::InvalidFilename.into());
    }
    let folders: Vec<_> = names.map(|name| folder.join(name)).collect();
    fs::create_dir(&folder)?;
    let written = mark.write(&folder).and_then(|()| fill(&folders, held));
    if written.is_err() {
        let _ = fs::remove_dir_all(&folder);
    }
    written
}

/// Makes a folder for each class.
fn fill(folders: &[PathBuf], held: &ImageSet) -> io::Result<()> {
    for (index, label) in held.labels.iter().enumerate() {
        let Some(class) = label.and_then(|label| folders.get(usize::from(label))) else {
            continue;
        };
        fs::create_dir_all(class)?;
        let number = format!("{index:06}");
        match held.files.get(index) {
            Some(file) => {
                let extension = file.extension().unwrap_or_default();
                let link = class.join(number).with_extension(extension);
                std::os::unix::fs::symlink(file.canonicalize()?, link)?;
            }
            None => save(held, index, &class.join(number + ".png"))?,
        }
    }
    Ok(())
}

/// Whether this names a folder right inside another, and one that readers do not skip.
fn is_folder_name(class: &str) -> bool {
    Path::new(class).file_name() == Some(class.as_ref()) && is_read(class)
}

fn save(held: &ImageSet, index: usize, file: &Path) -> io::Result<()> {
    let (width, height) = (held.width as u32, held.height as u32);
    let bytes = held.image(index);
    image::save_buffer(file, bytes, width, height, image::ColorType::Rgb8).map_err(|error| {
        match error {
            image::ImageError::IoError(error) => error,
            other => io::Error::other(other),
        }
    })
}

#[cfg(test)]
mod tests {
    use normgate_evaluation::datasets::{LoadOptions, load};

    use super::*;

    fn set(names: [&str; 3]) -> ImageSet {
        ImageSet {
            name: "set".into(),
            width: 8,
            height: 8,
            pixels: (0..3 * 192u16).map(|n| (n % 251) as u8).collect(),
            labels: vec![Some(2), Some(0), Some(2)],
            class_names: Some(names.map(String::from).into()),
            ..ImageSet::default()
        }
    }

    fn unmarked() -> HeldOut {
        HeldOut {
            class_counts: Vec::new(),
            sets: Vec::new(),
        }
    }

    #[test]
    fn what_is_written_is_read_again_to_the_last_bit() {
        let run = tempfile::tempdir().unwrap();
        let held = set(["a cat", "dog", "Vögel"]);
        write(run.path(), &held, &unmarked()).unwrap();
        // A second start holds out less.
        let held = held.select(&[0, 1]);
        write(run.path(), &held, &unmarked()).unwrap();
        let read = load(&run.path().join(FOLDER), &LoadOptions::train()).unwrap();
        assert_eq!(
            read.class_names.unwrap(),
            ["Vögel", "a cat"].map(|name| name.to_owned())
        );
        assert_eq!(read.pixels, [held.image(0), held.image(1)].concat());
    }

    #[test]
    fn what_somebody_else_has_put_there_stays() {
        let run = tempfile::tempdir().unwrap();
        let own = run.path().join(FOLDER).join("own.txt");
        fs::create_dir(own.parent().unwrap()).unwrap();
        fs::write(&own, "mine").unwrap();
        let held = set(["cat", "dog", "bird"]);
        let error = write(run.path(), &held, &unmarked()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        write(run.path(), &held.select(&[]), &unmarked()).unwrap();
        assert_eq!(fs::read(own).unwrap(), b"mine");
    }

    #[test]
    fn where_nothing_is_held_out_any_more_nothing_is_left() {
        let run = tempfile::tempdir().unwrap();
        let held = set(["cat", "dog", "bird"]);
        write(run.path(), &held, &unmarked()).unwrap();
        write(run.path(), &held.select(&[]), &unmarked()).unwrap();
        assert!(!run.path().join(FOLDER).exists());
    }

    #[test]
    fn images_in_files_are_linked_to() {
        let run = tempfile::tempdir().unwrap();
        let mut held = set(["cat", "dog", "bird"]).select(&[1]);
        let file = run.path().join("photo.JPG");
        fs::write(&file, "a photo").unwrap();
        held.pixels.clear();
        held.files = vec![file];
        write(run.path(), &held, &unmarked()).unwrap();
        let link = run.path().join(FOLDER).join("cat/000000.JPG");
        assert_eq!(fs::read(link).unwrap(), b"a photo");
    }

    #[test]
    fn nothing_is_written_elsewhere_whatever_a_class_is_called() {
        let long = "x".repeat(300);
        for name in ["a/b", "..", "/tmp/class", "", ".x", "@eaDir", &long] {
            let run = tempfile::tempdir().unwrap();
            let error = write(run.path(), &set([name, "dog", "cat"]), &unmarked()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidFilename, "{name}");
            assert!(!run.path().join(FOLDER).exists(), "{name}");
        }
    }
}
