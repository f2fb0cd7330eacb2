//! Panics, over real connections and through the whole server.

use std::env;
use std::process::Command;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use crate::connections::Connections;
use crate::server::Server;
use crate::telemetry::resident_bytes;
use crate::test_support::{Options, PANICS_IN_DECODER, PANICS_IN_WORKER, RED, Service, png};

const PANICS: usize = 200;
/// Enough for what allocators keep.
const ROOM: u64 = 16 << 20;

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

fn post(address: &str, image: &[u8]) -> u16 {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let url = format!("http://{address}/classify");
    agent.post(url).send(image).unwrap().status().as_u16()
}

/// Each answers 500, and the next image is answered as ever.
fn panic_and_go_on(address: &str, times: usize) {
    let worst = [
        png(PANICS_IN_DECODER, 8, 8),
        png(PANICS_IN_DECODER, 700, 700),
        png(PANICS_IN_WORKER, 8, 8),
    ];
    let good = png(RED, 8, 8);
    for n in 0..times {
        assert_eq!(post(address, &worst[n % 3]), 500, "{n}");
        assert_eq!(post(address, &good), 200, "{n}");
    }
}

#[tokio::test]
#[ignore = "the next test runs it alone, since threads and memory are a whole process's"]
async fn alone() {
    let service = Service::with(&["--workers", "2", "--decode-threads", "1"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let options = Options::parse_from::<[&str; 0], _>([]);
    let server = Server::new(
        service.router.clone(),
        &options.http,
        Connections::for_clients(1024),
    );
    let (stop, stopped) = oneshot::channel::<()>();
    let client = async {
        spawn_blocking(move || {
            panic_and_go_on(&address, 30);
            let before = (threads(), resident_bytes().unwrap());
            panic_and_go_on(&address, PANICS);
            let grown = resident_bytes().unwrap().saturating_sub(before.1);
            assert_eq!(threads(), before.0);
            assert!(grown < ROOM, "{grown} bytes more after {PANICS} panics");
        })
        .await
        .unwrap();
        stop.send(()).unwrap();
    };
    tokio::join!(server.accept_until(listener, stopped), client)
        .0
        .unwrap();
    let metrics = service.get("/metrics").await;
    let count = format!("normgate_worker_panics_total {}\n", 30 + PANICS);
    assert!(metrics.text().contains(&count), "{}", metrics.text());
}

#[test]
fn hundreds_of_panics_leave_answers_workers_threads_and_memory_as_they_were() {
    let mut this = Command::new(env::current_exe().unwrap());
    let output = this.args(["--exact", "tests::panics::alone", "--ignored"]);
    let output = output.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}
