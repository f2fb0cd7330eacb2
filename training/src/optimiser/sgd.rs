//! Stochastic gradient descent with Nesterov's momentum as `torch.optim.SGD(momentum=0.9,
//! nesterov=True)` computes it: weight decay is added to the gradient (L2); the momentum is not
//! damped and begins as the first gradient.

use tch::{TchError, Tensor, no_grad};

const MOMENTUM: f64 = 0.9;

/// The optimiser with its state.
#[derive(Debug)]
pub struct Sgd {
    weight_decay: f64,
    /// How many steps were taken.
    pub steps: u64,
    momenta: Vec<Tensor>,
}

impl Sgd {
    /// Before the first step, for parameters in this order.
    ///
    /// # Errors
    ///
    /// [`TchError`] where the memory is lacking.
    pub fn new<'a>(
        parameters: impl Iterator<Item = &'a Tensor>,
        weight_decay: f64,
    ) -> Result<Self, TchError> {
        let momenta = parameters.map(|parameter| parameter.f_detach()?.f_zeros_like());
        Ok(Self {
            weight_decay,
            steps: 0,
            momenta: momenta.collect::<Result<_, TchError>>()?,
        })
    }

    /// The momentum of each parameter, in its memory layout.
    pub fn momenta(&self) -> &[Tensor] {
        &self.momenta
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
        no_grad(|| {
            let states = gradients.iter_mut().zip(&mut self.momenta);
            for (parameter, (gradient, momentum)) in parameters.zip(states) {
                let mut parameter = parameter.shallow_clone();
                // Each of these also returns the tensor that it changes.
                if self.weight_decay != 0.0 {
                    let decay = parameter.f_mul_scalar(self.weight_decay)?;
                    let _ = gradient.f_add_(&decay)?;
                }
                // From zeros this is the gradient itself, as PyTorch's first step has it.
                let _ = momentum.f_mul_scalar_(MOMENTUM)?.f_add_(gradient)?;
                let ahead = momentum.f_mul_scalar(MOMENTUM)?;
                let _ = gradient.f_add_(&ahead)?.f_mul_scalar_(rate)?;
                let _ = parameter.f_sub_(gradient)?;
            }
            Ok(())
        })
    }
}
