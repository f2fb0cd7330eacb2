//! ResNet50 for images of about 224×224 (He et al. 2015, in the shape of torchvision's, "v1.5": the
//! stride is on the 3×3 convolutions): a 7×7 stem with pooling, four stages of 3, 4, 6 and 3
//! bottlenecks with w, 2w, 4w and 8w channels, four times as many between them. w = 64 is the
//! paper's; a smaller width is the same network, thinner.
//!
//! Tensors are named as torchvision's, but for `shortcut` (there `downsample`) and `linear` (`fc`),
//! which are called as in ResNet18 here.

use tch::{TchError, Tensor};

use super::Backbone;
use super::layers::{BatchNorm, Convolution, global_average_pool};
use super::parameters::Parameters;

/// Blocks of each stage.
pub(crate) const BLOCKS: [usize; 4] = [3, 4, 6, 3];
/// How many times the channels within a block leave it.
const EXPANSION: i64 = 4;

/// See the module's description.
#[derive(Debug)]
pub struct ResNet50 {
    conv1: Convolution,
    bn1: BatchNorm,
    blocks: Vec<Bottleneck>,
    representation_size: i64,
}

/// 1×1, 3×3 and 1×1 convolutions and a way around them.
#[derive(Debug)]
struct Bottleneck {
    layers: [(Convolution, BatchNorm); 3],
    /// Where the block changes the shape, a 1×1 convolution brings its input to the new one.
    shortcut: Option<(Convolution, BatchNorm)>,
}

impl ResNet50 {
    /// A freshly initialised network of `width` channels in the first stage, its convolutions drawn
    /// as torchvision draws them.
    ///
    /// `affine` gives batch normalisation γ and β, `shortcut_affine` that of the shortcuts alone; the
    /// RNA authors' ResNet50 has neither.
    ///
    /// # Errors
    ///
    /// [`TchError`] where the memory is lacking.
    pub fn new(
        parameters: &mut Parameters,
        width: i64,
        affine: bool,
        shortcut_affine: bool,
    ) -> Result<Self, TchError> {
        let conv1 = Convolution::he(parameters, "conv1", (3, width), 7, 2)?;
        let bn1 = BatchNorm::new(parameters, "bn1", width, affine)?;
        let affine = [affine, affine || shortcut_affine];
        let mut blocks = Vec::new();
        let mut inputs = width;
        for (stage, count) in BLOCKS.into_iter().enumerate() {
            let within = width << stage;
            for block in 0..count {
                let name = format!("layer{}.{block}", stage + 1);
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let channels = (inputs, within);
                blocks.push(Bottleneck::new(
                    parameters, &name, channels, stride, affine,
                )?);
                inputs = EXPANSION * within;
            }
        }
        Ok(Self {
            conv1,
            bn1,
            blocks,
            representation_size: inputs,
        })
    }
}

impl Backbone for ResNet50 {
    fn representation_size(&self) -> i64 {
        self.representation_size
    }

    fn forward(&self, images: &Tensor, train: bool) -> Result<Tensor, TchError> {
        let stem = self.conv1.forward(images)?;
        let stem = self.bn1.forward(&stem, train)?.f_relu_()?;
        let mut features = stem.f_max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false)?;
        for block in &self.blocks {
            features = block.forward(&features, train)?;
        }
        global_average_pool(&features)
    }
}

impl Bottleneck {
    fn new(
        parameters: &mut Parameters,
        name: &str,
        (inputs, within): (i64, i64),
        stride: i64,
        [affine, shortcut_affine]: [bool; 2],
    ) -> Result<Self, TchError> {
        let outputs = EXPANSION * within;
        let mut layer = |conv: &str, bn: &str, channels, kernel, stride, affine| {
            let (conv, bn) = (format!("{name}.{conv}"), format!("{name}.{bn}"));
            let (_, outputs) = channels;
            let conv = Convolution::he(parameters, &conv, channels, kernel, stride)?;
            Ok::<_, TchError>((conv, BatchNorm::new(parameters, &bn, outputs, affine)?))
        };
        let layers = [
            layer("conv1", "bn1", (inputs, within), 1, 1, affine)?,
            layer("conv2", "bn2", (within, within), 3, stride, affine)?,
            layer("conv3", "bn3", (within, outputs), 1, 1, affine)?,
        ];
        let channels = (inputs, outputs);
        let mut around = || {
            layer(
                "shortcut.0",
                "shortcut.1",
                channels,
                1,
                stride,
                shortcut_affine,
            )
        };
        let shortcut = match stride != 1 || inputs != outputs {
            true => Some(around()?),
            false => None,
        };
        Ok(Self { layers, shortcut })
    }

    fn forward(&self, input: &Tensor, train: bool) -> Result<Tensor, TchError> {
        let through = |(conv, bn): &(Convolution, BatchNorm), input: &Tensor| {
            bn.forward(&conv.forward(input)?, train)
        };
        // In place where autograd allows it, as in ResNet18.
        let [first, second, third] = &self.layers;
        let features = through(first, input)?.f_relu_()?;
        let features = through(second, &features)?.f_relu_()?;
        let mut features = through(third, &features)?;
        let mut sum = match &self.shortcut {
            Some(shortcut) => features.f_add_(&through(shortcut, input)?)?,
            None => features.f_add_(input)?,
        };
        sum.f_relu_()
    }
}
