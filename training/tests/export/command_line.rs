//! train, export, calibrate and evaluate, as people use them.

use std::path::Path;
use std::process::Command;

use normgate_core::manifest::Resize;
use normgate_core::model::Model;
use rand::Rng;
use rand_pcg::Pcg64Mcg;

/// Writes 120 images of noise in CIFAR-10's binary layout, dark or bright; their classes are 0, 1, 0, 1, ….
fn write_cifar(folder: &Path, seed: u128, brightest: u32) {
    let mut random = Pcg64Mcg::new(seed);
    std::fs::create_dir_all(folder).unwrap();
    for file in [
        "data_batch_1",
        "data_batch_2",
        "data_batch_3",
        "data_batch_4",
        "data_batch_5",
        "test_batch",
    ] {
        let mut records = Vec::new();
        for index in 0..20 {
            records.push((index % 2) as u8);
            records.extend((0..3072).map(|_| (random.next_u32() % brightest) as u8));
        }
        std::fs::write(folder.join(format!("{file}.bin")), records).unwrap();
    }
}

fn run(folder: &Path, arguments: &str) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_normgate-train"))
        .current_dir(folder)
        .args(arguments.split_whitespace())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn from_images_to_a_report_on_the_command_line() {
    let place = tempfile::tempdir().unwrap();
    write_cifar(&place.path().join("id"), 1, 256);
    write_cifar(&place.path().join("aux"), 2, 100);
    write_cifar(&place.path().join("dark"), 3, 50);
    let done = |arguments: &str| {
        let (success, text) = run(place.path(), arguments);
        assert!(success, "{arguments}: {text}");
        text
    };
    done(
        "train --data id --aux aux --class-names airplane,automobile --out run --width 8 --threads 1 \
         --batch-size 16 --aux-batch-size 16 --epochs 2",
    );
    let said = done("export run --out tiny.onnx --name tiny");
    assert!(
        said.contains("Wrote tiny.onnx") && said.contains("calibrate tiny.onnx"),
        "{said}"
    );

    let (success, text) = run(place.path(), "evaluate tiny.onnx --id id");
    assert!(!success && text.contains("not calibrated"), "{text}");

    let said = done("calibrate tiny.onnx --data id#split=train#last=20 --balance");
    assert!(said.contains("20 of each of the 2 classes"), "{said}");

    for (out, expected) in [
        (
            "tiny.onnx",
            "a calibrated model, whose threshold would be lost",
        ),
        (
            "id/test_batch.bin",
            "id/test_batch.bin: there is something else (",
        ),
        (
            "nowhere/tiny.onnx",
            "there is no folder nowhere: create it first",
        ),
    ] {
        let (success, text) = run(place.path(), &format!("export run --out {out}"));
        assert!(!success && text.contains(expected), "{text}");
    }
    done("export run --out again.onnx");
    done("export run --out again.onnx");

    let said =
        done("evaluate tiny.onnx --id id#split=test --ood dark,noise=aux --run run --out report");
    assert!(
        said.contains("mean of 2") && said.contains("noise"),
        "{said}"
    );
    for file in [
        "report.json",
        "report.md",
        "norms.svg",
        "roc.png",
        "taken-for.svg",
        "training.png",
    ] {
        assert!(place.path().join("report").join(file).is_file(), "{file}");
    }
}

const JPEG: image::ImageFormat = image::ImageFormat::Jpeg;

