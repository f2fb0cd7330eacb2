//! Environment variables that are meant for Normgate but that nothing reads, because they are misspelt.

use clap::Command;

const PREFIX: &str = "NORMGATE_";

/// Variables of the trainer, the benchmark and the tests.
const OF_OTHERS: [&str; 6] = [
    "ALL_TESTS",
    "BENCH_",
    "DATA_ROOT",
    "RESULTS",
    "RUNS",
    "TEST_DATA",
];

/// If two names are more alike than this, by Jaro and Winkler, one was probably meant to be the other.
const ALIKE: f64 = 0.75;

/// A sentence for each of the `variables`, given as names and values, that begins with `NORMGATE_` and is not a
/// setting of any command in the `table`.
///
/// Variables in which Kubernetes tells every container about a service called `normgate` begin like that, too, and
/// are left alone: `NORMGATE_SERVICE_HOST`, `NORMGATE_PORT=tcp://…`, `NORMGATE_PORT_80_TCP_ADDR` ([Kubernetes,
/// *Accessing the Service*](https://kubernetes.io/docs/tutorials/services/connect-applications-service/)).
pub fn unread<'a>(
    table: &Command,
    variables: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Vec<String> {
    let commands = table.get_subcommands();
    let settings: Vec<&str> = commands
        .flat_map(Command::get_arguments)
        .filter_map(|option| option.get_env()?.to_str()?.strip_prefix(PREFIX))
        .collect();
    let mut unread: Vec<&str> = variables
        .into_iter()
        .filter(|(name, value)| !tells_of_a_service(name, value))
        .filter_map(|(name, _)| name.strip_prefix(PREFIX))
        .filter(|name| !settings.contains(name))
        .filter(|name| !OF_OTHERS.iter().any(|other| name.starts_with(other)))
        .collect();
    unread.sort_unstable();
    let said = unread.into_iter().map(|name| {
        let meant = match meant_by(name, &settings) {
            Some(setting) => format!("did you mean {PREFIX}{setting}?"),
            None => "`normgate serve --help` lists them all".into(),
        };
        format!("{PREFIX}{name} is set, but there is no such setting: {meant}")
    });
    said.collect()
}

fn tells_of_a_service(name: &str, value: &str) -> bool {
    let transports = ["_TCP", "_UDP", "_SCTP"];
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.contains("_PORT_") && transports.iter().any(|transport| name.contains(transport))
        || name.ends_with("_PORT") && value.contains("://")
}

fn meant_by<'a>(name: &str, settings: &[&'a str]) -> Option<&'a str> {
    if ["ADDRESS", "BIND", "HOST", "PORT"].contains(&name) {
        return Some("LISTEN");
    }
    let likeness = |setting: &str| strsim::jaro_winkler(name, setting);
    let best = settings
        .iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(best) > ALIKE).then_some(best)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn said(variables: &[(&str, &str)]) -> Vec<String> {
        unread(&super::super::Cli::command(), variables.iter().copied())
    }

    #[test]
    fn a_misspelt_variable_is_named_with_the_one_that_was_meant() {
        for (misspelt, meant) in [
            ("NORMGATE_WORKER", "NORMGATE_WORKERS"),
            ("NORMGATE_LOG", "NORMGATE_LOG_LEVEL"),
            ("NORMGATE_MAX_CONNECTION", "NORMGATE_MAX_CONNECTIONS"),
            ("NORMGATE_DEADLINES", "NORMGATE_DEADLINE"),
            ("NORMGATE_PORT", "NORMGATE_LISTEN"),
        ] {
            assert_eq!(
                said(&[(misspelt, "1")]),
                [format!(
                    "{misspelt} is set, but there is no such setting: did you mean {meant}?"
                )]
            );
        }
    }

    #[test]
    fn a_variable_like_none_is_named_with_where_they_all_are() {
        let said = said(&[("NORMGATE_QZX", "1")]);
        assert!(said[0].starts_with("NORMGATE_QZX is set"), "{said:?}");
        assert!(said[0].contains("normgate serve --help"), "{said:?}");
    }

    #[test]
    fn settings_of_any_command_and_other_programs_variables_are_passed_over() {
        let none = said(&[
            ("NORMGATE_LISTEN", "0.0.0.0:8080"),
            ("NORMGATE_HEALTH_LISTEN", "0.0.0.0:8080"),
            ("NORMGATE_BENCH_ROUNDS", "1"),
            ("NORMGATE_DATA_ROOT", "data"),
            ("PATH", "/bin"),
        ]);
        assert!(none.is_empty(), "{none:?}");
    }

    #[test]
    fn what_kubernetes_says_of_a_service_called_normgate_is_passed_over() {
        let none = said(&[
            ("NORMGATE_SERVICE_HOST", "10.0.0.11"),
            ("NORMGATE_SERVICE_PORT", "80"),
            ("NORMGATE_SERVICE_PORT_HTTP", "80"),
            ("NORMGATE_PORT", "tcp://10.0.0.11:80"),
            ("NORMGATE_PORT_80_TCP", "tcp://10.0.0.11:80"),
            ("NORMGATE_PORT_80_TCP_PROTO", "tcp"),
            ("NORMGATE_PORT_80_TCP_PORT", "80"),
            ("NORMGATE_PORT_80_TCP_ADDR", "10.0.0.11"),
        ]);
        assert!(none.is_empty(), "{none:?}");
    }
}
