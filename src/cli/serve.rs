//! `normgate serve`

use std::env;
use std::ffi::OsString;
use std::future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use clap::{Args, CommandFactory};
use normgate_core::{Classifier, Model};
use tokio::runtime::Runtime;

use super::failure::Failure;
use super::listen::listen;
use super::start_up::StartUp;
use super::{Cli, model_file, variables};
use crate::config::{
    EngineConfig, HttpConfig, LimitsConfig, LogConfig, LogFormat, ModelConfig, ReloadConfig,
};
use crate::connections::Connections;
use crate::engine::StartError;
use crate::loader::{Loader, Watch};
use crate::router::{probe_router, router};
use crate::server::Server;
use crate::serving::Launch;
use crate::shutdown::{Asked, Signals, exit_on_signal, exit_when_late};
use crate::state::AppState;
use crate::telemetry::{EVERY_REFUSALS, finish_logs, start_logs};
use crate::{Allocator, file_limit, freed_memory};

/// Serve a model over HTTP: POST an image to /classify.
///
/// Open the address in a browser for a page to try it. /readyz says when the model is warm,
/// /metrics is for Prometheus, /model shows what is served. SIGHUP reloads the model file, and
/// no request fails. SIGTERM or Ctrl-C stops the server once all requests sent by then are answered;
/// clients that connect after --drain-delay may be refused. Ctrl-C again stops it at once.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  normgate serve\n  normgate serve my.onnx --listen 0.0.0.0:8080 \
    --log-format json\n  curl --data-binary @photo.jpg http://127.0.0.1:8080/classify"
)]
pub struct ServeArgs {
    /// The model file, instead of --model.
    #[arg(value_name = "MODEL")]
    file: Option<PathBuf>,
    #[command(flatten)]
    model: ModelConfig,
    #[command(flatten)]
    reload: ReloadConfig,
    #[command(flatten)]
    http: HttpConfig,
    #[command(flatten)]
    engine: EngineConfig,
    #[command(flatten)]
    limits: LimitsConfig,
    #[command(flatten)]
    log: LogConfig,
}

/// Serves until a signal says to stop.
pub fn run(args: ServeArgs, allocator: Allocator) -> Result<(), Failure> {
    start_logs(&args.log);
    let _written = Written;
    let is_json = args.log.log_format == LogFormat::Json;
    run_logged(args, allocator).map_err(|failure| {
        // A log that is switched off says nothing, so the failure is printed.
        match is_json && tracing::enabled!(tracing::Level::ERROR) {
            true => failure.logged(),
            false => failure,
        }
    })
}

/// Writes the last lines of the log when it is dropped, also after a panic.
struct Written;

impl Drop for Written {
    fn drop(&mut self) {
        finish_logs();
    }
}

fn run_logged(mut args: ServeArgs, allocator: Allocator) -> Result<(), Failure> {
    let began = Instant::now();
    args.limits.check().map_err(Failure::Usage)?;
    args.http.check().map_err(Failure::Usage)?;
    args.engine.check().map_err(Failure::Usage)?;
    warn_of_unread_variables();
    if let Some(file) = args.file.take() {
        args.reload.check(&file).map_err(Failure::Usage)?;
        args.model.model = file;
    }
    let (most, probes) = (args.http.max_connections, args.http.probe_listen.is_some());
    args.http.max_connections = file_limit::make_room_for(most, probes);
    let io_threads = args.engine.io_threads(args.model.runtime.device);
    let state = Arc::new(AppState::new(&args.limits, &args.http, io_threads));
    let tokio = tokio(io_threads, &state)?;
    let [early, signals] = tokio.block_on(async { [Signals::listen(), Signals::listen()] });
    let (reading, signals) = (tokio.spawn(exit_on_signal(early?)), signals?);
    // Before the file is read, so that any change from here on is seen.
    let path = &args.model.model;
    let watch = args.reload.interval();
    let watch = watch.map(|interval| Watch::start(path.clone(), interval));
    // Errors in the files are found before anybody can connect.
    let model = model_file::open(path)?;
    Classifier::new(&model)?;
    let runtime = args.model.runtime.load()?;
    reading.abort();
    let loader = Loader {
        state: &state,
        launch: Launch {
            runtime,
            config: args.engine.clone(),
            limits: args.limits.image.limits(),
            metrics: Arc::clone(&state.metrics),
            layout: Default::default(),
        },
        path,
        watch,
        allocator,
    };
    let outcome = thread::scope(|threads| {
        // Moved in here to be dropped first, and with it connections that were cut off: then nobody waits for what is
        // still queued.
        let tokio = tokio;
        tokio.block_on(serve(&args, threads, loader, model, &state, signals, began))
    });
    if let Ok(serving) = state.serving() {
        serving.engine.stop();
    }
    if outcome.is_ok() {
        tracing::info!("stopped");
    }
    outcome
}

