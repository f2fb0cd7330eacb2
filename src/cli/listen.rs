//! Listening on an address, and saying why that fails.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

/// How many connections may wait to be accepted; the system may allow fewer (`net.core.somaxconn`). With the usual
/// 128, a client that comes in a burst of more tries again after a second.
const BACKLOG: u32 = 1024;

/// Listens on the address that was given with this option.
pub fn listen(option: &'static str, address: SocketAddr) -> Result<TcpListener, ListenError> {
    bound(address).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse(address, option),
        io::ErrorKind::PermissionDenied => ListenError::Denied(address, option),
        io::ErrorKind::AddrNotAvailable => ListenError::NotHere(address, option),
        _ => ListenError::Other(address, option, source),
    })
}

fn bound(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // So that a server can be started again while connections of the last one are still closing.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
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
