/// Bins of a histogram; eight for each of the 256 levels that a value is rounded to.
const BINS: usize = 2048;

/// How often values were seen, from the smallest to the largest, with 0 included.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Lower end of the first bin, at most 0.
    pub low: f32,
    /// Upper end of the last bin, at least 0.
    pub high: f32,
    /// Values seen in each of the equally wide bins.
    pub counts: Vec<u64>,
}

impl Histogram {
    /// An empty histogram. Its range always includes 0: padding is 0 and must be kept exactly.
    pub fn new(low: f32, high: f32) -> Self {
        Self {
            low: low.min(0.0),
            high: high.max(0.0),
            counts: vec![0; BINS],
        }
    }

    /// Counts values; those outside the range count in the bin at that end.
    pub fn add(&mut self, values: &[f32]) {
        let per_unit = 1.0 / self.width() as f32;
        if !per_unit.is_finite() {
            self.counts[0] += values.len() as u64;
            return;
        }
        for value in values {
            // Casting saturates: what is below goes into the first bin.
            let bin = ((value - self.low) * per_unit) as usize;
            self.counts[bin.min(BINS - 1)] += 1;
        }
    }

    /// Width of a bin.
    pub fn width(&self) -> f64 {
        (f64::from(self.high) - f64::from(self.low)) / self.counts.len() as f64
    }

    /// Lower end of a bin; for the bin past the last, the upper end of the range.
    pub fn edge(&self, bin: usize) -> f64 {
        f64::from(self.low) + bin as f64 * self.width()
    }

    /// Middle of a bin.
    pub fn centre(&self, bin: usize) -> f64 {
        f64::from(self.low) + (bin as f64 + 0.5) * self.width()
    }
}
