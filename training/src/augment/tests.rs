//! The chain as a whole.

use super::*;
use clap::ValueEnum;

fn strong() -> AugmentConfig {
    let mut config = AugmentConfig::default();
    config.camera.strength = 1.0;
    config.viewpoint = 1.0;
    config.cutout = 8;
    config
}

fn varied(config: &AugmentConfig, seed: u128) -> Vec<f32> {
    let mut out = vec![0.0; 3 * 32 * 32];
    let mut random = Pcg64Mcg::new(seed);
    Augmenter::new(config.clone()).apply(&reference::image(32), &mut random, &mut out);
    out
}

#[test]
fn with_all_off_the_image_is_only_scaled() {
    for seed in 0..20 {
        assert_eq!(varied(&AugmentConfig::off(), seed), reference::planes(32));
    }
}

#[test]
fn the_same_generator_gives_the_same_image_and_another_another() {
    assert_eq!(varied(&strong(), 7), varied(&strong(), 7));
    assert_ne!(varied(&strong(), 7), varied(&strong(), 8));
}

#[test]
fn every_value_stays_between_black_and_white() {
    for seed in 0..300 {
        let image = varied(&strong(), seed);
        assert!(
            image.iter().all(|value| (0.0..=1.0).contains(value)),
            "{seed}"
        );
    }
}

#[test]
fn each_operation_alone_changes_the_image_as_often_as_it_should() {
    let changed = |config: &AugmentConfig| {
        let changed = (0..400).filter(|&seed| varied(config, seed) != reference::planes(32));
        changed.count()
    };
    let near = |count: usize, expected: usize| count.abs_diff(expected) < 45;
    let off = AugmentConfig::off;
    let paper = AugmentConfig::default();
    let mut flip = off();
    flip.flip = 0.5;
    assert!(near(changed(&flip), 200));
    let mut crop = off();
    crop.crop_padding = 4;
    assert!(near(changed(&crop), 400 - 400 / 81));
    let mut viewpoint = off();
    viewpoint.viewpoint = 0.1;
    assert_eq!(changed(&viewpoint), 400);
    let mut cutout = off();
    cutout.cutout = 4;
    assert_eq!(changed(&cutout), 400);
    let mut colour = off();
    colour.colour = paper.colour;
    assert!(near(changed(&colour), 320));
    let mut greyscale = off();
    greyscale.greyscale = 0.2;
    assert!(near(changed(&greyscale), 80));
    for &operation in CameraOperation::value_variants() {
        let mut camera = off();
        camera.camera = strong().camera;
        camera.camera.operations = vec![operation];
        let expected = if operation == CameraOperation::Tilt {
            400
        } else {
            200
        };
        assert!(near(changed(&camera), expected), "{operation:?}");
        camera.camera.probability = 0.5;
        assert!(near(changed(&camera), expected / 2), "{operation:?}");
        camera.camera.strength = 0.0;
        assert_eq!(changed(&camera), 0);
    }
}

#[test]
fn images_of_other_sizes_are_varied_too() {
    for side in [1, 2, 7, 33, 64] {
        let image = reference::image(side);
        for seed in 0..20 {
            let mut out = vec![-1.0; image.len()];
            Augmenter::new(strong()).apply(&image, &mut Pcg64Mcg::new(seed), &mut out);
            assert!(
                out.iter().all(|value| (0.0..=1.0).contains(value)),
                "{side}"
            );
        }
    }
}

#[test]
fn nonsense_in_a_configuration_file_does_not_end_the_run() {
    let mut config = strong();
    config.camera.strength = 50.0;
    config.colour.hue = f32::NAN;
    config.crop_padding = u16::MAX;
    config.viewpoint = f32::INFINITY;
    config.cutout = u16::MAX;
    let _ = varied(&config, 1);
}
