//! Networks: a residual network that turns images into representations, and the heads on top of it.

pub mod layers;
pub mod layout;
pub mod parameters;
mod projection;
mod resnet;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tch::{Device, TchError, Tensor, no_grad};
use thiserror::Error;

use layers::Linear;
use layout::Layout;
use parameters::Parameters;
use projection::ProjectionHead;
use resnet::ResNet;

use crate::checkpoint::Checkpoint;

pub use projection::Projection;
pub(crate) use resnet::Structure;

/// Which residual network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// ResNet18 for images of about 32×32
    Resnet18,
    /// ResNet50 for images of about 224×224
    Resnet50,
}

/// All that is needed to build a network, except its weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelConfig {
    /// Which network.
    pub architecture: Architecture,
    /// Channels of its first stage; 64 is the paper's.
    pub width: usize,
    /// Whether all batch normalisation has γ and β.
    #[serde(default)]
    pub affine: bool,
    /// Whether batch normalisation on downsampling shortcuts has γ and β.
    pub shortcut_affine: bool,
    /// How many classes the linear head has.
    pub classes: usize,
    /// The projection head (only for training, never exported).
    #[serde(deserialize_with = "projection::or_whether")]
    pub projection: Projection,
}

/// Why a network could not be built, filled or run.
#[derive(Debug, Error)]
pub enum ModelError {
    /// A checkpoint lacks a tensor.
    #[error("the checkpoint has no tensor `{name}`: it belongs to another kind of network")]
    MissingTensor {
        /// The tensor's name.
        name: String,
    },
    /// A checkpoint's tensor does not fit.
    #[error(
        "the tensor `{name}` has shape {found:?} in the checkpoint, but the network needs {wanted:?}"
    )]
    WrongShape {
        /// The tensor's name.
        name: String,
        /// The network's shape.
        wanted: Vec<i64>,
        /// The checkpoint's shape.
        found: Vec<i64>,
    },
    /// Images that are not [N, 3, H, W].
    #[error("{values} values are not {count} images of 3×{height}×{width}")]
    WrongInput {
        /// How many values there are.
        values: usize,
        /// How many images were announced.
        count: usize,
        /// Their height.
        height: usize,
        /// Their width.
        width: usize,
    },
    /// libtorch failed.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
}

/// A residual network with its heads.
#[derive(Debug)]
pub struct Network {
    layout: Layout,
    parameters: Parameters,
    backbone: ResNet,
    linear: Linear,
    projection: ProjectionHead,
}

impl Network {
    /// A freshly initialised network on `device`. The same seed gives the same weights, on every
    /// device.
    ///
    /// # Errors
    ///
    /// [`ModelError::Torch`] if memory is lacking.
    pub fn new(config: &ModelConfig, device: Device, seed: u64) -> Result<Self, ModelError> {
        tch::manual_seed(seed as i64);
        let layout = Layout::of(config.width);
        let mut parameters = Parameters::new(device, layout);
        let backbone = ResNet::new(&mut parameters, config)?;
        let size = backbone.representation_size;
        let linear = Linear::new(&mut parameters, "linear", size, config.classes as i64)?;
        let projection = ProjectionHead::new(&mut parameters, config.projection, size)?;
        Ok(Self {
            layout,
            parameters,
            backbone,
            linear,
            projection,
        })
    }

    /// The network of a checkpoint, with its weights and statistics.
    ///
    /// # Errors
    ///
    /// [`ModelError`], naming the tensor that is missing or does not fit.
    pub fn from_checkpoint(checkpoint: &Checkpoint, device: Device) -> Result<Self, ModelError> {
        let network = Self::new(&checkpoint.config.model, device, 0)?;
        network.parameters.load(&checkpoint.tensors)?;
        Ok(network)
    }

    /// The named tensors.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The named tensors, to choose which of them are trained.
    pub fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }

    /// [N, 3, H, W] to the representations [N, D], in train mode.
    ///
    /// # Errors
    ///
    /// [`TchError`] if shapes do not fit or memory is lacking.
    pub fn representation(&self, images: &Tensor) -> Result<Tensor, TchError> {
        self.backbone.forward(&self.layout.apply(images)?, true)
    }

    /// Representations [N, D] to logits [N, classes].
    ///
    /// # Errors
    ///
    /// [`TchError`] if shapes do not fit.
    pub fn logits(&self, representation: &Tensor) -> Result<Tensor, TchError> {
        self.linear.forward(representation)
    }

    /// Representations [N, D] to projections [N, 128], or to themselves if the network was built without a projection
    /// head.
    ///
    /// # Errors
    ///
    /// [`TchError`] if shapes do not fit.
    pub fn project(&self, representation: &Tensor) -> Result<Tensor, TchError> {
        self.projection.forward(representation)
    }

    /// Runs the network in evaluation mode, in float32: `count` images [N, 3, height, width] as plain values to
    /// (logits, representations), image by image.
    ///
    /// # Errors
    ///
    /// [`ModelError`] if the number of values is not that of the images, or memory is lacking.
    pub fn forward_eval(
        &self,
        images: &[f32],
        count: usize,
        size: (usize, usize),
    ) -> Result<(Vec<f32>, Vec<f32>), ModelError> {
        Ok(self.evaluate(&self.input(images, count, size)?)?)
    }

    /// The first half of [`Network::forward_eval`], for images that are evaluated more than once: they stay on the
    /// network's device.
    ///
    /// # Errors
    ///
    /// [`ModelError`] if the number of values is not that of the images, or memory is lacking.
    pub fn input(
        &self,
        images: &[f32],
        count: usize,
        (height, width): (usize, usize),
    ) -> Result<Tensor, ModelError> {
        if images.len() != count * 3 * height * width {
            let values = images.len();
            return Err(ModelError::WrongInput {
                values,
                count,
                height,
                width,
            });
        }
        let shape = [count as i64, 3, height as i64, width as i64];
        let images = Tensor::f_from_slice(images)?
            .f_reshape(shape)?
            .f_to_device(self.parameters.device())?;
        Ok(self.layout.apply(&images)?)
    }

    /// The second half of [`Network::forward_eval`].
    ///
    /// # Errors
    ///
    /// [`TchError`] if memory is lacking.
    pub fn evaluate(&self, input: &Tensor) -> Result<(Vec<f32>, Vec<f32>), TchError> {
        no_grad(|| {
            let representation = self.backbone.forward(input, false)?;
            Ok((
                values(&self.logits(&representation)?)?,
                values(&representation)?,
            ))
        })
    }
}

/// A tensor's float32 values, whatever its layout and device.
///
/// # Errors
///
/// [`TchError`] if the tensor cannot be copied.
pub fn values(tensor: &Tensor) -> Result<Vec<f32>, TchError> {
    let flat = tensor
        .f_detach()?
        .f_to_device(Device::Cpu)?
        .f_contiguous()?
        .f_view([-1])?;
    let mut values = vec![0.0; flat.numel()];
    let count = values.len();
    flat.f_copy_data(&mut values, count)?;
    Ok(values)
}
