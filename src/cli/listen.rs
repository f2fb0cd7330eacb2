//! Taking an address, and saying why it cannot be had.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

/// Listens on the address that was given by this option.
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
    #[error("{0} is in use by another program: stop that one, or choose another port by {1}")]
    InUse(SocketAddr, &'static str),
    #[error(
        "{0} may not be listened on: ports below 1024 need privileges; choose a higher one by {1}"
    )]
    Denied(SocketAddr, &'static str),
    #[error("{0} is no address of this machine; {1} 0.0.0.0:{port} takes all it has", port = .0.port())]
    NotHere(SocketAddr, &'static str),
    #[error("{1} {0} cannot be listened on: {2}")]
    Other(SocketAddr, &'static str, io::Error),
}
