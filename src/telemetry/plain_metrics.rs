//! Metrics for who does not ask for OpenMetrics: Prometheus' older text format 0.0.4, which
//! browsers show as well.

/// Its media type.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether an `Accept` header asks for OpenMetrics, and not for plain text rather. Prometheus does;
/// what asks for nothing in particular is a person's `curl` or an older collector.
pub fn is_openmetrics_wanted(accept: &str) -> bool {
    let wish = |wanted: &str| {
        let ranges = accept.split(',').map(range);
        let wishes = ranges.filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        wishes.map(|(_, quality)| quality).reduce(f32::max)
    };
    let openmetrics = wish("application/openmetrics-text").unwrap_or(0.0);
    // What is said of a type itself counts, whatever is said of all (RFC 9110, 12.5.1).
    let plain = ["text/plain", "text/*", "*/*"].into_iter().find_map(wish);
    openmetrics > 0.0 && openmetrics >= plain.unwrap_or(0.0)
}

/// A media range without its parameters, and how much it is wished for, from 0 to 1 (RFC 9110, 12.4.2).
fn range(text: &str) -> (&str, f32) {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let mut parameters = parts.filter_map(|it| it.split_once('='));
    let quality = parameters.find(|(name, _)| name.eq_ignore_ascii_case("q"));
    let quality = quality.and_then(|(_, value)| value.parse().ok());
    (name, quality.unwrap_or(1.0))
}

/// OpenMetrics 1.0 as text format 0.0.4: there a family of counters has the name of its samples,
/// `_total` included, and units and the end are not said
/// ([Prometheus, *Exposition formats*](https://prometheus.io/docs/instrumenting/exposition_formats/)).
pub fn from_openmetrics(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut help = None;
    for line in text.lines() {
        let comment = line.strip_prefix("# ").and_then(|it| it.split_once(' '));
        match comment {
            Some(("HELP", family)) => help = family.split_once(' '),
            Some(("TYPE", family)) => {
                let (name, kind) = family.split_once(' ').unwrap_or((family, "untyped"));
                let suffix = if kind == "counter" { "_total" } else { "" };
                if let Some((_, words)) = help.take() {
                    plain += &format!("# HELP {name}{suffix} {words}\n");
                }
                plain += &format!("# TYPE {name}{suffix} {kind}\n");
            }
            _ if line.starts_with('#') => {}
            _ => {
                plain += line;
                plain.push('\n');
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openmetrics_is_wanted_where_it_is_asked_for() {
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
    fn openmetrics_is_not_forced_on_who_does_not_take_it_or_likes_plain_text_better() {
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
    fn families_have_the_names_of_their_samples() {
        let openmetrics = "\
# HELP requests How many came.
# TYPE requests counter
requests_total{status=\"200\"} 3
# HELP model_info Which one.
# TYPE model_info gauge
model_info{name=\"a # b\"} 1
# HELP took_seconds How long.
# TYPE took_seconds histogram
# UNIT took_seconds seconds
took_seconds_sum 0.5
# EOF
";
        let plain = "\
# HELP requests_total How many came.
# TYPE requests_total counter
requests_total{status=\"200\"} 3
# HELP model_info Which one.
# TYPE model_info gauge
model_info{name=\"a # b\"} 1
# HELP took_seconds How long.
# TYPE took_seconds histogram
took_seconds_sum 0.5
";
        assert_eq!(from_openmetrics(openmetrics), plain);
    }
}
