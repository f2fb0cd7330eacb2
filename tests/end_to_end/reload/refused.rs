//! Files that cannot be served.

use std::fs;

use normgate_core::{Manifest, manifest::METADATA_KEY};

use super::Reloading;
use crate::models::{ENGLISH, GERMAN};

#[test]
fn a_file_that_cannot_be_served_leaves_the_old_model_in_service_and_says_why() {
    let it = Reloading::with(&[]);
    let good = fs::read(&it.model).unwrap();
    let uncalibrated = Manifest {
        calibration: None,
        ..GERMAN.manifest()
    };
    let uncalibrated = GERMAN.model().with_manifest(uncalibrated).unwrap();
    // Its graph has three outputs, not two: only ONNX Runtime finds out.
    let misfit = Manifest {
        representation_size: 2,
        ..GERMAN.manifest()
    };
    let misfit = GERMAN.model().with_manifest(misfit).unwrap();
    // Its first run shows that no numbers come out.
    let metadata = [(METADATA_KEY, GERMAN.manifest().to_json().unwrap())];
    let broken = GERMAN.graph(f32::INFINITY, &metadata);
    let cases: [(&str, Option<Vec<u8>>); 7] = [
        ("there is no model file", None),
        ("is truncated", Some(good[..good.len() / 2].to_vec())),
        ("too few", Some(Vec::new())),
        ("no Normgate manifest", Some(GERMAN.graph(1.0, &[]))),
        ("is not calibrated", Some(uncalibrated.bytes().to_vec())),
        ("representation", Some(misfit.bytes().to_vec())),
        ("could not be warmed up", Some(broken)),
    ];
    for (n, (reason, file)) in cases.iter().enumerate() {
        match file {
            Some(bytes) => fs::write(&it.model, bytes).unwrap(),
            None => fs::remove_file(&it.model).unwrap(),
        }
        it.server.signal("HUP");
        it.wait_for("failed", n as u64 + 1);
        it.assert_serves(&ENGLISH);
        let said = it.wait_for_log("not reloaded", n + 1);
        assert!(
            said.contains("ERROR") && said.contains(reason),
            "{reason}: {said}"
        );
    }
    fs::write(&it.model, &good).unwrap();
    it.server.signal("HUP");
    it.wait_for("unchanged", 1);
    it.reload(&GERMAN);
    it.assert_serves(&GERMAN);
    assert_eq!(
        (it.count("ok"), it.count("failed")),
        (1, cases.len() as u64)
    );
}
