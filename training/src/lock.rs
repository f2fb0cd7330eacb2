//! Locks between processes.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};

/// Takes the lock of an open file or folder until it is closed; `None` if another process has it.
///
/// # Errors
///
/// What the system said. If the file system has no locks (some network file systems), every process gets it.
pub fn take(file: File) -> io::Result<Option<File>> {
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) if has_no_locks(&error) => Ok(Some(file)),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// NFS without a lock daemon says ENOLCK, which has no kind of its own.
fn has_no_locks(error: &io::Error) -> bool {
    error.kind() == ErrorKind::Unsupported || error.raw_os_error() == Some(libc::ENOLCK)
}
