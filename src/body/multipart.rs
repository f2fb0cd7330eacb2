//! A form with files (RFC 7578).

use std::convert::Infallible;

use axum::body::Bytes;
use futures_util::stream;
use multer::Multipart;

use super::File;
use crate::problem::Problem;

/// The parser copies what it has not handed on yet: pieces keep that small.
const PIECE: usize = 64 * 1024;

/// `curl -F file=photo.jpg` sends these nine letters.
const NO_FILE_NAME: &str =
    "; it came without a file name: with curl, -F file=@photo.jpg sends the file";

/// The files of a form, in order. Every field counts as a file: there is nothing else to send.
pub async fn files(body: Bytes, boundary: String, most: usize) -> Result<Vec<File>, Problem> {
    let pieces = (0..body.len()).step_by(PIECE).map(move |start| {
        let end = (start + PIECE).min(body.len());
        Ok::<_, Infallible>(body.slice(start..end))
    });
    let mut form = Multipart::new(stream::iter(pieces), boundary);
    let mut files = Vec::new();
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        if files.len() == most {
            return Err(Problem::too_many_files(most));
        }
        let hint = field.file_name().is_none().then_some(NO_FILE_NAME);
        let name = field.file_name().or(field.name()).map(str::to_owned);
        let mut bytes = Vec::new();
        while let Some(piece) = field.chunk().await.map_err(broken)? {
            bytes.extend_from_slice(&piece);
        }
        // As much memory is counted as there are bytes, not what they grew into.
        bytes.shrink_to_fit();
        files.push(File {
            name,
            bytes: bytes.into(),
            hint,
        });
    }
    if files.is_empty() {
        return Err(Problem::malformed("the form has no file"));
    }
    Ok(files)
}

fn broken(error: multer::Error) -> Problem {
    Problem::malformed(format!("the multipart form is broken: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn parse(body: &str) -> Result<Vec<File>, Problem> {
        files(Bytes::copy_from_slice(body.as_bytes()), "B".into(), 2).await
    }

    fn part(head: &str, content: &str) -> String {
        format!("--B\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
    }

    #[tokio::test]
    async fn files_come_in_order_with_their_names() {
        let long = "x".repeat(3 * PIECE + 5);
        let body = part(r#"name="a"; filename="cat.jpg""#, &long)
            + &part(r#"name="b""#, "2")
            + "--B--\r\n";
        let files = parse(&body).await.unwrap();
        assert_eq!(files[0].name.as_deref(), Some("cat.jpg"));
        assert_eq!(files[0].bytes, long);
        assert!(files[0].hint.is_none() && files[1].hint.is_some());
        assert_eq!(files[1].name.as_deref(), Some("b"));
        assert_eq!(files[1].bytes, "2");
    }

    #[tokio::test]
    async fn a_form_without_a_file_or_cut_short_or_with_too_many_is_refused() {
        let one = part(r#"name="a""#, "1");
        for (body, status) in [
            ("--B--\r\n".to_owned(), 400),
            (one.clone(), 400),
            ("no form at all".to_owned(), 400),
            (one.repeat(3) + "--B--\r\n", 413),
        ] {
            let problem = parse(&body).await.err().unwrap();
            assert_eq!(problem.status().as_u16(), status, "{body}");
        }
    }
}
