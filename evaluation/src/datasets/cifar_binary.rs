//! The official binary layouts of CIFAR-10 and CIFAR-100 (Krizhevsky, 2009).
//!
//! A record is one label byte (CIFAR-100: two, coarse then fine), then 1024 bytes of red, 1024 of
//! green and 1024 of blue, rows first. Files hold records and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use super::{DatasetError, FineOrCoarse, ImageSet, Split, files, labels};

const SIDE: usize = 32;
const AREA: usize = SIDE * SIDE;

/// CIFAR-10 or CIFAR-100, and what differs between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Cifar10,
    Cifar100,
}

impl Kind {
    fn label_bytes(self) -> usize {
        match self {
            Kind::Cifar10 => 1,
            Kind::Cifar100 => 2,
        }
    }

    fn record_bytes(self) -> usize {
        self.label_bytes() + 3 * AREA
    }

    /// The files of a split, as the official archives have them.
    fn files(self, split: Split) -> Vec<String> {
        let (train, test) = match self {
            Kind::Cifar10 => {
                let batches = (1..=5).map(|batch| format!("data_batch_{batch}.bin"));
                (batches.collect::<Vec<_>>(), "test_batch.bin")
            }
            Kind::Cifar100 => (vec!["train.bin".into()], "test.bin"),
        };
        match split {
            Split::Train => train,
            Split::Test => vec![test.into()],
            Split::All => [train, vec![test.into()]].concat(),
        }
    }
}

/// Where the files of an official layout are: in the folder itself, or in the folder inside it that the official
/// archive unpacks to.
pub(crate) struct Layout {
    kind: Kind,
    folder: PathBuf,
}

/// The layout, if the folder has one.
pub(crate) fn find(folder: &Path) -> Option<Layout> {
    let unpacked = [
        (Kind::Cifar10, "cifar-10-batches-bin"),
        (Kind::Cifar100, "cifar-100-binary"),
    ];
    let places = unpacked
        .into_iter()
        .flat_map(|(kind, inner)| [(kind, folder.to_path_buf()), (kind, folder.join(inner))]);
    places
        .map(|(kind, folder)| Layout { kind, folder })
        .find(|layout| {
            let mut files = layout.kind.files(Split::All).into_iter();
            files.any(|file| layout.folder.join(file).is_file())
        })
}

/// Reads a split of an official folder.
pub(crate) fn load(
    layout: &Layout,
    name: String,
    split: Split,
    choice: FineOrCoarse,
) -> Result<ImageSet, DatasetError> {
    let files = layout.kind.files(split);
    let mut builder = Builder::new(layout.kind, files.len());
    for file in files {
        let path = layout.folder.join(file);
        if !path.is_file() {
            return Err(DatasetError::BrokenFile {
                path,
                reason: "this file of the official layout is missing. Unpack the archive again, \
                         or name single .bin files"
                    .into(),
            });
        }
        builder.read(&path, &read(&path)?)?;
    }
    builder.finish(name, &layout.folder, choice)
}

/// Reads one file of records; the label bytes say which layout it has.
pub(crate) fn load_file(
    path: &Path,
    name: String,
    choice: FineOrCoarse,
) -> Result<ImageSet, DatasetError> {
    let bytes = read(path)?;
    let fits = |kind: Kind| !bytes.is_empty() && bytes.len().is_multiple_of(kind.record_bytes());
    let kind = match (fits(Kind::Cifar10), fits(Kind::Cifar100)) {
        (true, false) => Kind::Cifar10,
        (false, true) => Kind::Cifar100,
        // Both lengths divide it, but only one of them finds labels where labels must be.
        (true, true) => {
            let mut records = bytes.chunks_exact(Kind::Cifar10.record_bytes());
            let cifar10 = records.all(|record| usize::from(record[0]) < labels::CIFAR10.len());
            if cifar10 {
                Kind::Cifar10
            } else {
                Kind::Cifar100
            }
        }
        (false, false) if is_text(&bytes) => return Err(text(path)),
        (false, false) => return Err(wrong_length(path, bytes.len())),
    };
    let mut builder = Builder::new(kind, 1);
    builder.read(path, &bytes)?;
    builder.finish(name, path.parent().unwrap_or(Path::new("")), choice)
}

