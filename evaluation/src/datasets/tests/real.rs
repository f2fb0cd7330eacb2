//! The real image sets, compared with the checksums of their official records.

use sha2::{Digest, Sha256};

use normgate_testing::image_sets;

use super::*;

#[test]
fn the_real_sets_are_byte_for_byte_the_official_records() {
    let Some(data) = image_sets("reading the real sets") else {
        return;
    };
    let text = fs::read_to_string(data.join("sets.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&text).unwrap();
    let sets = index["sets"].as_array().unwrap();
    assert!(!sets.is_empty());
    for entry in sets {
        let name = entry["name"].as_str().unwrap();
        let set = load_test(&data.join(name)).unwrap();
        assert_eq!(Some(set.len() as u64), entry["count"].as_u64(), "{name}");
        let byte = |label: Option<u16>| label.map_or(255, |label| label as u8);
        let mut hash = Sha256::new();
        for i in 0..set.len() {
            let coarse = set.coarse_labels.as_ref().map(|coarse| byte(coarse[i]));
            let labels: Vec<u8> = coarse.into_iter().chain([byte(set.labels[i])]).collect();
            hash.update(record(&labels, set.image(i)));
        }
        let sum: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(Some(sum.as_str()), entry["bin_sha256"].as_str(), "{name}");
    }
}

#[test]
fn the_official_layouts_and_the_strips_hold_the_same_images() {
    let Some(data) = image_sets("reading the real sets") else {
        return;
    };
    let pairs = [
        ("layout/cifar10_test_first100.bin", "cifar10_test"),
        ("layout/cifar100_test_100.bin", "ood_cifar100_test"),
    ];
    for (file, strips) in pairs {
        let official = load_test(&data.join(file)).unwrap();
        let strips = load_test(&data.join(strips)).unwrap();
        let first: Vec<usize> = (0..100).collect();
        let strips = strips.select(&first);
        assert_eq!(official.pixels, strips.pixels, "{file}");
        assert_eq!(official.labels, strips.labels, "{file}");
        assert_eq!(official.coarse_labels, strips.coarse_labels, "{file}");
        let spelled = official.class_names.unwrap().join("\n");
        let names = if official.coarse_labels.is_some() {
            "fine_label_names.txt"
        } else {
            "batches.meta.txt"
        };
        let written = fs::read_to_string(data.join("layout").join(names)).unwrap();
        assert_eq!(spelled, written.trim(), "{file}");
    }
}
