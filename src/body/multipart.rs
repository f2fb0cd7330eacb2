//! A form with files (RFC 7578).

use std::convert::Infallible;

use axum::body::Bytes;
use futures_util::stream;
use memchr::memmem;
use multer::Multipart;
use normgate_core::preprocess::sniff;

use super::disposition::Disposition;
use super::{File, TOP_STANDS_ELSEWHERE};
use crate::problem::Problem;

/// Longer names are cut: file systems have none, and the name is sent back.
const LONGEST_NAME: usize = 255;

/// A line of a part's head that is longer is no name, and would take long to read.
const LONGEST_LINE: usize = 16 << 10;

/// `curl -F file=photo.jpg` sends the nine letters of the name.
const NO_FILE_NAME: &str =
    "; its field has no file name: curl sends a file with -F file=@photo.jpg";

/// The most fields beside the files, such as the token that a web framework adds to its forms.
const MOST_OTHERS: usize = 100;

/// The files of a form, in order.
///
/// A field without a file name counts as a file, too, if it is an image or says so, or if there is no other: then
/// nothing else can have been meant. Otherwise it is ignored, as is the empty part that browsers send for a file that
/// was not chosen (HTML, *constructing the entry list*).
pub async fn files(body: Bytes, boundary: String, most: usize) -> Result<Vec<File>, Problem> {
    if memmem::find(&body, format!("--{boundary}").as_bytes()).is_none() {
        return Err(broken(format!(
            "the boundary {boundary:?} of Content-Type does not occur in the body"
        )));
    }
    let body = stream::iter([Ok::<_, Infallible>(body)]);
    let mut form = Multipart::new(body, boundary);
    let mut files = Vec::new();
    let mut others = Vec::new();
    let mut none_chosen = false;
    while let Some(mut part) = form.next_field().await.map_err(unreadable)? {
        if part
            .headers()
            .values()
            .any(|line| line.len() > LONGEST_LINE)
        {
            return Err(broken(format!(
                "the head of a part has a line of more than {LONGEST_LINE} bytes"
            )));
        }
        let Disposition { field, file } = Disposition::of(part.headers());
        let is_image =
            file.is_none() && part.content_type().is_some_and(|it| it.type_() == "image");
        let mut bytes = Vec::new();
        while let Some(piece) = part.chunk().await.map_err(unreadable)? {
            bytes.extend_from_slice(&piece);
        }
        // The bytes are counted, not what the vector grew to.
        bytes.shrink_to_fit();
        let hint = file.is_none().then_some(NO_FILE_NAME);
        let is_not_chosen = file.as_deref() == Some("") && bytes.is_empty();
        none_chosen |= is_not_chosen;
        let is_image = (is_image && !bytes.is_empty()) || sniff(&bytes).is_some();
        let is_file = (file.is_some() && !is_not_chosen) || is_image;
        if !is_file && field.as_deref() == Some("top") {
            return Err(Problem::malformed(format!(
                "the form has a field \"top\"{TOP_STANDS_ELSEWHERE}"
            )));
        }
        let name = file.filter(|name| !name.is_empty()).or(field);
        let name = name.map(|name| name.chars().take(LONGEST_NAME).collect());
        let (kept, most) = match is_file {
            true => (&mut files, most),
            false => (&mut others, MOST_OTHERS),
        };
        if kept.len() == most {
            return Err(match is_file {
                true => Problem::too_many_files(most),
                false => Problem::malformed(format!(
                    "the form has more than {most} fields that are not files"
                )),
            });
        }
        kept.push(File {
            name,
            bytes: bytes.into(),
            hint,
        });
    }
    if files.is_empty() && !none_chosen {
        files.extend(others.into_iter().find(|other| !other.bytes.is_empty()));
    }
    if files.is_empty() {
        return Err(Problem::malformed("the form has no file"));
    }
    Ok(files)
}

/// Says what to fix, which the parser's own messages do not.
fn unreadable(error: multer::Error) -> Problem {
    use multer::Error;
    broken(match error {
        Error::ReadHeaderFailed(why) => format!("the head of a part cannot be read: {why}"),
        Error::DecodeHeaderName { .. }
        | Error::DecodeHeaderValue { .. }
        | Error::IncompleteHeaders => format!("the head of a part cannot be read: {error}"),
        Error::IncompleteFieldData { field_name } => {
            let name = field_name.unwrap_or_default();
            format!("it ends within the part {name:?}, with no boundary after it")
        }
        Error::IncompleteStream => {
            "it ends early, or the lines of its boundaries and heads do not end in CR LF".into()
        }
        error => error.to_string(),
    })
}

