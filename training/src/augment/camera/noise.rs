//! Sensor noise.

use rand::Rng;
use rand_pcg::Pcg64Mcg;

/// Adds noise with standard deviation `sigma`, independently to every value, and clamps to 0..1.
///
/// A sum of four uniform numbers stands in for the normal distribution: close enough for a camera, and several times
/// faster.
pub(super) fn add(planes: &mut [f32], sigma: f32, random: &mut Pcg64Mcg) {
    // Four bytes, each with the variance (256² − 1) / 12.
    const MEAN: f32 = 4.0 * 127.5;
    let scale = sigma / (4.0 * 65_535.0 / 12.0_f32).sqrt();
    for pair in planes.chunks_mut(2) {
        let bytes = random.next_u64().to_le_bytes();
        for (value, bytes) in pair.iter_mut().zip(bytes.as_chunks::<4>().0) {
            let sum: u16 = bytes.iter().map(|&byte| u16::from(byte)).sum();
            *value = (*value + (f32::from(sum) - MEAN) * scale).clamp(0.0, 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_noise_has_no_mean_and_the_asked_deviation() {
        let mut values = vec![0.5; 200_001];
        add(&mut values, 0.05, &mut Pcg64Mcg::new(1));
        let count = values.len() as f64;
        let noise = || values.iter().map(|&value| f64::from(value) - 0.5);
        let mean = noise().sum::<f64>() / count;
        let deviation = (noise().map(|n| n * n).sum::<f64>() / count).sqrt();
        // Four standard errors of each.
        assert!(mean.abs() < 4.0 * 0.05 / count.sqrt(), "{mean}");
        assert!(
            (deviation - 0.05).abs() < 4.0 * 0.05 / (2.0 * count).sqrt(),
            "{deviation}"
        );
        let beyond = noise().filter(|noise| noise.abs() > 0.1).count() as f64 / count;
        // A normal distribution has 4.6 % beyond two deviations.
        assert!((0.03..0.06).contains(&beyond), "{beyond}");
    }
}
