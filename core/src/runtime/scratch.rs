//! Two files that ONNX Runtime writes to by their path, and that are gone when they have been read.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// A file in memory, since a container may have no folder to write to.
#[cfg(target_os = "linux")]
mod place {
    use std::os::fd::AsRawFd as _;
    use std::path::PathBuf;

    use rustix::fs::{MemfdFlags, memfd_create};
    use rustix::io::Errno;
    use rustix::process::{Resource, getrlimit};

    use super::*;

    pub(super) type Place = PathBuf;

    pub(super) fn create() -> io::Result<(File, Place)> {
        // A write beyond the limit would end the process.
        if getrlimit(Resource::Fsize).current.is_some() {
            return Err(io::Error::other(
                "the size of files is limited (RLIMIT_FSIZE)",
            ));
        }
        let create = |flags| memfd_create("normgate-optimised", MemfdFlags::CLOEXEC | flags);
        // Some systems insist on it, and Linux before 6.3 does not know it.
        let file = match create(MemfdFlags::NOEXEC_SEAL) {
            Err(Errno::INVAL) => create(MemfdFlags::empty()),
            other => other,
        };
        let file = File::from(file?);
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        Ok((file, path.into()))
    }
}

#[cfg(not(target_os = "linux"))]
mod place {
    use tempfile::{NamedTempFile, TempPath};

    use super::*;

    pub(super) type Place = TempPath;

    pub(super) fn create() -> io::Result<(File, Place)> {
        NamedTempFile::new().map(NamedTempFile::into_parts)
    }
}

/// A model without its large constants, and these beside it.
pub(super) struct Scratch {
    graph: (File, place::Place),
    data: (File, place::Place),
}

impl Scratch {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            graph: place::create()?,
            data: place::create()?,
        })
    }

    /// Where the model is to be written.
    pub(super) fn graph(&self) -> &Path {
        self.graph.1.as_ref()
    }

    /// The file for constants, which is in the same folder: its name there.
    pub(super) fn data(&self) -> io::Result<&str> {
        let path: &Path = self.data.1.as_ref();
        let name = path.file_name().and_then(|name| name.to_str());
        name.ok_or_else(|| io::Error::other("its name is not UTF-8"))
    }

    /// The model that was written.
    pub(super) fn read_graph(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.graph.0.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// So many bytes of the constants that were written, from this one on; fewer if the file ends. They replace what is
    /// in `bytes`. What was taken and what comes after it is no longer in the file.
    pub(super) fn take_data(
        &mut self,
        offset: u64,
        length: u64,
        bytes: &mut Vec<u8>,
    ) -> io::Result<()> {
        let file = &mut self.data.0;
        file.seek(SeekFrom::Start(offset))?;
        bytes.clear();
        file.take(length).read_to_end(bytes)?;
        file.set_len(offset)
    }
}
