//! The learning rate over a run.

use std::f64::consts::PI;

/// Cosine annealing by epoch from `base` to 0 (Loshchilov & Hutter, SGDR, Eq. 5, one period), as
/// `torch.optim.lr_scheduler.CosineAnnealingLR(T_max=epochs)` steps it: epoch 0 runs at `base`,
/// and 0 would be reached in the epoch after the last.
#[must_use]
pub fn cosine(base: f64, epoch: usize, epochs: usize) -> f64 {
    base * 0.5 * (1.0 + (PI * epoch as f64 / epochs as f64).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_epoch_runs_at_the_full_rate_the_middle_at_half() {
        assert_eq!(cosine(0.001, 0, 200), 0.001);
        assert!((cosine(0.001, 100, 200) - 0.0005).abs() < 1e-12);
    }

    #[test]
    fn the_rate_falls_in_every_epoch_and_the_last_is_near_zero() {
        let rates: Vec<f64> = (0..200).map(|epoch| cosine(0.001, epoch, 200)).collect();
        assert!(rates.windows(2).all(|pair| pair[1] < pair[0]));
        assert!(rates[199] > 0.0 && rates[199] < 1e-7);
    }
}
