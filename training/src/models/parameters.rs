//! The named tensors of a network: what is trained, and what is only kept up to date.

use std::collections::BTreeMap;

use tch::{Device, Kind, TchError, Tensor};

use super::ModelError;
use super::layout::Layout;
use crate::checkpoint::NamedTensor;
use crate::snapshot::overwrite;

/// Every tensor of a network under its PyTorch name, in order of creation.
#[derive(Debug)]
pub struct Parameters {
    device: Device,
    layout: Layout,
    trained: Vec<(String, Tensor)>,
    buffers: Vec<(String, Tensor)>,
}

impl Parameters {
    /// No tensors yet; those that are added will be on `device`, and the weights of convolutions in this layout.
    #[must_use]
    pub fn new(device: Device, layout: Layout) -> Self {
        Self {
            device,
            layout,
            trained: Vec::new(),
            buffers: Vec::new(),
        }
    }

    /// Adds a trained tensor drawn uniformly from ±1/√fan-in, PyTorch's default for the weights
    /// and biases of convolutions and linear layers. Drawn on the CPU, so that a seed means the
    /// same on every device.
    ///
    /// # Errors
    ///
    /// [`TchError`] if memory is lacking.
    pub fn uniform(
        &mut self,
        name: String,
        shape: &[i64],
        fan_in: i64,
    ) -> Result<Tensor, TchError> {
        let bound = 1.0 / (fan_in as f64).sqrt();
        let mut drawn = Tensor::f_empty(shape, (Kind::Float, Device::Cpu))?;
        let _ = drawn.f_uniform_(-bound, bound)?;
        self.drawn(name, drawn)
    }

    /// Adds a trained tensor drawn normally around 0, on the CPU.
    ///
    /// # Errors
    ///
    /// [`TchError`] if memory is lacking.
    pub fn normal(
        &mut self,
        name: String,
        shape: &[i64],
        deviation: f64,
    ) -> Result<Tensor, TchError> {
        let mut drawn = Tensor::f_empty(shape, (Kind::Float, Device::Cpu))?;
        let _ = drawn.f_normal_(0.0, deviation)?;
        self.drawn(name, drawn)
    }

    /// Adds a trained tensor filled with `value`.
    ///
    /// # Errors
    ///
    /// [`TchError`] if memory is lacking.
    pub fn constant(
        &mut self,
        name: String,
        shape: &[i64],
        value: f64,
    ) -> Result<Tensor, TchError> {
        self.trained(
            name,
            &Tensor::f_full(shape, value, (Kind::Float, Device::Cpu))?,
        )
    }

    /// Adds a tensor that the forward pass itself keeps up to date, filled with `value`.
    ///
    /// # Errors
    ///
    /// [`TchError`] if memory is lacking.
    pub fn buffer(&mut self, name: String, shape: &[i64], value: f64) -> Result<Tensor, TchError> {
        let tensor = Tensor::f_full(shape, value, (Kind::Float, self.device))?;
        self.buffers.push((name, tensor.shallow_clone()));
        Ok(tensor)
    }

    /// The device that the tensors are on.
    #[must_use]
    pub fn device(&self) -> Device {
        self.device
    }

    /// The trained tensors, in order of creation: the optimiser's order.
    pub fn trainable(&self) -> &[(String, Tensor)] {
        &self.trained
    }

    /// Trained tensors and buffers.
    pub fn all(&self) -> impl Iterator<Item = &(String, Tensor)> {
        self.trained.iter().chain(&self.buffers)
    }

    /// Overwrites each tensor with what `tensors` holds under its name.
    ///
    /// # Errors
    ///
    /// [`ModelError`], naming the first tensor that is missing or of another shape.
    pub fn load(&self, tensors: &BTreeMap<String, NamedTensor>) -> Result<(), ModelError> {
        for (name, tensor) in self.all() {
            let saved = tensors.get(name);
            let saved = saved.ok_or_else(|| ModelError::MissingTensor { name: name.clone() })?;
            overwrite(name, tensor, saved)?;
        }
        Ok(())
    }

    /// Overwrites each tensor as [`load`](Self::load) does, but with what another method may have left: a projection
    /// head that is not there stays as it was drawn.
    ///
    /// # Errors
    ///
    /// [`ModelError`], naming the first other tensor that is missing, or one of another shape.
    pub fn adopt(&self, tensors: &BTreeMap<String, NamedTensor>) -> Result<(), ModelError> {
        for (name, tensor) in self.all() {
            match tensors.get(name) {
                Some(saved) => overwrite(name, tensor, saved)?,
                None if name.starts_with("projection.") => {}
                None => return Err(ModelError::MissingTensor { name: name.clone() }),
            }
        }
        Ok(())
    }

    /// From now on, trains only the tensors whose names satisfy `trained`; the others stay as they are.
    ///
    /// # Errors
    ///
    /// [`TchError`] if libtorch fails.
    pub fn train_only(&mut self, trained: impl Fn(&str) -> bool) -> Result<(), TchError> {
        let all = std::mem::take(&mut self.trained).into_iter();
        let (kept, fixed): (Vec<_>, Vec<_>) = all.partition(|(name, _)| trained(name));
        self.trained = kept;
        for (name, tensor) in fixed {
            self.buffers
                .push((name, tensor.f_set_requires_grad(false)?));
        }
        Ok(())
    }

    fn drawn(&mut self, name: String, mut drawn: Tensor) -> Result<Tensor, TchError> {
        if drawn.dim() == 4 {
            drawn = self.layout.apply(&drawn)?;
        }
        self.trained(name, &drawn)
    }

    fn trained(&mut self, name: String, tensor: &Tensor) -> Result<Tensor, TchError> {
        let tensor = tensor.f_to_device(self.device)?.f_set_requires_grad(true)?;
        self.trained.push((name, tensor.shallow_clone()));
        Ok(tensor)
    }
}
