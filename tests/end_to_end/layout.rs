//! How many workers there are, and of how many threads: measured once, kept, and never more than was granted.

use std::fs;
use std::io::{self, Write};
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

/// Checks that there is one worker of one thread.
fn assert_one_thread(server: &Server) {
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

#[test]
fn a_process_that_was_granted_one_processor_has_one_worker_of_one_thread() {
    let cache = tempfile::tempdir().unwrap();
    let inner = command(cache.path(), &["--log-format", "json"]);
    let server = Server::spawn(through(&["taskset", "-c", &first_processor()], &inner));
    assert_one_thread(&server);
}

/// A control group that grants the time of one processor, as a container's CPU limit does.
struct OneProcessor(PathBuf);

impl OneProcessor {
    fn new() -> io::Result<Self> {
        let [v2, v1] = ["/sys/fs/cgroup", "/sys/fs/cgroup/cpu"].map(Path::new);
        let name = format!("normgate-test-{}", std::process::id());
        let (folder, settings) = match v2.join("cgroup.controllers").exists() {
            true => (v2.join(name), &[("cpu.max", "100000 100000")][..]),
            false => (v1.join(name), &[("cpu.cfs_quota_us", "100000")][..]),
        };
        fs::create_dir(&folder)?;
        let group = Self(folder);
        for (file, value) in settings {
            // Not created: where there is no such setting, there is no such group.
            let mut file = fs::OpenOptions::new()
                .write(true)
                .open(group.0.join(file))?;
            file.write_all(value.as_bytes())?;
        }
        Ok(group)
    }
}

impl Drop for OneProcessor {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn a_container_s_cpu_limit_counts_as_the_number_of_processors() {
    let group = match OneProcessor::new() {
        Ok(group) => group,
        // Not a failure in CI either: it may run where only the host makes such groups.
        Err(error) => return eprintln!("left out: a CPU limit needs a control group: {error}"),
    };
    let cache = tempfile::tempdir().unwrap();
    let inner = command(cache.path(), &["--log-format", "json"]);
    let enter = format!(
        "echo $$ > {}/cgroup.procs && exec \"$0\" \"$@\"",
        group.0.display()
    );
    let server = Server::spawn(through(&["sh", "-c", &enter], &inner));
    assert_one_thread(&server);
    drop(server);
    drop(group);
}
