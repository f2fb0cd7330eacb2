//! Panics in the engine's threads. No image is known that makes one panic, so that their clock fails.

use std::{fs, path::Path, process::Command, thread, time::Duration};

use image::ImageFormat;
use tempfile::TempDir;

use crate::{
    support::{Server, encoded, normgate, picture, png, repository},
    wire::metric,
};

/// Long enough for a thread that has nothing to do to be asleep, so that it looks at the clock next
/// when it has taken an image.
const ASLEEP: Duration = Duration::from_millis(30);

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

    /// The next look at the clock of a thread of this kind.
    fn fail_once(&self, kind: &str) {
        thread::sleep(ASLEEP);
        fs::write(self.0.path().join(kind), "").expect("the folder can be written to");
    }

    fn has_failed(&self, kind: &str) -> bool {
        !self.0.path().join(kind).exists()
    }
}

fn threads(server: &Server) -> usize {
    let tasks = Path::new("/proc")
        .join(server.pid().to_string())
        .join("task");
    fs::read_dir(tasks).expect("the server lives").count()
}

#[test]
fn a_panic_costs_one_image_its_answer_and_the_server_nothing() {
    let clock = FailingClock::new();
    let server = clock.server(&["--workers", "2", "--decode-threads", "1"]);
    let small = png();
    let large = encoded(picture(700, 700), ImageFormat::Png);
    let post = |image| server.classify("image/png", image);
    for image in [&small, &large] {
        post(image).answer();
    }
    let before = threads(&server);
    const ROUNDS: usize = 10;
    for _ in 0..ROUNDS {
        for (kind, image) in [("infer", &small), ("decode", &large)] {
            clock.fail_once(kind);
            let problem = post(image).problem(500);
            assert!(clock.has_failed(kind));
            assert!(!problem.to_string().contains("unwrap"), "{problem}");
            post(image).answer();
        }
    }
    let panics = metric(&server, "normgate_worker_panics_total");
    assert_eq!(panics, 2.0 * ROUNDS as f64, "{}", server.log());
    assert_eq!(threads(&server), before, "{}", server.log());
    assert_eq!(metric(&server, "normgate_queue_depth"), 0.0);
    assert_eq!(server.get("/readyz").status, 200);
}
