use normgate_core::Model;
use normgate_core::manifest::{METADATA_KEY, Manifest};
use normgate_core::onnx::{Dim, GraphBuilder, Value, Window};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use crate::error::BenchError;

/// Factor of the weights in a block's last convolution, so that values stay small although each block adds to its
/// input.
const BRANCH: f32 = 0.3;

/// A residual network (He et al., CVPR 2016), batch normalisation folded into the convolutions.
pub struct Network {
    pub classes: usize,
    width: usize,
    blocks: [usize; 4],
    /// Whether blocks are 1×1, 3×3 and 1×1 with four times as many outputs; otherwise they are two 3×3.
    bottleneck: bool,
    /// Whether the stem divides the sides of images by four, as for photos; otherwise it keeps them, as for CIFAR.
    reduces: bool,
}

impl Network {
    pub fn resnet18() -> Self {
        Self {
            classes: 10,
            width: 64,
            blocks: [2; 4],
            bottleneck: false,
            reduces: false,
        }
    }

    pub fn resnet50() -> Self {
        Self {
            classes: 1000,
            width: 64,
            blocks: [3, 4, 6, 3],
            bottleneck: true,
            reduces: true,
        }
    }

    /// Length of the penultimate representation.
    pub fn representation(&self) -> usize {
        8 * self.width * self.expansion()
    }

    fn expansion(&self) -> usize {
        if self.bottleneck { 4 } else { 1 }
    }

    /// The network for images of `side` × `side` pixels, with the same random weights each time.
    pub fn build(&self, side: usize, manifest: &Manifest) -> Result<Model, BenchError> {
        let mut layers = Layers {
            graph: GraphBuilder::new(&manifest.name),
            random: Pcg64::seed_from_u64(1),
        };
        let side = Dim::Fixed(side);
        let image = layers
            .graph
            .input("image", &[Dim::Batch, Dim::Fixed(3), side, side]);
        let mut x = self.stem(&mut layers, &image);
        let mut channels = self.width;
        for (stage, &blocks) in self.blocks.iter().enumerate() {
            for block in 0..blocks {
                let name = format!("layer{}.{block}", stage + 1);
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let width = self.width << stage;
                x = self.block(&mut layers, &name, &x, [channels, width, stride]);
                channels = width * self.expansion();
            }
        }
        let x = layers.graph.global_average_pool("pool", &x);
        let representation = layers.graph.flatten("representation", &x);
        let logits = layers.linear("logits", &representation, channels, self.classes);
        let graph = &mut layers.graph;
        graph.output(&logits, &[Dim::Batch, Dim::Fixed(self.classes)]);
        graph.output(&representation, &[Dim::Batch, Dim::Fixed(channels)]);
        let bytes = layers
            .graph
            .finish(&[(METADATA_KEY, &manifest.to_json()?)])?;
        Ok(Model::from_bytes(bytes)?)
    }

    fn stem(&self, layers: &mut Layers, image: &Value) -> Value {
        if !self.reduces {
            let x = layers.conv("conv1", image, [3, self.width, 3, 1], 1.0);
            return layers.graph.relu("relu1", &x);
        }
        let x = layers.conv("conv1", image, [3, self.width, 7, 2], 1.0);
        let x = layers.graph.relu("relu1", &x);
        let halved = Window {
            stride: 2,
            padding: 1,
        };
        layers.graph.max_pool("maxpool", &x, 3, halved)
    }

    fn block(
        &self,
        layers: &mut Layers,
        name: &str,
        x: &Value,
        [inputs, width, stride]: [usize; 3],
    ) -> Value {
        let part = |part: &str| format!("{name}.{part}");
        let outputs = width * self.expansion();
        let convs: &[[usize; 4]] = match self.bottleneck {
            true => &[
                [inputs, width, 1, 1],
                [width, width, 3, stride],
                [width, outputs, 1, 1],
            ],
            false => &[[inputs, width, 3, stride], [width, outputs, 3, 1]],
        };
        let mut branch = x.clone();
        for (index, &shape) in convs.iter().enumerate() {
            let last = index + 1 == convs.len();
            let scale = if last { BRANCH } else { 1.0 };
            let number = index + 1;
            branch = layers.conv(&part(&format!("conv{number}")), &branch, shape, scale);
            if !last {
                branch = layers.graph.relu(&part(&format!("relu{number}")), &branch);
            }
        }
        let around = match inputs == outputs && stride == 1 {
            true => x.clone(),
            false => layers.conv(&part("shortcut"), x, [inputs, outputs, 1, stride], 1.0),
        };
        let sum = layers.graph.add(&part("add"), &branch, &around);
        layers.graph.relu(&part("relu"), &sum)
    }
}

struct Layers {
    graph: GraphBuilder,
    random: Pcg64,
}

impl Layers {
    /// A convolution with bias; `shape` is inputs, outputs, kernel and stride.
    fn conv(
        &mut self,
        name: &str,
        x: &Value,
        [inputs, outputs, kernel, stride]: [usize; 4],
        scale: f32,
    ) -> Value {
        let dims = [outputs, inputs, kernel, kernel];
        let weight = self.weight(name, &dims, scale);
        let bias = self
            .graph
            .floats(&format!("{name}.bias"), &[outputs], &vec![0.01; outputs]);
        let shape = Window {
            stride,
            padding: kernel / 2,
        };
        self.graph.conv(name, x, &weight, Some(&bias), shape)
    }

    fn linear(&mut self, name: &str, x: &Value, inputs: usize, outputs: usize) -> Value {
        let weight = self.weight("linear", &[outputs, inputs], 1.0);
        let bias = self
            .graph
            .floats("linear.bias", &[outputs], &vec![0.0; outputs]);
        self.graph.linear(name, x, &weight, Some(&bias))
    }

    /// Uniform weights, with the variance that keeps the size of values behind a ReLU (He et al., ICCV 2015).
    fn weight(&mut self, name: &str, dims: &[usize], scale: f32) -> Value {
        let inputs: usize = dims[1..].iter().product();
        let bound = scale * (6.0 / inputs as f32).sqrt();
        let count = dims.iter().product();
        let values: Vec<f32> = (0..count)
            .map(|_| self.random.random_range(-bound..bound))
            .collect();
        self.graph.floats(&format!("{name}.weight"), dims, &values)
    }
}
