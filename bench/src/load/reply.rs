/// No head may be longer than this; the servers that are measured send short ones.
const LONGEST_HEAD: usize = 16 * 1024;

/// What a closed loop has to know of an HTTP/1.1 reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// Where the body begins.
    pub body_at: usize,
    /// Length of head and body together, in bytes.
    pub length: usize,
    /// Whether the server closes the connection after it.
    pub closes: bool,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
}

/// The bytes are not a reply that this can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl Head {
    /// Reads the head from the first bytes of a reply; `None` if it is not complete yet.
    ///
    /// # Errors
    /// [`Unreadable`] if it is not an HTTP/1.1 head, or states no length.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, Unreadable> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return match bytes.len() < LONGEST_HEAD {
                true => Ok(None),
                false => Err(Unreadable),
            };
        };
        let head = std::str::from_utf8(&bytes[..end]).map_err(|_| Unreadable)?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let status = status.and_then(|status| status.parse().ok());
        let (mut body, mut closes, mut retry_after) = (None, false, None);
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                body = value.parse::<usize>().ok();
            } else if name.eq_ignore_ascii_case("connection") {
                closes = value.eq_ignore_ascii_case("close");
            } else if name.eq_ignore_ascii_case("retry-after") {
                retry_after = value.parse().ok();
            }
        }
        // A reply without a length is chunked, or ends with the connection; no server measured here sends one.
        match (status, body) {
            (Some(status), Some(body)) => Ok(Some(Self {
                status,
                body_at: end + 4,
                length: end + 4 + body,
                closes,
                retry_after,
            })),
            _ => Err(Unreadable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_length_are_read_whatever_the_case() {
        let reply = b"HTTP/1.1 200 OK\r\nCONTENT-length: 7\r\nx: y\r\n\r\n{\"a\":1}";
        let head = Head::read(reply).unwrap().unwrap();
        assert_eq!((head.status, head.length), (200, reply.len()));
        assert!(!head.closes);
    }

    #[test]
    fn a_head_is_waited_for_until_it_is_whole() {
        let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        for end in 0..reply.len() {
            assert_eq!(Head::read(&reply[..end]), Ok(None), "{end}");
        }
        assert_eq!(Head::read(reply).unwrap().unwrap().length, reply.len());
    }

    #[test]
    fn a_refusal_says_when_to_come_back_and_that_it_closes() {
        let reply = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 2\r\nConnection: close\r\n\
            content-length: 0\r\n\r\n";
        let head = Head::read(reply).unwrap().unwrap();
        assert_eq!((head.status, head.retry_after), (429, Some(2)));
        assert!(head.closes);
    }

    #[test]
    fn what_is_no_reply_or_has_no_length_is_unreadable() {
        for reply in [
            &b"SSH-2.0-OpenSSH\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            b"HTTP/1.1 xyz\r\ncontent-length: 1\r\n\r\n",
            &[b'a'; LONGEST_HEAD],
        ] {
            assert_eq!(Head::read(reply), Err(Unreadable));
        }
    }
}
