use std::sync::{Mutex, MutexGuard, PoisonError};

use ort::session::builder::GraphOptimizationLevel;
use thiserror::Error;

use super::int8::has_int8_instructions;
use super::scratch::Scratch;
use super::session::{configure, unloadable};
use super::weights::Weights;
use super::{Device, Runtime, Session, SessionError, SessionOptions};
use crate::model::Model;
use crate::onnx::{OnnxError, decode_without_external_data, encode};

/// Constants of fewer bytes are left to each session. ONNX Runtime wants to know the shapes that some of these give
/// when it reads the graph.
const SMALL: usize = 1 << 10;

/// Opens any number of sessions of one model, which share its weights.
///
/// A session of its own ([`Session::new`]) lays the weights out for the processor and keeps them so, beside whatever
/// other sessions keep. Here the graph is optimised once, and each session is opened from the result, with the
/// weights handed to it. What kernels lay out once more is kept once. Both kinds of session give the same answers,
/// bit by bit.
///
/// Each session has weights of its own on a graphics card, if ONNX Runtime cannot write the optimised graph down, if
/// that has graphs within it, and with int8, whose kernels lay the weights out themselves and do not share the result
/// (ONNX Runtime 1.32).
pub struct Sessions {
    runtime: Runtime,
    model: Model,
    sharing: Mutex<Sharing>,
}

enum Sharing {
    /// No session has been opened.
    Untried,
    Shared {
        optimised: Optimised,
        /// The session that showed that weights can be shared, for the first who wants one like it.
        first: Option<(SessionOptions, Session)>,
    },
    /// Each session has its own weights. The reason is said when a session shows that the model itself is right.
    Apart(Option<NotShared>),
}

/// A graph that ONNX Runtime has optimised for this processor, without its large constants, and these.
struct Optimised {
    graph: Vec<u8>,
    weights: Weights,
}

