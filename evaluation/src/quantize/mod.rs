//! `quantize`: from an fp32 model to one whose layers compute with 8-bit integers.
//!
//! ```text
//! model.onnx ─ simplify ─► plan ─ observe ─► histograms ─ ranges ─► scales ─ rewrite ─► int8 model
//!              (fold        (what becomes    (two runs over         (QuantizeLinear–
//!               BatchNorm)   int8)            the images)            DequantizeLinear pairs)
//! ```

mod align;
mod command;
mod compare;
mod error;
mod histogram;
mod links;
mod observe;
mod plan;
mod ranges;
mod report;
mod rewrite;
mod simplify;
mod speed;
#[cfg(test)]
mod tests;
mod threshold;
mod weights;

use std::collections::{BTreeSet, HashMap};

use clap::ValueEnum;
use indicatif::ProgressBar;
use normgate_core::manifest::QuantizationRecord;
use normgate_core::model::Model;
use normgate_core::onnx::proto::ModelProto;
use normgate_core::onnx::{self, OnnxError};
use normgate_core::runtime::Runtime;

pub use command::{QuantizeArgs, run};
pub use error::QuantizeError;
pub(crate) use histogram::Histogram;
pub use ranges::RangeMethod;
pub(crate) use ranges::Scale;

use crate::datasets::ImageSet;
use plan::Plan;

/// How a model is quantised.
#[derive(Clone, Debug)]
pub struct Options {
    /// How the range of each value is chosen.
    pub range: RangeMethod,
    /// For [`RangeMethod::Percentile`]: the share of values, in percent, that lies within each end of the
    /// range.
    pub percentile: f64,
    /// Layers that stay fp32.
    pub keep_fp32: Vec<KeepFp32>,
    /// Weights of 7 bits: for processors without VNNI, on which sums of 8-bit products may overflow.
    pub reduce_range: bool,
    /// Threads of the runs over the images.
    pub threads: usize,
    /// Advances twice for every image.
    pub progress: ProgressBar,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            range: RangeMethod::default(),
            percentile: 99.99,
            keep_fp32: vec![KeepFp32::Last],
            reduce_range: false,
            threads: 1,
            progress: ProgressBar::hidden(),
        }
    }
}

/// A layer that can be left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeepFp32 {
    /// No layer: everything that can be quantised is
    None,
    /// The first layer, which sees the image
    First,
    /// The last layer, which gives the logits
    Last,
}

impl KeepFp32 {
    /// Its name in a manifest.
    fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::First => Some("first"),
            Self::Last => Some("last"),
        }
    }
}

/// A static int8 model (QDQ) of an fp32 one: activations uint8 with one scale for each tensor,
/// weights int8 with one for each output channel, biases int32; the outputs stay float32.
///
/// The ranges of the activations are read from `images`, a few hundred of the kind that the model will see; their
/// labels do not matter. The model that is returned says in its manifest what it was made from, and is **not
/// calibrated**: the fp32 model's threshold is not valid for it. What a fitted score has learnt is still from the
/// fp32 model: fit it again before calibrating.
///
/// # Errors
/// [`QuantizeError`].
pub fn quantize(
    runtime: &Runtime,
    model: &Model,
    images: &ImageSet,
    options: &Options,
) -> Result<Model, QuantizeError> {
    if images.is_empty() {
        return Err(QuantizeError::NoImages);
    }
    if !(options.percentile > 50.0 && options.percentile <= 100.0) {
        return Err(QuantizeError::Percentile(options.percentile));
    }
    let mut onnx = onnx::decode(model.bytes())?;
    check(&onnx)?;
    let graph = onnx.graph.as_mut().ok_or(OnnxError::NoGraph)?;
    simplify::simplify(graph)?;
    let mut plan = Plan::new(graph, &options.keep_fp32)?;
    if align::align(graph, &plan)? {
        plan = Plan::new(graph, &options.keep_fp32)?;
    }
    let observed: BTreeSet<&String> = plan.values.values().collect();
    let observed: Vec<String> = observed.into_iter().cloned().collect();
    let seen = observe::observe(runtime, model, &onnx, &observed, images, options)?;
    let choose = |histogram: &Histogram| options.range.choose(histogram, options.percentile);
    let scales: HashMap<String, Scale> =
        observed.into_iter().zip(seen.iter().map(choose)).collect();
    let largest = if options.reduce_range { 63 } else { 127 };
    let graph = onnx.graph.as_mut().ok_or(OnnxError::NoGraph)?;
    rewrite::rewrite(graph, &plan, &scales, largest)?;

    let mut manifest = (**model.manifest()).clone();
    manifest.version += "+int8";
    manifest.calibration = None;
    manifest.quantization = Some(QuantizationRecord {
        of: model.digest().to_owned(),
        range: options.range.name().into(),
        percentile: (options.range == RangeMethod::Percentile).then_some(options.percentile),
        images: images.len(),
        data: None,
        keep_fp32: options
            .keep_fp32
            .iter()
            .filter_map(|keep| keep.name().map(String::from))
            .collect(),
        reduce_range: options.reduce_range,
    });
    Ok(Model::from_bytes(onnx::encode(&onnx))?.with_manifest(manifest)?)
}

/// The oldest operator set whose `DequantizeLinear` takes a scale for each channel.
const OLDEST_OPSET: i64 = 13;

fn check(onnx: &ModelProto) -> Result<(), QuantizeError> {
    let sets = onnx.opset_import.iter();
    let own = sets.filter(|set| matches!(set.domain.as_str(), "" | "ai.onnx"));
    let found = own.map(|set| set.version).max().unwrap_or(0);
    if found < OLDEST_OPSET {
        return Err(QuantizeError::Opset { found });
    }
    let mut nodes = onnx.graph.iter().flat_map(|graph| &graph.node);
    let quantized = |operator: &str| {
        let families = [
            "QuantizeLinear",
            "DequantizeLinear",
            "ConvInteger",
            "MatMulInteger",
        ];
        families.contains(&operator) || operator.starts_with("QLinear")
    };
    match nodes.find(|node| quantized(&node.op_type)) {
        Some(node) => Err(QuantizeError::AlreadyQuantized {
            node: plan::title(node).into(),
            operator: node.op_type.clone(),
        }),
        None => Ok(()),
    }
}
