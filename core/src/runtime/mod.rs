//! ONNX Runtime: finding and loading the library, and running a model with it.
//!
//! The library is loaded at run time, so building Normgate needs no ONNX Runtime, and one binary works with any
//! version from 1.24 on.

mod device;
mod error;
mod int8;
mod library;
mod outputs;
mod probe;
mod said;
mod scratch;
mod session;
mod sessions;
mod shape;
mod weights;

#[cfg(test)]
mod tests;

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ort::environment::Environment;
use ort::logging::LogLevel;

pub use device::{Device, NoDevice};
pub use error::{RuntimeError, SessionError};
pub use int8::has_int8_instructions;
pub use outputs::Outputs;
pub use probe::Probe;
pub use session::{Session, SessionOptions};
pub use sessions::Sessions;
pub use shape::{LOGITS, REPRESENTATION};

/// Official builds of ONNX Runtime upload usage data unless this variable is 1 before they start.
const DISABLE_TELEMETRY: &str = "ORT_DISABLE_TELEMETRY";

/// ONNX Runtime allows one environment per process; it lives until the process ends.
static LOADED: Mutex<Option<Runtime>> = Mutex::new(None);

/// The ONNX Runtime of this process. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    environment: Environment,
    library: Arc<PathBuf>,
    version: Arc<str>,
    device: Device,
}

impl Runtime {
    /// Loads ONNX Runtime, or returns the one that is loaded already.
    ///
    /// Looks at `library`, or else at `ORT_DYLIB_PATH`, or else beside the executable, or else in `.runtime/` of the
    /// folders above it. `ORT_DISABLE_TELEMETRY=1` must be in the environment: set it first thing in `main`, before
    /// any thread is started.
    ///
    /// # Errors
    /// [`RuntimeError`] if the variable is not set, there is no such library, it is too old or cannot be loaded, or
    /// another one is loaded already.
    pub fn load(library: Option<&Path>) -> Result<Self, RuntimeError> {
        if !telemetry_is_off(env::var_os(DISABLE_TELEMETRY)) {
            return Err(RuntimeError::TelemetryNotDisabled);
        }
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(runtime), None) = (&*loaded, library) {
            return Ok(runtime.clone());
        }
        let path = library::find(library)?;
        if let Some(runtime) = &*loaded {
            return if library::same(&runtime.library, &path) {
                Ok(runtime.clone())
            } else {
                Err(RuntimeError::OtherLibraryLoaded {
                    loaded: runtime.library().into(),
                    asked: path,
                })
            };
        }
        let runtime = Self::load_first(path)?;
        Ok(loaded.insert(runtime).clone())
    }

    fn load_first(path: PathBuf) -> Result<Self, RuntimeError> {
        let builder = ort::init_from(&path).map_err(|error| RuntimeError::Unusable {
            library: path.clone(),
            reason: error.to_string(),
        })?;
        let environment = builder
            .with_name("normgate")
            .with_telemetry(false)
            .with_logger(Arc::new(log))
            .build()
            .map_err(|error| RuntimeError::Unusable {
                library: path.clone(),
                reason: error.to_string(),
            })?;
        // Otherwise every message would be formatted and passed to `log`, only to be filtered out there.
        environment.set_log_level(LogLevel::Warning);
        let version = match ort::util::probe(&path) {
            Some(minor) => format!("1.{minor}"),
            None => "unknown".into(),
        };
        tracing::debug!(library = %path.display(), version, "loaded ONNX Runtime");
        Ok(Self {
            environment,
            library: Arc::new(path),
            version: version.into(),
            device: Device::Cpu,
        })
    }

    /// The same runtime, for sessions on this device.
    ///
    /// # Errors
    /// [`RuntimeError::NoCuda`] and [`RuntimeError::CudaLibraries`]. Whether there is a card shows only when a
    /// session is made.
    pub fn on(self, device: Device) -> Result<Self, RuntimeError> {
        device.prepare(&self.library)?;
        Ok(Self { device, ..self })
    }

    /// Where its sessions run: on the processor, unless [`on`](Self::on) said otherwise.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The library file that was loaded.
    pub fn library(&self) -> &Path {
        &self.library
    }

    /// The library's version, such as `1.32`.
    pub fn version(&self) -> &str {
        &self.version
    }
}

fn telemetry_is_off(variable: Option<OsString>) -> bool {
    variable.is_some_and(|value| value == "1")
}

/// Logs ONNX Runtime's messages at lower levels: every failure also comes back as an error, so the log only serves to
/// look into one.
fn log(level: LogLevel, category: &str, _id: &str, location: &str, message: &str) {
    match level {
        LogLevel::Verbose | LogLevel::Info => {
            tracing::trace!(target: "onnxruntime", category, location, "{message}");
        }
        LogLevel::Warning => {
            tracing::debug!(target: "onnxruntime", category, location, "{message}");
        }
        LogLevel::Error => {
            tracing::warn!(target: "onnxruntime", category, location, "{message}");
        }
        LogLevel::Fatal => {
            tracing::error!(target: "onnxruntime", category, location, "{message}");
        }
    }
}
