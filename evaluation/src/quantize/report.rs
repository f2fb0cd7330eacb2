use std::fmt;
use std::path::PathBuf;

use normgate_core::calibration::Calibration;
use normgate_core::runtime::has_int8_instructions;

use super::compare::Row;
use super::speed::Speed;
use crate::calibrate::{self, warn_of_known};
use crate::reports::table::{Table, header, percent};

/// The result of quantising; its [`Display`](fmt::Display) is what `quantize` prints.
pub struct QuantizeReport {
    /// Where the int8 model was written.
    pub written: PathBuf,
    /// Bytes of both files, fp32 first, as everywhere here.
    pub sizes: [usize; 2],
    /// What the model was trained on that may include images for the threshold.
    pub trained_on: Option<String>,
    /// Test images that the model may have seen before, for people to judge: a sentence for each set.
    pub doubts: Vec<String>,
    /// The fp32 model's calibration.
    pub old_calibration: Calibration,
    /// The int8 model's calibration.
    pub calibration: Calibration,
    /// How many images the ranges come from.
    pub range_images: usize,
    /// Whether the first row is a test set; otherwise it is the calibration images.
    pub tested: bool,
    /// The ID set, then the OOD sets.
    pub rows: Vec<Row>,
    /// Speed at each batch size.
    pub speed: Vec<Speed>,
}

impl fmt::Display for QuantizeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [fp32, int8] = self.sizes.map(|bytes| bytes as f64 / 1e6);
        let (old, calibration) = (&self.old_calibration, &self.calibration);
        writeln!(f, "Wrote {}", self.written.display())?;
        writeln!(f, "  size       {fp32:.2} MB, now {int8:.2} MB")?;
        writeln!(f, "  ranges     from {} images", self.range_images)?;
        match [old, calibration].map(Calibration::thresholds_by_class) {
            [Some([old_least, old_most]), Some([least, most])] => writeln!(
                f,
                "  thresholds {old_least:.4} to {old_most:.4}, now {least:.4} to {most:.4}, by predicted \
                 class,\n             calibrated on {} images",
                calibration.count
            )?,
            _ => writeln!(
                f,
                "  threshold  {:.4}, now {:.4}, calibrated on {} images",
                old.threshold, calibration.threshold, calibration.count
            )?,
        }
        if let Some(set) = &self.trained_on {
            warn_of_known(f, "model was trained on", set)?;
        }
        for doubt in &self.doubts {
            writeln!(f, "Note: {doubt}")?;
        }
        for table in [self.quality(), self.decisions(), self.rates()] {
            write!(f, "\n{}", table.terminal())?;
        }
        if !self.tested {
            f.write_str(
                "\nThese figures are for the calibration images. For accuracy add --test SET, for AUROC also\n\
                 --ood SET.\n",
            )?;
        }
        Ok(())
    }
}

impl QuantizeReport {
    /// How far the share of flags may vary by chance: without it, that would be taken for the cost of int8.
    fn expected(&self) -> String {
        let expected = calibrate::expected(&self.calibration);
        expected.map_or_else(String::new, |expected| {
            format!("\nFlagged by int8: expected {expected}.")
        })
    }

    fn quality(&self) -> Table {
        let mut rows = Vec::new();
        for row in &self.rows {
            let mut add = |what: &str, values: Option<[f64; 2]>| {
                if let Some([fp32, int8]) = values {
                    let change = format!("{:+.2}", 100.0 * (int8 - fp32));
                    let name = row.name.clone();
                    rows.push(vec![
                        name,
                        what.into(),
                        percent(fp32),
                        percent(int8),
                        change,
                    ]);
                }
            };
            add("Accuracy", row.accuracy.filter(|_| self.tested));
            add("AUROC", row.auroc);
            add("Flagged", Some(row.flagged));
        }
        let aurocs: Vec<[f64; 2]> = self.rows.iter().filter_map(|row| row.auroc).collect();
        if aurocs.len() > 1 {
            let mean = |side: usize| {
                aurocs.iter().map(|auroc| auroc[side]).sum::<f64>() / aurocs.len() as f64
            };
            let (fp32, int8) = (mean(0), mean(1));
            rows.push(vec![
                format!("mean of {}", aurocs.len()),
                "AUROC".into(),
                percent(fp32),
                percent(int8),
                format!("{:+.2}", 100.0 * (int8 - fp32)),
            ]);
        }
        Table {
            title: "What it costs".into(),
            note: format!(
                "In %, each model with its own threshold. AUROC by the served score, against the \
                 first set.{}",
                self.expected()
            ),
            header: header(&["Set", "", "fp32", "int8", "Change"]),
            text_columns: 2,
            rows,
        }
    }

