//! `make bench` for a moment, with the server that is built for the tests.

use clap::Parser;
use normgate_bench::cli::{Args, bench};
use normgate_bench::report::Report;

use crate::support::shipped_model;

#[test]
fn the_benchmark_measures_the_server_and_the_raw_limit() {
    let cache = tempfile::tempdir().unwrap();
    let json = cache.path().join("report.json");
    let model = shipped_model();
    let args = Args::parse_from(
        [
            ["--server", env!("CARGO_BIN_EXE_normgate")],
            ["--models", model.to_str().unwrap()],
            ["--inputs", "png32"],
            ["--connections", "1,8"],
            ["--seconds", "0.1"],
            ["--rounds", "1"],
            ["--cache", cache.path().to_str().unwrap()],
            ["--json", json.to_str().unwrap()],
        ]
        .iter()
        .flatten()
        .fold(vec!["normgate-bench"], |mut all, word| {
            all.push(word);
            all
        }),
    );
    let report = bench(&args).unwrap();
    assert_eq!(Report::read(&json).unwrap(), report);
    let [cell] = report.cells.as_slice() else {
        panic!("{report:?}");
    };
    assert!(cell.raw.images_per_second.median > 0.0 && cell.decode_ms > 0.0);
    assert!(cell.inference_ms[&1] > 0.0);
    let server = &cell.servers[0];
    assert!(server.start_seconds.unwrap().median > 0.0);
    assert!(server.workers.is_some() && server.peak_mib.unwrap() > 1.0);
    for (load, connections) in server.loads.iter().zip([1, 8]) {
        assert_eq!(load.connections, connections);
        assert!(load.answered > 0 && load.errors.is_empty(), "{load:?}");
        assert!(load.p50_ms <= load.p99_ms && load.share_of_raw.median > 0.0);
    }
}
