//! Metrics for clients that do not ask for OpenMetrics: Prometheus' older text format 0.0.4, which browsers show as
//! well.

/// Its media type.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Turns OpenMetrics 1.0 into text format 0.0.4: there, a family of counters has the name of its samples, including
/// `_total`, and neither units nor the end are given
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
