//! The images that were kept out of training, as a folder that `calibrate` reads: whatever set they
//! come from, nobody has to say again which they are.

use std::path::Path;
use std::{fs, io};

use normgate_evaluation::datasets::ImageSet;

/// The folder in that of the run.
pub const FOLDER: &str = "held-out";

/// Writes a folder of images for each class that has any, as the network is shown them, without loss;
/// of images that are still in their files, links to these. What an earlier start left is replaced.
///
/// # Errors
///
/// What the system said; [`io::ErrorKind::InvalidFilename`] where a class's name can be no folder's.
pub fn write(run: &Path, held: &ImageSet) -> io::Result<()> {
    let folder = run.join(FOLDER);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let names = held.class_names.iter().flatten();
    if names.clone().any(|name| !is_folder_name(name)) {
        return Err(io::ErrorKind::InvalidFilename.into());
    }
    let folders: Vec<_> = names.map(|name| folder.join(name)).collect();
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

/// Whether it names a folder beside the others, and none that is hidden.
fn is_folder_name(class: &str) -> bool {
    Path::new(class).file_name() == Some(class.as_ref()) && !class.starts_with('.')
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

    #[test]
    fn what_is_written_is_read_again_to_the_last_bit() {
        let run = tempfile::tempdir().unwrap();
        let held = set(["a cat", "dog", "Vögel"]);
        write(run.path(), &held).unwrap();
        // A second start holds out less.
        let held = held.select(&[0, 1]);
        write(run.path(), &held).unwrap();
        let read = load(&run.path().join(FOLDER), &LoadOptions::train()).unwrap();
        assert_eq!(
            read.class_names.unwrap(),
            ["Vögel", "a cat"].map(|name| name.to_owned())
        );
        assert_eq!(read.pixels, [held.image(0), held.image(1)].concat());
    }

    #[test]
    fn images_in_files_are_linked_to() {
        let run = tempfile::tempdir().unwrap();
        let mut held = set(["cat", "dog", "bird"]).select(&[1]);
        let file = run.path().join("photo.JPG");
        fs::write(&file, "a photo").unwrap();
        held.pixels.clear();
        held.files = vec![file];
        write(run.path(), &held).unwrap();
        let link = run.path().join(FOLDER).join("cat/000000.JPG");
        assert_eq!(fs::read(link).unwrap(), b"a photo");
    }

    #[test]
    fn nothing_is_written_elsewhere_whatever_a_class_is_called() {
        for name in ["a/b", "..", "/tmp/class", ""] {
            let run = tempfile::tempdir().unwrap();
            let error = write(run.path(), &set([name, "dog", name])).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidFilename, "{name}");
        }
    }
}
