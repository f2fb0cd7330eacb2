//! Accuracy by the number of training images that a class had.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

/// How common a class is among the training images, as the paper's tables group them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassGroup {
    /// The head of the long tail.
    Many,
    /// Between head and tail.
    Medium,
    /// The tail.
    Few,
}

/// Shares of images classified correctly, 0 to 1, overall and by the group of the true class. NaN if there are no
/// images. On a balanced test set this is the paper's mean over classes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct GroupAccuracy {
    /// Of all images.
    pub overall: f64,
    /// Of images of [`ClassGroup::Many`] classes.
    pub many: f64,
    /// Of images of [`ClassGroup::Medium`] classes.
    pub medium: f64,
    /// Of images of [`ClassGroup::Few`] classes.
    pub few: f64,
}

/// The group of each class from its number of training images.
///
/// With 10, 100 and 1,000 classes as in the code of the RNA paper's authors:
///
/// - 100 (CIFAR100-LT): with the counts in falling order and ranks from 0, Many are those above the count of rank 34,
///   Few those below the count of rank 67;
/// - 1000 (ImageNet-LT): Many have more than 100 images, Few fewer than 20;
/// - otherwise by rank, with a third of the classes, rounded down, in Many and in Few (of 10: 3, 4, 3). Among equal
///   counts the class that comes first ranks first.
pub fn class_groups(counts: &[u64]) -> Vec<ClassGroup> {
    match counts.len() {
        100 => {
            let mut falling = counts.to_vec();
            falling.sort_unstable_by_key(|&count| Reverse(count));
            by_count(counts, falling[34], falling[67])
        }
        1000 => by_count(counts, 100, 20),
        _ => by_rank(counts),
    }
}

fn by_count(counts: &[u64], many_above: u64, few_below: u64) -> Vec<ClassGroup> {
    let group = |&count: &u64| match count {
        _ if count > many_above => ClassGroup::Many,
        _ if count < few_below => ClassGroup::Few,
        _ => ClassGroup::Medium,
    };
    counts.iter().map(group).collect()
}

fn by_rank(counts: &[u64]) -> Vec<ClassGroup> {
    let third = counts.len() / 3;
    let mut classes: Vec<usize> = (0..counts.len()).collect();
    classes.sort_by_key(|&class| Reverse(counts[class]));
    let mut groups = vec![ClassGroup::Medium; counts.len()];
    for &class in &classes[..third] {
        groups[class] = ClassGroup::Many;
    }
    for &class in &classes[counts.len() - third..] {
        groups[class] = ClassGroup::Few;
    }
    groups
}

/// Share of images whose predicted class is the true one, 0 to 1. NaN if there are no images, or if the lists have
/// different lengths.
pub fn accuracy(predicted: &[usize], truth: &[usize]) -> f64 {
    share_right(predicted, truth, |_| true)
}

/// [`accuracy`] overall, and on the images whose true class is in each group. `groups` holds the group of each class;
/// an image of a class beyond it counts only overall.
pub fn group_accuracy(
    predicted: &[usize],
    truth: &[usize],
    groups: &[ClassGroup],
) -> GroupAccuracy {
    let of = |group| share_right(predicted, truth, |class| groups.get(class) == Some(&group));
    GroupAccuracy {
        overall: accuracy(predicted, truth),
        many: of(ClassGroup::Many),
        medium: of(ClassGroup::Medium),
        few: of(ClassGroup::Few),
    }
}

fn share_right(predicted: &[usize], truth: &[usize], counts: impl Fn(usize) -> bool) -> f64 {
    if predicted.len() != truth.len() {
        return f64::NAN;
    }
    let (mut right, mut all) = (0_u64, 0_u64);
    for (predicted, truth) in predicted
        .iter()
        .zip(truth)
        .filter(|&(_, &truth)| counts(truth))
    {
        right += u64::from(predicted == truth);
        all += 1;
    }
    right as f64 / all as f64
}
