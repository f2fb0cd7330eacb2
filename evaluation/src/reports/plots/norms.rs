//! Histograms of the representation norm, ID against each OOD set (as the paper's Fig. 4 and 8).

use super::Plot;
use super::grid::Grid;
use super::panel::Axis;
use super::style;
use super::svg::{Anchor, Canvas};

/// One OOD set's panel.
pub struct NormPanel<'a> {
    /// The set's name.
    pub name: &'a str,
    /// The representation norm of each of its images.
    pub norms: &'a [f32],
    /// Text at the right above the panel ("AUROC 92.9 %").
    pub remark: String,
}

const BINS: usize = 60;

/// One panel for each OOD set, all over the same norms. `threshold` is the norm below which the
/// served model flags an image.
pub fn norm_histograms(
    title: &str,
    id: (&str, &[f32]),
    ood: &[NormPanel<'_>],
    threshold: Option<f64>,
) -> Plot {
    let all = ood.iter().map(|panel| panel.norms).chain([id.1]);
    let max = upper_end(all.clone());
    let id_bars = histogram(id.1, max);
    let grid = Grid::new(ood.len(), (250.0, 170.0));
    let (width, height) = grid.size();
    let mut canvas = Canvas::new(width, height);
    let id_name = format!("ID: {}", id.0);
    let mut legend = vec![
        (id_name.as_str(), style::solid(style::BLUE)),
        ("OOD set", style::solid(style::VERMILION)),
    ];
    let threshold_name = threshold.map(|t| format!("threshold {t:.2}: flagged to its left"));
    if let Some(name) = &threshold_name {
        legend.push((name, style::dashed(style::INK)));
    }
    let mut note = "Share of each set's images by the L2 norm of their representation".to_owned();
    if all.flatten().any(|&norm| f64::from(norm) > max) {
        note += "; the last bin holds all larger ones";
    }
    style::heading(&mut canvas, title, &note, &legend);

    for (index, set) in ood.iter().enumerate() {
        let bars = histogram(set.norms, max);
        let (id_peak, peak) = (highest(&id_bars), highest(&bars));
        // A far set may be in a single bin: shown whole, it would leave the ID set no height.
        let top_value = id_peak.max(peak.min(4.0 * id_peak)).max(1e-9) * 1.08;
        let x = Axis {
            min: 0.0,
            max,
            label: "representation norm",
            unit: "",
        };
        let y = Axis {
            min: 0.0,
            max: top_value,
            label: "images in the bin",
            unit: " %",
        };
        let panel = grid.place(index, x, y);
        panel.frame(&mut canvas, set.name, &set.remark);
        for (bars, colour) in [(&id_bars, style::BLUE), (&bars, style::VERMILION)] {
            let outline = outline(bars, max);
            let filled: Vec<_> = outline.iter().map(|&(x, y)| panel.at(x, y)).collect();
            canvas.polygon(&filled, colour, 0.28);
            panel.curve(&mut canvas, &outline, style::solid(colour));
        }
        if peak > top_value {
            let bin = bars.iter().position(|&bar| bar == peak).unwrap_or(0);
            let (x, y) = panel.at((bin + 1) as f64 * max / BINS as f64, top_value);
            let text = format!("\u{2191} {peak:.0} %");
            canvas.text((x + 5.0, y + 11.0), &text, style::tick(Anchor::Start));
        }
        if let Some(threshold) = threshold.filter(|t| (0.0..=max).contains(t)) {
            let ends = [(threshold, 0.0), (threshold, panel.y.max)];
            panel.curve(&mut canvas, &ends, style::dashed(style::INK));
        }
    }
    if ood.is_empty() {
        let at = (20.0, style::HEADING + 30.0);
        canvas.text(at, "no OOD set was given", style::tick(Anchor::Start));
    }
    Plot {
        svg: canvas.finish(title),
    }
}

/// The end of the common axis: all but the furthest half percent of any set. What is beyond it counts in the last
/// bin.
fn upper_end<'a>(sets: impl Iterator<Item = &'a [f32]>) -> f64 {
    let mut end = 0.0f64;
    for set in sets {
        let mut sorted: Vec<f32> = set.iter().copied().filter(|v| v.is_finite()).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let index = (sorted.len() as f64 * 0.995) as usize;
        if let Some(value) = sorted.get(index.min(sorted.len().saturating_sub(1))) {
            end = end.max(f64::from(*value));
        }
    }
    if end > 0.0 { end * 1.02 } else { 1.0 }
}

