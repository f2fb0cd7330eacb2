use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::reply::{Head, Unreadable};

/// Replies are a few hundred bytes; longer ones grow the buffer.
const BUFFER: usize = 4096;

/// A server on the same machine accepts at once, unless it is overwhelmed.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A keep-alive connection with one request under way.
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    /// When the request under way began.
    pub(super) began: Instant,
    /// Whether epoll is asked to report when more can be sent.
    pub(super) waits_to_send: bool,
    sent: usize,
    buffer: Vec<u8>,
    filled: usize,
    head: Option<Head>,
}

/// What a read brought.
pub(super) enum Received {
    /// Not the whole reply yet.
    Part,
    /// A whole reply.
    Whole(Head),
}

/// Why a connection can no longer be used.
pub(super) enum Broken {
    /// The server closed it before replying.
    Closed,
    /// The system's reason.
    Io(io::Error),
    /// What came is not a reply.
    Unreadable,
}

impl From<Unreadable> for Broken {
    fn from(_: Unreadable) -> Self {
        Self::Unreadable
    }
}

impl Connection {
    pub(super) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            began: Instant::now(),
            waits_to_send: false,
            sent: 0,
            buffer: vec![0; BUFFER],
            filled: 0,
            head: None,
        })
    }

    /// Begins a request: sends as much of it as the socket takes.
    pub(super) fn begin(&mut self, request: &[u8], now: Instant) -> Result<(), Broken> {
        (self.began, self.sent, self.filled, self.head) = (now, 0, 0, None);
        self.send(request)
    }

    /// Sends more of the request under way.
    pub(super) fn send(&mut self, request: &[u8]) -> Result<(), Broken> {
        while self.sent < request.len() {
            match self.stream.write(&request[self.sent..]) {
                Ok(0) => return Err(Broken::Closed),
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Broken::Io(error)),
            }
        }
        Ok(())
    }

    /// Whether the whole request has been sent.
    pub(super) fn is_sent(&self, request: &[u8]) -> bool {
        self.sent >= request.len()
    }

    /// Reads once: if there is more, epoll will report the connection again.
    pub(super) fn receive(&mut self) -> Result<Received, Broken> {
        match self.stream.read(&mut self.buffer[self.filled..]) {
            Ok(0) => return Err(Broken::Closed),
            Ok(count) => self.filled += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Received::Part),
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(Received::Part),
            Err(error) => return Err(Broken::Io(error)),
        }
        if self.head.is_none() {
            self.head = Head::read(&self.buffer[..self.filled])?;
        }
        let needed = self.head.map_or(2 * self.filled, |head| head.length);
        match self.head {
            Some(head) if head.length == self.filled => Ok(Received::Whole(head)),
            // More came than the one reply that was asked for.
            Some(head) if head.length < self.filled => Err(Broken::Unreadable),
            _ => {
                if needed > self.buffer.len() {
                    self.buffer.resize(needed, 0);
                }
                Ok(Received::Part)
            }
        }
    }
}
