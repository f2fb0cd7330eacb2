//! Reads the files that `classify` is given, which `*` picks as often as a person does.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use normgate_core::preprocess::{DecodeError, Limits, decode, sniff};

use crate::config::show_bytes;
use crate::problem::Problem;

/// The largest file that is read. The largest image that is decoded by default takes 400 MB if nothing compresses it.
const LARGEST: u64 = 1 << 30;

/// Enough to recognise an image, or what else it is.
const HEAD: u64 = 4096;

/// The file's bytes, if they can be an image's: a video beside the photos is not read to its end.
pub fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    // Checked before the file is opened: opening a pipe would wait for someone to write to it.
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(Problem::malformed(
            "it is a folder: give the files in it, as in `normgate classify folder/*`",
        ));
    }
    if !metadata.is_file() {
        return Err(Problem::malformed(
            "it is not a regular file: save the image to a file and give that",
        ));
    }
    read_up_to(path, LARGEST)
}

fn read_up_to(path: &Path, largest: u64) -> Result<Vec<u8>, Problem> {
    let mut file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let head = file.by_ref().take(HEAD).read_to_end(&mut bytes);
    head.map_err(unreadable)?;
    if let Some(error) = no_image(&bytes) {
        return Err(error.into());
    }
    // One byte more than the limit shows that a file is too long; its length in the metadata could change meanwhile.
    let mut rest = file.take((largest + 1).saturating_sub(bytes.len() as u64));
    rest.read_to_end(&mut bytes).map_err(unreadable)?;
    match bytes.len() as u64 > largest {
        true => Err(Problem::malformed(format!(
            "the file is larger than {}, the limit for one image",
            show_bytes(largest as usize)
        ))),
        false => Ok(bytes),
    }
}

/// The error that decoding would give for a file that begins like this, if its beginning is enough to tell.
fn no_image(head: &[u8]) -> Option<DecodeError> {
    match sniff(head) {
        Some(_) => None,
        None => decode(head, &Limits::default()).err(),
    }
}

fn unreadable(error: io::Error) -> Problem {
    Problem::malformed(format!("it cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{RED, png};

    fn written(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        file
    }

    #[test]
    fn an_image_is_read_whole_unless_it_is_too_large() {
        let image = [png(RED, 8, 8), vec![0; 10_000]].concat();
        let file = written(&image);
        assert_eq!(read(file.path()).unwrap(), image);
        let length = image.len() as u64;
        assert_eq!(read_up_to(file.path(), length).unwrap(), image);
        let problem = read_up_to(file.path(), length - 1).unwrap_err();
        assert!(problem.detail().contains("larger than"), "{problem:?}");
    }

    #[test]
    fn what_begins_like_no_image_is_not_read_on() {
        // A sparse file of a terabyte: reading it would exhaust memory.
        let film = written(b"\0\0\0\x18ftypmp42");
        film.as_file().set_len(1 << 40).unwrap();
        assert_eq!(read(film.path()).unwrap_err().status(), 415);
        assert_eq!(read(written(b"").path()).unwrap_err().status(), 400);
    }

    #[test]
    fn devices_and_folders_are_refused() {
        let folder = read(Path::new(".")).unwrap_err();
        assert!(folder.detail().contains("folder"), "{folder:?}");
        let device = read(Path::new("/dev/zero")).unwrap_err();
        assert!(device.detail().contains("regular"), "{device:?}");
    }
}
