//! Distributions as text.

use std::fmt::Write;

/// The number of rows in the histogram of the calibration scores.
const ROWS: usize = 12;

/// The distribution of the scores, with a bar for each row, and a line where the threshold is.
pub fn scores(scores: &[f32], threshold: f64, width: usize) -> String {
    let (Some(low), Some(high)) = (scores.first(), scores.last()) else {
        return String::new();
    };
    let (low, high) = (f64::from(*low), f64::from(*high));
    let step = ((high - low) / ROWS as f64).max(f64::MIN_POSITIVE);
    let mut counts = [0_u64; ROWS];
    for score in scores {
        let row = ((f64::from(*score) - low) / step) as usize;
        counts[row.min(ROWS - 1)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(1);
    let mut text = String::new();
    let mut marked = false;
    for (row, count) in counts.into_iter().enumerate() {
        let start = low + row as f64 * step;
        if !marked && threshold < start {
            mark(&mut text, threshold, width);
            marked = true;
        }
        let _ = writeln!(text, "{start:>10.3} {}", bar(count, most, width));
    }
    if !marked {
        mark(&mut text, threshold, width);
    }
    text
}

fn mark(text: &mut String, threshold: f64, width: usize) {
    let _ = writeln!(
        text,
        "{threshold:>10.3} {} threshold",
        "┄".repeat(width.saturating_sub(10))
    );
}

/// A bar of proportional length, to an eighth of a character; every count above zero shows.
pub fn bar(count: u64, most: u64, width: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (count as f64 / most.max(1) as f64 * width as f64 * 8.0).round() as usize;
    let eighths = eighths.max(usize::from(count > 0));
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_in_proportion_and_the_smallest_still_shows() {
        assert_eq!(bar(8, 8, 4), "████");
        assert_eq!(bar(3, 8, 4), "█▌");
        assert_eq!(bar(1, 5000, 4), "▏");
        assert_eq!(bar(0, 8, 4), "");
        assert_eq!(bar(0, 0, 4), "");
    }

    #[test]
    fn the_threshold_stands_between_the_rows_it_divides() {
        let values: Vec<f32> = (0..=1200).map(|n| n as f32 / 100.0).collect();
        let text = scores(&values, 10.5, 20);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), ROWS + 1);
        let at = lines
            .iter()
            .position(|line| line.contains("threshold"))
            .unwrap();
        assert!(lines[at - 1].trim_start().starts_with("10.000"), "{text}");
        assert!(lines[at + 1].trim_start().starts_with("11.000"), "{text}");
        assert!(
            scores(&values, 99.0, 20)
                .lines()
                .last()
                .unwrap()
                .contains("threshold")
        );
    }

    #[test]
    fn equal_scores_and_none_at_all_are_no_trouble() {
        assert!(scores(&[1.0, 1.0], 1.0, 20).contains('█'));
        assert_eq!(scores(&[], 1.0, 20), "");
    }
}
