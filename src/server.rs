//! Accepting connections and serving HTTP/1.1 on them.
//!
//! Through hyper itself, since axum's own server sets no time limit on a request's head: a client
//! that sends one byte a minute would hold a connection for ever.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::config::HttpConfig;

/// Where no connection can be accepted for lack of file descriptors, trying again at once would
/// only burn a processor.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(50);

/// How long, once nothing new is accepted, a connection without a request may still bring one. A
/// client that is connected believes that it is heard: what it has sent may be unread, or on its way.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// More than these do not wait to be accepted: Linux's usual `somaxconn`. Without an end, a flood of
/// connections could keep the server from stopping.
const MOST_WAITING: usize = 4096;

/// Serves connections.
pub struct Server {
    service: TowerToHyperService<Router>,
    http: http1::Builder,
    graceful: GracefulShutdown,
    /// Each connection holds a receiver, so that closing is to be noticed.
    open: watch::Sender<()>,
    connections: Arc<Semaphore>,
}

impl Server {
    /// A server for these routes.
    pub fn new(router: Router, config: &HttpConfig) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(config.header_timeout);
        Self {
            service: TowerToHyperService::new(router),
            http,
            graceful: GracefulShutdown::new(),
            open: watch::Sender::new(()),
            connections: Arc::new(Semaphore::new(config.max_connections.get())),
        }
    }

    /// Accepts connections until `stop` is done, then those that the system had accepted already.
    pub async fn accept_until<T>(&self, listener: TcpListener, stop: impl Future<Output = T>) -> T {
        let stopped = tokio::select! {
            never = self.accept(&listener) => match never {},
            stopped = stop => stopped,
        };
        // Closing the listener resets connections whose clients believe that they are through. It
        // is not for `--max-connections` to hold these back: they would be lost.
        let waiting = match listener.into_std() {
            Ok(listener) => all_waiting(&listener),
            Err(error) => {
                tracing::warn!(%error, "connections not accepted yet are lost");
                Vec::new()
            }
        };
        for stream in waiting {
            match TcpStream::from_std(stream) {
                Ok(stream) => self.serve(stream, None),
                Err(error) => tracing::warn!(%error, "a connection could not be served"),
            }
        }
        stopped
    }

    /// Lets every connection finish the request that it has or is about to send, or cuts it off
    /// after the time given. Whether all could finish.
    ///
    /// Expects replies to close their connections by now, else clients could go on for ever.
    pub async fn finish(self, within: Duration) -> bool {
        let finished = async {
            // hyper's graceful shutdown closes each connection that it has read nothing from,
            // whether or not a request waits in it.
            let _ = tokio::time::timeout(LAST_WORDS.min(within / 2), self.open.closed()).await;
            self.graceful.shutdown().await;
        };
        tokio::time::timeout(within, finished).await.is_ok()
    }

    async fn accept(&self, listener: &TcpListener) -> Infallible {
        loop {
            // The semaphore is never closed, so there always comes a permit.
            let permit = Arc::clone(&self.connections).acquire_owned().await.ok();
            match listener.accept().await {
                Ok((stream, _)) => self.serve(stream, permit),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
            }
        }
    }

    fn serve(&self, stream: TcpStream, permit: Option<OwnedSemaphorePermit>) {
        // A reply is one write; waiting for more to send with it only delays it.
        let _ = stream.set_nodelay(true);
        let connection = self
            .http
            .serve_connection(TokioIo::new(stream), self.service.clone());
        let connection = self.graceful.watch(connection);
        let open = self.open.subscribe();
        tokio::spawn(async move {
            let _held = (permit, open);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
}

/// The connections that wait to be accepted. Asks the system, since tokio knows only what its last
/// look at all sockets has shown.
fn all_waiting(listener: &std::net::TcpListener) -> Vec<std::net::TcpStream> {
    let none_left = |accepted: &io::Result<_>| matches!(accepted, Err(error) if error.kind() == ErrorKind::WouldBlock);
    iter::repeat_with(|| listener.accept())
        .take(MOST_WAITING)
        .take_while(|accepted| !none_left(accepted))
        .filter_map(|accepted| Some(accepted.ok()?.0))
        .filter(|stream| stream.set_nonblocking(true).is_ok())
        .collect()
}
