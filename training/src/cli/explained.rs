//! What clap says at length about the options of `train`, in a sentence.

use std::env;

use clap::Error;
use clap::error::ErrorKind;

/// The options that a run can be continued with; all others are the run's.
const WITH_RESUME: [&str; 6] = [
    "--resume",
    "--device",
    "--threads",
    "--loaders",
    "--augment-on",
    "--checkpoint-every",
];

/// The error for this command line, which may be another.
pub(super) fn explained(error: Error) -> Error {
    let typed: Vec<String> = env::args_os()
        .skip(1)
        .map(|it| it.to_string_lossy().into_owned())
        .collect();
    match said(error.kind(), &typed) {
        Some(text) => Error::raw(error.kind(), format!("{text}\n")),
        None => error,
    }
}

fn said(kind: ErrorKind, typed: &[String]) -> Option<String> {
    let [command, options @ ..] = typed else {
        return None;
    };
    let names = || options.iter().filter_map(|it| it.split('=').next());
    let resumes = names().any(|name| name == "--resume");
    let other = names().find(|name| name.starts_with("--") && !WITH_RESUME.contains(name));
    match (command.as_str(), kind) {
        ("train", ErrorKind::ArgumentConflict) if resumes => other.map(|option| {
            format!(
                "{option} cannot be changed: --resume continues a run with the options that it was started with. To \
                 train a finished run further, with others, start a new one from it: --init RUN --data … --out NEW"
            )
        }),
        ("train", ErrorKind::MissingRequiredArgument) if !resumes => {
            let is_there = |option: &&str| names().any(|name| name == *option);
            let missing: Vec<_> = ["--data", "--out"].into_iter().filter(|it| !is_there(it)).collect();
            (!missing.is_empty()).then(|| {
                format!(
                    "{} missing: a new run needs --data FOLDER, the images to learn to classify, and --out RUN, a new \
                     folder; to continue a run, give --resume RUN alone. For more, try 'normgate-train train --help'",
                    missing.join(" and ")
                )
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: ErrorKind, line: &str) -> Option<String> {
        let typed: Vec<_> = line.split(' ').map(String::from).collect();
        said(kind, &typed)
    }

    #[test]
    fn the_option_that_cannot_be_changed_is_named_and_no_other() {
        let kind = ErrorKind::ArgumentConflict;
        let said = of(kind, "train --threads 2 --resume runs/a --lr=0.1").unwrap();
        assert!(said.starts_with("--lr cannot be changed"), "{said}");
        assert_eq!(of(kind, "train --resume runs/a --threads 2"), None);
        assert_eq!(of(kind, "export --resume runs/a --lr 1"), None);
    }

    #[test]
    fn what_a_new_run_needs_is_said_and_not_what_another_would() {
        let kind = ErrorKind::MissingRequiredArgument;
        let said = of(kind, "train --init runs/a --out=runs/b").unwrap();
        assert!(said.starts_with("--data missing"), "{said}");
        assert!(
            of(kind, "train")
                .unwrap()
                .starts_with("--data and --out missing")
        );
        assert_eq!(of(kind, "export"), None);
    }
}
