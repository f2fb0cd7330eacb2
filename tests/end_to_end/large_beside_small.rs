//! A flood of photos of twelve megapixels, and small images meanwhile.

use std::{
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use image::ImageFormat;

use crate::{
    support::{Server, encoded, picture, png},
    wire::{connect, exchange, p99, request},
};

const PHOTOGRAPHERS: usize = 6;
const ROUNDS: usize = 5;

#[test]
fn small_images_are_answered_nearly_as_soon_beside_a_flood_of_large_ones() {
    let server = Server::with(&["--deadline", "5m"]);
    let photo = request(&encoded(picture(4000, 3000), ImageFormat::Jpeg));
    let small = request(&png());
    let mut client = connect(&server);
    let flooded = |client: &mut TcpStream| {
        let enough = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..PHOTOGRAPHERS {
                scope.spawn(|| {
                    let mut stream = connect(&server);
                    while !enough.load(Ordering::Relaxed) {
                        assert_eq!(exchange(&mut stream, &photo), Some(200));
                    }
                });
            }
            let measured = p99(client, &small);
            enough.store(true, Ordering::Relaxed);
            measured
        })
    };
    p99(&mut client, &small);
    let mut ratios: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let quiet = p99(&mut client, &small);
            let beside = flooded(&mut client);
            println!("quiet {quiet:?}, beside large ones {beside:?}");
            beside.as_secs_f64() / quiet.as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    // If photos went before small images, these would take tens of times as long.
    let ratio = ratios[ROUNDS / 2];
    assert!(ratio < 12.0, "{ratios:?}");
}
