//! Batch normalisation: output, running statistics and input gradients.

use normgate_training::models::layers::BatchNorm;
use normgate_training::models::layout::Layout;
use normgate_training::models::parameters::Parameters;
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

use crate::{assert_close, draw, reference};

#[derive(Deserialize)]
pub(crate) struct Expected {
    batches: Vec<Batch>,
    evaluation: Vec<f32>,
}

#[derive(Deserialize)]
struct Batch {
    output: Vec<f32>,
    input_gradient: Vec<f32>,
    running_mean: Vec<f32>,
    running_var: Vec<f32>,
}

const SHAPE: [i64; 4] = [4, 3, 2, 2];

fn layer() -> (BatchNorm, Parameters) {
    let mut parameters = Parameters::new(Device::Cpu, Layout::ChannelsLast);
    let layer = BatchNorm::new(&mut parameters, "bn", 3, false).unwrap();
    (layer, parameters)
}

#[test]
fn batch_normalisation_trains_and_evaluates_as_pytorchs() {
    let expected = reference().batch_norm;
    let (layer, parameters) = layer();
    assert!(parameters.trainable().is_empty(), "no γ, no β");
    let buffers: Vec<&Tensor> = parameters.all().map(|(_, tensor)| tensor).collect();
    for (number, batch) in (1..).zip(&expected.batches) {
        let offset = if number == 1 { 0.0 } else { 5.0 };
        let plain = draw(number, &SHAPE) * (1.0 + f64::from(number)) + offset;
        // libtorch has separate kernels for the layout that training uses.
        let input = Layout::ChannelsLast
            .apply(&plain)
            .unwrap()
            .set_requires_grad(true);
        let output = layer.forward(&input, true).unwrap();
        let loss = (&output * draw(10 + number, &SHAPE)).sum(Kind::Float);
        let gradients = Tensor::run_backward(&[&loss], &[&input], false, false);
        assert_close("output", &output, &batch.output, 2e-6);
        assert_close("input gradient", &gradients[0], &batch.input_gradient, 2e-6);
        assert_close("running mean", buffers[0], &batch.running_mean, 1e-6);
        assert_close("running variance", buffers[1], &batch.running_var, 1e-6);
    }
    let output = layer.forward(&draw(3, &SHAPE), false).unwrap();
    assert_close("evaluation", &output, &expected.evaluation, 1e-6);
}

#[test]
fn in_bfloat16_the_statistics_stay_in_float32() {
    let (exact, exact_parameters) = layer();
    let (rounded, rounded_parameters) = layer();
    let input = Layout::ChannelsLast
        .apply(&(draw(1, &[64, 3, 8, 8]) + 0.5))
        .unwrap();
    let output = rounded
        .forward(&input.to_kind(Kind::BFloat16), true)
        .unwrap();
    let _ = exact.forward(&input, true).unwrap();
    assert_eq!(output.kind(), Kind::BFloat16);
    for (exact, rounded) in exact_parameters.all().zip(rounded_parameters.all()) {
        assert_eq!(rounded.1.kind(), Kind::Float);
        let values = normgate_training::models::values(&exact.1).unwrap();
        // bfloat16 has 8 bits; a mean over 4,096 values is far more exact than a single one.
        assert_close(&exact.0, &rounded.1, &values, 1e-3);
    }
}
