//! The id that ties a reply to its log lines.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderName, HeaderValue, Request};

/// The header that the id comes from and goes to.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a client; longer ones would only fill the log.
pub const MAX_LENGTH: usize = 128;

/// The client's own id if it is sane, so that a request can be followed through several services; otherwise a new
/// one.
pub fn of<B>(request: &Request<B>) -> HeaderValue {
    match request.headers().get(HEADER) {
        Some(id) if is_sane(id.as_bytes()) => id.clone(),
        _ => fresh(),
    }
}

/// Whether nothing in the id could forge a log line or a header: no blanks, quotes or backslashes.
fn is_sane(id: &[u8]) -> bool {
    let plain = |c: &u8| c.is_ascii_graphic() && !b"\"'\\".contains(c);
    (1..=MAX_LENGTH).contains(&id.len()) && id.iter().all(plain)
}

/// A new id, unique in this process by its count, and among processes by 64 random bits (the standard library's
/// hasher is seeded by the operating system).
fn fresh() -> HeaderValue {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let id = format!(
        "{:016x}-{}",
        *PROCESS,
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(id: &[u8]) -> HeaderValue {
        let request = Request::builder().header(HEADER, id).body(()).unwrap();
        of(&request)
    }

    #[test]
    fn a_sane_id_of_the_client_is_kept_and_any_other_replaced() {
        for sane in ["order-4711", "Root=1-67891233-abcd;Self=2", "{6f1c2e7a}"] {
            assert_eq!(given(sane.as_bytes()), sane);
        }
        for wrong in [
            &b""[..],
            b"a b",
            b"caf\xc3\xa9",
            b"\"quoted\"",
            &[b'x'; 129],
        ] {
            assert_ne!(given(wrong).as_bytes(), wrong);
        }
    }

    #[test]
    fn new_ids_differ() {
        assert_ne!(fresh(), fresh());
        assert!(is_sane(fresh().as_bytes()));
    }
}
