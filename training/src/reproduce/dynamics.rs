//! How a run's norms changed over training (Fig. 7): the curves, and the figures of three epochs.

use std::collections::BTreeSet;

use normgate_evaluation::reports::plots::{Epoch, training_curves};
use normgate_evaluation::reports::table::Table as Lines;

/// The curves, as an SVG document.
pub fn picture(title: &str, history: &[Epoch]) -> String {
    training_curves(title, history).svg().to_owned()
}

/// The norms in the first, the middle and the last epoch, in Markdown, with `note` above them.
pub fn table(note: String, history: &[Epoch]) -> String {
    let shown = chosen(history);
    let mut lines = Lines {
        title: String::new(),
        note,
        header: vec!["Mean norm of".into()],
        text_columns: 1,
        rows: Vec::new(),
    };
    let heads = shown.iter().map(|epoch| format!("Epoch {}", epoch.epoch));
    lines.header.extend(heads);
    let mut row = |name: String, of: &dyn Fn(&Epoch) -> Option<f64>| {
        let cell = |epoch: &&Epoch| of(epoch).map_or_else(|| "–".into(), |n| format!("{n:.2}"));
        let cells = shown.iter().map(cell);
        lines.rows.push([name].into_iter().chain(cells).collect());
    };
    row("ID training images (train mode)".into(), &|epoch| {
        epoch.id_norm
    });
    row("auxiliary images (train mode)".into(), &|epoch| {
        epoch.auxiliary_norm
    });
    let sets: BTreeSet<&String> = history
        .iter()
        .flat_map(|epoch| epoch.monitored_norms.keys())
        .collect();
    for set in sets {
        row(format!("`{set}`"), &|epoch| {
            epoch.monitored_norms.get(set).copied()
        });
    }
    lines.markdown()
}

/// The first, the middle and the last epoch, each once.
fn chosen(history: &[Epoch]) -> Vec<&Epoch> {
    let last = history.len().saturating_sub(1);
    let places = BTreeSet::from([0, last / 2, last]);
    places
        .into_iter()
        .filter_map(|place| history.get(place))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(epochs: u32) -> Vec<Epoch> {
        let epoch = |epoch: u32| {
            serde_json::from_value(serde_json::json!({"epoch": epoch, "id_norm": epoch,
                "monitored_norms": {"test_tail": 0.5 * f64::from(epoch)}}))
            .unwrap()
        };
        (1..=epochs).map(epoch).collect()
    }

    #[test]
    fn the_first_the_middle_and_the_last_epoch_are_shown_once_each() {
        let epochs = |count| -> Vec<u32> {
            let history = history(count);
            chosen(&history).iter().map(|epoch| epoch.epoch).collect()
        };
        assert_eq!(epochs(200), [1, 100, 200]);
        assert_eq!(epochs(2), [1, 2]);
        assert_eq!(epochs(1), [1]);
        assert!(epochs(0).is_empty());
        let table = table("Seed 1:".into(), &history(3));
        for line in [
            "| Mean norm of | Epoch 1 | Epoch 2 | Epoch 3 |",
            "| ID training images (train mode) | 1.00 | 2.00 | 3.00 |",
            "| auxiliary images (train mode) | – | – | – |",
            "| `test_tail` | 0.50 | 1.00 | 1.50 |",
        ] {
            assert!(table.contains(line), "{line}: {table}");
        }
    }
}
