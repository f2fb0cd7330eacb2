//! The command line, with errors that say where a wrong value came from.

use std::env;
use std::process;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Error, Parser};

use super::terminal::complain;

/// Parses the command line. After an error, or what `--help` prints, the process ends.
pub fn parse<C: Parser>() -> C {
    C::try_parse().unwrap_or_else(|error| {
        // If nobody can read it, the exit code says it.
        let _ = error.print();
        let typed: Vec<_> = env::args().skip(1).collect();
        if let Some(variable) = variable_of::<C>(&error, &typed)
            && env::var_os(&variable).is_some()
        {
            complain(&format!(
                "The value is that of the environment variable {variable}."
            ));
        }
        process::exit(error.exit_code());
    })
}

/// The variable that an option has its value from, if the option has a wrong one and was not typed: clap speaks of
/// the option all the same, and whoever has set the variable looks for it in vain.
fn variable_of<C: CommandFactory>(error: &Error, typed: &[String]) -> Option<String> {
    let Some(ContextValue::String(shown)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    // It is shown as `--workers <N>` or `--watch[=<TIME>]`.
    let flag = shown.split([' ', '[', '=']).next()?;
    if typed
        .iter()
        .any(|typed| typed.split('=').next() == Some(flag))
    {
        return None;
    }
    let mut table = C::command();
    table.build();
    let mut commands = typed.iter().filter_map(|name| table.find_subcommand(name));
    let command = commands.next().unwrap_or(&table);
    let mut options = command.get_arguments();
    let option = options.find(|option| option.get_long() == flag.strip_prefix("--"))?;
    Some(option.get_env()?.to_str()?.to_owned())
}
