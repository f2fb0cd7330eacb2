//! Residual networks (He et al. 2015): a stem, four stages of blocks with w, 2w, 4w and 8w channels, and the mean
//! over their output. w = 64 is the paper's; a smaller width is the same network, thinner.
//!
//! Tensors are named as in torchvision, except for `shortcut` (there `downsample`) and `linear` (`fc`).

use tch::{TchError, Tensor};

use super::layers::{BatchNorm, Convolution, Initialisation, global_average_pool};
use super::parameters::Parameters;
use super::{Architecture, ModelConfig};

/// What distinguishes one residual network from another.
pub(crate) struct Structure {
    /// Whether the stem reduces images to a quarter of their side, by a 7×7 convolution of stride 2
    /// and pooling; else it is a 3×3 convolution.
    pub large_stem: bool,
    /// Blocks in each stage.
    pub blocks: [usize; 4],
    /// Sides of the kernels of a block's convolutions.
    pub kernels: &'static [usize],
    /// Which of these convolutions has the block's stride.
    pub strided: usize,
    /// How many times as many channels leave a block as there are within it.
    pub expansion: usize,
    /// How the weights of convolutions are drawn.
    pub initialisation: Initialisation,
}

impl Architecture {
    pub(crate) fn structure(self) -> Structure {
        match self {
            // The variant that CIFAR work uses.
            Self::Resnet18 => Structure {
                large_stem: false,
                blocks: [2, 2, 2, 2],
                kernels: &[3, 3],
                strided: 0,
                expansion: 1,
                initialisation: Initialisation::Uniform,
            },
            // The shape of torchvision's "v1.5": the stride is on the 3×3 convolutions.
            Self::Resnet50 => Structure {
                large_stem: true,
                blocks: [3, 4, 6, 3],
                kernels: &[1, 3, 1],
                strided: 1,
                expansion: 4,
                initialisation: Initialisation::He,
            },
        }
    }
}

impl Structure {
    /// Name, stage and stride of each block.
    pub fn blocks(&self) -> impl Iterator<Item = (String, usize, usize)> + use<> {
        let stages = self.blocks.into_iter().enumerate();
        stages.flat_map(|(stage, count)| {
            (0..count).map(move |block| {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                (format!("layer{}.{block}", stage + 1), stage, stride)
            })
        })
    }

    /// The stride of a convolution within a block, given that of the block.
    pub fn stride(&self, convolution: usize, block: usize) -> usize {
        if convolution == self.strided {
            block
        } else {
            1
        }
    }
}

/// A residual network, as described at the top of this module.
#[derive(Debug)]
pub struct ResNet {
    stem: Layer,
    large_stem: bool,
    blocks: Vec<Block>,
    /// The length of a representation.
    pub representation_size: i64,
}

/// A convolution with the batch normalisation after it.
#[derive(Debug)]
struct Layer(Convolution, BatchNorm);

/// Layers with a shortcut around them.
#[derive(Debug)]
struct Block {
    layers: Vec<Layer>,
    /// If the block changes the shape, a 1×1 convolution that brings its input to the new one.
    shortcut: Option<Layer>,
}

impl ResNet {
    /// A freshly initialised network.
    ///
    /// The paper (D.1) says that no batch normalisation has γ and β; the authors' ResNet18 keeps them
    /// on its shortcuts, and other methods' authors have them everywhere.
    ///
    /// # Errors
    ///
    /// [`TchError`] if memory is lacking.
    pub fn new(parameters: &mut Parameters, config: &ModelConfig) -> Result<Self, TchError> {
        let structure = config.architecture.structure();
        let (width, affine) = (config.width, config.affine);
        let mut layer = |[conv, bn]: [String; 2], channels, kernel, stride, affine| {
            let (_, outputs) = channels;
            let draw = structure.initialisation;
            let conv = Convolution::new(parameters, &conv, channels, kernel, stride, draw)?;
            let bn = BatchNorm::new(parameters, &bn, outputs as i64, affine)?;
            Ok::<_, TchError>(Layer(conv, bn))
        };
        let (kernel, stride) = if structure.large_stem { (7, 2) } else { (3, 1) };
        let names = ["conv1", "bn1"].map(String::from);
        let stem = layer(names, (3, width), kernel, stride, affine)?;
        let mut blocks = Vec::new();
        let mut inputs = width;
        for (name, stage, stride) in structure.blocks() {
            let within = width << stage;
            let outputs = structure.expansion * within;
            let mut layers = Vec::new();
            let mut before = inputs;
            for (index, &kernel) in structure.kernels.iter().enumerate() {
                let number = index + 1;
                let after = match number == structure.kernels.len() {
                    true => outputs,
                    false => within,
                };
                let names = ["conv", "bn"].map(|kind| format!("{name}.{kind}{number}"));
                let stride = structure.stride(index, stride);
                layers.push(layer(names, (before, after), kernel, stride, affine)?);
                before = after;
            }
            let shortcut = match stride != 1 || inputs != outputs {
                true => {
                    let names = [0, 1].map(|place| format!("{name}.shortcut.{place}"));
                    let affine = affine || config.shortcut_affine;
                    Some(layer(names, (inputs, outputs), 1, stride, affine)?)
                }
                false => None,
            };
            blocks.push(Block { layers, shortcut });
            inputs = outputs;
        }
        Ok(Self {
            stem,
            large_stem: structure.large_stem,
            blocks,
            representation_size: inputs as i64,
        })
    }

    /// [N, 3, H, W] to [N, representation_size] in float32, computed in the precision of the
    /// images. With `train`, batch statistics are used and the running ones updated.
    ///
    /// # Errors
    ///
    /// [`TchError`] if shapes do not fit or memory is lacking.
    pub fn forward(&self, images: &Tensor, train: bool) -> Result<Tensor, TchError> {
        let mut features = self.stem.forward(images, train)?.f_relu_()?;
        if self.large_stem {
            features = features.f_max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false)?;
        }
        for block in &self.blocks {
            features = block.forward(&features, train)?;
        }
        global_average_pool(&features)
    }
}

impl Layer {
    fn forward(&self, input: &Tensor, train: bool) -> Result<Tensor, TchError> {
        let Self(conv, bn) = self;
        bn.forward(&conv.forward(input)?, train)
    }
}

impl Block {
    fn forward(&self, input: &Tensor, train: bool) -> Result<Tensor, TchError> {
        // In place wherever autograd allows it: batch normalisation remembers its input, not its output, and memory
        // traffic is what training on a CPU waits for.
        let mut features = input.shallow_clone();
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                features = features.f_relu_()?;
            }
            features = layer.forward(&features, train)?;
        }
        let mut sum = match &self.shortcut {
            Some(shortcut) => features.f_add_(&shortcut.forward(input, train)?)?,
            None => features.f_add_(input)?,
        };
        sum.f_relu_()
    }
}
