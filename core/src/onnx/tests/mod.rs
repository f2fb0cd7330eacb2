mod builder;
mod external_data;
mod hostile;
mod last_layer;
mod metadata;
mod whole;

use prost::Message;

use super::proto::*;
use super::*;
use crate::manifest::METADATA_KEY;
use crate::test_models;

fn entry(key: &str, value: &str) -> StringStringEntryProto {
    StringStringEntryProto::new(key, value)
}

/// The small model after `change`, as bytes.
fn changed(change: impl FnOnce(&mut ModelProto)) -> Vec<u8> {
    let mut model = ModelProto::decode(&*test_models::bytes()).unwrap();
    change(&mut model);
    model.encode_to_vec()
}

fn graph(model: &mut ModelProto) -> &mut GraphProto {
    model.graph.as_mut().unwrap()
}

/// Pseudo-random bytes; the same in every run.
fn noise(seed: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(seed), |state| {
        let next = state.wrapping_mul(6_364_136_223_846_793_005);
        Some(next.wrapping_add(1_442_695_040_888_963_407))
    })
    .map(|state| state >> 33)
}
