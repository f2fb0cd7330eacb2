//! Images that stay in their files: parts of them are drawn when they are needed.

use normgate_training::checkpoint::{Checkpoint, FILE_NAME};
use normgate_training::models::Architecture;
use normgate_training::optimiser::OptimiserKind;
use serde_json::json;

use crate::command_line::{Workplace, stderr};
use crate::write_strip;

const PARTS: &str = "--data id --aux aux --crop resized --width 8 --threads 1 \
                     --batch-size 16 --aux-batch-size 16 --epochs 2";

fn run(place: &Workplace, arguments: &str) -> Checkpoint {
    let output = place.train(arguments);
    assert!(output.status.success(), "{arguments}: {}", stderr(&output));
    let out = arguments.rsplit(' ').next().unwrap();
    Checkpoint::load(&place.0.path().join(out)).unwrap()
}

#[test]
fn parts_of_files_are_the_same_whatever_the_number_of_loaders() {
    let place = Workplace::new();
    let one = run(&place, &format!("{PARTS} --loaders 1 --out one"));
    let three = run(&place, &format!("{PARTS} --loaders 3 --out three"));
    assert_eq!(one.tensors, three.tensors);
    let whole = PARTS.replace("resized", "padded");
    let whole = run(&place, &format!("{whole} --out whole"));
    assert_ne!(one.tensors, whole.tensors);
}

#[test]
fn a_network_whose_channels_fill_no_whole_vector_takes_large_images_too() {
    let place = Workplace::new();
    // 48 pixels and more are where writing past a tensor's end was seen to end the process.
    for size in [48, 64] {
        let line = "--data id --method ce --width 8 --threads 1 --batch-size 16 --epochs 1";
        run(
            &place,
            &format!("{line} --image-size {size} --out at-{size}"),
        );
    }
}

#[test]
fn the_recipe_of_imagenet_is_one_option() {
    let place = Workplace::new();
    let small = "--image-size 32 --width 8 --batch-size 16 --aux-batch-size 16 --epochs 1";
    let line = format!("--recipe imagenet-lt --data id --aux aux --threads 1 {small} --out run");
    let checkpoint = run(&place, &line);
    let config = &checkpoint.config;
    assert_eq!(config.model.architecture, Architecture::Resnet50);
    assert!(!config.model.affine && !config.model.shortcut_affine);
    assert_eq!(config.recipe.optimiser, OptimiserKind::Sgd);
    assert_eq!(config.recipe.learning_rate, 0.1);
    assert_eq!(config.recipe.weight_decay, 5e-4);
    assert!(checkpoint.tensors.keys().all(|name| !name.contains("sgd.")));
    let written = serde_json::to_value(config).unwrap();
    assert_eq!(written["augmentation"]["crop"], json!("resized"));
    assert_eq!(written["augmentation"]["crop_padding"], json!(0));
    assert_eq!(written["data"]["normalise"], json!("imagenet"));

    // Without the recipe, the weights would get other values than they were trained on.
    let line = "--data id --init run --method la --batch-size 16 --threads 1 --out tuned";
    let said = stderr(&place.train(line));
    assert!(said.contains("--normalise imagenet"), "{said}");
    let tuned = run(
        &place,
        &format!("--recipe imagenet-lt --image-size 32 {line}"),
    );
    assert_eq!(tuned.config.model, {
        let mut model = config.model.clone();
        model.projection = tuned.config.model.projection;
        model
    });
    assert_eq!(tuned.config.recipe.epochs, 3);
}

#[test]
fn a_broken_file_ends_training_with_its_name_and_what_to_do() {
    let place = Workplace::new();
    let broken = place.0.path().join("id/even/7.png");
    let whole = std::fs::read(&broken).unwrap();
    std::fs::write(&broken, &whole[..200]).unwrap();
    // Every image is in a pass of 20 + 20, so the broken one comes up in the first epoch or in the second.
    let batches = PARTS.replace("--batch-size 16", "--batch-size 8");
    let output = place.train(&format!("{batches} --out run"));
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in ["id/even/7.png: ", "truncated", "--resume"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains("panicked"), "{said}");
    std::fs::write(&broken, &whole).unwrap();
    let again = match place.0.path().join("run").join(FILE_NAME).exists() {
        true => "--resume run --threads 1".to_owned(),
        false => format!("{batches} --out run"),
    };
    let output = place.train(&again);
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn crops_are_parts_too_and_sets_in_memory_stand_beside_files_by_weights() {
    let place = Workplace::new();
    let crops = PARTS.replace("--aux aux", "--aux crops");
    run(&place, &format!("{crops} --out crops"));

    write_strip(&place.0.path().join("strips"), &[255; 40]);
    let both = PARTS.replace("--aux aux", "--aux aux,strips");
    let said = stderr(&place.train(&format!("{both} --out both")));
    assert!(said.contains("--aux-weights"), "{said}");
    assert!(!place.0.path().join("both").join(FILE_NAME).exists());
    run(&place, &format!("{both} --aux-weights 1,1 --out both"));
}
