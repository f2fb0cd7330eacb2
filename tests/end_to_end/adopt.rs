//! A network from elsewhere: from a bare ONNX file, by the command line, to a server's answers.

use std::fs;
use std::path::Path;

use normgate_core::onnx::{self, remove_metadata};
use normgate_core::{Manifest, Model, manifest};

use crate::cuts::cuts;
use crate::support::{Server, repository, run, shipped_model, stderr, stdout};

/// The shipped network as somebody else would have exported it: its logits alone, and no manifest.
fn foreign(path: &Path) -> Manifest {
    let shipped = Model::open(&shipped_model()).unwrap();
    let bare = remove_metadata(shipped.bytes(), manifest::METADATA_KEY).unwrap();
    let mut network = onnx::decode(&bare).unwrap();
    let graph = network.graph.as_mut().unwrap();
    graph.output.retain(|output| output.name == "logits");
    fs::write(path, onnx::encode(&network)).unwrap();
    (**shipped.manifest()).clone()
}

fn done(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        stderr(&output)
    );
    stdout(&output)
}

#[test]
fn a_network_without_a_manifest_is_adopted_calibrated_and_served_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (bare, adopted) = (path("bare.onnx"), path("adopted.onnx"));
    let manifest = foreign(bare.as_ref());
    let refused = run(&["inspect", &bare]);
    let said = stderr(&refused);
    assert!(
        !refused.status.success() && said.contains("normgate adopt"),
        "{said}"
    );

    let numbers = |numbers: [f32; 3]| numbers.map(|number| number.to_string()).join(",");
    let preprocessing = &manifest.preprocessing;
    let normalise = format!(
        "{}/{}",
        numbers(preprocessing.mean),
        numbers(preprocessing.std)
    );
    let shown = done(&[
        "adopt",
        &bare,
        "--out",
        &adopted,
        "--labels",
        "cifar10",
        "--normalise",
        &normalise,
        "--score",
        "rn",
        "--name",
        "mine",
    ]);
    assert!(shown.contains("128 values"), "{shown}");
    assert!(
        shown
            .lines()
            .all(|line| line.chars().count() <= 110 || line.contains(&adopted)),
        "{shown}"
    );
    let model = Model::open(adopted.as_ref()).unwrap();
    assert_eq!(model.manifest().preprocessing, *preprocessing);
    assert_eq!(model.manifest().labels, manifest.labels);

    let data = cuts(folder.path(), "cuts", &[], 60);
    done(&["calibrate", &adopted, "--data", data.to_str().unwrap()]);
    let cat = fs::read(repository().join("docs/images/cat.jpg")).unwrap();
    let before = Server::start().classify("image/jpeg", &cat).answer();
    let after = Server::with(&["--model", &adopted])
        .classify("image/jpeg", &cat)
        .answer();
    assert_eq!(after["model"]["name"], "mine");
    assert_eq!(after["label"], before["label"]);
    for field in ["/confidence", "/ood/score"] {
        let [before, after] =
            [&before, &after].map(|it| it.pointer(field).unwrap().as_f64().unwrap());
        assert!((before - after).abs() < 1e-4, "{field}: {before} {after}");
    }
}
