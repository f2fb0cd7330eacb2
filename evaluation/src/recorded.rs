//! The words in which model files record the sets that they have learnt from: written and read here alone, so that
//! what is written is also what is understood.
//!
//! A set is recorded by its name and its filters, not its path ([`SetSpec::describe`]).

use crate::datasets::SetSpec;

/// Between sets that count as one.
const AND: &str = " + ";
/// Behind sets of which equally many images of every class were used.
const BALANCED: &str = ", equally many images of every class";
/// Before any other remark on how sets were used.
const REMARK: &str = "; ";
/// Behind the last set of a training record; then come the options, and a closing bracket.
const HELD_OUT: &str = " (held out: ";
const OPTION: &str = ", ";

/// Several sets that count as one.
pub(crate) fn sets(sets: &[SetSpec]) -> String {
    let names: Vec<String> = sets.iter().map(SetSpec::describe).collect();
    names.join(AND)
}

/// The same, of which equally many images of every class were used.
pub(crate) fn balanced(recorded: &str) -> String {
    format!("{recorded}{BALANCED}")
}

/// The same, with a remark on how they were used.
pub(crate) fn remarked(recorded: &str, remark: &str) -> String {
    format!("{recorded}{REMARK}{remark}")
}

/// Each of the sets of a record without remarks.
pub(crate) fn each_set(recorded: &str) -> impl Iterator<Item = &str> {
    recorded.split(AND)
}

/// The sets without the remarks on how they were used.
pub(crate) fn without_remarks(recorded: &str) -> &str {
    let sets = recorded.split(REMARK).next().unwrap_or(recorded);
    sets.split(BALANCED).next().unwrap_or(sets)
}

/// A training set, of which what these options of the trainer (`CLASS=N`) say was held out.
pub fn held_out(set: &str, options: &[String]) -> String {
    format!("{set}{HELD_OUT}{})", options.join(OPTION))
}

/// A training set, and the options that say what of it was held out.
pub(crate) fn what_was_held_out(recorded: &str) -> (&str, impl Iterator<Item = &str>) {
    let (set, options) = recorded.split_once(HELD_OUT).unwrap_or((recorded, ""));
    let options = options.strip_suffix(')').unwrap_or(options);
    (set, options.split(OPTION))
}

/// A recorded set's name alone.
pub fn name(recorded: &str) -> &str {
    let (set, _) = what_was_held_out(recorded);
    set.split('#').next().unwrap_or(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_is_understood() {
        let specs = ["photos/a#first=3", "more=photos/b"].map(|it| it.parse().unwrap());
        let recorded = sets(&specs);
        assert_eq!(recorded, "a#first=3 + more");
        for recorded in [
            recorded.clone(),
            balanced(&recorded),
            remarked(&balanced(&recorded), "OOD: strange + stranger"),
        ] {
            let found: Vec<&str> = each_set(without_remarks(&recorded)).collect();
            assert_eq!(found, ["a#first=3", "more"], "{recorded}");
        }
        let options = ["all=9", "a (b)=10%"].map(String::from);
        let recorded = held_out("photos#readable", &options);
        assert_eq!(recorded, "photos#readable (held out: all=9, a (b)=10%)");
        let (set, said) = what_was_held_out(&recorded);
        assert_eq!(set, "photos#readable");
        assert_eq!(said.collect::<Vec<_>>(), options);
        assert_eq!(name(&recorded), "photos");
        assert_eq!(name("photos"), "photos");
    }
}
