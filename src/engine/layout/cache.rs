//! What was measured, kept for the next start: a small file for each model and machine.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use normgate_core::model::hex;
use normgate_core::{Model, Runtime};
use sha2::{Digest, Sha256};

use super::Layout;

/// The version of the measurement: what another version measured is measured again.
const MEASURE: u32 = 8;

/// What earlier starts have measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Known {
    #[serde(flatten)]
    pub layout: Layout,
    /// Whether it need not be measured again.
    pub is_sure: bool,
}

/// The name under which a layout is kept. It is for this model on this machine, and for the lone session's threads
/// that were asked for, if any.
pub fn key(model: &Model, runtime: &Runtime, processors: usize, lone: Option<usize>) -> String {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    // The name on x86-64; on aarch64, what stands for one. On virtual machines several generations may have one name,
    // but not the same instructions.
    let tells = |line: &&str| {
        let names = ["model name", "CPU implementer", "CPU part", "CPU variant"];
        let instructions = ["flags", "Features"];
        let mut fields = names.iter().chain(&instructions);
        fields.any(|field| line.starts_with(field))
    };
    let mut told: Vec<_> = processor.lines().filter(tells).collect();
    told.sort_unstable();
    told.dedup();
    let text = format!(
        "{MEASURE} {} {} {processors} {lone:?} {}",
        model.digest(),
        runtime.version(),
        told.join(" ")
    );
    hex(&Sha256::digest(text)[..16])
}

/// The layout kept under this name, if any.
pub fn read(key: &str) -> Option<Known> {
    let text = fs::read(folder()?.join(key)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Keeps a layout. If that is not possible, it is measured again at the next start.
pub fn write(key: &str, known: Known) {
    if let Err(error) = try_write(key, known) {
        tracing::debug!(%error, "the measured layout could not be kept");
    }
}

fn try_write(key: &str, known: Known) -> io::Result<()> {
    let Some(folder) = folder() else {
        return Ok(());
    };
    fs::create_dir_all(&folder)?;
    let mut file = tempfile::NamedTempFile::new_in(&folder)?;
    file.write_all(&serde_json::to_vec(&known)?)?;
    file.persist(folder.join(key))?;
    Ok(())
}

/// The folder for layouts, by the XDG Base Directory Specification.
fn folder() -> Option<PathBuf> {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(cache.join("normgate").join("layouts"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::model;

    #[test]
    fn a_layout_is_kept_for_one_model_and_so_many_processors_and_threads_of_the_lone_session() {
        let runtime = Runtime::load(None).unwrap();
        let model = model();
        let mut bytes = model.bytes().to_vec();
        // An empty `doc_string` of the ONNX model: another file with the same meaning.
        bytes.extend([0x32, 0x00]);
        let other = Model::from_bytes(bytes).unwrap();
        let first = key(&model, &runtime, 4, None);
        assert_eq!(first, key(&model, &runtime, 4, None));
        for other in [
            key(&other, &runtime, 4, None),
            key(&model, &runtime, 2, None),
            key(&model, &runtime, 4, Some(4)),
        ] {
            assert_ne!(first, other);
        }
    }
}
