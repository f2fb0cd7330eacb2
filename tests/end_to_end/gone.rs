//! Clients that leave before their answer.

use std::io::Write;

use image::{ImageFormat, RgbImage};

use crate::{
    slow_model,
    support::{Server, encoded, png, until},
    wire::{connect, metric, request, status},
};

#[test]
fn an_image_whose_connection_was_closed_is_never_decoded() {
    let server = slow_model::server(400, &["--max-batch", "1", "--deadline", "10m"]);
    let image = request(&png());
    let send = || {
        let mut stream = connect(&server);
        stream.write_all(&image).unwrap();
        stream
    };
    let depth = || metric(&server, "normgate_queue_depth");
    let mut stays = vec![send(), send()];
    until(&server, "one waits for the other", || depth() == 1.0);
    let leaves: Vec<_> = (0..10).map(|_| send()).collect();
    stays.push(send());
    until(&server, "all wait", || depth() >= 11.0);
    drop(leaves);
    for stream in &mut stays {
        assert_eq!(status(stream), Some(200));
    }
    assert_eq!(metric(&server, "normgate_abandoned_total"), 10.0);
    let images = metric(&server, "normgate_batch_size_sum");
    assert_eq!(images, 3.0, "only those whose clients stayed");
}

#[test]
fn a_large_image_whose_connection_was_closed_is_never_decoded() {
    let options = ["--decode-threads", "1", "--deadline", "10m"];
    let server = Server::with(&options);
    // It takes as long to decode as the model takes for hundreds of images.
    let image = encoded(RgbImage::new(7000, 7000), ImageFormat::Png);
    // If it were decoded, it would be answered with what is wrong, and not count as abandoned.
    let broken = request(&image[..image.len() / 2]);
    let image = request(&image);
    let send = |image: &[u8]| {
        let mut stream = connect(&server);
        stream.write_all(image).unwrap();
        stream
    };
    let depth = || metric(&server, "normgate_queue_depth");
    let images = || metric(&server, "normgate_batch_size_sum");
    // All but the one that is being decoded.
    let come = || depth() + images();
    let (first, leave) = (8, 8);
    let mut stays: Vec<_> = (0..first).map(|_| send(&image)).collect();
    until(&server, "the first are there", || {
        come() >= first as f64 - 1.0
    });
    let leaves: Vec<_> = (0..leave).map(|_| send(&broken)).collect();
    stays.push(send(&image));
    until(&server, "all are there", || {
        come() >= (first + leave) as f64
    });
    assert!(depth() > leave as f64 + 1.0, "too late to leave");
    drop(leaves);
    for stream in &mut stays {
        assert_eq!(status(stream), Some(200));
    }
    // The last that was sent may have come before some of them.
    let abandoned = || metric(&server, "normgate_abandoned_total");
    until(&server, "all that left are skipped", || {
        abandoned() == leave as f64
    });
    assert_eq!(
        images(),
        stays.len() as f64,
        "only those whose clients stayed"
    );
}
