//! A model that can be computed by hand, a service around it, and images.

use std::io::{self, Cursor, Write};
use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::HOST;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use clap::Parser;
use http_body_util::BodyExt;
use image::{ImageFormat, Rgb, RgbImage};
use normgate_core::manifest::METADATA_KEY;
use normgate_core::onnx::{Dim, GraphBuilder, Window};
use normgate_core::{
    Calibration, Filter, Manifest, Model, Preprocessing, Resize, Rgb8, Runtime, ScoreKind,
};
use normgate_testing::openapi::{Exchange, assert_documented};
use serde_json::Value;
use tower::ServiceExt;

use crate::config::{EngineConfig, HttpConfig, LimitsConfig};
use crate::openapi::written;
use crate::router::router;
use crate::serving::Launch;
use crate::state::AppState;

/// The options of `serve` that the service depends on.
#[derive(Parser)]
#[command(no_binary_name = true)]
pub struct Options {
    #[command(flatten)]
    pub http: HttpConfig,
    #[command(flatten)]
    pub engine: EngineConfig,
    #[command(flatten)]
    pub limits: LimitsConfig,
}

/// A model whose representation is the mean colour, and whose label is the strongest channel. The darker an image,
/// the more OOD: the score is minus the colour's norm, and the threshold is about -0.24.
pub fn model() -> Model {
    let scores: Vec<f32> = (0..100).map(|n| -1.0 + 0.008 * n as f32).collect();
    let manifest = Manifest {
        schema_version: 1,
        name: "colours".into(),
        version: "1.2".into(),
        description: None,
        labels: ["red", "green", "blue"].map(String::from).into(),
        representation_size: 3,
        preprocessing: Preprocessing {
            width: 8,
            height: 8,
            resize: Resize::Stretch,
            filter: Filter::Bilinear,
            mean: [0.0; 3],
            std: [1.0; 3],
        },
        score: ScoreKind::RepresentationNorm,
        calibration: Some(Calibration::id_positive(&scores, 0.95).unwrap()),
        training: None,
        quantization: None,
    };
    let mut graph = GraphBuilder::new("colours");
    let (three, side) = (Dim::Fixed(3), Dim::Fixed(8));
    let image = graph.input("image", &[Dim::Batch, three, side, side]);
    let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    let kernel = graph.floats("kernel", &[3, 3, 1, 1], &identity);
    let whole = Window {
        stride: 1,
        padding: 0,
    };
    let image = graph.conv("conv", &image, &kernel, None, whole);
    let mean = graph.global_average_pool("mean", &image);
    let representation = graph.flatten("representation", &mean);
    let weight = graph.floats("weight", &[3, 3], &identity.map(|x| 4.0 * x));
    let bias = graph.floats("bias", &[3], &[0.0; 3]);
    let logits = graph.linear("logits", &representation, &weight, Some(&bias));
    graph.output(&logits, &[Dim::Batch, three]);
    graph.output(&representation, &[Dim::Batch, three]);
    let json = manifest.to_json().unwrap();
    Model::from_bytes(graph.finish(&[(METADATA_KEY, &json)]).unwrap()).unwrap()
}

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_slice(&written().unwrap().json).unwrap());

/// Without a host, a request is refused.
const ANY_HOST: HeaderValue = HeaderValue::from_static("x");

/// A service with these options of `serve`, and two workers unless they say otherwise.
pub struct Service {
    pub state: Arc<AppState>,
    pub router: Router,
}

/// A reply, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Service {
    /// A service whose model is not loaded yet.
    pub fn cold(options: &Options) -> Self {
        let state = Arc::new(AppState::new(&options.limits, &options.http, 1));
        Self {
            router: router(Arc::clone(&state)),
            state,
        }
    }

    pub fn with(arguments: &[&str]) -> Self {
        let mut options = Options::parse_from(arguments);
        options.engine.workers = options.engine.workers.or(NonZeroUsize::new(2));
        let service = Self::cold(&options);
        let serving = service.launch(options).start(model(), None).unwrap();
        service.state.serve(Arc::new(serving));
        service
    }

    /// What models are put into service with here.
    pub fn launch(&self, options: Options) -> Launch {
        Launch {
            runtime: Runtime::load(None).unwrap(),
            config: options.engine,
            limits: options.limits.image.limits(),
            metrics: Arc::clone(&self.state.metrics),
            layout: Default::default(),
        }
    }

    /// Sends a request, and checks the reply against the document of the API.
    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        let headers = request.headers_mut();
        headers.entry(HOST).or_insert(ANY_HOST);
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let answer = Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        };
        let header = |name: &str| Some(answer.headers.get(name)?.to_str().unwrap().to_owned());
        let exchange = Exchange {
            method: method.as_str(),
            path: uri.path(),
            status: answer.status.as_u16(),
            header: &header,
            body: &answer.body,
        };
        assert_documented(&DOCUMENT, &exchange);
        answer
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    pub async fn post(&self, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path).header("content-type", kind);
        self.send(request.body(body.into()).unwrap()).await
    }

    pub async fn classify(&self, image: impl Into<Body>) -> Answer {
        self.post("/classify", "image/png", image).await
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Ok(serving) = self.state.serving() {
            serving.engine.stop();
        }
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The JSON of a 200.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    /// The problem document, with this status and type.
    #[track_caller]
    pub fn problem(&self, status: u16, slug: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["type"], format!("/problems/{slug}"));
        assert_eq!(problem["status"], status);
        problem
    }
}

/// An image of one colour as a PNG file.
pub fn png(colour: [u8; 3], width: u32, height: u32) -> Vec<u8> {
    encoded(colour, width, height, ImageFormat::Png)
}

/// An image of one colour as a JPEG file.
pub fn jpeg(colour: [u8; 3], width: u32, height: u32) -> Vec<u8> {
    encoded(colour, width, height, ImageFormat::Jpeg)
}

fn encoded(colour: [u8; 3], width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let picture = RgbImage::from_pixel(width, height, Rgb(colour));
    picture.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// The media type of what [`form`] makes.
pub const FORM: &str = "multipart/form-data; boundary=LINE";

/// A form with these files.
pub fn form(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, bytes) in files {
        let head = format!(
            "--LINE\r\nContent-Disposition: form-data; name=\"image\"; filename=\"{name}\"\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--LINE--\r\n");
    body
}

pub const RED: [u8; 3] = [255, 0, 0];
pub const GREEN: [u8; 3] = [0, 255, 0];
pub const BLACK: [u8; 3] = [0, 0, 0];

/// The engine panics at an image of this colour, in tests only, in the place that the name says.
pub const PANICS_IN_DECODER: [u8; 3] = [13, 37, 1];
pub const PANICS_IN_WORKER: [u8; 3] = [13, 37, 2];

/// A worker takes as long as [`STALL`] over an image of this colour, in tests only.
pub const STALLS_WORKER: [u8; 3] = [13, 37, 3];
pub const STALL: Duration = Duration::from_millis(400);

/// Stands in for a slow model.
pub fn stall_at(colour: [u8; 3], image: &Rgb8) {
    if image.pixels.starts_with(&colour) {
        std::thread::sleep(STALL);
    }
}

/// Stands in for a bug in a decoder or in the inference.
pub fn panic_at(colour: [u8; 3], image: &Rgb8) {
    assert!(!image.pixels.starts_with(&colour), "a panic for a test");
}

/// Keeps what is written to it. While a test holds the lock, writing waits.
#[derive(Clone, Default)]
pub struct Written(pub Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
