use rand::RngExt;

use super::*;
use crate::augment::AugmentConfig;

/// Images of one pixel, its red the image's number.
fn numbered(count: usize) -> ImageSet {
    ImageSet {
        width: 1,
        height: 1,
        pixels: (0..count).flat_map(|number| [number as u8, 0, 0]).collect(),
        labels: (0..count).map(|number| Some(number as u16)).collect(),
        ..ImageSet::default()
    }
}

/// Of ten images three a step, and two of five others.
fn plan(seed: u64, views: usize, vary: Vary) -> Arc<Plan> {
    let stream = |count, per_step| Stream {
        images: numbered(count),
        per_step,
        part: Part::Whole,
    };
    Arc::new(Plan {
        streams: vec![stream(10, 3), stream(5, 2)],
        seed,
        views,
        vary,
        normalise: Normalise::None,
        device: Device::Cpu,
    })
}

fn first_batch(plan: &Arc<Plan>) -> Batch {
    Batches::start(plan, 0, 1, 1).unwrap().receive().unwrap()
}

fn values<T: tch::kind::Element + Copy>(tensor: &Tensor) -> Vec<T> {
    Vec::try_from(tensor.view([-1])).unwrap()
}

/// The numbers of the images in each step: (in-distribution, auxiliary).
fn steps(seed: u64, first: usize, end: usize, threads: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let number: Box<Prepare> = Box::new(|image, _, out| out.fill(f32::from(image[0])));
    let plan = plan(seed, 1, Vary::OneByOne(number));
    let mut batches = Batches::start(&plan, first, end, threads).unwrap();
    let steps = (first..end).map(|_| {
        let batch = batches.receive().unwrap();
        let reds = values::<f32>(&batch.images.select(1, 0));
        let numbers: Vec<u8> = reds.iter().map(|&red| red as u8).collect();
        let labels = values::<i64>(&batch.labels);
        let labels: Vec<u8> = labels.iter().map(|&label| label as u8).collect();
        assert_eq!(labels, numbers[..3]);
        (labels, numbers[3..].to_vec())
    });
    steps.collect()
}

fn distinct(numbers: impl IntoIterator<Item = u8>) -> usize {
    let numbers: std::collections::BTreeSet<u8> = numbers.into_iter().collect();
    numbers.len()
}

#[test]
fn a_pass_shows_no_image_twice_and_drops_the_incomplete_batch() {
    let steps = steps(0, 0, 6, 1);
    let (first, second) = steps.split_at(3);
    for pass in [first, second] {
        assert_eq!(distinct(pass.iter().flat_map(|(id, _)| id.clone())), 9);
    }
    let order = |pass: &[(Vec<u8>, Vec<u8>)]| -> Vec<u8> {
        pass.iter().flat_map(|(id, _)| id.clone()).collect()
    };
    assert_ne!(order(first), order(second), "each pass has its own order");
}

#[test]
fn auxiliary_images_go_round_at_their_own_pace() {
    // A pass over the 5 lasts two steps, one over the 10 lasts three.
    for pass in steps(1, 0, 6, 1).chunks(2) {
        assert_eq!(
            distinct(pass.iter().flat_map(|(_, auxiliary)| auxiliary.clone())),
            4
        );
    }
}

#[test]
fn neither_threads_nor_the_first_step_change_a_step() {
    let all = steps(2, 0, 8, 1);
    assert_eq!(steps(2, 0, 8, 3), all);
    assert_eq!(steps(2, 5, 8, 2), all[5..]);
    assert_ne!(steps(3, 0, 8, 1), all);
}

#[test]
fn a_second_view_shows_the_same_images_varied_anew_and_leaves_the_first_as_it_was() {
    let batch = |views| {
        let prepare: Box<Prepare> = Box::new(|image, random, out| {
            out.fill(f32::from(image[0]) + random.random::<f32>());
        });
        let batch = first_batch(&plan(4, views, Vary::OneByOne(prepare)));
        (values::<f32>(&batch.images), values::<i64>(&batch.labels))
    };
    let ((one, labels), (two, both_labels)) = (batch(1), batch(2));
    assert_eq!((one.len(), two.len()), (3 * 5, 3 * 8));
    let (first, rest) = two.split_at(9);
    let (second, auxiliary) = rest.split_at(9);
    assert_eq!([first, auxiliary].concat(), one);
    for (first, second) in first.iter().zip(second) {
        assert_eq!(first.floor(), second.floor(), "the same image");
        assert_ne!(first, second, "varied anew");
    }
    assert_eq!(both_labels, [labels.clone(), labels].concat());
}

/// Thirty noisy images, of which two views are shown, and twenty others.
fn varied(config: &AugmentConfig, together: bool) -> Batch {
    let augmenter = Augmenter::new(config.clone());
    let vary = match together {
        true => Vary::Together(augmenter),
        false => Vary::OneByOne(Box::new(move |image, random, out| {
            augmenter.apply(image, random, out);
        })),
    };
    let mut random = Pcg64Mcg::new(5);
    let mut stream = |count| Stream {
        images: ImageSet {
            width: 9,
            height: 9,
            pixels: (0..count * 243).map(|_| random.random()).collect(),
            labels: vec![Some(1); count],
            ..ImageSet::default()
        },
        per_step: count,
        part: Part::Whole,
    };
    first_batch(&Arc::new(Plan {
        streams: vec![stream(30), stream(20)],
        seed: 6,
        views: 2,
        vary,
        normalise: Normalise::Imagenet,
        device: Device::Cpu,
    }))
}

#[test]
fn a_batch_varied_together_is_the_one_whose_images_are_varied_one_by_one() {
    let paper = AugmentConfig::default();
    let mut far_off = paper.clone();
    far_off.crop_padding = 12;
    let mut no_colour = paper.clone();
    no_colour.colour.probability = 0.0;
    for config in [paper, far_off, no_colour, AugmentConfig::off()] {
        let (one_by_one, together) = (varied(&config, false), varied(&config, true));
        assert_eq!(together.images.size(), [80, 3, 9, 9]);
        assert_eq!(together.labels, one_by_one.labels);
        let apart = (together.images - one_by_one.images).abs().max();
        let apart = apart.double_value(&[]);
        // A normalised value is up to 4.5 times one between 0 and 1.
        assert!(apart < 4.5e-5, "{config:?}: {apart}");
    }
}

#[test]
fn past_the_last_step_there_is_an_error_and_no_waiting() {
    let plan = plan(0, 1, Vary::OneByOne(Box::new(|_, _, _| ())));
    let mut batches = Batches::start(&plan, 0, 1, 1).unwrap();
    assert!(batches.receive().is_ok());
    assert!(matches!(batches.receive(), Err(TrainError::LoaderStopped)));
}