fn broken(why: impl AsRef<str>) -> Problem {
    Problem::malformed(format!("the multipart form is broken: {}", why.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIF: &str = "GIF89a…";

    async fn parse(body: impl AsRef<[u8]>) -> Result<Vec<File>, Problem> {
        files(Bytes::copy_from_slice(body.as_ref()), "B".into(), 2).await
    }

    fn part(head: &str, content: &str) -> String {
        format!("--B\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
    }

    #[tokio::test]
    async fn files_come_in_order_with_their_names() {
        let long = "x".repeat(200_000);
        let body = part(r#"name="a"; filename="cat.jpg""#, &long)
            + &part(r#"name="b""#, GIF)
            + "--B--\r\n";
        let files = parse(&body).await.unwrap();
        assert_eq!(files[0].name.as_deref(), Some("cat.jpg"));
        assert_eq!(files[0].bytes, long);
        assert!(files[0].hint.is_none() && files[1].hint.is_some());
        assert_eq!(files[1].name.as_deref(), Some("b"));
        assert_eq!(files[1].bytes, GIF);
    }

    #[tokio::test]
    async fn a_name_that_no_file_has_is_cut() {
        let head = format!(r#"name="a"; filename="{}""#, "é".repeat(1000));
        let files = parse(&(part(&head, GIF) + "--B--\r\n")).await.unwrap();
        assert_eq!(files[0].name, Some("é".repeat(LONGEST_NAME)));
    }

    #[tokio::test]
    async fn what_is_no_file_is_passed_over_where_there_is_one() {
        let file = part(r#"name="a"; filename="a.txt""#, "no image, but a file");
        let token = part(r#"name="_csrf""#, "c2VjcmV0") + &part(r#"name="name""#, "cat.jpg");
        let not_chosen = part(r#"name="more"; filename="""#, "");
        let body = token.clone() + &file + &not_chosen + &token + "--B--\r\n";
        let files = parse(&body).await.unwrap();
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].name.as_deref(), Some("a.txt"));
    }

    #[tokio::test]
    async fn a_file_is_one_however_its_name_is_written() {
        const NO_IMAGE: &str = "of a format that is not known here";
        for (names, name) in [
            (
                &b"name=a; filename=\"caf\xe9.heic\""[..],
                "caf\u{fffd}.heic",
            ),
            (b"name=a; filename*=UTF-8''x.heic", "x.heic"),
            (b"name=a; Filename=\"x.heic\"", "x.heic"),
            (b"name=a; filename=\"a\\\"", "a\\"),
            (b"name=a; filename=\"\"", "a"),
        ] {
            let rest = part(r#"name="b"; filename="b.gif""#, GIF) + "--B--\r\n";
            let rest = format!("\r\n\r\n{NO_IMAGE}\r\n{rest}");
            let head = b"--B\r\nContent-Disposition: form-data; ";
            let body = [head, names, rest.as_bytes()].concat();
            let files = parse(body).await.unwrap();
            assert_eq!(files.len(), 2, "{name}");
            assert_eq!(files[0].name.as_deref(), Some(name));
            assert_eq!(files[0].bytes, NO_IMAGE);
        }
    }

    #[tokio::test]
    async fn a_field_that_calls_itself_an_image_is_a_file_though_it_has_no_name_and_no_format_of_ours()
     {
        let file = part(r#"name="a"; filename="a.gif""#, GIF);
        let heic = part("name=b\r\nContent-Type: Image/HEIC", "ftypheic");
        let text = part("name=c\r\nContent-Type: text/plain", "a note");
        let empty = part("name=d\r\nContent-Type: image/png", "");
        let files = parse(file + &heic + &text + &empty + "--B--\r\n");
        let files = files.await.unwrap();
        assert_eq!(files.len(), 2);
        assert_eq!(files[1].name.as_deref(), Some("b"));
    }

    #[tokio::test]
    async fn what_breaks_a_form_is_said() {
        let file = part(r#"name="a"; filename="a""#, GIF);
        let long = part(&"a=\"\";".repeat(LONGEST_LINE / 5), GIF);
        for (body, says) in [
            (long, "has a line of more than 16384 bytes"),
            (
                file.replace("--B", "--C"),
                "the boundary \"B\" of Content-Type",
            ),
            (
                file.replace("Content-Disposition", "Content Disposition"),
                "the head of a part cannot be read: invalid header name",
            ),
            (file.clone(), "ends within the part \"a\""),
            (file.replace("\r\n", "\n"), "CR LF"),
        ] {
            let problem = parse(&body).await.err().unwrap();
            assert!(problem.detail().contains(says), "{}", problem.detail());
        }
    }

    #[tokio::test]
    async fn who_looks_for_top_in_the_form_is_told_where_it_is() {
        let file = part(r#"name="f"; filename="a.gif""#, GIF);
        for body in [
            file.clone() + &part(r#"name="top""#, "1"),
            part(r#"name="top""#, "1") + &file,
        ] {
            let problem = parse(body + "--B--\r\n").await.err().unwrap();
            assert_eq!(problem.status().as_u16(), 400);
            assert!(problem.detail().ends_with("/classify?top=3"));
        }
        let image = part(r#"name="top""#, GIF) + "--B--\r\n";
        assert_eq!(parse(image).await.unwrap()[0].bytes, GIF);
    }

    #[tokio::test]
    async fn a_form_of_one_text_is_taken_for_a_file_so_that_it_is_said_what_is_wrong() {
        let body = part(r#"name="image""#, "aGVsbG8=") + "--B--\r\n";
        let files = parse(&body).await.unwrap();
        assert!(files[0].hint.is_some());
    }

    #[tokio::test]
    async fn a_form_without_a_file_or_cut_short_or_with_too_many_is_refused() {
        let one = part(r#"name="a"; filename="1""#, "1");
        let field = part(r#"name="a""#, "1");
        let not_chosen = part(r#"name="a"; filename="""#, "");
        for (body, status) in [
            ("--B--\r\n".to_owned(), 400),
            (one.clone(), 400),
            ("no form at all".to_owned(), 400),
            (one.repeat(3) + "--B--\r\n", 413),
            (field.repeat(101) + "--B--\r\n", 400),
            (not_chosen.clone() + "--B--\r\n", 400),
            (field + &not_chosen + "--B--\r\n", 400),
        ] {
            let problem = parse(&body).await.err().unwrap();
            assert_eq!(problem.status().as_u16(), status, "{body}");
        }
    }
}
