//! Tests against images that Pillow decoded and resized (`tests/fixtures/*.py` made them), and against the real
//! photos of the image sets if they are at hand.

mod damaged;
mod formats;
mod kinds;
mod photos;
mod resizing;
mod scaled;
mod scans;
mod truncated;
mod webp;

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::*;

/// A synthetic image in one kind of file, and what it must decode to.
#[derive(Deserialize)]
struct Fixture {
    file: String,
    width: u32,
    height: u32,
    tolerance: u8,
    #[serde(deserialize_with = "from_hex")]
    rgb: Vec<u8>,
}

impl Fixture {
    fn bytes(&self) -> Vec<u8> {
        std::fs::read(fixtures().join("images").join(&self.file)).unwrap()
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn read_json<T: for<'de> Deserialize<'de>>(name: &str) -> T {
    serde_json::from_str(&std::fs::read_to_string(fixtures().join(name)).unwrap()).unwrap()
}

fn images() -> Vec<Fixture> {
    read_json("images.json")
}

/// The real photos, if they are at hand.
fn photos(wanted_for: &str) -> Option<PathBuf> {
    Some(normgate_testing::image_sets(wanted_for)?.join("photos"))
}

fn from_hex<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    Ok(text.as_bytes().chunks(2).map(byte).collect())
}

/// The largest and the mean difference.
fn differences(a: &[u8], b: &[u8]) -> (u8, f64) {
    assert_eq!(a.len(), b.len());
    let each = a.iter().zip(b).map(|(&a, &b)| a.abs_diff(b));
    let sum: f64 = each.clone().map(f64::from).sum();
    (each.max().unwrap_or(0), sum / a.len() as f64)
}
