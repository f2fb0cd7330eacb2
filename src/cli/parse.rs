//! The command line, with errors that say where a wrong value came from.

use std::borrow::Cow;
use std::env;
use std::ffi::OsString;
use std::process;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, Error, Parser};
use tracing_subscriber::filter::Targets;

use super::terminal::complain;
use crate::config::{LogConfig, LogFormat};
use crate::telemetry::{finish_logs, start_logs};

/// Parses the command line. After an error, or what `--help` prints, the process ends.
pub fn parse<C: Parser>() -> C {
    try_parse(env::args_os()).unwrap_or_else(|error| {
        let typed: Vec<_> = env::args_os().skip(1).collect();
        let typed: Vec<_> = typed.iter().map(|it| it.to_string_lossy()).collect();
        let variable = source_of::<C>(&error, &typed)
            .map(|it| format!("The value is that of the environment variable {it}."));
        let hint = variable.or_else(|| watch_hint(&error, &typed));
        if error.use_stderr() && is_log_for_machines(&typed) {
            log(&error, hint.as_deref());
        } else {
            // If nobody can read it, the exit code says it.
            let _ = error.print();
            hint.iter().for_each(|hint| complain(hint));
        }
        process::exit(error.exit_code());
    })
}

fn try_parse<C: Parser>(line: impl IntoIterator<Item = OsString>) -> Result<C, Error> {
    let mut matches = C::command().try_get_matches_from(line)?;
    let mut command = C::command();
    // So that its parts show their usage in full.
    command.build();
    refuse_two_models(&matches).map_err(|error| {
        error.format(
            command
                .find_subcommand_mut("serve")
                .unwrap_or(&mut C::command()),
        )
    })?;
    C::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// `serve` takes its model in either of two ways. That they exclude each other cannot be said to clap, for which a
/// variable that is set is as good as an option that is typed.
fn refuse_two_models(matches: &ArgMatches) -> Result<(), Error> {
    let Some(("serve", serve)) = matches.subcommand() else {
        return Ok(());
    };
    let is_typed = |id| serve.value_source(id) == Some(ValueSource::CommandLine);
    match is_typed("file") && is_typed("model") {
        true => Err(Error::raw(
            ErrorKind::ArgumentConflict,
            "the model is given twice, with --model and without: leave one of them out",
        )),
        false => Ok(()),
    }
}

/// Whether it is a server's command line whose log is to be JSON: then so is what is wrong with it.
fn is_log_for_machines(typed: &[Cow<'_, str>]) -> bool {
    let is_serve = typed.first().is_some_and(|it| it == "serve");
    let mut formats = typed.iter().enumerate().filter_map(|(place, it)| {
        let value = it.strip_prefix("--log-format")?;
        value
            .strip_prefix('=')
            .or(typed.get(place + 1).map(|it| &**it))
    });
    let asked = formats.next().map(str::to_owned);
    let format = asked.or_else(|| env::var("NORMGATE_LOG_FORMAT").ok());
    is_serve && format.as_deref() == Some("json")
}

fn log(error: &Error, hint: Option<&str>) {
    start_logs(&LogConfig {
        log_format: LogFormat::Json,
        log_level: Targets::new().with_default(tracing::Level::ERROR),
    });
    let text = error.render().to_string();
    let text = text.trim().trim_start_matches("error: ");
    let hint = hint.map(|hint| format!("\n\n{hint}")).unwrap_or_default();
    tracing::error!("{text}{hint}");
    finish_logs();
}

/// Help for those who write the time of `--watch`, which may be left out, after a space.
fn watch_hint(error: &Error, typed: &[Cow<'_, str>]) -> Option<String> {
    let is_unknown = error.kind() == ErrorKind::UnknownArgument;
    let mut pairs = typed.windows(2);
    let time = pairs.find_map(|pair| (pair[0] == "--watch").then_some(&pair[1]))?;
    let is_time = time.starts_with(|it: char| it.is_ascii_digit());
    (is_unknown && is_time)
        .then(|| format!("The time of --watch follows an equals sign: --watch={time}"))
}

/// The variable that a wrong value is in: clap speaks of the option all the same, and whoever has set the variable
/// looks for it in vain.
fn source_of<C: CommandFactory>(error: &Error, typed: &[Cow<'_, str>]) -> Option<String> {
    if !matches!(
        error.kind(),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation
    ) {
        return None;
    }
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    // It is shown as `--workers <N>` or `--watch[=<TIME>]`.
    let shown = text(ContextKind::InvalidArg)?;
    let flag = shown.strip_prefix("--")?.split([' ', '[', '=']).next()?;
    let mut table = C::command();
    table.build();
    let mut commands = typed
        .iter()
        .filter_map(|name| table.find_subcommand(name.as_ref()));
    let command = commands.next().unwrap_or(&table);
    let mut options = command.get_arguments();
    let option = options.find(|option| option.get_long() == Some(flag))?;
    let mut names = option.get_all_aliases().unwrap_or_default();
    names.push(flag);
    let is_typed = typed.iter().any(|it| {
        let name = it.strip_prefix("--").and_then(|it| it.split('=').next());
        name.is_some_and(|name| names.contains(&name))
    });
    let variable = option.get_env()?.to_str()?;
    let is_set = env::var(variable).ok().as_deref() == text(ContextKind::InvalidValue);
    (is_set && !is_typed).then(|| variable.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::Cli;
    use super::*;

    fn parsed(line: &str) -> Result<Cli, Error> {
        try_parse(line.split(' ').map(OsString::from))
    }

    #[test]
    fn a_model_that_is_given_twice_is_refused() {
        for line in ["serve a.onnx", "serve --model a.onnx", "serve"] {
            assert!(parsed(&format!("normgate {line}")).is_ok(), "{line}");
        }
        let error = parsed("normgate serve --model a.onnx b.onnx")
            .err()
            .unwrap();
        assert_eq!(error.exit_code(), 2);
        let said = error.render().to_string();
        assert!(
            said.contains("given twice") && said.contains("Usage: normgate serve"),
            "{said}"
        );
    }
}