/// The runtime for everything that goes over the network.
fn tokio(threads: usize, state: &AppState) -> io::Result<Runtime> {
    let pause = Arc::clone(&state.pause);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("io")
        .on_thread_park(move || {
            // Of several threads, one that sleeps would keep the others from being woken.
            if threads == 1 {
                pause.take();
            }
        })
        .enable_all()
        .build()
}

async fn serve<'a>(
    args: &ServeArgs,
    threads: &'a Scope<'a, '_>,
    loader: Loader<'a>,
    model: Model,
    state: &Arc<AppState>,
    mut signals: Signals,
    began: Instant,
) -> Result<(), Failure> {
    let listener = listen("--listen", args.http.listen)?;
    let address = listener.local_addr()?;
    let connections = Arc::clone(&state.connections);
    let server = Server::new(router(Arc::clone(state)), &args.http, connections);
    let probe_address = match args.http.probe_listen {
        Some(address) => Some(answer_probes(address, args, state).await?),
        None => None,
    };
    tokio::spawn(freed_memory::give_back(
        Arc::clone(state),
        loader.allocator.give_back,
    ));
    tokio::spawn(say_refusals(Arc::clone(state)));
    let life = async {
        let runtime = loader.launch.runtime.version().to_owned();
        // On a thread of its own, so that `/livez` is answered meanwhile.
        let (asker, mut first) = loader.start(threads, model)?;
        tokio::select! {
            signal = signals.stop() => {
                tracing::info!("{signal} before the model was ready");
                state.lifecycle.stop();
                signals.exit_on_next();
                let late = exit_when_late();
                let _ = first.await;
                // Requests that it came in time for are finished.
                late.call_off();
                return Ok::<(), Failure>(());
            }
            started = &mut first => {
                let serving = started.map_err(|_| StartError::Panicked)??;
                let start_up = StartUp {
                    model: &args.model.model,
                    serving: &serving,
                    runtime: &runtime,
                    address,
                    probe_address,
                    took: began.elapsed(),
                };
                if let Err(error) = start_up.announce(args.log.log_format == LogFormat::Text) {
                    tracing::warn!(%error, "the start could not be announced");
                }
            }
        }
        let signal = loop {
            match signals.next().await {
                Asked::Reload => asker.ask(),
                Asked::Stop(signal) => break signal,
            }
        };
        tracing::info!("{signal}: finishing the requests in flight");
        state.lifecycle.stop();
        signals.exit_on_next();
        tokio::time::sleep(args.http.drain_delay).await;
        Ok(())
    };
    server.accept_until(listener, life).await?;
    if !server.finish(args.http.shutdown_timeout).await {
        tracing::warn!("some requests were cut off: --shutdown-timeout was too short for them");
    }
    state.refusals.say_rest(Duration::ZERO);
    exit_when_late();
    Ok(())
}

/// Says now and then what the log has not said about refusals. Never ends.
async fn say_refusals(state: Arc<AppState>) {
    let mut look = tokio::time::interval(EVERY_REFUSALS);
    loop {
        look.tick().await;
        state.refusals.say_rest(EVERY_REFUSALS);
    }
}

fn warn_of_unread_variables() {
    let lossy = |text: OsString| text.to_string_lossy().into_owned();
    let set: Vec<_> = env::vars_os()
        .map(|(name, value)| (lossy(name), lossy(value)))
        .collect();
    let set = set.iter().map(|(name, value)| (&**name, &**value));
    for sentence in variables::unread(&Cli::command(), set) {
        tracing::warn!("{sentence}");
    }
}

/// Answers probes at this address until all else is done: `/livez` is asked while the last requests are finished,
/// too.
async fn answer_probes(
    address: SocketAddr,
    args: &ServeArgs,
    state: &Arc<AppState>,
) -> Result<SocketAddr, Failure> {
    let listener = listen("--probe-listen", address)?;
    let address = listener.local_addr()?;
    let router = probe_router(Arc::clone(state));
    let server = Server::new(router, &args.http, Connections::for_probes());
    tokio::spawn(async move { server.accept_until(listener, future::pending::<()>()).await });
    Ok(address)
}