/// Why sessions do not share their weights. They work all the same, but take more memory.
#[derive(Debug, Error)]
pub(super) enum NotShared {
    #[error("ONNX Runtime: {0}")]
    Runtime(#[from] ort::Error),
    #[error("a file for the optimised graph: {0}")]
    Scratch(#[from] std::io::Error),
    #[error("the optimised graph: {0}")]
    Graph(#[from] OnnxError),
    #[error("the weights: {0}")]
    Weights(#[from] ndarray::ShapeError),
    #[error("the graph has others within it")]
    Nested,
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl Sessions {
    /// Opens none yet.
    pub fn new(runtime: &Runtime, model: &Model) -> Self {
        Self {
            runtime: runtime.clone(),
            model: model.clone(),
            sharing: Mutex::new(Sharing::Untried),
        }
    }

    /// Opens one more session. The first optimises the graph.
    ///
    /// # Errors
    /// Those of [`Session::new`].
    pub fn open(&self, options: &SessionOptions) -> Result<Session, SessionError> {
        let Self { runtime, model, .. } = self;
        let mut sharing = self.sharing(options);
        let why = match &mut *sharing {
            Sharing::Shared { optimised, first } => {
                if let Some((_, first)) = first.take_if(|(it, _)| it == options) {
                    return Ok(first);
                }
                // One worked, so an error is not expected. Whatever it is, a session of its own says it of the model.
                return optimised.open(runtime, model, options).or_else(|error| {
                    tracing::warn!(%error, "a session takes memory for weights of its own");
                    Session::new(runtime, model, options)
                });
            }
            Sharing::Apart(why) => why.take(),
            Sharing::Untried => None,
        };
        drop(sharing);
        let session = Session::new(runtime, model, options)?;
        if let Some(why) = why {
            tracing::info!(%why, "each session takes memory for weights of its own");
        }
        Ok(session)
    }

    /// Opens the only session that there is to be. Unless another was opened before, it has weights of its own: that
    /// is sooner and takes less memory.
    ///
    /// # Errors
    /// Those of [`Session::new`].
    pub fn open_only(&self, options: &SessionOptions) -> Result<Session, SessionError> {
        let is_untried = matches!(*self.lock(), Sharing::Untried);
        match is_untried {
            true => Session::new(&self.runtime, &self.model, options),
            false => self.open(options),
        }
    }

    /// About how many bytes each session has for itself, of those in the model file: next to none if weights are
    /// shared, and all if they are not.
    pub fn weights_each(&self) -> usize {
        match &*self.sharing(&SessionOptions::default()) {
            Sharing::Shared { optimised, .. } => optimised.graph.len(),
            _ => self.model.bytes().len(),
        }
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The runtime that it is opened with.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Whether weights are shared. Unless that is known, a session is opened to try.
    fn sharing(&self, options: &SessionOptions) -> MutexGuard<'_, Sharing> {
        let Self { runtime, model, .. } = self;
        let mut sharing = self.lock();
        if matches!(*sharing, Sharing::Untried) {
            let is_int8 = model.manifest().quantization.is_some() && has_int8_instructions();
            *sharing = match runtime.device {
                Device::Cpu if !is_int8 => Sharing::tried(runtime, model, options)
                    .unwrap_or_else(|why| Sharing::Apart(Some(why))),
                _ => Sharing::Apart(None),
            };
        }
        sharing
    }

    fn lock(&self) -> MutexGuard<'_, Sharing> {
        self.sharing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sharing {
    /// The optimised graph, and a session opened from it: some kernels refuse shared weights only then.
    fn tried(
        runtime: &Runtime,
        model: &Model,
        options: &SessionOptions,
    ) -> Result<Self, NotShared> {
        let optimised = Optimised::of(runtime, model)?;
        let first = optimised.open(runtime, model, options)?;
        Ok(Self::Shared {
            optimised,
            first: Some((*options, first)),
        })
    }
}

impl Optimised {
    fn of(runtime: &Runtime, model: &Model) -> Result<Self, NotShared> {
        let mut scratch = Scratch::new()?;
        let option = |name: &str| format!("session.optimized_model_external_initializers_{name}");
        let mut builder = configure(runtime, &SessionOptions::default())?
            .with_optimized_model_path(scratch.graph())
            .map_err(ort::Error::from)?
            .with_config_entry(option("file_name"), scratch.data()?)
            .map_err(ort::Error::from)?
            .with_config_entry(option("min_size_in_bytes"), SMALL.to_string())
            .map_err(ort::Error::from)?
            .with_config_entry("session.disable_prepacking", "1")
            .map_err(ort::Error::from)?;
        drop(builder.commit_from_memory(model.bytes())?);
        let mut graph = decode_without_external_data(&scratch.read_graph()?)?;
        let weights = Weights::of(&mut graph, &mut scratch)?;
        let graph = encode(&graph);
        Ok(Self { graph, weights })
    }

    fn open(
        &self,
        runtime: &Runtime,
        model: &Model,
        options: &SessionOptions,
    ) -> Result<Session, SessionError> {
        let inner = configure(runtime, options)
            .and_then(|builder| self.weights.give_to(builder))
            .and_then(|builder| {
                Ok(builder.with_optimization_level(GraphOptimizationLevel::Disable)?)
            })
            .and_then(|mut builder| builder.commit_from_memory(&self.graph))
            .map_err(unloadable(runtime, model))?;
        Session::checked(runtime, model, inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::METADATA_KEY;
    use crate::onnx::proto::{AttributeProto, DataType};
    use crate::onnx::{Dim, GraphBuilder, TensorData, write_metadata};
    use crate::runtime::Outputs;
    use crate::test_models::{SIDE, Variant, built, manifest};

    fn runtime() -> Runtime {
        Runtime::load(None).unwrap()
    }

    fn shipped(name: &str) -> Model {
        let file = format!("{}/../models/{name}.onnx", env!("CARGO_MANIFEST_DIR"));
        Model::open(file.as_ref()).unwrap()
    }

    /// Whether sessions share the model's weights. If they do, they answer like those with weights of their own.
    fn shares(model: &Model) -> bool {
        let runtime = runtime();
        let input = &model.manifest().preprocessing;
        let values = (3 * input.width * input.height) as usize;
        let image = (0..values).map(|index| (index * 7919 % 256) as f32 / 255.0);
        let images: Vec<f32> = image.clone().chain(image.rev()).collect();
        let answer = |mut session: Session| {
            let mut outputs = Outputs::default();
            session.run(&images, 2, &mut outputs).unwrap();
            outputs
        };
        let sessions = Sessions::new(&runtime, model);
        let mut opened = Vec::new();
        for threads in [2, 1] {
            let options = SessionOptions {
                threads,
                spinning: false,
            };
            let own = answer(Session::new(&runtime, model, &options).unwrap());
            for _ in 0..2 {
                opened.push((sessions.open(&options).unwrap(), own.clone(), threads));
            }
        }
        let shares = sessions.weights_each() < model.bytes().len() / 10;
        // The weights live for as long as a session does.
        drop(sessions);
        for (session, own, threads) in opened {
            assert_eq!(answer(session), own, "{threads} threads");
        }
        shares
    }

    #[test]
    fn sessions_that_share_their_weights_answer_as_sessions_with_their_own_to_the_last_bit() {
        assert!(shares(&shipped("cifar10-lt")));
    }

    #[test]
    fn int8_that_cannot_be_shared_runs_whether_the_manifest_tells_of_it_or_not() {
        let told = shipped("cifar10-lt-w64");
        let mut manifest = (**told.manifest()).clone();
        assert!(manifest.quantization.take().is_some());
        let json = manifest.to_json().unwrap();
        let untold = write_metadata(told.bytes(), METADATA_KEY, &json).unwrap();
        let untold = Model::from_bytes(untold).unwrap();
        // Other processors have other kernels, some of which share.
        for model in [told, untold] {
            assert!(!(shares(&model) && has_int8_instructions()));
        }
    }

    #[test]
    fn weights_that_kernels_lay_out_themselves_and_half_floats_are_shared() {
        const WIDE: usize = 512;
        let (side, three) = (Dim::Fixed(SIDE), Dim::Fixed(3));
        let mut graph = GraphBuilder::new("a matrix product, and half floats that stay so");
        let x = graph.input("image", &[Dim::Batch, three, side, side]);
        let mean = graph.global_average_pool("mean", &x);
        let features = graph.flatten("features", &mean);
        let random = |n: usize| (n * 7919 % 1009) as f32 / 1009.0 - 0.5;
        let first: Vec<f32> = (0..3 * WIDE).map(random).collect();
        let first = graph.floats("first", &[3, WIDE], &first);
        let wide = graph.node("wide", "MatMul", &[&features, &first], vec![]);
        let second: Vec<f32> = (0..WIDE * WIDE).map(random).collect();
        let second = graph.floats("second", &[WIDE, WIDE], &second);
        let wide = graph.node("wider", "MatMul", &[&wide, &second], vec![]);
        let halves: Vec<u16> = (0..WIDE as u16).map(|n| 0x3c00 + n).collect();
        let halves = graph.constant("halves", &[1, WIDE], TensorData::F16(&halves));
        // What is not known before the model runs.
        let ones = graph.node("any", "Shape", &[&features], vec![]);
        let index = graph.constant("index", &[1], TensorData::I64(&[0]));
        let zero = graph.node("zero", "Sub", &[&ones, &ones], vec![]);
        let zero = graph.node("scalar", "Gather", &[&zero, &index], vec![]);
        let halves = graph.node("rows", "Gather", &[&halves, &zero], vec![]);
        let to = vec![AttributeProto::int("to", i32::from(DataType::Float).into())];
        let halves = graph.node("floats", "Cast", &[&halves], to);
        let wide = graph.node("scaled", "Mul", &[&wide, &halves], vec![]);
        let last: Vec<f32> = (0..WIDE * 2).map(random).collect();
        let last = graph.floats("last", &[WIDE, 2], &last);
        let representation = graph.node("representation", "MatMul", &[&wide, &last], vec![]);
        let head = graph.floats("head", &[2, 3], &[0.5; 6]);
        let logits = graph.node("logits", "MatMul", &[&representation, &head], vec![]);
        graph.output(&logits, &[Dim::Batch, three]);
        graph.output(&representation, &[Dim::Batch, Dim::Fixed(2)]);
        assert!(shares(&built(graph)));
    }

    #[test]
    fn the_only_session_shares_nothing_unless_there_were_others() {
        let (model, options) = (shipped("cifar10-lt"), SessionOptions::default());
        let sessions = Sessions::new(&runtime(), &model);
        let is_untried = || matches!(*sessions.lock(), Sharing::Untried);
        drop(sessions.open_only(&options).unwrap());
        assert!(is_untried());
        drop(sessions.open(&options).unwrap());
        assert!(!is_untried());
        drop(sessions.open_only(&options).unwrap());
    }

    #[test]
    fn a_model_that_cannot_be_optimised_is_refused_when_a_session_is_opened() {
        let mut bytes = Variant::default().bytes(&manifest().to_json().unwrap());
        let operator = bytes.windows(7).position(|it| it == b"Flatten").unwrap();
        bytes[operator] = b'P';
        let model = Model::from_bytes(bytes).unwrap();
        let sessions = Sessions::new(&runtime(), &model);
        assert_eq!(sessions.weights_each(), model.bytes().len());
        assert!(sessions.open_only(&SessionOptions::default()).is_err());
        let Err(error) = sessions.open(&SessionOptions::default()) else {
            panic!("the model was accepted");
        };
        assert!(error.to_string().contains("Platten"), "{error}");
    }
}
