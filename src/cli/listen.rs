//! Listening on an address, and saying why that fails.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

/// Listens on the address that was given with this option.
pub async fn listen(option: &'static str, address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => ListenError::InUse(address, option),
            io::ErrorKind::PermissionDenied => ListenError::Denied(address, option),
            io::ErrorKind::AddrNotAvailable => ListenError::NotHere(address, option),
            _ => ListenError::Other(address, option, source),
        })
}

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("{0} is in use by another program: stop it, or choose another port with {1}")]
    InUse(SocketAddr, &'static str),
    #[error("cannot listen on {0}: ports below 1024 need privileges; choose a higher one with {1}")]
    Denied(SocketAddr, &'static str),
    #[error(
        "{0} is not an address of this machine; use {1} 0.0.0.0:{port} for all of its addresses",
        port = .0.port()
    )]
    NotHere(SocketAddr, &'static str),
    #[error("cannot listen on {0} ({1}): {2}")]
    Other(SocketAddr, &'static str, io::Error),
}
