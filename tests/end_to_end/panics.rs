//! Panics in the engine's threads. No image is known that causes one, so the threads' clock is made to fail.

use std::{fs, path::PathBuf, process::Command};

use image::ImageFormat;
use tempfile::TempDir;

use crate::{
    support::{Server, encoded, normgate, picture, png, repository, until},
    wire::metric,
};

/// A folder with the library that makes clocks fail, and its orders.
struct FailingClock(TempDir);

impl FailingClock {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let status = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(folder.path().join("clock.so"))
            .arg(repository().join("tests/end_to_end/failing_clock.c"))
            .status();
        assert!(status.expect("there is a C compiler").success());
        Self(folder)
    }

    fn server(&self, arguments: &[&str]) -> Server {
        let mut command = normgate();
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .env("LD_PRELOAD", self.0.path().join("clock.so"))
            .env("FAILING_CLOCK", self.0.path());
        Server::spawn(command)
    }

    /// Lets the next look at the clock fail in a thread of this kind: when it has taken an image, since all of them
    /// are asleep.
    fn fail_once(&self, kind: &str, server: &Server) {
        until(server, "its threads are asleep", || {
            are_asleep(kind, server)
        });
        fs::write(self.0.path().join(kind), "").expect("the folder can be written to");
    }

    fn has_failed(&self, kind: &str) -> bool {
        !self.0.path().join(kind).exists()
    }
}

/// What the kernel says about each thread: its name and its state.
fn threads(server: &Server) -> Vec<(String, String)> {
    let tasks = format!("/proc/{}/task", server.pid());
    let tasks = fs::read_dir(tasks).expect("the server lives");
    let read = |task: PathBuf| {
        let stat = fs::read_to_string(task.join("stat")).ok()?;
        let (name, rest) = stat.split_once('(')?.1.split_once(") ")?;
        Some((name.to_owned(), rest.chars().take(1).collect()))
    };
    tasks.filter_map(|task| read(task.ok()?.path())).collect()
}

fn are_asleep(kind: &str, server: &Server) -> bool {
    let threads = threads(server);
    let states = threads.iter().filter(|(name, _)| name.starts_with(kind));
    let states: Vec<_> = states.map(|(_, state)| state).collect();
    !states.is_empty() && states.iter().all(|state| *state == "S")
}

#[test]
fn a_panic_costs_one_image_its_answer_and_the_server_nothing() {
    let clock = FailingClock::new();
    let options = "--workers 2 --lone-threads 2 --decode-threads 1";
    let server = clock.server(&options.split(' ').collect::<Vec<_>>());
    let small = png();
    let large = encoded(picture(700, 700), ImageFormat::Png);
    let post = |image| server.classify("image/png", image);
    for image in [&small, &large] {
        post(image).answer();
    }
    let before = threads(&server).len();
    const ROUNDS: usize = 10;
    for _ in 0..ROUNDS {
        for (kind, image) in [("infer", &small), ("decode", &large)] {
            clock.fail_once(kind, &server);
            let problem = post(image).problem(500);
            assert!(clock.has_failed(kind));
            assert!(!problem.to_string().contains("unwrap"), "{problem}");
            post(image).answer();
        }
    }
    // Each is counted a moment after its answer.
    let panics = || metric(&server, "normgate_worker_panics_total");
    until(&server, "all are counted", || {
        panics() >= 2.0 * ROUNDS as f64
    });
    assert_eq!(panics(), 2.0 * ROUNDS as f64, "{}", server.log());
    assert_eq!(threads(&server).len(), before, "{}", server.log());
    assert_eq!(metric(&server, "normgate_queue_depth"), 0.0);
    // None of those images still counts as being worked on: the second image from now knows that it is alone.
    let alone = || metric(&server, "normgate_lone_images_total");
    let before = alone();
    for _ in 0..2 {
        post(&small).answer();
    }
    assert!(alone() > before, "{}", server.log());
    assert_eq!(server.get("/readyz").status, 200);
}
