//! What tables need of a run's `report.json`.

use std::collections::BTreeMap;

use normgate_core::scores::ScoreKind;
use serde::Deserialize;

use super::figures::{Figure, Group, Over, Side, Trust, mean};

/// A `report.json`.
#[derive(Clone, Debug, Deserialize)]
pub struct Report {
    figures: Figures,
    /// Norms in training, which are not in the file.
    #[serde(skip)]
    pub training_norms: TrainingNorms,
}

/// Mean norms of the last epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TrainingNorms {
    /// Of the in-distribution images.
    pub id: Option<f64>,
    /// Of the auxiliary ones, if there were any.
    pub auxiliary: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
struct Figures {
    id: Id,
    ood: Vec<Ood>,
    /// The score whose threshold decides, and by which `id.false_flags` are counted.
    served_score: String,
    #[serde(default)]
    trust: Vec<TrustRow>,
}

#[derive(Clone, Debug, Deserialize)]
struct Id {
    mean_norm: f64,
    activation_ratio: f64,
    accuracy: Groups,
    false_flags: Groups,
    ece: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
struct Groups {
    overall: Option<f64>,
    many: Option<f64>,
    medium: Option<f64>,
    few: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
struct Ood {
    name: String,
    mean_norm: f64,
    activation_ratio: f64,
    scores: Vec<BTreeMap<String, serde_json::Value>>,
}

#[derive(Clone, Debug, Deserialize)]
struct TrustRow {
    name: String,
    score: String,
    flagged: Option<f64>,
    accuracy: Option<f64>,
    accuracy_unflagged: Option<f64>,
}

impl Figure {
    /// The figure of a run, detection figures by `score`; shares in percent. `None` if the run does not have it.
    pub fn of(self, report: &Report, score: ScoreKind) -> Option<f64> {
        let figures = &report.figures;
        let share = match self {
            Figure::Auroc(over) => figures.detection(over, score, "auroc"),
            Figure::Aupr(over) => figures.detection(over, score, "aupr"),
            Figure::Fpr95(over) => figures.detection(over, score, "fpr95_ood_positive"),
            Figure::Accuracy(group) => figures.id.accuracy.of(group),
            Figure::Ece => figures.id.ece,
            Figure::FalseFlags(group) => figures.false_flags(group, score),
            Figure::Active(Side::Id) => Some(figures.id.activation_ratio),
            Figure::Active(Side::Ood) => mean(figures.ood.iter().map(|set| set.activation_ratio)),
            Figure::OtherSource(what) => figures.other_source(what, score),
            Figure::Norm(Side::Id) => return Some(figures.id.mean_norm),
            Figure::Norm(Side::Ood) => return mean(figures.ood.iter().map(|set| set.mean_norm)),
            Figure::TrainingNorm(Side::Id) => return report.training_norms.id,
            Figure::TrainingNorm(Side::Ood) => return report.training_norms.auxiliary,
        };
        share.map(|share| 100.0 * share)
    }
}

impl Groups {
    fn of(&self, group: Group) -> Option<f64> {
        match group {
            Group::All => self.overall,
            Group::Many => self.many,
            Group::Medium => self.medium,
            Group::Few => self.few,
        }
    }
}

impl Figures {
    fn detection(&self, over: Over, score: ScoreKind, figure: &str) -> Option<f64> {
        let of_set = |set: &Ood| {
            let named = |row: &&BTreeMap<_, _>| {
                row.get("score").and_then(serde_json::Value::as_str) == Some(score.name())
            };
            set.scores.iter().find(named)?.get(figure)?.as_f64()
        };
        let sets = self.ood.iter().filter(|set| over.covers(&set.name));
        mean(sets.map(of_set).collect::<Option<Vec<_>>>()?.into_iter())
    }

    /// For groups of classes, only by the served score.
    fn false_flags(&self, group: Group, score: ScoreKind) -> Option<f64> {
        if score.name() == self.served_score {
            return self.id.false_flags.of(group);
        }
        let mut of_score = self.trust.iter().filter(|row| row.score == score.name());
        match group {
            Group::All => of_score.next()?.flagged,
            Group::Many | Group::Medium | Group::Few => None,
        }
    }

