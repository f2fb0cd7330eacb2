//! A model that was replaced.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use clap::Parser;
use normgate_core::{Manifest, Model, Runtime, Sessions};

use crate::Allocator;
use crate::engine::Layout;
use crate::loader::Loader;
use crate::serving::Launch;
use crate::state::AppState;
use crate::telemetry::Levels;
use crate::test_support::{Options, model};

#[test]
fn a_replaced_model_works_until_the_last_request_lets_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let options = Options::parse_from(["--workers", "1"]);
    let state = AppState::new(&options.limits, &options.http, 1);
    let loader = Loader {
        state: &state,
        launch: Launch {
            runtime: Runtime::load(None).unwrap(),
            config: options.engine,
            limits: options.limits.image.limits(),
            metrics: Arc::clone(&state.metrics),
            layout: Default::default(),
        },
        path: &path,
        watch: None,
        allocator: Allocator {
            set_large_apart: |_| {},
            give_back: || {},
        },
    };
    let next = Manifest {
        version: "next".into(),
        ..Manifest::clone(model().manifest())
    };
    model().with_manifest(next).unwrap().save(&path).unwrap();
    thread::scope(|threads| {
        let (asker, first) = loader.start(threads, model()).unwrap();
        let old = first.blocking_recv().unwrap().unwrap();
        let pause = || thread::sleep(Duration::from_millis(5));
        let is_reloading = || {
            let levels = Levels {
                queue_depth: 0,
                body_memory: 0,
                connections: &state.connections,
            };
            let text = state.metrics.render(None, &levels).unwrap();
            let line = text
                .lines()
                .find(|line| line.starts_with("normgate_model_reload_in_progress "));
            line.unwrap().ends_with(" 1")
        };
        assert!(!is_reloading());
        asker.ask();
        while state.serving().unwrap().manifest.version != "next" {
            pause();
        }
        // Time enough for a loader that would be in too much of a hurry.
        thread::sleep(Duration::from_millis(200));
        assert!(old.engine.has_room(None).is_ok());
        assert_eq!(state.hangs(), None);
        old.engine.seems_to_hang();
        assert!(state.hangs().is_some());
        assert!(is_reloading());
        let gone = Arc::downgrade(&old);
        drop(old);
        while gone.strong_count() > 0 || is_reloading() {
            pause();
        }
        state.serving().unwrap().engine.stop();
    });
}

#[test]
fn a_model_too_heavy_for_the_workers_that_there_are_gets_a_single_one_unless_they_share_its_weights()
 {
    // As if chosen for a first model that was far smaller than this one, which has 2.8 MB.
    const MANY: usize = 10_000;
    let path = format!("{}/models/cifar10-lt.onnx", env!("CARGO_MANIFEST_DIR"));
    let shared = Model::open(path.as_ref()).unwrap();
    // ONNX Runtime does not know the operator, so it cannot optimise the graph.
    let mut bytes = shared.bytes().to_vec();
    let known = b"Relu";
    let operator = bytes.windows(known.len()).position(|it| it == known);
    bytes[operator.unwrap()] = b'P';
    let apart = Model::from_bytes(bytes).unwrap();
    let workers = |model: &Model, options: &[&str]| {
        let options = Options::parse_from(options);
        let state = AppState::new(&options.limits, &options.http, 1);
        let launch = Launch {
            runtime: Runtime::load(None).unwrap(),
            config: options.engine,
            limits: options.limits.image.limits(),
            metrics: Arc::clone(&state.metrics),
            layout: Default::default(),
        };
        let first = Layout {
            workers: MANY,
            threads: 1,
            lone: 0,
        };
        launch.layout.set(first).unwrap();
        let sessions = Sessions::new(&launch.runtime, model);
        launch.layout(&sessions).unwrap().workers
    };
    assert_eq!(workers(&shared, &[]), MANY);
    assert_eq!(workers(&apart, &[]), 1);
    assert_eq!(workers(&apart, &["--workers", "8"]), MANY);
}
