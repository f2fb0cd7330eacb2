//! What is logged, and how.

use tracing_subscriber::filter::Targets;

/// The log, written to standard error.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Log")]
pub struct LogConfig {
    /// text for people, json for machines (one object a line).
    #[arg(
        long,
        env = "NORMGATE_LOG_FORMAT",
        value_enum,
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub log_format: LogFormat,

    /// error, warn, info, debug or trace; or by module, such as `info,normgate::engine=debug`.
    /// At info, successful requests are not logged (the metrics count them); at debug each one is.
    #[arg(long, env = "NORMGATE_LOG_LEVEL", value_name = "LEVEL", default_value = "info",
        value_parser = parse_level)]
    pub log_level: Targets,
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

fn parse_level(text: &str) -> Result<Targets, String> {
    // A misspelt level would be read as a target's name, and silence everything without a word.
    let is_level = |part: &str| part.parse::<tracing::Level>().is_ok() || part == "off";
    if text
        .split(',')
        .any(|part| !part.contains('=') && !is_level(part))
    {
        return Err(
            "expected error, warn, info, debug, trace or off, or MODULE=LEVEL, \
                    separated by commas"
                .into(),
        );
    }
    text.parse().map_err(|error| format!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_modules_are_understood_and_misspellings_refused() {
        assert!(parse_level("debug").is_ok());
        assert!(parse_level("off").is_ok());
        assert!(parse_level("info,normgate::engine=trace").is_ok());
        assert!(parse_level("inof").is_err());
        assert!(parse_level("normgate=loud").is_err());
    }
}
