//! Mistakes on the command line that would otherwise be found only after many images were read and run.

use super::{EvaluateArgs, told_apart_in_one_table};
use crate::datasets::SetSpec;
use crate::error::EvaluationError;
use crate::out::may_hold_report;

/// Checks the names and the places of the sets, and the place of the report.
///
/// # Errors
/// [`EvaluationError`].
pub(super) fn check(args: &EvaluateArgs) -> Result<(), EvaluationError> {
    let others = [
        ("--shifted-id", args.shifted_id.as_slice()),
        ("--ood", &args.ood),
    ];
    told_apart_in_one_table(("--id", &args.id), &others)?;
    let first = [&args.id, &args.fit_data, &args.calibration];
    let sets = first.into_iter().chain([&args.shifted_id, &args.ood]);
    sets.flatten().try_for_each(SetSpec::check_exists)?;
    args.out.as_deref().map_or(Ok(()), may_hold_report)
}
