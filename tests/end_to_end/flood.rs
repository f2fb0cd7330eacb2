//! Clients that open connections and close them at once, as many as they can.

use std::{
    io::Write,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use crate::{
    support::{Server, png, until},
    wire::{connect, exchange, metric, p99, request},
};

/// Does something while connections are opened, given nothing, half a head or a whole request, and closed; returns
/// how many there were, too.
fn flooded<T>(server: &Server, request: &[u8], meanwhile: impl FnOnce() -> T) -> (T, usize) {
    let (stop, opened) = (AtomicBool::new(false), AtomicUsize::new(0));
    let done = thread::scope(|scope| {
        scope.spawn(|| {
            let starts: [&[u8]; 3] = [b"", b"POST /classify HTTP/1.1\r\nhost: x\r\nx-ha", request];
            while !stop.load(Ordering::Relaxed) {
                let number = opened.fetch_add(1, Ordering::Relaxed);
                // The server may have closed it to make room.
                let _ = connect(server).write_all(starts[number % 3]);
            }
        });
        let done = meanwhile();
        stop.store(true, Ordering::Relaxed);
        done
    });
    (done, opened.into_inner())
}

#[test]
fn a_flood_of_connections_stops_no_good_client_and_leaves_nothing_behind() {
    const ROUNDS: usize = 5;
    let server = Server::start();
    let request = request(&png());
    let mut good = connect(&server);
    let mut among_many = || flooded(&server, &request, || p99(&mut good, &request));
    among_many();
    let before = server.resident_kib();
    let mut all = 0;
    // In turn, so that whatever else the machine does falls on both alike.
    let mut ratios: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let (flooded, opened) = among_many();
            let quiet = p99(&mut connect(&server), &request);
            println!("quiet {quiet:?}, among {opened} connections {flooded:?}");
            all += opened;
            flooded.as_secs_f64() / quiet.as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    assert!(all > 1000, "{all} connections are no flood");
    // Some 20 on a machine that does nothing else: thousands of connections a second are opened. A client that had to
    // come again would wait a thousand times as long.
    assert!(ratios[ROUNDS / 2] < 100.0, "{ratios:?}");

    // New clients get in, too.
    let ((), _) = flooded(&server, &request, || {
        for _ in 0..30 {
            assert_eq!(exchange(&mut connect(&server), &request), Some(200));
        }
    });
    until(&server, "all connections but one are closed", || {
        metric(&server, "normgate_connections") <= 2.0
    });
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < 16 * 1024, "{grown} KiB more");
}
