//! Whether scores tell images apart at all.

use normgate_core::scores::ScoreKind;

use crate::error::EvaluationError;

/// Norms whose relative difference is below this differ only by rounding, which is about 1e-7 for f32.
const ROUNDING: f32 = 1e-5;

/// Checks that scores tell images apart. For norms, it is not enough that they are not equal: a head that normalises
/// leaves differences by rounding. The probabilities of a confident model, however, may well be as close to each
/// other.
pub fn check(score: ScoreKind, scores: &[f32]) -> Result<(), EvaluationError> {
    let (images, value) = match scores {
        [first, _, ..] => (scores.len(), *first),
        _ => return Ok(()),
    };
    let spread = scores.iter().map(|score| (score - value).abs());
    let spread = spread.fold(0.0, f32::max);
    match score {
        ScoreKind::RepresentationNorm if spread <= ROUNDING * value.abs() => {
            Err(EvaluationError::ConstantNorm {
                norm: -value,
                images,
            })
        }
        _ if spread == 0.0 => Err(EvaluationError::ConstantScore {
            score,
            value,
            images,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_that_are_all_the_same_are_refused_and_norms_already_where_rounding_is_all() {
        let check = |score, scores: &[f32]| {
            let checked = super::check(score, scores);
            checked.map_err(|error| error.to_string())
        };
        let norm = ScoreKind::RepresentationNorm;
        let error = check(norm, &[-1.0, -0.999_999_9, -1.000_000_1]).unwrap_err();
        assert!(
            error.contains("the same norm, 1,") && error.contains("knn"),
            "{error}"
        );
        assert_eq!(check(norm, &[-1.0, -1.000_1]), Ok(()));
        let error = check(ScoreKind::Energy, &[-2.5; 3]).unwrap_err();
        assert!(error.contains("same energy score, -2.5"), "{error}");
        let sure = [-1.0, -0.999_999_9];
        assert_eq!(check(ScoreKind::Msp, &sure), Ok(()));
        assert_eq!(check(norm, &[-1.0]), Ok(()));
    }
}
