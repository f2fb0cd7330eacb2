//! A file that ONNX Runtime can write to by its path, and that is gone when it has been read.

use std::io;
use std::path::{Path, PathBuf};

pub(super) use place::Scratch;

/// A file in memory, since a container may have no folder to write to.
#[cfg(target_os = "linux")]
mod place {
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::AsRawFd;

    use rustix::fs::{MemfdFlags, memfd_create};

    use super::*;

    pub(in super::super) struct Scratch {
        file: File,
        path: PathBuf,
    }

    impl Scratch {
        pub(in super::super) fn new() -> io::Result<Self> {
            let file = File::from(memfd_create("normgate-optimised", MemfdFlags::CLOEXEC)?);
            let path = format!("/proc/self/fd/{}", file.as_raw_fd()).into();
            Ok(Self { file, path })
        }

        pub(in super::super) fn path(&self) -> &Path {
            &self.path
        }

        pub(in super::super) fn read(mut self) -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            self.file.read_to_end(&mut bytes)?;
            Ok(bytes)
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod place {
    use tempfile::NamedTempFile;

    use super::*;

    pub(in super::super) struct Scratch(NamedTempFile);

    impl Scratch {
        pub(in super::super) fn new() -> io::Result<Self> {
            NamedTempFile::new().map(Self)
        }

        pub(in super::super) fn path(&self) -> &Path {
            self.0.path()
        }

        pub(in super::super) fn read(self) -> io::Result<Vec<u8>> {
            std::fs::read(self.0.path())
        }
    }
}