fn read(path: &Path) -> Result<Vec<u8>, DatasetError> {
    fs::read(path).map_err(|source| files::io(path, source))
}

/// Whether the bytes are text, which pixels hardly ever are.
fn is_text(bytes: &[u8]) -> bool {
    let is_written = |c: char| !c.is_control() || c.is_whitespace();
    !bytes.is_empty() && std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(is_written))
}

fn text(path: &Path) -> DatasetError {
    DatasetError::BrokenFile {
        path: path.into(),
        reason: "it is text. A list of images is a file whose name ends in .txt, with a line PATH CLASS \
                 for each image, a space or tab between them, and classes numbered from 0: --help \
                 says more about sets and lists"
            .into(),
    }
}

fn wrong_length(path: &Path, found: usize) -> DatasetError {
    DatasetError::BrokenFile {
        path: path.into(),
        reason: format!(
            "{found} bytes are not a whole number of CIFAR-10 records ({} bytes) or CIFAR-100 \
             records ({} bytes): the file is cut short or of another kind. Download it again",
            Kind::Cifar10.record_bytes(),
            Kind::Cifar100.record_bytes()
        ),
    }
}

/// A set that grows file by file.
struct Builder {
    kind: Kind,
    pixels: Vec<u8>,
    coarse: Vec<Option<u16>>,
    /// CIFAR-10's labels, or CIFAR-100's fine ones.
    fine: Vec<Option<u16>>,
}

impl Builder {
    fn new(kind: Kind, files: usize) -> Self {
        Builder {
            kind,
            pixels: Vec::with_capacity(files * 10_000 * 3 * AREA),
            coarse: Vec::new(),
            fine: Vec::new(),
        }
    }

    fn read(&mut self, path: &Path, bytes: &[u8]) -> Result<(), DatasetError> {
        let size = self.kind.record_bytes();
        if bytes.is_empty() || !bytes.len().is_multiple_of(size) {
            return Err(wrong_length(path, bytes.len()));
        }
        for (record, bytes) in bytes.chunks_exact(size).enumerate() {
            let (label, planes) = bytes.split_at(self.kind.label_bytes());
            let checked = |kind, label: u8, classes| {
                let label = u16::from(label);
                if usize::from(label) < classes {
                    return Ok(Some(label));
                }
                Err(DatasetError::LabelOutOfRange {
                    path: path.into(),
                    record,
                    kind,
                    label,
                    classes,
                })
            };
            match *label {
                [coarse, fine] => {
                    let superclasses = labels::CIFAR100_COARSE.len();
                    self.coarse.push(checked("coarse ", coarse, superclasses)?);
                    self.fine
                        .push(checked("fine ", fine, labels::CIFAR100.len())?);
                }
                _ => self
                    .fine
                    .push(checked("", label[0], labels::CIFAR10.len())?),
            }
            let (red, rest) = planes.split_at(AREA);
            let (green, blue) = rest.split_at(AREA);
            for ((&red, &green), &blue) in red.iter().zip(green).zip(blue) {
                self.pixels.extend_from_slice(&[red, green, blue]);
            }
        }
        Ok(())
    }

    fn finish(
        self,
        name: String,
        folder: &Path,
        choice: FineOrCoarse,
    ) -> Result<ImageSet, DatasetError> {
        let mut set = ImageSet {
            name,
            width: SIDE,
            height: SIDE,
            pixels: self.pixels,
            ..ImageSet::default()
        };
        match self.kind {
            Kind::Cifar10 => {
                let names = labels::beside(folder, "batches.meta.txt", &labels::CIFAR10)?;
                set.labels = self.fine;
                set.class_names = Some(names);
            }
            Kind::Cifar100 => {
                let fine = labels::beside(folder, "fine_label_names.txt", &labels::CIFAR100)?;
                let coarse =
                    labels::beside(folder, "coarse_label_names.txt", &labels::CIFAR100_COARSE)?;
                set.set_cifar100(self.coarse, self.fine, coarse, fine, choice);
            }
        }
        Ok(set)
    }
}
