//! Stochastic gradient descent with Nesterov's momentum as `torch.optim.SGD(momentum=0.9,
//! nesterov=True)` computes it: the momentum is not damped and begins as the first gradient.

use tch::{TchError, Tensor};

const MOMENTUM: f64 = 0.9;

/// Takes a step of one parameter.
pub(super) fn step(
    [momentum]: &mut [Tensor; 1],
    parameter: &mut Tensor,
    gradient: &mut Tensor,
    rate: f64,
) -> Result<(), TchError> {
    // Each of these also returns the tensor that it changes. The momentum begins as zeros, so the first one is the
    // gradient itself, as in PyTorch's first step.
    let _ = momentum.f_mul_scalar_(MOMENTUM)?.f_add_(gradient)?;
    let ahead = momentum.f_mul_scalar(MOMENTUM)?;
    let _ = gradient.f_add_(&ahead)?.f_mul_scalar_(rate)?;
    let _ = parameter.f_sub_(gradient)?;
    Ok(())
}
