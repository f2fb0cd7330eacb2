//! Conversion between tensors in libtorch's memory and a [`Checkpoint`].

use std::collections::BTreeMap;

use tch::{TchError, Tensor, no_grad};

use crate::checkpoint::{Checkpoint, NamedTensor, Progress};
use crate::config::RunConfig;
use crate::models::{ModelError, Network, values};
use crate::optimiser::Optimiser;

/// The state of a run as a checkpoint.
///
/// # Errors
///
/// [`TchError`] if a tensor cannot be copied.
pub fn take(
    config: &RunConfig,
    progress: &Progress,
    network: &Network,
    optimiser: &Optimiser,
) -> Result<Checkpoint, TchError> {
    let parameters = network.parameters();
    let tensors = parameters
        .all()
        .map(|(name, tensor)| Ok((name.clone(), plain(tensor)?)))
        .collect::<Result<BTreeMap<_, _>, TchError>>()?;
    let moments = parameters
        .trainable()
        .iter()
        .zip(optimiser.state())
        .map(|((name, _), state)| {
            let state = state.iter().map(plain);
            Ok((name.clone(), state.collect::<Result<_, TchError>>()?))
        })
        .collect::<Result<BTreeMap<_, _>, TchError>>()?;
    let progress = Progress {
        optimiser_steps: optimiser.steps,
        ..progress.clone()
    };
    Ok(Checkpoint {
        config: config.clone(),
        progress,
        tensors,
        moments,
    })
}

/// Brings an optimiser to a checkpoint's state.
///
/// # Errors
///
/// [`ModelError`], naming the first tensor that is missing or of another shape.
pub fn restore(
    checkpoint: &Checkpoint,
    network: &Network,
    optimiser: &mut Optimiser,
) -> Result<(), ModelError> {
    optimiser.steps = checkpoint.progress.optimiser_steps;
    let kept = checkpoint.config.recipe.optimiser.state_names();
    let trained = network.parameters().trainable();
    for ((name, _), state) in trained.iter().zip(optimiser.state()) {
        let saved = checkpoint.moments.get(name);
        for (place, (tensor, kept)) in state.iter().zip(kept).enumerate() {
            let saved = saved.and_then(|saved| saved.get(place));
            let saved = saved.ok_or_else(|| ModelError::MissingTensor {
                name: format!("{kept}{name}"),
            })?;
            overwrite(name, tensor, saved)?;
        }
    }
    Ok(())
}

/// Puts a plain tensor's values into a tensor of the same shape, whatever its layout.
pub(crate) fn overwrite(
    name: &str,
    tensor: &Tensor,
    saved: &NamedTensor,
) -> Result<(), ModelError> {
    let wanted = tensor.size();
    let found: Vec<i64> = saved.shape.iter().map(|&side| side as i64).collect();
    if wanted != found {
        return Err(ModelError::WrongShape {
            name: name.to_owned(),
            wanted,
            found,
        });
    }
    let values = Tensor::f_from_slice(&saved.values)?.f_reshape(&found)?;
    no_grad(|| tensor.shallow_clone().f_copy_(&values))?;
    Ok(())
}

fn plain(tensor: &Tensor) -> Result<NamedTensor, TchError> {
    let shape = tensor
        .size()
        .into_iter()
        .map(|side| side as usize)
        .collect();
    Ok(NamedTensor {
        shape,
        values: values(tensor)?,
    })
}
