//! Until when an answer is of use: by the server's `--deadline`, or sooner if the client says so.
//!
//! The client's clock starts when the head of its request arrives, since the client has been waiting from then on.
//! The server's starts when the whole body is there: `--body-timeout` says how long that may take, and a slow line is
//! no sign of a slow server.

use std::time::{Duration, Instant};

use axum::http::HeaderMap;

use crate::config::parse_any_duration;
use crate::problem::Problem;

/// The request header with which a client can lower the deadline: a time with its unit, as in flags.
pub const HEADER: &str = "x-request-timeout";

/// Longer than any `--deadline`, and short enough to be counted from now.
const LONGEST: Duration = Duration::from_secs(2 * 86_400);

/// A moment after which nobody wants the answer.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    at: Instant,
    allowed: Duration,
    set_by: &'static str,
}

impl Deadline {
    /// The deadline that the client asks for, if it asks for one.
    pub fn of_client(headers: &HeaderMap, arrived: Instant) -> Result<Option<Self>, Problem> {
        let mut values = headers.get_all(HEADER).iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        let malformed = |why: &str| Problem::malformed(format!("the {HEADER} header: {why}"));
        if values.next().is_some() {
            return Err(malformed("it is given twice"));
        }
        let text = String::from_utf8_lossy(value.as_bytes());
        let allowed = parse_any_duration(text.trim())
            .map_err(|error| malformed(&format!("{error}; it says {text:?}")))?;
        let allowed = allowed.min(LONGEST);
        Ok(Some(Self {
            at: arrived + allowed,
            allowed,
            set_by: HEADER,
        }))
    }

    /// As if a client had asked for it.
    #[cfg(test)]
    pub fn of_client_in(allowed: Duration) -> Self {
        Self {
            set_by: HEADER,
            ..Self::of_server(allowed)
        }
    }

    /// The server's deadline, from now on.
    pub fn of_server(allowed: Duration) -> Self {
        Self {
            at: Instant::now() + allowed,
            allowed,
            set_by: "--deadline",
        }
    }

    /// The earlier of the two.
    pub fn or_sooner(self, other: Option<Self>) -> Self {
        other.filter(|other| other.at < self.at).unwrap_or(self)
    }

    /// The moment itself, as tokio's timers take it.
    pub fn at(&self) -> tokio::time::Instant {
        self.at.into()
    }

    /// How much time is left; none once the deadline has passed.
    pub fn left(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// Whether an answer would come too late.
    pub fn has_passed(&self) -> bool {
        self.left().is_zero()
    }

    /// What to answer if what waits already will take so long that the deadline is likely to pass.
    pub fn too_soon(&self, wait: Duration) -> Problem {
        let waiting = format!(
            "the images already waiting, including other files of this request, will take \
             {wait:.1?}: too long for"
        );
        match self.set_by {
            HEADER => Problem::client_overloaded(format!(
                "{waiting} the request's {HEADER} of {:?}; allow more time, or send fewer at once",
                self.allowed
            )),
            flag => Problem::overloaded(format!(
                "{waiting} the request's deadline ({flag}); send fewer at once, or try again later"
            )),
        }
    }

    /// What to answer once the deadline has passed.
    pub fn problem(&self) -> Problem {
        let seconds = self.allowed.as_secs_f64();
        match self.set_by {
            HEADER => Problem::client_deadline_exceeded(seconds, HEADER),
            flag => Problem::deadline_exceeded(seconds, flag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(values: &[&str]) -> Result<Option<Deadline>, Problem> {
        asked_at(Instant::now(), values)
    }

    fn asked_at(arrived: Instant, values: &[&str]) -> Result<Option<Deadline>, Problem> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, value.parse().unwrap());
        }
        Deadline::of_client(&headers, arrived)
    }

    #[test]
    fn the_client_may_lower_the_deadline_but_not_raise_it() {
        let server = Deadline::of_server(Duration::from_secs(10));
        let client = |text| asked(&[text]).unwrap();
        assert!(client("200ms").unwrap().left() <= Duration::from_millis(200));
        for (asked, seconds) in [
            (client("200ms"), 0.2),
            (client(" 1.5s"), 1.5),
            (client("1m"), 10.0),
            (client("9999999h"), 10.0),
            (client("999999999999999999999h"), 10.0),
            (None, 10.0),
        ] {
            assert_eq!(server.or_sooner(asked).allowed.as_secs_f64(), seconds);
        }
        assert!(client("0ms").unwrap().has_passed());
        assert!(asked(&[]).unwrap().is_none());
    }

    #[test]
    fn the_clients_clock_has_run_since_its_request_arrived() {
        let arrived = Instant::now() - Duration::from_secs(1);
        let client = |text| asked_at(arrived, &[text]).unwrap().unwrap();
        assert!(client("1s").has_passed());
        assert!(!client("1h").has_passed());
    }

    #[test]
    fn a_client_in_a_hurry_is_told_so_and_is_not_counted_as_a_sign_of_overload() {
        let wait = Duration::from_millis(1500);
        let hasty = asked(&["20ms"]).unwrap().unwrap().too_soon(wait);
        assert_eq!(hasty.status().as_u16(), 429);
        assert!(hasty.is_by_request() && hasty.detail().contains("x-request-timeout of 20ms"));
        let other = Deadline::of_server(Duration::from_secs(1)).too_soon(wait);
        assert_eq!(other.reason(), "overloaded");
        assert!(other.detail().contains("take 1.5s"), "{}", other.detail());
        for told in [hasty, other] {
            let detail = told.detail();
            assert!(detail.contains("other files of this request"), "{detail}");
            assert!(detail.contains("send fewer at once"), "{detail}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused_with_what_is_expected() {
        for (values, says) in [
            (&["200"][..], "its unit, such as 500ms"),
            (&[""], "its unit"),
            (&["-1s"], "its unit"),
            (&["1s", "2s"], "twice"),
        ] {
            let problem = asked(values).unwrap_err();
            assert_eq!(problem.status().as_u16(), 400);
            assert!(problem.detail().contains(HEADER), "{}", problem.detail());
            assert!(problem.detail().contains(says), "{}", problem.detail());
        }
    }
}
