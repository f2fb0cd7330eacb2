//! What a command reports when it could not do its work.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

/// An error on its way to the terminal.
#[derive(Debug)]
pub enum Failure {
    /// The command line makes no sense although each option by itself is well formed.
    Usage(String),
    /// Something went wrong; printed with its causes.
    Failed(Box<dyn Error + Send + Sync>),
    /// All there is to say; printed as it is.
    Reported(String),
    /// It is in the log, and nothing more is to be printed.
    Logged(ExitCode),
}

impl Failure {
    /// The exit code: 2 for usage, as in clap, otherwise 1.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Failure::Usage(_) => ExitCode::from(2),
            Failure::Failed(_) | Failure::Reported(_) => ExitCode::FAILURE,
            Failure::Logged(code) => *code,
        }
    }

    /// Says it in the log instead, for those who read a log that is for machines.
    pub fn logged(self) -> Self {
        tracing::error!("{self}");
        Failure::Logged(self.exit_code())
    }

    /// Whether nobody reads our output any more.
    pub fn is_broken_pipe(&self) -> bool {
        let Failure::Failed(error) = self else {
            return false;
        };
        error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::Failed(Box::new(error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(message) | Failure::Reported(message) => f.write_str(message),
            Failure::Logged(_) => f.write_str("see the log"),
            Failure::Failed(error) => {
                let mut said = error.to_string();
                f.write_str(&said)?;
                let mut cause = error.source();
                while let Some(next) = cause {
                    let text = next.to_string();
                    // Many errors repeat their cause in their own message.
                    if !said.contains(&text) {
                        write!(f, "\n  caused by: {text}")?;
                        said = text;
                    }
                    cause = next.source();
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the model cannot be read")]
    struct Outer(#[source] std::io::Error);

    #[derive(Debug, thiserror::Error)]
    #[error("the model cannot be read: {0}")]
    struct Repeating(#[source] std::io::Error);

    fn cause() -> std::io::Error {
        std::io::Error::other("disk on fire")
    }

    #[test]
    fn causes_are_printed_once_each() {
        assert_eq!(
            Failure::from(Outer(cause())).to_string(),
            "the model cannot be read\n  caused by: disk on fire"
        );
        assert_eq!(
            Failure::from(Repeating(cause())).to_string(),
            "the model cannot be read: disk on fire"
        );
    }
}
