//! Which of several forms of a resource a client prefers: `Accept` (RFC 9110, 12.5.1).

use axum::http::{HeaderMap, header};

/// Whether a client names the media type `wanted`, and likes it at least as much as `usual`. Everyone else gets
/// `usual`, including clients that ask for nothing in particular, such as `curl` and older programs.
pub fn prefers(headers: &HeaderMap, wanted: &str, usual: &str) -> bool {
    // Several lines are one list (RFC 9110, 5.3).
    let lines = headers.get_all(header::ACCEPT).iter();
    let lines: Vec<_> = lines.filter_map(|line| line.to_str().ok()).collect();
    is_preferred(&lines.join(","), wanted, usual)
}

fn is_preferred(accept: &str, wanted: &str, usual: &str) -> bool {
    let wish = |wanted: &str| {
        let ranges = accept.split(',').map(range);
        let wishes = ranges.filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        wishes.map(|(_, quality)| quality).reduce(f32::max)
    };
    let all_alike = usual.split('/').next().map(|it| format!("{it}/*"));
    // What is said about the type itself overrides what is said with wildcards.
    let usual = wish(usual)
        .or_else(|| wish(&all_alike?))
        .or_else(|| wish("*/*"));
    let wanted = wish(wanted).unwrap_or(0.0);
    wanted > 0.0 && wanted >= usual.unwrap_or(0.0)
}

/// A media range without its parameters, and its quality, from 0 to 1 (RFC 9110, 12.4.2).
fn range(text: &str) -> (&str, f32) {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let mut parameters = parts.filter_map(|it| it.split_once('='));
    let quality = parameters.find(|(name, _)| name.eq_ignore_ascii_case("q"));
    let quality = quality.and_then(|(_, value)| value.parse().ok());
    (name, quality.unwrap_or(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENMETRICS: &str = "application/openmetrics-text";

    fn is_openmetrics_wanted(accept: &str) -> bool {
        is_preferred(accept, OPENMETRICS, "text/plain")
    }

    #[test]
    fn a_type_is_preferred_where_it_is_asked_for() {
        let prometheus =
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3,*/*;q=0.1";
        assert!(is_openmetrics_wanted(prometheus));
        for as_well in [
            "Application/OpenMetrics-Text",
            "application/openmetrics-text, */*",
            "application/openmetrics-text; q=0.5, text/plain; q=0.5",
            "application/openmetrics-text;q=0.2,text/plain;q=0.1,*/*",
        ] {
            assert!(is_openmetrics_wanted(as_well), "{as_well}");
        }
        for other in ["", "*/*", "text/plain;version=0.0.4", "text/html,*/*;q=0.8"] {
            assert!(!is_openmetrics_wanted(other), "{other}");
        }
    }

    #[test]
    fn a_type_is_not_forced_on_who_does_not_take_it_or_likes_the_usual_one_better() {
        for other in [
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;version=1.0.0;Q=0.0,*/*;q=0.1",
            "application/openmetrics-text;q=0.2,text/plain",
            "application/openmetrics-text;q=0.2,text/*;q=0.3",
            "application/openmetrics-text;q=0.2,*/*",
        ] {
            assert!(!is_openmetrics_wanted(other), "{other}");
        }
    }

    #[test]
    fn browsers_prefer_html() {
        let wants_html = |accept| is_preferred(accept, "text/html", "text/markdown");
        assert!(wants_html(
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
        ));
        assert!(!wants_html("text/markdown, text/html;q=0.9"));
        assert!(!wants_html("*/*"));
    }

    #[test]
    fn all_lines_of_the_header_are_one_list() {
        let headers = |lines: [&str; 2]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::ACCEPT, line.parse().unwrap());
            }
            headers
        };
        let prefers_openmetrics = |lines| prefers(&headers(lines), OPENMETRICS, "text/plain");
        assert!(prefers_openmetrics(["text/plain;q=0.1", OPENMETRICS]));
        let less = "application/openmetrics-text;q=0.1";
        assert!(!prefers_openmetrics(["text/plain", less]));
        assert!(!prefers_openmetrics([less, "text/plain"]));
        assert!(!prefers(&HeaderMap::new(), OPENMETRICS, "text/plain"));
    }
}
