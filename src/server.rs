//! Accepting connections and serving HTTP/1.1 on them.
//!
//! Through hyper itself, since axum's own server sets no time limit on a request's head: a client
//! that sends one byte a minute would hold a connection for ever.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::HttpConfig;

/// Where no connection can be accepted for lack of file descriptors, trying again at once would
/// only burn a processor.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(50);

/// Serves connections.
pub struct Server {
    service: TowerToHyperService<Router>,
    http: http1::Builder,
    graceful: GracefulShutdown,
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
            connections: Arc::new(Semaphore::new(config.max_connections.get())),
        }
    }

    /// Accepts connections until `stop` is done, then those that the system had accepted already.
    pub async fn accept_until<T>(&self, listener: TcpListener, stop: impl Future<Output = T>) -> T {
        let stopped = tokio::select! {
            never = self.accept(&listener) => match never {},
            stopped = stop => stopped,
        };
        // Closing the listener would reset connections whose clients believe that they are through.
        while let Some(Ok(stream)) = accept_now(&listener).await {
            self.serve(stream, None);
        }
        stopped
    }

    /// Lets every connection finish the request that it has, or cuts it off after the time given.
    /// Whether all could finish.
    pub async fn finish(self, within: Duration) -> bool {
        tokio::time::timeout(within, self.graceful.shutdown())
            .await
            .is_ok()
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
        tokio::spawn(async move {
            let _permit = permit;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
}

/// A connection that waits to be accepted, if there is one.
async fn accept_now(listener: &TcpListener) -> Option<io::Result<TcpStream>> {
    poll_fn(|context| {
        Poll::Ready(match listener.poll_accept(context) {
            Poll::Ready(accepted) => Some(accepted.map(|(stream, _)| stream)),
            Poll::Pending => None,
        })
    })
    .await
}
