//! ResNet18 for small images (He et al. 2015; the variant that CIFAR work uses): a 3×3 stem
//! without pooling, four stages of two blocks with w, 2w, 4w and 8w channels. w = 64 is the
//! paper's; a smaller width is the same network, thinner.

use tch::{TchError, Tensor};

use super::Backbone;
use super::layers::{BatchNorm, Convolution, global_average_pool};
use super::parameters::Parameters;

const BLOCKS_PER_STAGE: usize = 2;

/// See the module's description.
#[derive(Debug)]
pub struct ResNet18 {
    conv1: Convolution,
    bn1: BatchNorm,
    blocks: Vec<Block>,
    representation_size: i64,
}

/// Two 3×3 convolutions and a way around them.
#[derive(Debug)]
struct Block {
    conv1: Convolution,
    bn1: BatchNorm,
    conv2: Convolution,
    bn2: BatchNorm,
    /// Where the block changes the shape, a 1×1 convolution brings its input to the new one.
    shortcut: Option<(Convolution, BatchNorm)>,
}

impl ResNet18 {
    /// A freshly initialised network of `width` channels in the first stage.
    ///
    /// `affine` gives batch normalisation γ and β, `shortcut_affine` that of the downsampling
    /// shortcuts alone. The paper (D.1) says that no layer has them; the authors' code keeps them
    /// there. Other methods' authors have them everywhere.
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
        let conv1 = Convolution::new(parameters, "conv1", (3, width), 3, 1)?;
        let bn1 = BatchNorm::new(parameters, "bn1", width, affine)?;
        let affine = [affine, affine || shortcut_affine];
        let mut blocks = Vec::new();
        let mut inputs = width;
        for stage in 0..4 {
            let outputs = width << stage;
            for block in 0..BLOCKS_PER_STAGE {
                let name = format!("layer{}.{block}", stage + 1);
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let channels = (inputs, outputs);
                blocks.push(Block::new(parameters, &name, channels, stride, affine)?);
                inputs = outputs;
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

impl Backbone for ResNet18 {
    fn representation_size(&self) -> i64 {
        self.representation_size
    }

    fn forward(&self, images: &Tensor, train: bool) -> Result<Tensor, TchError> {
        let stem = self.conv1.forward(images)?;
        let mut features = self.bn1.forward(&stem, train)?.f_relu_()?;
        for block in &self.blocks {
            features = block.forward(&features, train)?;
        }
        global_average_pool(&features)
    }
}

impl Block {
    fn new(
        parameters: &mut Parameters,
        name: &str,
        (inputs, outputs): (i64, i64),
        stride: i64,
        [affine, shortcut_affine]: [bool; 2],
    ) -> Result<Self, TchError> {
        let layer = |layer: &str| format!("{name}.{layer}");
        let conv1 = Convolution::new(parameters, &layer("conv1"), (inputs, outputs), 3, stride)?;
        let bn1 = BatchNorm::new(parameters, &layer("bn1"), outputs, affine)?;
        let conv2 = Convolution::new(parameters, &layer("conv2"), (outputs, outputs), 3, 1)?;
        let bn2 = BatchNorm::new(parameters, &layer("bn2"), outputs, affine)?;
        let shortcut = if stride != 1 || inputs != outputs {
            let channels = (inputs, outputs);
            let conv = Convolution::new(parameters, &layer("shortcut.0"), channels, 1, stride)?;
            let bn = BatchNorm::new(parameters, &layer("shortcut.1"), outputs, shortcut_affine)?;
            Some((conv, bn))
        } else {
            None
        };
        Ok(Self {
            conv1,
            bn1,
            conv2,
            bn2,
            shortcut,
        })
    }

    fn forward(&self, input: &Tensor, train: bool) -> Result<Tensor, TchError> {
        // In place where autograd allows it: batch normalisation remembers its input, not its
        // output, and memory traffic is what training on a CPU waits for.
        let first = self
            .bn1
            .forward(&self.conv1.forward(input)?, train)?
            .f_relu_()?;
        let mut second = self.bn2.forward(&self.conv2.forward(&first)?, train)?;
        let mut sum = match &self.shortcut {
            Some((conv, bn)) => second.f_add_(&bn.forward(&conv.forward(input)?, train)?)?,
            None => second.f_add_(input)?,
        };
        sum.f_relu_()
    }
}
