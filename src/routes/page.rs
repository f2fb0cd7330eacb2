//! `GET /`: a page to try the server in a browser.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{Html, IntoResponse};

use crate::page::hash;

const MARKUP: &str = include_str!("../page/index.html");
const STYLE: &str = concat!(
    include_str!("../page/ground.css"),
    include_str!("../page/style.css")
);
const SCRIPT: &str = include_str!("../page/script.js");

/// One file, which needs nothing else.
static PAGE: LazyLock<String> = LazyLock::new(|| {
    MARKUP
        .replace("/*STYLE*/", STYLE)
        .replace("/*SCRIPT*/", SCRIPT)
});

/// Only what is in the page may run, and it may talk only to this server.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src blob: data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT),
    )
});

/// The page.
#[utoipa::path(
    get,
    path = "/",
    operation_id = "try_it",
    tag = "reading",
    summary = "A page to try it in a browser",
    responses((status = 200, description = "The page", body = String, content_type = "text/html"))
)]
pub async fn show() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (header::REFERRER_POLICY, "no-referrer"),
        // Unlike `no-store`, it lets a browser show the page again, with its answer, when its user comes back.
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, Html(PAGE.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_style_and_script_exactly_as_their_hashes_say() {
        assert!(PAGE.contains(&format!("<style>{STYLE}</style>")));
        assert!(PAGE.contains(&format!("<script>{SCRIPT}</script>")));
        // Styles and handlers in attributes would be blocked by the policy.
        let attributes = MARKUP
            .split_whitespace()
            .filter_map(|word| word.split_once('='));
        for (name, _) in attributes {
            assert!(name != "style" && !name.starts_with("on"), "{name}");
        }
    }
}
