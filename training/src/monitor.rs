//! Watching a run: how the representation norms of chosen sets change as it goes on (the paper's
//! Fig. 7c and d).
//!
//! Watching is all: the network runs in evaluation mode, so that its batch statistics stay as they
//! are, and nothing random is drawn. A run is the same to the last bit with it and without.

use std::collections::BTreeMap;

use normgate_core::manifest::Preprocessing;
use normgate_core::preprocess::Preprocessor;
use normgate_core::scores::{RepresentationNorm, Score};
use normgate_evaluation::datasets::{ImageSet, LoadOptions, SetSpec};
use normgate_evaluation::evaluate::told_apart;

use crate::config::RunConfig;
use crate::error::TrainError;
use crate::models::Network;

/// Images a forward pass.
const BATCH: usize = 256;

/// The sets that are watched.
#[derive(Debug)]
pub struct Monitor {
    sets: Vec<ImageSet>,
    preprocessing: Preprocessing,
}

impl Monitor {
    /// Reads the sets that a run is to watch; most watch none.
    ///
    /// # Errors
    ///
    /// [`TrainError`] naming the set that cannot be read, or two that have one name.
    pub fn load(config: &RunConfig) -> Result<Self, TrainError> {
        let specs = config.monitor.iter().map(|text| text.parse::<SetSpec>());
        let specs: Vec<_> = specs
            .collect::<Result<_, _>>()
            .map_err(TrainError::Options)?;
        told_apart("--monitor", &specs).map_err(|error| TrainError::Options(error.to_string()))?;
        let preprocessing = config.preprocessing();
        let options = LoadOptions {
            preprocessing: Some(preprocessing.clone()),
            class_names: Some(config.data.class_names.clone()),
            ..LoadOptions::test()
        };
        let sets = specs.iter().map(|spec| spec.load(&options));
        Ok(Self {
            sets: sets.collect::<Result<_, _>>()?,
            preprocessing,
        })
    }

    /// The mean representation norm of each set, by its name: in float32 with the running batch
    /// statistics, as `evaluate` measures it on the exported model. What has grown past all numbers
    /// is left out.
    ///
    /// # Errors
    ///
    /// [`TrainError`] where the network cannot be run on a set.
    pub fn norms(&self, network: &Network) -> Result<BTreeMap<String, f64>, TrainError> {
        let mut norms = BTreeMap::new();
        for set in &self.sets {
            let norm = self.norm(network, set)?;
            if norm.is_finite() {
                norms.insert(set.name.clone(), norm);
            }
        }
        Ok(norms)
    }

    fn norm(&self, network: &Network, set: &ImageSet) -> Result<f64, TrainError> {
        let mut preprocessor = Preprocessor::new(&self.preprocessing);
        let length = preprocessor.tensor_len();
        let mut sum = 0.0;
        for first in (0..set.len()).step_by(BATCH) {
            let count = BATCH.min(set.len() - first);
            let mut input = vec![0.0; count * length];
            let written = set.write_tensors(first, &mut preprocessor, &mut input);
            written.map_err(|(number, error)| {
                TrainError::Data(format!("image {number} of {}: {error}", set.name))
            })?;
            let (_, representation) =
                network.forward_eval(&input, count, (set.height, set.width))?;
            let images = representation.chunks_exact((representation.len() / count).max(1));
            let scores = images.map(|image| RepresentationNorm.score(&[], image));
            sum += scores.map(|score| -f64::from(score)).sum::<f64>();
        }
        Ok(sum / set.len() as f64)
    }
}
