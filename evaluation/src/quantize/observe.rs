use normgate_core::model::Model;
use normgate_core::onnx;
use normgate_core::onnx::proto::{
    DataType, GraphProto, ModelProto, TensorType, TypeProto, ValueInfoProto,
};
use normgate_core::preprocess::Preprocessor;
use normgate_core::runtime::{Probe, Runtime, SessionOptions};

use super::histogram::Histogram;
use super::{Options, QuantizeError};
use crate::datasets::ImageSet;

/// How many entries of the input tensor run at a time: the values between the layers are many times as large, and all
/// of a batch's are in memory at once.
const ENTRIES: usize = 1 << 16;

/// A histogram of each of `values` over the images. These are run twice, for the ends and for what is between them,
/// so that memory does not grow with their number.
pub fn observe(
    runtime: &Runtime,
    model: &Model,
    onnx: &ModelProto,
    values: &[String],
    images: &ImageSet,
    options: &Options,
) -> Result<Vec<Histogram>, QuantizeError> {
    let graph = onnx.graph.as_ref();
    let is_input = |name: &String| graph.is_some_and(|g| g.input.iter().any(|i| i.name == *name));
    let (inputs, inner): (Vec<usize>, Vec<usize>) =
        (0..values.len()).partition(|&place| is_input(&values[place]));
    let names = inner.iter().map(|&place| values[place].clone()).collect();
    let session = SessionOptions {
        threads: options.threads,
        spinning: false,
    };
    let bytes = onnx::encode(&with_outputs(onnx, &names));
    let mut observer = Observer {
        probe: Probe::new(runtime, model, &bytes, names, &session)?,
        preprocessor: Preprocessor::new(&model.manifest().preprocessing),
        images,
        options,
    };
    options.progress.set_length(2 * images.len() as u64);
    let mut ends = vec![(0.0f32, 0.0f32); values.len()];
    let mut broken = None;
    observer.each_batch(|first, images, probe| {
        let mut widen = |place: usize, seen: &[f32]| {
            let (low, high) = &mut ends[place];
            // min and max ignore NaN, so it is looked for.
            let finite = seen.iter().fold(true, |finite, value| {
                *low = low.min(*value);
                *high = high.max(*value);
                finite & value.is_finite()
            });
            if !finite {
                broken.get_or_insert((place, first));
            }
        };
        inputs.iter().for_each(|&place| widen(place, images.0));
        probe.run(images.0, images.1, |place, seen| widen(inner[place], seen))
    })?;
    if let Some((place, image)) = broken {
        return Err(QuantizeError::NotFinite {
            value: values[place].clone(),
            image,
        });
    }
    let new = |(low, high): (f32, f32)| Histogram::new(low, high);
    let mut histograms: Vec<Histogram> = ends.into_iter().map(new).collect();
    observer.each_batch(|_, images, probe| {
        for &place in &inputs {
            histograms[place].add(images.0);
        }
        probe.run(images.0, images.1, |place, seen| {
            histograms[inner[place]].add(seen);
        })
    })?;
    Ok(histograms)
}

struct Observer<'a> {
    probe: Probe,
    preprocessor: Preprocessor,
    images: &'a ImageSet,
    options: &'a Options,
}

impl Observer<'_> {
    fn each_batch(
        &mut self,
        mut run: impl FnMut(
            usize,
            (&[f32], usize),
            &mut Probe,
        ) -> Result<(), normgate_core::runtime::SessionError>,
    ) -> Result<(), QuantizeError> {
        let length = self.preprocessor.tensor_len();
        let batch = (ENTRIES / length).clamp(1, 64);
        let mut input = Vec::new();
        for first in (0..self.images.len()).step_by(batch) {
            let count = batch.min(self.images.len() - first);
            input.resize(count * length, 0.0);
            self.images
                .write_tensors(first, &self.preprocessor, &mut input)
                .map_err(|(index, source)| QuantizeError::Image { index, source })?;
            run(first, (&input, count), &mut self.probe)?;
            self.options.progress.inc(count as u64);
        }
        Ok(())
    }
}

/// The model with `names` among its outputs.
fn with_outputs(onnx: &ModelProto, names: &Vec<String>) -> ModelProto {
    let mut onnx = onnx.clone();
    if let Some(graph) = &mut onnx.graph {
        add_outputs(graph, names);
    }
    onnx
}

fn add_outputs(graph: &mut GraphProto, names: &Vec<String>) {
    for name in names {
        if graph.output.iter().any(|output| output.name == *name) {
            continue;
        }
        graph.output.push(ValueInfoProto {
            name: name.clone(),
            r#type: Some(TypeProto {
                tensor_type: Some(TensorType {
                    elem_type: DataType::Float.into(),
                    shape: None,
                }),
                ..Default::default()
            }),
            ..Default::default()
        });
    }
}
