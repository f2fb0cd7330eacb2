//! Watching a run: how the representation norms of chosen sets change from epoch to epoch (the paper's Fig. 7c and
//! d).
//!
//! It only watches: the network runs in evaluation mode, so that its batch statistics stay as they are, and nothing
//! random is drawn. A run is the same to the last bit with it and without. The images are the same after each epoch,
//! so they are brought into the network's form once.

use std::collections::BTreeMap;

use normgate_core::preprocess::Preprocessor;
use normgate_core::scores::{RepresentationNorm, Score};
use normgate_evaluation::datasets::{ImageSet, LoadOptions, SetSpec};
use normgate_evaluation::evaluate::told_apart;
use tch::Tensor;

use crate::config::RunConfig;
use crate::error::TrainError;
use crate::models::Network;

/// Images in one forward pass.
const BATCH: usize = 256;

/// The sets that are watched.
#[derive(Debug)]
pub struct Monitor {
    sets: Vec<Watched>,
}

/// A set in the network's form, on its device.
#[derive(Debug)]
struct Watched {
    name: String,
    batches: Vec<Tensor>,
    images: usize,
}

impl Monitor {
    /// Reads the sets that a run is to watch, for its network; most watch none.
    ///
    /// # Errors
    ///
    /// [`TrainError`], naming the set that cannot be read, or the name that two sets share.
    pub fn load(config: &RunConfig, network: &Network) -> Result<Self, TrainError> {
        let specs = config.monitor.iter().map(|text| text.parse::<SetSpec>());
        let specs: Vec<_> = specs
            .collect::<Result<_, _>>()
            .map_err(TrainError::Options)?;
        told_apart("--monitor", &specs).map_err(|error| TrainError::Options(error.to_string()))?;
        let options = LoadOptions {
            preprocessing: Some(config.preprocessing()),
            class_names: Some(config.data.class_names.clone()),
            ..LoadOptions::test()
        };
        let mut preprocessor = Preprocessor::new(&config.preprocessing());
        let sets = specs.iter().map(|spec| {
            let set = spec.load(&options)?;
            Watched::new(&set, &mut preprocessor, network)
        });
        Ok(Self {
            sets: sets.collect::<Result<_, TrainError>>()?,
        })
    }

    /// The mean representation norm of each set, by its name: in float32 with the running batch statistics, as
    /// `evaluate` measures it on the exported model. Norms that are no longer finite are left out.
    ///
    /// # Errors
    ///
    /// [`TrainError`] if the network cannot be run on a set.
    pub fn norms(&self, network: &Network) -> Result<BTreeMap<String, f64>, TrainError> {
        let mut norms = BTreeMap::new();
        for set in &self.sets {
            let norm = set.norm(network)?;
            if norm.is_finite() {
                norms.insert(set.name.clone(), norm);
            }
        }
        Ok(norms)
    }
}

impl Watched {
    fn new(
        set: &ImageSet,
        preprocessor: &mut Preprocessor,
        network: &Network,
    ) -> Result<Self, TrainError> {
        let length = preprocessor.tensor_len();
        let batches = (0..set.len()).step_by(BATCH).map(|first| {
            let count = BATCH.min(set.len() - first);
            let mut input = vec![0.0; count * length];
            let written = set.write_tensors(first, preprocessor, &mut input);
            written.map_err(|(number, error)| {
                TrainError::Data(format!("image {number} of {}: {error}", set.name))
            })?;
            Ok(network.input(&input, count, (set.height, set.width))?)
        });
        Ok(Self {
            name: set.name.clone(),
            batches: batches.collect::<Result<_, TrainError>>()?,
            images: set.len(),
        })
    }

    fn norm(&self, network: &Network) -> Result<f64, TrainError> {
        let mut sum = 0.0;
        for batch in &self.batches {
            let (_, representation) = network.evaluate(batch)?;
            let length = representation.len() / batch.size()[0] as usize;
            let images = representation.chunks_exact(length.max(1));
            let scores = images.map(|image| RepresentationNorm.score(&[], image));
            sum += scores.map(|score| -f64::from(score)).sum::<f64>();
        }
        Ok(sum / self.images as f64)
    }
}
