//! How many workers there are, and of how many threads: measured once, kept, and never more than was granted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

use crate::support::{PATIENCE, Server, normgate, through};

fn server(cache: &Path, arguments: &[&str]) -> Server {
    Server::spawn(command(cache, arguments))
}

fn command(cache: &Path, arguments: &[&str]) -> Command {
    let mut command = normgate();
    command
        .env("XDG_CACHE_HOME", cache)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(arguments);
    command
}

fn kept(cache: &Path) -> Vec<PathBuf> {
    let folder = fs::read_dir(cache.join("normgate/layouts"));
    let files = folder.into_iter().flatten();
    files.map(|file| file.unwrap().path()).collect()
}

#[test]
fn what_was_measured_is_kept_for_the_next_start_and_flags_need_no_measurement() {
    let processors = std::thread::available_parallelism().unwrap().get();
    if processors == 1 {
        return normgate_testing::left_out("the measured layout", "a second processor");
    }
    let cache = tempfile::tempdir().unwrap();
    drop(server(cache.path(), &["--workers", "1"]));
    assert!(kept(cache.path()).is_empty());

    let began = Instant::now();
    let measured = loop {
        let workers = server(cache.path(), &[]).get("/readyz").json()["workers"].clone();
        // On a machine that is busy with other things, the rounds may disagree, and then nothing is kept.
        if !kept(cache.path()).is_empty() || began.elapsed() > PATIENCE {
            break workers;
        }
    };
    let [file] = &kept(cache.path())[..] else {
        panic!("{:?}", kept(cache.path()));
    };
    let mut layout: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let is_sure = layout.as_object_mut().unwrap().remove("is_sure").unwrap();
    let [many, many_and_one] =
        [0, processors].map(|lone| json!({ "workers": processors, "threads": 1, "lone": lone }));
    let single = json!({ "workers": 1, "threads": processors, "lone": 0 });
    assert!(
        [&many, &many_and_one, &single].contains(&&layout),
        "{layout}"
    );
    assert_eq!(layout["workers"], measured);
    assert_eq!(is_sure, layout == many_and_one);

    let mut other = if layout == single { many } else { single };
    other["is_sure"] = true.into();
    fs::write(file, other.to_string()).unwrap();
    let workers = server(cache.path(), &[]).get("/readyz").json()["workers"].clone();
    assert_eq!(workers, other["workers"]);

    // What one start alone has found, another measures again.
    other["is_sure"] = false.into();
    let alone = other.to_string();
    fs::write(file, &alone).unwrap();
    let began = Instant::now();
    while fs::read_to_string(file).unwrap() == alone {
        assert!(began.elapsed() < PATIENCE, "not measured again");
        drop(server(cache.path(), &[]));
    }

    // Neither nonsense nor another machine's layout is believed.
    for nonsense in [
        "{",
        r#"{"workers": 100000, "threads": 1, "lone": 0, "is_sure": true}"#,
    ] {
        fs::write(file, nonsense).unwrap();
        let workers = server(cache.path(), &[]).get("/readyz").json()["workers"].clone();
        assert!(
            [1, processors as u64].map(Value::from).contains(&workers),
            "{workers}"
        );
    }
}

/// The first of the processors that this process may use.
fn first_processor() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let digits = |list: &str| {
        list.trim()
            .chars()
            .take_while(char::is_ascii_digit)
            .collect()
    };
    digits(list.unwrap())
}

#[test]
fn a_process_that_was_granted_one_processor_has_one_worker_of_one_thread() {
    let cache = tempfile::tempdir().unwrap();
    let inner = command(cache.path(), &["--log-format", "json"]);
    let server = Server::spawn(through(&["taskset", "-c", &first_processor()], &inner));
    let log = server.log();
    let ready = log
        .lines()
        .find(|line| line.contains("threads_per_worker"))
        .unwrap();
    let ready: Value = serde_json::from_str(ready).unwrap();
    assert_eq!(
        (&ready["workers"], &ready["threads_per_worker"]),
        (&json!(1), &json!(1))
    );
}
