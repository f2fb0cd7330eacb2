use std::time::{Duration, Instant};

use rand::RngExt;

use super::*;
use crate::augment::AugmentConfig;

/// Images of one pixel, whose red is the image's number.
fn numbered(count: usize) -> ImageSet {
    ImageSet {
        width: 1,
        height: 1,
        pixels: (0..count).flat_map(|number| [number as u8, 0, 0]).collect(),
        labels: (0..count).map(|number| Some(number as u16)).collect(),
        ..ImageSet::default()
    }
}

/// A plan with three of ten images a step, and two of five others.
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
    })
}

/// Both ways of augmenting images.
fn both(config: &AugmentConfig) -> [Vary; 2] {
    let [augmenter, other] = [0; 2].map(|_| Augmenter::new(config.clone()));
    let one_by_one = Vary::OneByOne(Box::new(move |image, random, out| {
        augmenter.apply(image, random, out);
    }));
    [one_by_one, Vary::Together(other)]
}

#[test]
fn an_epoch_ends_with_the_images_to_classify_or_with_those_that_are_all_seen_first() {
    let [vary, _] = both(&AugmentConfig::off());
    let plan = plan(0, 1, vary);
    let steps = |streams: usize, end| steps_per_epoch(&plan.streams[..streams], end);
    assert_eq!([1, 2].map(|streams| steps(streams, EpochEnd::Data)), [3, 3]);
    assert_eq!(
        [1, 2].map(|streams| steps(streams, EpochEnd::Shortest)),
        [3, 2]
    );
}

fn first_batch(plan: &Arc<Plan>, device: Device) -> Batch {
    let batches = Batches::start(plan, device, 0..1, 1);
    batches.unwrap().receive().unwrap()
}

fn values<T: tch::kind::Element + Copy>(tensor: &Tensor) -> Vec<T> {
    Vec::try_from(tensor.view([-1])).unwrap()
}

/// The numbers of the images in each step, (in-distribution, auxiliary), which are the same in both ways.
fn steps(seed: u64, first: usize, end: usize, threads: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let [one_by_one, together] = both(&AugmentConfig::off()).map(|vary| {
        let plan = plan(seed, 1, vary);
        let mut batches = Batches::start(&plan, Device::Cpu, first..end, threads).unwrap();
        let steps = (first..end).map(|_| {
            let batch = batches.receive().unwrap();
            let reds = values::<f32>(&(batch.images.select(1, 0) * 255.0).round());
            let numbers: Vec<u8> = reds.iter().map(|&red| red as u8).collect();
            let labels = values::<i64>(&batch.labels);
            let labels: Vec<u8> = labels.iter().map(|&label| label as u8).collect();
            assert_eq!(labels, numbers[..3]);
            (labels, numbers[3..].to_vec())
        });
        steps.collect::<Vec<_>>()
    });
    assert_eq!(one_by_one, together);
    together
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
        let batch = first_batch(&plan(4, views, Vary::OneByOne(prepare)), Device::Cpu);
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

/// Thirty noisy images, each in two views, and twenty others.
fn noisy(vary: Vary) -> Arc<Plan> {
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
    Arc::new(Plan {
        streams: vec![stream(30), stream(20)],
        seed: 6,
        views: 2,
        vary,
        normalise: Normalise::Imagenet,
    })
}

#[test]
fn a_batch_varied_together_is_the_one_whose_images_are_varied_one_by_one() {
    let paper = AugmentConfig::default();
    let mut far_off = paper.clone();
    far_off.crop_padding = 12;
    let mut no_colour = paper.clone();
    no_colour.colour.probability = 0.0;
    let mut devices = vec![Device::Cpu];
    devices.extend(tch::Cuda::is_available().then_some(Device::Cuda(0)));
    for config in [paper, far_off, no_colour, AugmentConfig::off()] {
        for &device in &devices {
            let [one_by_one, together] = both(&config).map(noisy);
            let one_by_one = first_batch(&one_by_one, Device::Cpu);
            let together = first_batch(&together, device);
            assert_eq!(together.images.size(), [80, 3, 9, 9]);
            assert_eq!(together.images.device(), device);
            assert_eq!(together.labels.to_device(Device::Cpu), one_by_one.labels);
            let apart = together.images.to_device(Device::Cpu) - one_by_one.images;
            let apart = apart.abs().max().double_value(&[]);
            // Normalisation makes differences up to 4.5 times as large.
            assert!(apart < 4.5e-5, "{device:?}, {config:?}: {apart}");
        }
    }
}

#[test]
fn past_the_last_step_there_is_an_error_and_no_waiting() {
    for plan in both(&AugmentConfig::off()).map(|vary| plan(0, 1, vary)) {
        let mut batches = Batches::start(&plan, Device::Cpu, 0..1, 1).unwrap();
        assert!(batches.receive().is_ok());
        assert!(matches!(batches.receive(), Err(TrainError::LoaderStopped)));
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    for vary in both(&AugmentConfig::off()) {
        let images = ImageSet {
            width: 8,
            height: 8,
            files: vec!["nowhere/1.png".into()],
            labels: vec![Some(0)],
            ..ImageSet::default()
        };
        let plan = Arc::new(Plan {
            streams: vec![Stream {
                images,
                per_step: 1,
                part: Part::Whole,
            }],
            seed: 0,
            views: 1,
            vary,
            normalise: Normalise::None,
        });
        let mut batches = Batches::start(&plan, Device::Cpu, 0..9, 2).unwrap();
        let error = batches.receive().unwrap_err();
        assert!(error.to_string().contains("nowhere/1.png"), "{error}");
    }
}

#[test]
fn a_run_that_ends_early_leaves_no_thread_behind() {
    for plan in both(&AugmentConfig::default()).map(noisy) {
        let mut batches = Batches::start(&plan, Device::Cpu, 0..1_000_000, 3).unwrap();
        batches.receive().unwrap();
        drop(batches);
        // The thread that makes batches, if there is one, has ended.
        assert!(Arc::strong_count(&plan) <= 1 + 3);
        // The loaders notice once they have finished what they are doing.
        let started = Instant::now();
        while Arc::strong_count(&plan) > 1 {
            assert!(started.elapsed() < Duration::from_secs(60));
            thread::sleep(Duration::from_millis(5));
        }
    }
}
