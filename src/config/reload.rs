//! When the model file is read again.

use std::path::Path;
use std::time::Duration;

use super::units::parse_duration;

/// The shortest interval: checking more often would only ask the file system the same thing again.
const SHORTEST: Duration = Duration::from_millis(50);

/// Watching the model file.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Model")]
pub struct ReloadConfig {
    /// Reload the model when its file changes, as SIGHUP does at any time. The file is checked this
    /// often, and loaded once two checks find it the same. If it cannot be served, the old model
    /// stays in service. Memory is needed for both. [default: off; --watch alone: 1s]
    #[arg(long, env = "NORMGATE_WATCH", value_name = "TIME", num_args = 0..=1,
        require_equals = true, default_missing_value = "1s", value_parser = parse_interval)]
    pub watch: Option<Duration>,
}

impl ReloadConfig {
    /// How often the file is looked at, if at all.
    pub fn interval(&self) -> Option<Duration> {
        self.watch.filter(|interval| !interval.is_zero())
    }

    /// Checks that what stands for the model file is not the interval: after a space, `--watch` does not take it.
    ///
    /// # Errors
    /// What to write instead.
    pub fn check(&self, model: &Path) -> Result<(), String> {
        let text = model.to_str().filter(|text| parse_interval(text).is_ok());
        match text {
            Some(text) if self.watch.is_some() && !model.exists() => Err(format!(
                "`{text}` is taken for the model file, and there is none: write --watch={text}"
            )),
            _ => Ok(()),
        }
    }
}

fn parse_interval(text: &str) -> Result<Duration, String> {
    if text == "off" {
        return Ok(Duration::ZERO);
    }
    let interval = parse_duration(text)?;
    if interval < SHORTEST {
        return Err(format!("must be at least {} ms", SHORTEST.as_millis()));
    }
    Ok(interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_not_asked_for_all_the_time() {
        assert_eq!(parse_interval("50ms"), Ok(Duration::from_millis(50)));
        assert_eq!(parse_interval("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(parse_interval("off"), Ok(Duration::ZERO));
        for wrong in ["0s", "49ms", "1", "true"] {
            assert!(parse_interval(wrong).is_err(), "{wrong}");
        }
    }
}
