//! The layers that networks are built from.
//!
//! A layer computes in the precision of its input: if the input is bfloat16, a convolution casts its weight to match
//! (as PyTorch's autocast does), and batch normalisation still keeps its statistics in float32. Parameters are always
//! float32.

use tch::{Kind, TchError, Tensor};

use super::parameters::Parameters;

/// How the weights of convolutions are drawn.
#[derive(Clone, Copy, Debug)]
pub enum Initialisation {
    /// As is PyTorch's default: uniformly.
    Uniform,
    /// As in torchvision's residual networks (He et al. 2015, "Delving Deep into Rectifiers", by the fan-out):
    /// normally, with variance 2 / (outputs · kernel²).
    He,
}

/// A convolution without bias.
#[derive(Debug)]
pub struct Convolution {
    weight: Tensor,
    stride: i64,
    padding: i64,
}

impl Convolution {
    /// Adds `name.weight`, of shape [outputs, inputs, kernel, kernel].
    ///
    /// # Errors
    ///
    /// [`TchError`] if memory is lacking.
    pub fn new(
        parameters: &mut Parameters,
        name: &str,
        (inputs, outputs): (usize, usize),
        kernel: usize,
        stride: usize,
        initialisation: Initialisation,
    ) -> Result<Self, TchError> {
        let sizes = [inputs, outputs, kernel, stride];
        let [inputs, outputs, kernel, stride] = sizes.map(|size| size as i64);
        let shape = [outputs, inputs, kernel, kernel];
        let name = format!("{name}.weight");
        let weight = match initialisation {
            Initialisation::Uniform => {
                parameters.uniform(name, &shape, inputs * kernel * kernel)?
            }
            Initialisation::He => {
                let deviation = (2.0 / (outputs * kernel * kernel) as f64).sqrt();
                parameters.normal(name, &shape, deviation)?
            }
        };
        Ok(Self {
            weight,
            stride,
            padding: kernel / 2,
        })
    }

    /// [N, inputs, H, W] to [N, outputs, H/stride, W/stride].
    ///
    /// # Errors
    ///
    /// [`TchError`] if shapes do not fit or memory is lacking.
    pub fn forward(&self, images: &Tensor) -> Result<Tensor, TchError> {
        let weight = self.weight.f_to_kind(images.f_kind()?)?;
        let (stride, padding) = ([self.stride; 2], [self.padding; 2]);
        images.f_conv2d(&weight, None::<Tensor>, stride, padding, [1, 1], 1)
    }
}

/// Batch normalisation over [N, C, H, W] with PyTorch's defaults: momentum 0.1, ε = 1e-5, biased
/// variance to normalise with, unbiased variance for the running statistics.
///
/// Without γ and β unless asked for: RNA must not be able to grow the representation of every
/// input alike (paper, D.1).
#[derive(Debug)]
pub struct BatchNorm {
    affine: Option<(Tensor, Tensor)>,
    running_mean: Tensor,
    running_var: Tensor,
}

impl BatchNorm {
    /// Adds `name.running_mean` and `name.running_var`, and with `affine` `name.weight` and `name.bias`.
    ///
    /// # Errors
    ///
    /// [`TchError`] if memory is lacking.
    pub fn new(
        parameters: &mut Parameters,
        name: &str,
        channels: i64,
        affine: bool,
    ) -> Result<Self, TchError> {
        let affine = if affine {
            let weight = parameters.constant(format!("{name}.weight"), &[channels], 1.0)?;
            let bias = parameters.constant(format!("{name}.bias"), &[channels], 0.0)?;
            Some((weight, bias))
        } else {
            None
        };
        Ok(Self {
            affine,
            running_mean: parameters.buffer(format!("{name}.running_mean"), &[channels], 0.0)?,
            running_var: parameters.buffer(format!("{name}.running_var"), &[channels], 1.0)?,
        })
    }

    /// Normalises with the batch's own statistics and updates the running ones (`train`), or with
    /// the running ones.
    ///
    /// # Errors
    ///
    /// [`TchError`] if shapes do not fit or memory is lacking.
    pub fn forward(&self, images: &Tensor, train: bool) -> Result<Tensor, TchError> {
        images.f_batch_norm(
            self.affine.as_ref().map(|(weight, _)| weight),
            self.affine.as_ref().map(|(_, bias)| bias),
            Some(&self.running_mean),
            Some(&self.running_var),
            train,
            0.1,
            1e-5,
            true,
        )
    }
}

/// A linear layer with bias.
#[derive(Debug)]
pub struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// Adds `name.weight`, of shape [outputs, inputs], and `name.bias`.
    ///
    /// # Errors
    ///
    /// [`TchError`] if memory is lacking.
    pub fn new(
        parameters: &mut Parameters,
        name: &str,
        inputs: i64,
        outputs: i64,
    ) -> Result<Self, TchError> {
        Ok(Self {
            weight: parameters.uniform(format!("{name}.weight"), &[outputs, inputs], inputs)?,
            bias: parameters.uniform(format!("{name}.bias"), &[outputs], inputs)?,
        })
    }

    /// [N, inputs] to [N, outputs].
    ///
    /// # Errors
    ///
    /// [`TchError`] if shapes do not fit.
    pub fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        input.f_linear(&self.weight, Some(&self.bias))
    }
}

/// The mean over height and width, always in float32: the representation is what is scored.
///
/// # Errors
///
/// [`TchError`] if the tensor does not have four dimensions.
pub fn global_average_pool(images: &Tensor) -> Result<Tensor, TchError> {
    images.f_mean_dim([2, 3].as_slice(), false, Kind::Float)
}