/// The share (in percent) of `values` in each of [`BINS`] equal bins over `0..max`.
fn histogram(values: &[f32], max: f64) -> Vec<f64> {
    let mut bars = vec![0.0; BINS];
    let each = 100.0 / values.len().max(1) as f64;
    for &value in values.iter().filter(|v| v.is_finite()) {
        let bin = (f64::from(value) / max * BINS as f64) as usize;
        bars[bin.min(BINS - 1)] += each;
    }
    bars
}

fn highest(bars: &[f64]) -> f64 {
    bars.iter().copied().fold(0.0, f64::max)
}

/// The steps of a histogram as one line from axis to axis, without the empty bins at its ends.
fn outline(bars: &[f64], max: f64) -> Vec<(f64, f64)> {
    let width = max / bars.len() as f64;
    let filled = |&bar: &f64| bar > 0.0;
    let first = bars.iter().position(filled).unwrap_or(0);
    let end = bars.iter().rposition(filled).map_or(0, |last| last + 1);
    let mut points = vec![(first as f64 * width, 0.0)];
    for (bin, &height) in bars.iter().enumerate().take(end).skip(first) {
        points.push((bin as f64 * width, height));
        points.push(((bin + 1) as f64 * width, height));
    }
    points.push((end as f64 * width, 0.0));
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_is_in_some_bin() {
        let bars = histogram(&[0.0, 0.5, 1.0, 7.0], 1.0);
        assert!((bars.iter().sum::<f64>() - 100.0).abs() < 1e-9);
        assert_eq!((bars[0], bars[BINS - 1]), (25.0, 50.0));
    }

    #[test]
    fn the_outline_begins_and_ends_with_the_images() {
        let points = outline(&[0.0, 60.0, 40.0, 0.0], 4.0);
        let expected = [1.0, 1.0, 2.0, 2.0, 3.0, 3.0].into_iter();
        let heights = [0.0, 60.0, 60.0, 40.0, 40.0, 0.0];
        assert_eq!(points, expected.zip(heights).collect::<Vec<_>>());
    }

    #[test]
    fn a_set_whose_norms_are_all_zero_still_has_an_axis() {
        assert_eq!(upper_end([&[0.0f32, 0.0][..]].into_iter()), 1.0);
    }

    #[test]
    fn norms_beyond_the_axis_are_spoken_of_only_where_there_are_some() {
        let noted = |largest: f32| {
            let norms: Vec<f32> = (0..400).map(|_| 1.0).chain([largest]).collect();
            let plot = norm_histograms("m", ("near", &norms), &[], None);
            plot.svg().contains("the last bin holds all larger ones")
        };
        assert!(noted(7.0) && !noted(1.01));
    }

    #[test]
    fn the_png_is_twice_as_wide_as_the_svg_and_has_ink() {
        let panel = NormPanel {
            name: "far",
            norms: &[0.1, 0.2, 0.1],
            remark: "AUROC 100.0 %".into(),
        };
        let plot = norm_histograms("m", ("near", &[5.0, 6.0, 4.0]), &[panel], Some(3.0));
        let png = plot.png().expect("renders");
        let picture = image::load_from_memory(&png).expect("a PNG").to_rgb8();
        assert!(
            plot.svg()
                .contains(&format!(r#"width="{}""#, picture.width() / 2))
        );
        let title = image::imageops::crop_imm(&picture, 0, 20, 200, 50).to_image();
        let dark = title
            .pixels()
            .filter(|p| p.0.iter().all(|&v| v < 90))
            .count();
        assert!(
            dark > 20,
            "the title's letters are drawn ({dark} dark pixels)"
        );
    }
}
