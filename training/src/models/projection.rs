//! The projection head h: what RNA's norm and PASCL's contrast are taken of. Dropped at export.

use clap::ValueEnum;
use serde::{Deserialize, Deserializer, Serialize};
use tch::{TchError, Tensor};

use super::layers::Linear;
use super::parameters::Parameters;

/// Length of its output, as in the paper.
const SIZE: i64 = 128;

/// The structures that the RNA paper compares (T15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Projection {
    /// Linear(d, d), ReLU, Linear(d, 128): the paper's
    Mlp,
    /// Linear(d, 128)
    Linear,
    /// None: the representation itself
    None,
}

/// Reads what a checkpoint says of the head; older ones only say whether there is one.
pub(super) fn or_whether<'de, D: Deserializer<'de>>(saved: D) -> Result<Projection, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Saved {
        Whether(bool),
        Which(Projection),
    }
    Ok(match Saved::deserialize(saved)? {
        Saved::Whether(true) => Projection::Mlp,
        Saved::Whether(false) => Projection::None,
        Saved::Which(projection) => projection,
    })
}

/// A head of one of these structures.
#[derive(Debug)]
pub(super) enum ProjectionHead {
    Mlp { hidden: Linear, output: Linear },
    Linear(Linear),
    None,
}

impl ProjectionHead {
    /// For representations of length `size`.
    pub(super) fn new(
        parameters: &mut Parameters,
        projection: Projection,
        size: i64,
    ) -> Result<Self, TchError> {
        Ok(match projection {
            Projection::Mlp => Self::Mlp {
                hidden: Linear::new(parameters, "projection.0", size, size)?,
                output: Linear::new(parameters, "projection.2", size, SIZE)?,
            },
            Projection::Linear => Self::Linear(Linear::new(parameters, "projection", size, SIZE)?),
            Projection::None => Self::None,
        })
    }

    /// [N, size] to [N, 128], or to itself.
    pub(super) fn forward(&self, representation: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::Mlp { hidden, output } => {
                output.forward(&hidden.forward(representation)?.f_relu_()?)
            }
            Self::Linear(linear) => linear.forward(representation),
            Self::None => Ok(representation.shallow_clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_checkpoints_that_say_whether_there_is_a_head_are_read() {
        let read = |text: &str| or_whether(&mut serde_json::Deserializer::from_str(text)).unwrap();
        assert_eq!(read("true"), Projection::Mlp);
        assert_eq!(read("false"), Projection::None);
        assert_eq!(read("\"linear\""), Projection::Linear);
    }
}
