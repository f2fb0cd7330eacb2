//! The command line, with errors that say where a wrong value came from.

use std::env;
use std::process;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Error, Parser};

use super::terminal::complain;

/// Parses the command line. After an error, or what `--help` prints, the process ends.
pub fn parse<C: Parser>() -> C {
    C::try_parse().unwrap_or_else(|error| {
        // If nobody can read it, the exit code says it.
        let _ = error.print();
        if let Some(variable) = source_of::<C>(&error) {
            complain(&format!(
                "The value is that of the environment variable {variable}."
            ));
        }
        process::exit(error.exit_code());
    })
}

/// The variable that a wrong value is in: clap speaks of the option all the same, and whoever has set the variable
/// looks for it in vain.
fn source_of<C: CommandFactory>(error: &Error) -> Option<String> {
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
    let typed: Vec<_> = env::args_os().skip(1).collect();
    let typed: Vec<_> = typed.iter().map(|it| it.to_string_lossy()).collect();
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
