//! How images and the weights of convolutions lie in memory.

use tch::{TchError, Tensor};

/// The floats in the longest vector that oneDNN computes with (AVX-512).
const VECTOR: usize = 16;

/// The order of a [N, C, H, W] tensor's values in memory. What a convolution gives has that of what it got, so all
/// layers of a network have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// N, H, W, C: convolutions are faster, on a CPU and on tensor cores.
    ChannelsLast,
    /// N, C, H, W.
    ChannelsFirst,
}

impl Layout {
    /// The faster one, if a network of this width fills whole vectors with its channels. Otherwise the oneDNN of
    /// libtorch 2.11 writes past the end of tensors that have their channels last: seen in the backward pass of 1×1
    /// convolutions of stride 2, with 8 channels and AVX-512, and with no multiple of 8 and AVX2.
    #[must_use]
    pub fn of(width: usize) -> Self {
        match width.is_multiple_of(VECTOR) {
            true => Self::ChannelsLast,
            false => Self::ChannelsFirst,
        }
    }

    /// The same tensor in this order.
    ///
    /// # Errors
    ///
    /// [`TchError`] if the tensor does not have four dimensions, or memory is lacking.
    pub fn apply(self, tensor: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::ChannelsLast => tensor
                .f_permute([0, 2, 3, 1])?
                .f_contiguous()?
                .f_permute([0, 3, 1, 2]),
            Self::ChannelsFirst => tensor.f_contiguous(),
        }
    }
}
