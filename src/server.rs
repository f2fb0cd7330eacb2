//! Accepts connections and serves HTTP/1.1 on them.
//!
//! Through hyper itself, since axum's own server sets no time limit on a request's head: a client that sends one byte
//! a minute would hold a connection for ever.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::iter;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_io_timeout::TimeoutStream;

use crate::config::HttpConfig;
use crate::connections::{Connections, Place, WARN_EVERY};

/// How long to wait if no connection can be accepted for lack of file descriptors: trying again at once would only
/// burn a processor.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(50);

/// How long, once nothing new is accepted, a connection without a request may still bring one. A
/// client that is connected believes that it is heard: what it has sent may be unread, or on its way.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What a connection may have read and not handed on, including a request's head. It is not counted, and 1,000
/// clients that stall in the middle of large images each hold that much.
const READ_AHEAD: usize = 32 << 10;

/// The most connections that wait to be accepted: Linux's usual `somaxconn`. Without a limit, a flood of connections
/// could keep the server from stopping.
const MOST_WAITING: usize = 4096;

/// Serves connections.
pub struct Server {
    service: TowerToHyperService<Router>,
    http: http1::Builder,
    write_timeout: Duration,
    graceful: GracefulShutdown,
    /// Each connection holds a receiver, so that it is noticed when all are closed.
    open: watch::Sender<()>,
    connections: Arc<Connections>,
}

impl Server {
    /// A server for these routes, with these places for whoever asks for them.
    pub fn new(router: Router, config: &HttpConfig, connections: Arc<Connections>) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(config.header_timeout)
            .max_buf_size(READ_AHEAD);
        Self {
            service: TowerToHyperService::new(router),
            http,
            write_timeout: config.body_timeout,
            graceful: GracefulShutdown::new(),
            open: watch::Sender::new(()),
            connections,
        }
    }

    /// Accepts connections until `stop` is done, then those that the system had accepted already.
    pub async fn accept_until<T>(&self, listener: TcpListener, stop: impl Future<Output = T>) -> T {
        let mut at_the_door = None;
        let stopped = tokio::select! {
            never = self.accept(&listener, &mut at_the_door) => match never {},
            stopped = stop => stopped,
        };
        // Closing the listener resets connections whose clients believe that they are connected. `--max-connections`
        // must not hold these back: they would be lost.
        let waiting = match listener.into_std() {
            Ok(listener) => all_waiting(&listener),
            Err(error) => {
                tracing::warn!(%error, "connections not accepted yet are lost");
                Vec::new()
            }
        };
        let waiting = waiting.into_iter().map(TcpStream::from_std);
        for stream in at_the_door.map(Ok).into_iter().chain(waiting) {
            match stream {
                Ok(stream) => self.serve(stream, self.connections.extra_place()),
                Err(error) => tracing::warn!(%error, "a connection could not be served"),
            }
        }
        stopped
    }

    /// Lets every connection finish the request that it has or is about to send, or cuts it off after the time given.
    /// True if all could finish.
    ///
    /// Expects replies to close their connections by now, or clients could go on for ever.
    pub async fn finish(self, within: Duration) -> bool {
        let finished = async {
            // hyper's graceful shutdown closes each connection that it has read nothing from,
            // whether or not a request waits in it.
            let _ = tokio::time::timeout(LAST_WORDS.min(within / 2), self.open.closed()).await;
            self.graceful.shutdown().await;
        };
        tokio::time::timeout(within, finished).await.is_ok()
    }

    /// Accepts connections without end. The one that waits for a place is at the door meanwhile.
    async fn accept(&self, listener: &TcpListener, door: &mut Option<TcpStream>) -> Infallible {
        let mut warned: Option<Instant> = None;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    *door = Some(stream);
                    let place = self.connections.place().await;
                    if let Some(stream) = door.take() {
                        self.serve(stream, place);
                    }
                }
                Err(error) => {
                    if warned.is_none_or(|then| then.elapsed() > WARN_EVERY) {
                        tracing::warn!(%error, "a connection could not be accepted");
                        warned = Some(Instant::now());
                    }
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
            }
        }
    }

    fn serve(&self, stream: TcpStream, place: Place) {
        // A reply is one write; waiting for more to send with it only delays it.
        let _ = stream.set_nodelay(true);
        let (routes, client) = (self.service.clone(), Arc::clone(place.client()));
        let service = service_fn(move |mut request: Request<Incoming>| {
            client.was_heard();
            request.extensions_mut().insert(Arc::clone(&client));
            routes.call(request)
        });
        // Otherwise, answers that nobody takes would stay in memory.
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.write_timeout));
        let connection = TokioIo::new(Box::pin(stream));
        let connection = self.http.serve_connection(connection, service);
        let connection = self.graceful.watch(connection);
        let open = self.open.subscribe();
        tokio::spawn(async move {
            let _open = open;
            tokio::select! {
                // In this order: a request that is known to be there is heard before its client is sent away.
                biased;
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                },
                () = place.wanted() => tracing::debug!("a connection gave way to another"),
            }
        });
    }
}

/// The connections that wait to be accepted. This asks the system, since tokio knows only what its last look at all
/// sockets has shown.
fn all_waiting(listener: &std::net::TcpListener) -> Vec<std::net::TcpStream> {
    let none_left = |accepted: &io::Result<_>| matches!(accepted, Err(error) if error.kind() == ErrorKind::WouldBlock);
    iter::repeat_with(|| listener.accept())
        .take(MOST_WAITING)
        .take_while(|accepted| !none_left(accepted))
        .filter_map(|accepted| Some(accepted.ok()?.0))
        .filter(|stream| stream.set_nonblocking(true).is_ok())
        .collect()
}
