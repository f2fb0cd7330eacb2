//! From a request to the image files in it, in whichever of the three ways they were sent.

mod aside;
mod collect;
mod disposition;
mod held;
mod hint;
mod json;
mod linger;
mod media;
mod multipart;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use hyper::body::Frame;
use tokio::sync::Semaphore;

use aside::aside;
use collect::Lately;
pub use collect::{Hold, Room};
pub use held::held;
pub use json::Base64Image;

use crate::config::{HttpConfig, LimitsConfig};
use crate::connections::Client;
use crate::problem::Problem;
use linger::Allowance;
use media::Kind;

/// The limits of requests, and the memory that their bodies share.
pub struct Intake {
    max_body_bytes: usize,
    body_memory: usize,
    max_files: usize,
    timeout: Duration,
    /// One permit for each byte.
    memory: Arc<Semaphore>,
    /// The bytes of it that answers take.
    answers: Arc<AtomicUsize>,
    discarded: Allowance,
    refused: Lately,
    /// One permit for each long body that may be taken apart at the same time: the copies are not counted.
    apart: Arc<Semaphore>,
}

/// A request's body on its way.
pub struct Upload {
    body: Body,
    /// Whether it comes only when it is asked for (RFC 9110, 10.1.1), which it is not after a refusal.
    is_held_back: bool,
}

impl Upload {
    /// The body of a request with these headers.
    pub fn new(headers: &HeaderMap, body: Body) -> Self {
        let expected = headers.get(header::EXPECT);
        let asks = expected.is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        Self {
            is_held_back: asks && !body.is_end_stream(),
            body,
        }
    }

    /// The next piece.
    async fn frame(&mut self) -> Option<Result<Frame<Bytes>, axum::Error>> {
        self.is_held_back = false;
        self.body.frame().await
    }
}

/// The image files of a request.
pub struct Submission {
    pub files: Vec<File>,
    /// Keeps the body's memory counted as long as any of the files lives.
    pub hold: Hold,
}

/// One image file, not looked into yet.
pub struct File {
    /// The file's name or the field's, in a form.
    pub name: Option<String>,
    pub bytes: Bytes,
    /// What may have gone wrong in sending it, if it turns out not to be a good image.
    pub hint: Option<&'static str>,
}

/// Longer forms and documents are read apart: of one whose parts or escapes are many, a megabyte takes up to 20 ms.
const LONG: usize = 256 << 10;

/// Many clients put `top` among the fields of a form or of JSON.
const TOP_STANDS_ELSEWHERE: &str = "; the number of labels belongs in the URL: /classify?top=3";

impl Intake {
    /// Takes requests within these limits, of which `io_threads` threads read the bytes; as many long bodies are taken
    /// apart at the same time.
    pub fn new(limits: &LimitsConfig, http: &HttpConfig, io_threads: usize) -> Self {
        Self {
            max_body_bytes: limits.max_body_bytes,
            body_memory: limits.body_memory,
            max_files: limits.max_files.get(),
            timeout: http.body_timeout,
            memory: Arc::new(Semaphore::new(limits.body_memory)),
            answers: Arc::default(),
            discarded: Allowance::new(),
            refused: Lately::new(),
            apart: Arc::new(Semaphore::new(io_threads.max(1))),
        }
    }

    /// How many bytes bodies take now, and answers.
    pub fn held(&self) -> usize {
        self.body_memory
            .saturating_sub(self.memory.available_permits())
    }

    /// How many bytes bodies take now: images wait or are being worked on if there are any.
    pub fn bodies(&self) -> usize {
        self.held()
            .saturating_sub(self.answers.load(Ordering::Relaxed))
    }

    /// How many clients were refused lately for want of memory, and will come again.
    pub fn refused_lately(&self) -> usize {
        self.refused.count()
    }

    /// Reads a request's body and finds the files in it: one or more.
    pub async fn read(
        &self,
        headers: &HeaderMap,
        body: &mut Upload,
        client: Option<&Arc<Client>>,
    ) -> Result<Submission, Problem> {
        let kind = Kind::of(headers)?;
        let (body, hold) = self.collect(headers, body, client).await?;
        if body.is_empty() {
            return Err(Problem::no_body());
        }
        let is_image = matches!(kind, Kind::Image | Kind::ImageAsForm);
        let is_short = body.len() <= LONG;
        let files = files(kind, body, self.max_files);
        let files = match is_image || is_short {
            true => files.await?,
            false => {
                // The body is there: from now on the client waits for the server, and not the server for it.
                let _waiting = client.map(Client::being_served);
                let turn = Arc::clone(&self.apart).acquire_owned().await;
                aside((hold.clone(), turn), files).await?
            }
        };
        Ok(Submission { files, hold })
    }
}

/// The files in a body of this kind.
async fn files(kind: Kind, body: Bytes, most: usize) -> Result<Vec<File>, Problem> {
    Ok(match kind {
        Kind::Image | Kind::ImageAsForm => vec![File {
            name: None,
            hint: hint::of(&kind, &body),
            bytes: body,
        }],
        Kind::Json => vec![File {
            name: None,
            bytes: json::image(&body)?,
            hint: None,
        }],
        Kind::Multipart { boundary } => multipart::files(body, boundary, most).await?,
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use clap::Parser;
    use tokio::time::timeout;

    use super::*;
    use crate::connections::Connections;

    #[derive(Parser)]
    struct Options {
        #[command(flatten)]
        limits: LimitsConfig,
        #[command(flatten)]
        http: HttpConfig,
    }

    #[tokio::test]
    async fn long_bodies_are_taken_apart_in_turn_and_meanwhile_their_clients_wait_for_the_server() {
        let options = Options::parse_from(["normgate"]);
        let intake = Intake::new(&options.limits, &options.http, 1);
        let connections = Arc::new(Connections::for_probes());
        let place = connections.place().await;
        let client = place.client();
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
        let document = |letters| format!(r#"{{"image": "{}"}}"#, "A".repeat(letters));
        let upload = |letters| Upload::new(&headers, Body::from(document(letters)));

        let others = intake.apart.available_permits() as u32;
        let others = intake.apart.try_acquire_many(others).unwrap();
        let mut long = upload(LONG);
        {
            let reading = intake.read(&headers, &mut long, Some(client));
            tokio::pin!(reading);
            assert!(
                timeout(Duration::from_millis(20), &mut reading)
                    .await
                    .is_err()
            );
            assert!(client.is_served());
            drop(others);
            let submission = reading.await.unwrap();
            assert_eq!(submission.files[0].bytes.len(), LONG / 4 * 3);
        }
        assert!(!client.is_served());

        let _others = intake.apart.acquire().await.unwrap();
        let mut short = upload(LONG / 2);
        let submission = intake.read(&headers, &mut short, Some(client)).await;
        assert_eq!(submission.unwrap().files[0].bytes.len(), LONG / 8 * 3);
    }
}
