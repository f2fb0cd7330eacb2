use serde::Deserialize;

use super::*;
use crate::quantize::Options;

/// Values from numpy, scipy and ONNX Runtime's quantiser: `evaluation/tests/fixtures/quantize.py`.
#[derive(Deserialize)]
struct Case {
    name: String,
    low: f32,
    high: f32,
    counts: Vec<(usize, u64)>,
    scale: f32,
    zero_point: u8,
    percentile_99_9: (f64, f64),
    entropy: (f64, f64),
    mse_error: f64,
}

#[derive(Deserialize)]
struct Fixture {
    ranges: Vec<Case>,
}

fn cases() -> Vec<(Case, Histogram)> {
    let json = include_str!("../../../tests/fixtures/quantize.json");
    let fixture: Fixture = serde_json::from_str(json).unwrap();
    let histogram = |case: &Case| {
        let mut histogram = Histogram::new(case.low, case.high);
        for &(bin, count) in &case.counts {
            histogram.counts[bin] = count;
        }
        histogram
    };
    let cases = fixture.ranges.into_iter();
    cases
        .map(|case| (histogram(&case), case))
        .map(|(h, c)| (c, h))
        .collect()
}

#[test]
fn scale_and_zero_point_are_onnx_runtime_s() {
    for (case, histogram) in cases() {
        let found = RangeMethod::Minmax.choose(&histogram, 0.0);
        let name = &case.name;
        assert!(
            (found.scale / case.scale - 1.0).abs() < 1e-6,
            "{name}: {found:?}"
        );
        assert_eq!(found.zero_point, case.zero_point, "{name}");
    }
}

#[test]
fn percentiles_are_numpy_s_to_a_bin() {
    for (case, histogram) in cases() {
        let (low, high) = percentile::range(&histogram, 99.9);
        let (wanted_low, wanted_high) = case.percentile_99_9;
        let bin = histogram.width() * 1.01;
        assert!((low - wanted_low).abs() <= bin, "{}: {low}", case.name);
        assert!((high - wanted_high).abs() <= bin, "{}: {high}", case.name);
    }
}

#[test]
fn by_default_the_highest_of_ten_thousand_values_is_cut_off() {
    let share = Options::default().percentile;
    for (outliers, highest) in [(10, 1.0), (11, 2048.0)] {
        let mut histogram = Histogram::new(0.0, 2048.0);
        (histogram.counts[0], histogram.counts[2047]) = (100_000 - outliers, outliers);
        assert_eq!(percentile::range(&histogram, share), (0.0, highest));
    }
}

#[test]
fn the_range_of_least_divergence_is_the_one_found_by_numpy() {
    for (case, histogram) in cases() {
        let (low, high) = entropy::range(&histogram);
        let (wanted_low, wanted_high) = case.entropy;
        let near = |found: f64, wanted: f64| (found - wanted).abs() < 1e-5 * (1.0 + wanted.abs());
        assert!(near(low, wanted_low), "{}: {low} {wanted_low}", case.name);
        assert!(
            near(high, wanted_high),
            "{}: {high} {wanted_high}",
            case.name
        );
    }
}

#[test]
fn the_range_of_least_error_is_as_good_as_the_best_of_all_pairs() {
    for (case, histogram) in cases() {
        let (low, high) = mse::range(&histogram);
        let found = mse::error(&histogram, low, high);
        // Choosing one end at a time may miss the best pair by a little.
        assert!(
            found <= case.mse_error * 1.02,
            "{}: {found} {}",
            case.name,
            case.mse_error
        );
        let whole = mse::error(&histogram, case.low.into(), case.high.into());
        assert!(found <= whole, "{}", case.name);
    }
}

#[test]
fn zero_is_a_level_of_every_range() {
    for (low, high) in [(0.0, 6.0), (-3.0, 0.0), (-1.0, 5.0), (-1e-8, 5e-8)] {
        let Scale { scale, zero_point } = Scale::spanning(low, high);
        assert!(scale > 0.0 && scale.is_finite());
        let end = f64::from(scale) * (255.0 - f64::from(zero_point));
        assert!(
            (end - high).abs() <= f64::from(scale),
            "{low} {high}: {end}"
        );
    }
}

#[test]
fn values_are_counted_into_their_bins_and_what_is_outside_into_the_last() {
    let mut histogram = Histogram::new(0.5, 2.048);
    histogram.add(&[0.0, 0.0005, 1.0005, 2.047_9, 2.048, 9.0, -1.0]);
    assert_eq!((histogram.low, histogram.high), (0.0, 2.048));
    assert_eq!((histogram.counts[0], histogram.counts[1000]), (3, 1));
    assert_eq!(histogram.counts[2047], 3);
    let mut nothing = Histogram::new(0.0, 0.0);
    nothing.add(&[0.0; 5]);
    for method in RangeMethod::value_variants() {
        assert!(method.choose(&nothing, 99.9).scale > 0.0);
    }
}
