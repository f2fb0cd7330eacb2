//! The result of adopting a model, for the terminal.

use std::fmt;
use std::path::PathBuf;

use normgate_core::manifest::Manifest;
use normgate_core::onnx::Heads;
use normgate_core::printable::on_one_line;

use crate::shell::quoted_path;

/// The result of adopting a model; its [`Display`](fmt::Display) is what `adopt` prints.
#[derive(Clone, Debug)]
pub struct AdoptReport {
    /// The file that was read.
    pub read: PathBuf,
    /// The file that was written.
    pub written: PathBuf,
    /// The size of that file, in bytes.
    pub bytes: usize,
    /// What it says about itself.
    pub manifest: Manifest,
    /// Where logits and representation were found.
    pub heads: Heads,
    /// The name of the model's input.
    pub input: String,
    /// Whether several images go into one run.
    pub is_batched: bool,
}

impl fmt::Display for AdoptReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (manifest, heads) = (&self.manifest, &self.heads);
        let preprocessing = &manifest.preprocessing;
        writeln!(
            f,
            "Adopted {} as {} ({:.2} MB)\n",
            self.read.display(),
            self.written.display(),
            self.bytes as f64 / 1e6
        )?;
        writeln!(
            f,
            "  input           `{}`, {}",
            on_one_line(&self.input),
            match self.is_batched {
                true => "any number of images",
                false => "one image at a time",
            }
        )?;
        writeln!(
            f,
            "  logits          `{}`, {} classes{}",
            on_one_line(&heads.logits),
            manifest.labels.len(),
            match &heads.softmax {
                Some(softmax) => format!(", before the {softmax}"),
                None => String::new(),
            }
        )?;
        writeln!(
            f,
            "  representation  `{}`, {} values",
            on_one_line(&heads.representation),
            manifest.representation_size
        )?;
        let list = |values: [f32; 3]| values.map(|value| value.to_string()).join(", ");
        writeln!(
            f,
            "  preprocessing   {preprocessing}; mean {}; std {}",
            list(preprocessing.mean),
            list(preprocessing.std)
        )?;
        let [first, .., last] = &*manifest.labels else {
            return Ok(());
        };
        writeln!(
            f,
            "  labels          0 is {first}, {} is {last}",
            manifest.labels.len() - 1
        )?;
        let numbered = manifest.labels.iter().enumerate();
        let numbered = numbered.filter(|(class, name)| name.ends_with(&format!(" ({class})")));
        let numbered: Vec<_> = numbered.map(|(_, name)| name.as_str()).collect();
        if !numbered.is_empty() {
            writeln!(
                f,
                "                  told apart by number: {}",
                numbered.join(", ")
            )?;
        }
        writeln!(f, "  score           {}", manifest.score)?;
        if !self.is_batched {
            writeln!(
                f,
                "\nUnder load a dynamic batch is faster: export the model with one if you can."
            )?;
        }
        let file = quoted_path(&self.written);
        writeln!(
            f,
            "\nIt has no threshold yet. Next, with images that it was not trained on, in a folder for each\n\
             class:\n  \
             normgate calibrate {file} --data photos/held-out\n\
             The share classified correctly shows whether labels and preprocessing are as in training. To see\n\
             which score suits the model best:\n  \
             normgate evaluate {file} --id photos/test --ood photos/strange \\\n    \
             --scores all --fit-data photos/train"
        )
    }
}