/// Writes ImageNet-LT's layout from a few photos: a long tail to train on, in which each photo is listed several
/// times, parts of the photos to calibrate and to test on, auxiliary images in class folders, and OOD images.
fn write_imagenet(photos: &Path, folder: &Path) {
    let copy = |from: &str, to: String| {
        let to = folder.join(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(photos.join(from), to).unwrap();
    };
    let classes = ["airplane", "cat", "dog"];
    let [mut train, mut val, mut test] = [(); 3].map(|()| String::new());
    for (class, (name, count)) in classes.into_iter().zip([16, 8, 2]).enumerate() {
        let photo = format!("id/{name}_1.jpg");
        let one = format!("train/n0{class}/1.JPEG");
        copy(&photo, format!("imagenet_lt/{one}"));
        std::fs::create_dir_all(folder.join("imagenet_lt/val")).unwrap();
        train += &format!("{one} {class}\n").repeat(count);
        // Parts and not copies: a threshold is not made from copies, and copies are not tested on.
        let whole = image::open(photos.join(&photo)).unwrap();
        for part in 0..15 {
            let file = format!("val/{class}_{part}.JPEG");
            let (width, height) = (whole.width() - 60, whole.height() - 60);
            let cut = whole.crop_imm(4 * part, 3 * part, width, height);
            cut.into_rgb8()
                .save_with_format(folder.join("imagenet_lt").join(&file), JPEG)
                .unwrap();
            let list = if part < 10 { &mut val } else { &mut test };
            *list += &format!("{file} {class}\n");
        }
    }
    for (list, lines) in [("train", train), ("val", val), ("test", test)] {
        let list = folder.join(format!("imagenet_lt/ImageNet_LT_{list}.txt"));
        std::fs::write(list, lines).unwrap();
    }
    for number in 0..8 {
        let which = number % 2;
        let photo = ["id/ship_1.jpg", "id/frog_1.jpg"][which];
        copy(photo, format!("imagenet_extra/n1{which}/{number}.JPEG"));
        copy("ood/scene_1.jpg", format!("imagenet_ood/{number}.JPEG"));
    }
}

#[test]
fn from_the_lists_of_imagenet_lt_to_a_report_on_the_command_line() {
    let Some(sets) = normgate_testing::image_sets("training on ImageNet-LT's layout") else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    write_imagenet(&sets.join("photos"), place.path());
    let done = |arguments: &str| {
        let (success, text) = run(place.path(), arguments);
        assert!(success, "{arguments}: {text}");
        text
    };
    let said = done(
        "train --recipe imagenet-lt --data imagenet_lt/ImageNet_LT_train.txt --aux imagenet_extra \
         --out run --width 8 --image-size 64 --batch-size 8 --aux-batch-size 8 --epochs 2 --lr 0.01 \
         --threads 1 --loaders 2",
    );
    assert!(
        said.contains("26 images of 3 classes (n00 16, n01 8, n02 2)"),
        "{said}"
    );
    done("export run --out tiny.onnx");
    done("calibrate tiny.onnx --data imagenet_lt/ImageNet_LT_val.txt");
    done(
        "evaluate tiny.onnx --id imagenet_lt/ImageNet_LT_test.txt --ood imagenet_ood --run run \
         --out report",
    );
    let model = place.path().join("tiny.onnx");
    normgate_testing::passes_the_onnx_checker(&model);
    let model = Model::open(&model).unwrap();
    let manifest = model.manifest();
    assert_eq!(manifest.labels, ["n00", "n01", "n02"]);
    let preprocessing = &manifest.preprocessing;
    assert_eq!((preprocessing.width, preprocessing.height), (64, 64));
    let centre = Resize::CentreCrop { shorter_side: 73 };
    assert_eq!(preprocessing.resize, centre);
    assert_eq!(preprocessing.mean, [0.485, 0.456, 0.406]);
    assert!(manifest.calibration.is_some());
    let report = std::fs::read_to_string(place.path().join("report/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["figures"]["id"]["images"], 15);
    assert_eq!(report["figures"]["ood"][0]["images"], 8);
}

#[test]
fn a_folder_without_a_checkpoint_is_named() {
    let place = tempfile::tempdir().unwrap();
    let (success, text) = run(place.path(), "export . --out x.onnx");
    assert!(
        !success && text.contains("checkpoint.safetensors: give a run folder"),
        "{text}"
    );
}