    fn decisions(&self) -> Table {
        let row = |row: &Row| {
            let shares = [row.labels_differ, row.flags_differ, row.decisions_differ];
            let changes = row.score_change.iter();
            let numbers = shares.iter().chain(changes).map(|share| percent(*share));
            [row.name.clone(), row.images.to_string()]
                .into_iter()
                .chain(numbers)
                .collect()
        };
        Table {
            title: "Decisions that differ".into(),
            note: "In % of the images; changes in the score in % of the standard deviation of the \
                   calibration\nimages' scores."
                .into(),
            header: header(&[
                "Set",
                "Images",
                "Label",
                "Flag",
                "Either",
                "Score, mean",
                "largest",
            ]),
            text_columns: 1,
            rows: self.rows.iter().map(row).collect(),
        }
    }

    fn rates(&self) -> Table {
        let row = |speed: &Speed| {
            let [fp32, int8] = speed.rates;
            vec![
                speed.batch.to_string(),
                format!("{fp32:.0}"),
                format!("{int8:.0}"),
                format!("{:.2}", int8 / fp32),
            ]
        };
        Table {
            title: "Speed on this machine".into(),
            note: format!(
                "Images a second with ONNX Runtime on one thread, the models taking turns.{}",
                match has_int8_instructions() {
                    true => "",
                    false => {
                        "\nThis processor has no int8 instructions (VNNI), so int8 gains little here, or is slower; \
                         one that\nhas them does 2 to 4 times as many."
                    }
                }
            ),
            header: header(&["Images at a time", "fp32", "int8", "Ratio"]),
            text_columns: 0,
            rows: self.speed.iter().map(row).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(calibration: Calibration) -> String {
        let report = QuantizeReport {
            written: "int8.onnx".into(),
            sizes: [4_000_000, 1_000_000],
            trained_on: None,
            doubts: Vec::new(),
            old_calibration: calibration.clone(),
            calibration,
            range_images: 47,
            tested: true,
            rows: Vec::new(),
            speed: Vec::new(),
        };
        report.to_string()
    }

    #[test]
    fn how_far_flags_may_stray_stands_with_what_int8_costs() {
        let scores = |images: u16| (0..images).map(f32::from).collect::<Vec<_>>();
        let few = shown(Calibration::id_positive(&scores(46), 0.95).unwrap());
        let cost = few.find("What it costs").unwrap();
        let said = "Flagged by int8: expected 4.3 ± 2.9 % of new images like \
                    these; a few hundred images narrow this.\n";
        assert!(few[cost..].contains(said), "{few}");
        assert!(few.lines().all(|line| line.chars().count() <= 100), "{few}");
        let many = shown(Calibration::id_positive(&scores(1000), 0.95).unwrap());
        assert!(
            many.contains("expected 5.0 ± 0.7 % of new images like these.\n"),
            "{many}"
        );
        // Such a threshold says nothing about new ID images.
        let caught = Calibration::ood_positive(&scores(46), &scores(46), 0.95).unwrap();
        assert!(!shown(caught).contains("expected"));
    }

    #[test]
    fn thresholds_by_class_are_shown_as_a_range_and_not_as_one_that_judges_no_image() {
        let scores: Vec<f32> = (0u16..400).map(f32::from).collect();
        let predicted: Vec<usize> = (0..400).map(|index| index / 200).collect();
        let one = Calibration::id_positive(&scores, 0.95).unwrap();
        let global = format!("{:.4}", one.threshold);
        let by_class = one.with_per_class(&scores, &predicted, 2).unwrap();
        let said = shown(by_class);
        let range = "190.0000 to 390.0000";
        assert!(
            said.contains(&format!("{range}, now {range}, by predicted class,\n")),
            "{said}"
        );
        assert!(!said.contains(&global), "{said}");
    }
}
