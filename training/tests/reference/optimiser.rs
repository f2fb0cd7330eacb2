//! The optimisers and the learning rate.

use normgate_training::optimiser::{Optimiser, OptimiserKind};
use normgate_training::schedule::cosine;
use tch::Tensor;

use crate::{assert_close, draw, reference};

/// Compares steps at changing rates with PyTorch's.
fn follow(kind: OptimiserKind, rate: f64, expected: Vec<Vec<Vec<f32>>>) {
    let shapes: [&[i64]; 2] = [&[3, 4], &[5]];
    let parameters: Vec<Tensor> = shapes
        .iter()
        .zip(1..)
        .map(|(shape, seed)| draw(seed, shape).set_requires_grad(true))
        .collect();
    let mut optimiser = Optimiser::new(kind, parameters.iter(), 5e-4).unwrap();
    assert_eq!(expected.len(), 5);
    for (step, expected) in (0..).zip(expected) {
        let mut gradients: Vec<Tensor> = shapes
            .iter()
            .zip(0..)
            .map(|(shape, number)| {
                draw(100 + 10 * step + number, shape) * 10_f64.powi(step as i32 - 2)
            })
            .collect();
        let rate = rate / (f64::from(step) + 1.0);
        optimiser
            .step(parameters.iter(), &mut gradients, rate)
            .unwrap();
        for (parameter, expected) in parameters.iter().zip(&expected) {
            assert_close(&format!("step {step}"), parameter, expected, 2e-7);
        }
    }
    assert_eq!(optimiser.steps, 5);
}

#[test]
fn adam_steps_as_pytorchs_does() {
    follow(OptimiserKind::Adam, 1e-3, reference().adam);
}

#[test]
fn sgd_steps_as_pytorchs_with_nesterovs_momentum_does() {
    follow(OptimiserKind::Sgd, 0.1, reference().sgd);
}

#[test]
fn the_rate_falls_as_pytorchs_cosine_schedule_does() {
    let expected = reference().cosine;
    assert_eq!(expected.len(), 200);
    for (epoch, expected) in expected.into_iter().enumerate() {
        // PyTorch computes each rate from the one before and gathers rounding errors on the way.
        let rate = cosine(1e-3, epoch, 200);
        assert!(
            (rate - expected).abs() <= 1e-15 + 1e-9 * expected,
            "{epoch}: {rate} {expected}"
        );
    }
}
