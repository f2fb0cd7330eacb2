//! Refuses heads of requests that HTTP tells a server to refuse (RFC 9112), and that hyper lets pass.
//!
//! If a proxy and a server read the same head differently, one request can hide in another.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::http::{HeaderMap, Version, header};
use axum::response::{IntoResponse, Response};
use axum::routing::Route;
use axum::routing::future::RouteFuture;
use futures_util::future::Either;
use tower::Service;

use crate::problem::Problem;
use crate::state::AppState;

/// The check in front of a route. It is a service of its own, since a function as middleware takes memory for each
/// request.
#[derive(Clone)]
pub struct HeadCheck {
    pub state: Arc<AppState>,
    pub route: Route,
}

impl Service<Request> for HeadCheck {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Ready<Result<Response, Infallible>>, RouteFuture<Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request>::poll_ready(&mut self.route, context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Err(problem) = check(request.version(), request.headers()) else {
            return Either::Right(self.route.call(request));
        };
        self.state.metrics.rejected(problem.reason());
        // The two sides may not agree where such a request ends.
        let problem = self.state.intake.refuse(request, problem.closing());
        Either::Left(ready(Ok(problem.into_response())))
    }
}

fn check(version: Version, headers: &HeaderMap) -> Result<(), Problem> {
    check_host(version, headers)?;
    check_codings(headers)
}

/// Checks the `Host` header (RFC 9112, 3.2).
fn check_host(version: Version, headers: &HeaderMap) -> Result<(), Problem> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let refused = match (hosts.next(), hosts.next()) {
        (None, _) if version >= Version::HTTP_11 => "the request has no Host header",
        (Some(_), Some(_)) => "the request has more than one Host header",
        (Some(host), None) if !is_host(host.as_bytes()) => {
            "the request's Host header is not a host, with or without a port"
        }
        _ => return Ok(()),
    };
    Err(Problem::malformed(refused))
}

/// Whether the text is a host and a port, both of which may be left empty (RFC 3986, 3.2.2 and 3.2.3).
fn is_host(text: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(byte);
    let is_address = |byte: &u8| is_name(byte) || *byte == b':';
    let (name_is_right, port) = match text {
        [b'[', rest @ ..] => match rest.iter().position(|byte| *byte == b']') {
            Some(end) => (rest[..end].iter().all(is_address), &rest[end + 1..]),
            None => return false,
        },
        _ => {
            let end = text.iter().position(|byte| *byte == b':');
            let (name, port) = text.split_at(end.unwrap_or(text.len()));
            (name.iter().all(is_name), port)
        }
    };
    let port_is_right = match port {
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => port.is_empty(),
    };
    name_is_right && port_is_right
}

/// Checks the transfer codings (RFC 9112, 6.1 and 7). hyper has made sure that the last one is `chunked`.
fn check_codings(headers: &HeaderMap) -> Result<(), Problem> {
    let lines = headers.get_all(header::TRANSFER_ENCODING).iter();
    let codings = lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|coding| !coding.is_empty());
    let mut is_chunked = false;
    let mut unknown = None;
    for coding in codings {
        if !coding.eq_ignore_ascii_case(b"chunked") {
            unknown = unknown.or(Some(coding));
        } else if mem::replace(&mut is_chunked, true) {
            return Err(Problem::malformed(
                "the request's Transfer-Encoding says chunked twice",
            ));
        }
    }
    unknown.map_or(Ok(()), |coding| {
        let coding = String::from_utf8_lossy(coding);
        Err(Problem::unknown_transfer_coding(&coding))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(version: Version, lines: &[(&'static str, &str)]) -> Option<u16> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        let refused = check(version, &headers).err()?;
        Some(refused.status().as_u16())
    }

    #[test]
    fn a_request_names_one_host_but_in_http_1_0_it_may_name_none() {
        assert_eq!(status(Version::HTTP_11, &[]), Some(400));
        assert_eq!(status(Version::HTTP_10, &[]), None);
        let two = [("host", "a"), ("host", "a")];
        assert_eq!(status(Version::HTTP_11, &two), Some(400));
        assert_eq!(status(Version::HTTP_10, &two), Some(400));
    }

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for host in [
            "",
            "example.org",
            "my_service:8080",
            "127.0.0.1:80",
            "[::1]",
            "[::1]:8080",
            "[fe80::1%25eth0]",
            "example.org:",
            ":80",
        ] {
            assert_eq!(status(Version::HTTP_11, &[("host", host)]), None, "{host}");
        }
        for host in [
            "a b", "a, b", "a/b", "user@a", "a:b", "a:80:80", "::1", "[::1", "[::1]x", "[::1]:x",
            "é",
        ] {
            let lines = [("host", host)];
            assert_eq!(status(Version::HTTP_11, &lines), Some(400), "{host}");
        }
    }

    #[test]
    fn a_body_comes_in_chunks_or_is_in_a_coding_that_is_not_known() {
        for (codings, expected) in [
            (&["chunked"][..], None),
            (&["Chunked ,"], None),
            (&["gzip, chunked"], Some(501)),
            (&["gzip", "chunked"], Some(501)),
            (&["identity, chunked"], Some(501)),
            (&["chunked, chunked"], Some(400)),
            (&["chunked", "chunked"], Some(400)),
            (&["chunked, gzip, chunked"], Some(400)),
        ] {
            let mut lines = vec![("host", "x")];
            lines.extend(codings.iter().map(|it| ("transfer-encoding", *it)));
            assert_eq!(status(Version::HTTP_11, &lines), expected, "{codings:?}");
        }
    }
}
