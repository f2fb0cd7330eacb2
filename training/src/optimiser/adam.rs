//! Adam (Kingma & Ba 2015) as `torch.optim.Adam` computes it: weight decay is added to the
//! gradient (L2), not decoupled.

use tch::{TchError, Tensor, no_grad};

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// The optimiser with its state.
#[derive(Debug)]
pub struct Adam {
    weight_decay: f64,
    /// How many steps were taken.
    pub steps: u64,
    moments: Vec<Moments>,
}

/// Running means of one parameter's gradient, in the parameter's memory layout.
#[derive(Debug)]
pub struct Moments {
    /// Of the gradient.
    pub first: Tensor,
    /// Of its square.
    pub second: Tensor,
}

impl Adam {
    /// Before the first step, for parameters in this order.
    ///
    /// # Errors
    ///
    /// [`TchError`] where the memory is lacking.
    pub fn new<'a>(
        parameters: impl Iterator<Item = &'a Tensor>,
        weight_decay: f64,
    ) -> Result<Self, TchError> {
        let moments = parameters
            .map(|parameter| {
                let parameter = parameter.f_detach()?;
                Ok(Moments {
                    first: parameter.f_zeros_like()?,
                    second: parameter.f_zeros_like()?,
                })
            })
            .collect::<Result<_, TchError>>()?;
        Ok(Self {
            weight_decay,
            steps: 0,
            moments,
        })
    }

    /// The state, one entry a parameter.
    #[must_use]
    pub fn moments(&self) -> &[Moments] {
        &self.moments
    }

    /// One step with learning rate `rate`. The gradients are used up: what they hold afterwards
    /// means nothing.
    ///
    /// # Errors
    ///
    /// [`TchError`] where shapes do not fit or memory is lacking.
    pub fn step<'a>(
        &mut self,
        parameters: impl Iterator<Item = &'a Tensor>,
        gradients: &mut [Tensor],
        rate: f64,
    ) -> Result<(), TchError> {
        self.steps += 1;
        let correction1 = 1.0 - BETA1.powf(self.steps as f64);
        let correction2 = 1.0 - BETA2.powf(self.steps as f64);
        no_grad(|| {
            let states = gradients.iter_mut().zip(&mut self.moments);
            for (parameter, (gradient, moments)) in parameters.zip(states) {
                let mut parameter = parameter.shallow_clone();
                // Each of these also returns the tensor that it changes.
                if self.weight_decay != 0.0 {
                    let decay = parameter.f_mul_scalar(self.weight_decay)?;
                    let _ = gradient.f_add_(&decay)?;
                }
                let _ = moments.first.f_lerp_(gradient, 1.0 - BETA1)?;
                // addcmul's factor is out of reach from Rust, so it goes into the gradient.
                let _ = gradient.f_mul_scalar_((1.0 - BETA2).sqrt())?;
                let mut second = moments.second.f_mul_scalar_(BETA2)?;
                let _ = second.f_addcmul_(gradient, gradient)?;
                let divisor = second
                    .f_sqrt()?
                    .f_div_scalar_(correction2.sqrt())?
                    .f_add_scalar_(EPSILON)?
                    .f_mul_scalar_(-correction1 / rate)?;
                let _ = parameter.f_addcdiv_(&moments.first, &divisor)?;
            }
            Ok(())
        })
    }
}
