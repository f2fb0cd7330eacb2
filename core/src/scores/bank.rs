//! Which training images a score remembers.

/// The most numbers that are remembered: 4 MiB, which a processor reads in a fraction of a millisecond. That is 8,192
/// images of 128 values, or 2,048 of 512. If there are more classes than that, one image of each is remembered.
const NUMBERS: usize = 1 << 20;

/// Indices of the images that are remembered, if each takes `size` numbers.
///
/// The papers draw a share α of the training images at random. In a long-tailed set that would leave hardly one image
/// of a rare class, and images of that class would be far from everything. Here rare classes stay whole, and the
/// others get equally many images, evenly spaced in the set's order.
pub(super) fn choose(labels: &[usize], classes: usize, size: usize) -> Vec<usize> {
    evenly(labels, classes, (NUMBERS / size.max(1)).max(classes))
}

fn evenly(labels: &[usize], classes: usize, limit: usize) -> Vec<usize> {
    let mut of_class: Vec<Vec<usize>> = vec![Vec::new(); classes];
    for (index, label) in labels.iter().enumerate() {
        of_class[*label].push(index);
    }
    let mut counts: Vec<usize> = of_class.iter().map(Vec::len).collect();
    counts.sort_unstable();
    // What each class may have: the room is shared out again after each class that needs less.
    let (mut room, mut each) = (limit, 0);
    for (done, count) in counts.iter().enumerate() {
        each = room / (classes - done);
        if *count > each {
            break;
        }
        room -= count;
        each = *count;
    }
    let mut chosen: Vec<usize> = Vec::new();
    for images in &of_class {
        let take = images.len().min(each);
        chosen.extend((0..take).map(|nth| images[nth * images.len() / take]));
    }
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(counts: &[usize], limit: usize) -> Vec<usize> {
        let labels: Vec<usize> = counts
            .iter()
            .enumerate()
            .flat_map(|(class, &count)| std::iter::repeat_n(class, count))
            .collect();
        let mut kept = vec![0; counts.len()];
        for index in evenly(&labels, counts.len(), limit) {
            kept[labels[index]] += 1;
        }
        kept
    }

    #[test]
    fn rare_classes_stay_whole_and_the_others_share_the_room() {
        assert_eq!(kept(&[100, 50, 4], 24), [10, 10, 4]);
        assert_eq!(kept(&[100, 50, 4], 1000), [100, 50, 4]);
        assert_eq!(kept(&[5, 0, 5], 6), [3, 0, 3]);
        assert_eq!(kept(&[7], 3), [3]);
    }

    #[test]
    fn what_is_kept_of_a_class_lies_evenly_in_its_order() {
        let labels = [0; 10];
        assert_eq!(evenly(&labels, 1, 5), [0, 2, 4, 6, 8]);
    }

    #[test]
    fn where_classes_are_many_and_representations_long_one_of_each_stays() {
        let labels: Vec<usize> = (0..3000).map(|image| image % 1000).collect();
        let chosen = choose(&labels, 1000, 2048);
        let classes: Vec<usize> = chosen.iter().map(|index| labels[*index]).collect();
        assert_eq!(classes, (0..1000).collect::<Vec<_>>());
        assert_eq!(choose(&labels, 1000, 128).len(), 3000);
    }

    #[test]
    fn a_file_grows_by_four_mebibytes_at_the_most_and_by_no_less_where_there_are_more_images() {
        for (size, images) in [(128, 8192), (512, 2048)] {
            assert_eq!(choose(&[0; 10_000], 1, size).len(), images);
        }
    }

    #[test]
    fn the_room_is_never_exceeded() {
        for limit in 1..60 {
            let kept = kept(&[40, 13, 3, 1], limit);
            assert!(kept.iter().sum::<usize>() <= limit, "{kept:?} of {limit}");
        }
    }
}