    /// The ID test set comes before the other source.
    fn other_source(&self, what: Trust, score: ScoreKind) -> Option<f64> {
        let own = &self.trust.first()?.name;
        let mut of_score = self.trust.iter().filter(|row| row.score == score.name());
        let row = of_score.find(|row| row.name != *own)?;
        match what {
            Trust::Flagged => row.flagged,
            Trust::Accuracy => row.accuracy,
            Trust::Unflagged => row.accuracy_unflagged,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report with one near and one far set, whose figures show where they came from.
    fn report(auroc: f64) -> Report {
        let scores = |auroc: f64| {
            serde_json::json!([
                {"score": "representation_norm", "auroc": auroc, "aupr": 0.5,
                 "fpr95_ood_positive": 0.25, "fpr95_id_positive": 0.75},
                {"score": "msp", "auroc": 0.1, "aupr": 0.2, "fpr95_ood_positive": 0.3,
                 "fpr95_id_positive": 0.4},
            ])
        };
        let groups = serde_json::json!({"overall": 0.75, "many": 0.9, "medium": null, "few": 0.6});
        let json = serde_json::json!({"figures": {
            "id": {"mean_norm": 40.0, "activation_ratio": 0.66, "accuracy": groups,
                   "false_flags": groups, "ece": 0.125},
            "ood": [
                {"name": "cifar100_unseen", "mean_norm": 2.0, "activation_ratio": 0.02,
                 "scores": scores(auroc)},
                {"name": "fashion", "mean_norm": 4.0, "activation_ratio": 0.04,
                 "scores": scores(auroc + 0.2)},
            ],
            "trust": [
                {"name": "test", "score": "representation_norm",
                 "flagged": 0.05, "accuracy": 0.75, "accuracy_unflagged": 0.76},
                {"name": "test", "score": "msp",
                 "flagged": 0.06, "accuracy": 0.75, "accuracy_unflagged": 0.77},
                {"name": "other", "score": "representation_norm",
                 "flagged": 0.91, "accuracy": 0.4, "accuracy_unflagged": null},
                {"name": "other", "score": "msp",
                 "flagged": 0.57, "accuracy": 0.4, "accuracy_unflagged": 0.5},
            ],
            "served_score": "representation_norm",
        }});
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn figures_are_read_from_where_they_stand() {
        let report = report(0.7);
        let of = |figure: Figure| figure.of(&report, ScoreKind::RepresentationNorm);
        let near = |figure: Figure, expected: f64| {
            let found = of(figure).unwrap();
            assert!((found - expected).abs() < 1e-9, "{figure:?}: {found}");
        };
        near(Figure::Auroc(Over::All), 80.0);
        near(Figure::Auroc(Over::Near), 70.0);
        near(Figure::Auroc(Over::Far), 90.0);
        near(Figure::Auroc(Over::Set("fashion")), 90.0);
        near(Figure::Fpr95(Over::All), 25.0);
        near(Figure::Accuracy(Group::Few), 60.0);
        near(Figure::Norm(Side::Ood), 3.0);
        near(Figure::Active(Side::Ood), 3.0);
        near(Figure::Ece, 12.5);
        near(Figure::OtherSource(Trust::Flagged), 91.0);
        near(Figure::FalseFlags(Group::Few), 60.0);
        let by_msp = |figure: Figure| figure.of(&report, ScoreKind::Msp);
        assert_eq!(by_msp(Figure::FalseFlags(Group::All)), Some(6.0));
        assert_eq!(by_msp(Figure::FalseFlags(Group::Few)), None);
        assert_eq!(by_msp(Figure::OtherSource(Trust::Unflagged)), Some(50.0));
        assert_eq!(of(Figure::Accuracy(Group::Medium)), None);
        assert_eq!(of(Figure::OtherSource(Trust::Unflagged)), None);
        assert_eq!(of(Figure::Auroc(Over::Set("svhn"))), None);
        assert_eq!(
            Figure::Auroc(Over::All).of(&report, ScoreKind::Energy),
            None
        );
    }
}
