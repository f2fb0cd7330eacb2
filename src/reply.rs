//! What a classified image is answered with; the command line prints the same.

use normgate_core::{Classification, Manifest, ScoreKind};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;

/// How many labels are listed unless the client says otherwise.
pub const DEFAULT_TOP: usize = 5;

/// What `POST /classify` answers: for one image a `label`, for several files `results`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Answer)]
pub enum Answered<'a> {
    One(Reply<'a>),
    Several(Replies<'a>),
}

/// What an image shows, and whether to trust that.
#[derive(Serialize, ToSchema)]
#[schema(as = Classification)]
pub struct Reply<'a> {
    /// The likeliest class. `is_ood` says whether to trust it.
    label: &'a str,
    /// Its place in the labels of `GET /model`, from 0 on. Class names may repeat, places do not.
    class_index: usize,
    /// Its probability, from 0 to 1. It can be high for OOD images too.
    confidence: f32,
    /// Whether the image is out of distribution (OOD): unlike anything the model was trained on.
    is_ood: bool,
    ood: Verdict,
    /// The likeliest classes, the most likely first: five, or as many as `top` asks for.
    top: Vec<Candidate<'a>>,
    model: ModelName<'a>,
}

/// How the image compares with those that the model was calibrated on.
#[derive(Serialize, ToSchema)]
struct Verdict {
    /// Larger the less the image resembles the training images. The scale is the method's own;
    /// scores may be below zero.
    score: f32,
    /// The image is out of distribution if its score is above this.
    // In single precision like the score, so that a client that compares them finds what `is_ood` says.
    threshold: f32,
    /// The share of the calibration images, with this image counted among them, that score at least
    /// as high; missing if the model has thresholds by class.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = f64, required = false)]
    p_value: Option<f64>,
    /// The score's name, as in the model file.
    #[schema(value_type = String)]
    method: ScoreKind,
}

/// A class that the image may show.
#[derive(Serialize, ToSchema)]
struct Candidate<'a> {
    label: &'a str,
    class_index: usize,
    probability: f32,
}

/// The model that answered.
#[derive(Serialize, ToSchema)]
struct ModelName<'a> {
    name: &'a str,
    version: &'a str,
}

/// The answers for several files, in order.
#[derive(Serialize, ToSchema)]
#[schema(as = Results)]
pub struct Replies<'a> {
    /// One for each file. The status is 200 even if some of them are problems.
    pub results: Vec<FileReply<'a>>,
}

/// The result for one file of several: a `label` if it was classified, otherwise a `status`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = FileResult)]
pub enum FileReply<'a> {
    Reply(NamedReply<'a>),
    Problem(NamedProblem),
}

/// A file that was classified.
#[derive(Serialize, ToSchema)]
#[schema(as = FileClassification)]
pub struct NamedReply<'a> {
    /// The file's name, or the field's if the file has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    file: Option<String>,
    #[serde(flatten)]
    reply: Reply<'a>,
}

/// A file that was not classified.
#[derive(Serialize, ToSchema)]
#[schema(as = FileProblem)]
pub struct NamedProblem {
    /// The file's name, or the field's if the file has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    file: Option<String>,
    #[serde(flatten)]
    problem: Problem,
}

/// The most that an answer for files of these names takes while it is built and sent, in bytes: for each label a
/// line of JSON, in which every letter may have to be escaped, and the value that it is written from.
pub fn most_bytes<'a>(
    manifest: &Manifest,
    names: impl IntoIterator<Item = Option<&'a str>>,
    top: usize,
) -> usize {
    const A_LABEL: usize = 100;
    const A_FILE: usize = 600;
    let lengths = || manifest.labels.iter().map(String::len);
    let longest = lengths().max().unwrap_or_default();
    let letters = top.saturating_mul(longest).min(lengths().sum());
    let model = manifest.name.len() + manifest.version.len();
    let each = top.saturating_mul(A_LABEL) + 2 * (letters + longest + model) + A_FILE;
    let names = names.into_iter().map(Option::unwrap_or_default);
    let files = names.map(|name| each.saturating_add(2 * name.len()));
    files.fold(0, usize::saturating_add)
}

impl<'a> Reply<'a> {
    /// The answer with the `top` likeliest labels.
    pub fn new(manifest: &'a Manifest, answer: &Classification, top: usize) -> Self {
        let label = |index: usize| manifest.labels.get(index).map_or("", String::as_str);
        let probabilities = &answer.probabilities;
        // The predicted class first, also where rounding has made an earlier one's probability equal.
        let likelier = |one: &usize, other: &usize| {
            let is_other = |index: &usize| *index != answer.class_index;
            let by_class = is_other(one).cmp(&is_other(other));
            let by_probability = || probabilities[*other].total_cmp(&probabilities[*one]);
            by_class.then_with(by_probability).then(one.cmp(other))
        };
        let mut order: Vec<usize> = (0..probabilities.len()).collect();
        if top < order.len() {
            order.select_nth_unstable_by(top, likelier);
            order.truncate(top);
        }
        order.sort_unstable_by(likelier);
        let candidate = |index: usize| Candidate {
            label: label(index),
            class_index: index,
            probability: probabilities[index],
        };
        Self {
            label: label(answer.class_index),
            class_index: answer.class_index,
            confidence: answer.confidence,
            is_ood: answer.is_ood,
            ood: Verdict {
                score: answer.score,
                threshold: floor_to_f32(answer.threshold),
                p_value: answer.p_value,
                method: manifest.score,
            },
            top: order.into_iter().map(candidate).collect(),
            model: ModelName {
                name: &manifest.name,
                version: &manifest.version,
            },
        }
    }
}

/// The largest single-precision number that is not above the threshold: the same scores are above either.
fn floor_to_f32(threshold: f64) -> f32 {
    let nearest = threshold as f32;
    match f64::from(nearest) > threshold {
        true => nearest.next_down(),
        false => nearest,
    }
}

impl<'a> FileReply<'a> {
    /// The answer for a file.
    pub fn reply(file: Option<String>, reply: Reply<'a>) -> Self {
        Self::Reply(NamedReply { file, reply })
    }

    /// What was wrong with a file.
    pub fn problem(file: Option<String>, problem: Problem) -> Self {
        Self::Problem(NamedProblem { file, problem })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_without_a_p_value_does_not_name_it() {
        let manifest = crate::test_support::model().manifest().clone();
        let answer = |p_value| Classification {
            class_index: 0,
            confidence: 1.0,
            probabilities: vec![1.0, 0.0, 0.0],
            score: -1.0,
            threshold: -0.5,
            p_value,
            is_ood: false,
        };
        let verdict = |p_value| {
            let reply = serde_json::to_value(Reply::new(&manifest, &answer(p_value), 1)).unwrap();
            reply["ood"].as_object().unwrap().clone()
        };
        assert_eq!(verdict(Some(0.5))["p_value"], 0.5);
        assert!(!verdict(None).contains_key("p_value"));
        assert_eq!(verdict(None).len(), 3);
    }

    #[test]
    fn a_threshold_in_single_precision_separates_the_same_scores() {
        let (low, high) = (-14.103707_f32, (-14.103707_f32).next_up());
        let between = (f64::from(low) + f64::from(high)) / 2.0;
        let nearly = |share: f64| f64::from(low) * (1.0 - share) + f64::from(high) * share;
        for threshold in [f64::from(low), nearly(0.1), between, nearly(0.9)] {
            assert_eq!(floor_to_f32(threshold), low, "{threshold}");
        }
        assert_eq!(floor_to_f32(f64::from(high)), high);
    }
}
