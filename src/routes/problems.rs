//! `GET /problems` and `GET /problems/{slug}`: where the `type` of a problem leads. Markdown, or a page for browsers.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use pulldown_cmark::{Parser, html};

use crate::accept::prefers;
use crate::page;
use crate::problem::Problem;

const DOCUMENT: &str = include_str!("../../docs/errors.md");

/// Every problem, explained.
#[utoipa::path(
    get,
    path = "/problems",
    operation_id = "problems",
    tag = "reading",
    summary = "What each problem means",
    description = "HTML if `Accept` asks for it.",
    responses((status = 200, description = "The text", content(
        (String = "text/markdown"), (String = "text/html")
    )))
)]
pub async fn all(headers: HeaderMap) -> Response {
    explained(&headers, DOCUMENT, "")
}

/// One problem, explained.
///
/// A slug that is not UTF-8 (`%ff`) names no problem either.
#[utoipa::path(
    get,
    path = "/problems/{slug}",
    operation_id = "problem",
    tag = "reading",
    summary = "What one problem means",
    description = "What the `type` of a problem points to. HTML if `Accept` asks for it.",
    params(("slug" = String, Path, description = "The last part of the `type`, such as `overloaded`")),
    responses((status = 200, description = "The text", content(
        (String = "text/markdown"), (String = "text/html")
    )))
)]
pub async fn one(
    slug: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let text = slug.ok().and_then(|Path(slug)| section(&slug));
    match text {
        Some(text) => {
            let others = "<footer><a href=\"../problems\">All errors</a></footer>\n";
            Ok(explained(&headers, &text, others))
        }
        None => Err(Problem::not_found(uri.path())),
    }
}

/// The part of the document under the heading with this name.
fn section(slug: &str) -> Option<String> {
    let heading = format!("## {slug}");
    let mut lines = DOCUMENT
        .lines()
        .skip_while(|line| **line != heading)
        .peekable();
    lines.peek()?;
    let body = lines
        .clone()
        .skip(1)
        .take_while(|line| !line.starts_with("## "));
    let text: Vec<&str> = lines.take(1).chain(body).collect();
    Some(text.join("\n").trim_end().to_owned() + "\n")
}

/// A text in the form that was asked for; below it, a page has the footer.
fn explained(headers: &HeaderMap, markdown: &str, footer: &str) -> Response {
    let mut reply = match prefers(headers, "text/html", "text/markdown") {
        true => {
            let mut content = String::new();
            html::push_html(&mut content, Parser::new(markdown));
            content += footer;
            page::reply(&page::around("errors", &content))
        }
        false => {
            let kind = [(header::CONTENT_TYPE, "text/markdown; charset=utf-8")];
            (kind, markdown.to_owned()).into_response()
        }
    };
    reply
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_static("accept"));
    reply
}

#[cfg(test)]
mod tests {
    use super::*;
    use normgate_core::preprocess::DecodeError;

    #[test]
    fn every_problem_has_a_section_that_names_its_status() {
        let problems = [
            Problem::malformed(""),
            Problem::not_found(""),
            Problem::not_a_probe(""),
            Problem::method_not_allowed("", "", ""),
            Problem::slow_request(1.0),
            Problem::body_too_large(1),
            Problem::too_many_files(1),
            Problem::image_too_large(1, 1, 1),
            Problem::unsupported(""),
            DecodeError::UnsupportedFormat { looks_like: None }.into(),
            Problem::undecodable(""),
            Problem::overloaded(""),
            Problem::internal(),
            Problem::unknown_transfer_coding(""),
            Problem::not_ready(),
            Problem::shutting_down(),
            Problem::deadline_exceeded(1.0, "--deadline"),
        ];
        for problem in &problems {
            let text = section(problem.reason()).unwrap_or_else(|| panic!("{}", problem.reason()));
            assert!(
                text.contains(&problem.status().as_u16().to_string()),
                "{text}"
            );
        }
        let documented = DOCUMENT
            .lines()
            .filter(|line| line.starts_with("## "))
            .count();
        let mut slugs: Vec<_> = problems.iter().map(Problem::reason).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(
            documented,
            slugs.len(),
            "a section for a problem that no longer is"
        );
    }

    #[test]
    fn a_section_ends_where_the_next_begins() {
        let text = section("overloaded").unwrap();
        assert_eq!(text.matches("## ").count(), 1);
        assert!(section("no-such-problem").is_none());
    }
}
