//! Adam (Kingma & Ba 2015) as `torch.optim.Adam` computes it.

use tch::{TchError, Tensor};

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Takes the `steps`-th step of one parameter; `first` and `second` are the running means of its gradient and of the
/// gradient's square.
pub(super) fn step(
    [first, second]: &mut [Tensor; 2],
    parameter: &mut Tensor,
    gradient: &mut Tensor,
    steps: u64,
    rate: f64,
) -> Result<(), TchError> {
    let correction1 = 1.0 - BETA1.powf(steps as f64);
    let correction2 = 1.0 - BETA2.powf(steps as f64);
    // Each of these also returns the tensor that it changes.
    let _ = first.f_lerp_(gradient, 1.0 - BETA1)?;
    // tch does not offer addcmul's factor, so it goes into the gradient.
    let _ = gradient.f_mul_scalar_((1.0 - BETA2).sqrt())?;
    let mut second = second.f_mul_scalar_(BETA2)?;
    let _ = second.f_addcmul_(gradient, gradient)?;
    let divisor = second
        .f_sqrt()?
        .f_div_scalar_(correction2.sqrt())?
        .f_add_scalar_(EPSILON)?
        .f_mul_scalar_(-correction1 / rate)?;
    let _ = parameter.f_addcdiv_(first, &divisor)?;
    Ok(())
}
