//! `POST /classify`

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::future::join_all;
use normgate_core::preprocess::DecodeError;
use tokio::time::timeout_at;

use crate::body::{Base64Image, File, Submission, Upload};
use crate::connections::Client;
use crate::deadline::Deadline;
use crate::engine::{Answer, EngineError, Timings};
use crate::json_line::JsonLine;
use crate::openapi::{Form, ImageFile, examples};
use crate::problem::Problem;
use crate::reply::{Answered, DEFAULT_TOP, FileReply, Replies, Reply};
use crate::serving::Serving;
use crate::state::AppState;

/// The query string, read as it comes, so that what is wrong with it can be said in plain words.
type Options = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// Classifies the image, or the images, of a request.
///
/// One image gets its reply or its problem. Several get 200 and a list in their order, in which
/// each has its reply or its problem; or 429 where not one of them was taken in.
///
/// The model is taken once, when the body has arrived: a slow client holds none back from being
/// replaced, and all of a reply is of one model.
#[utoipa::path(
    post,
    path = "/classify",
    operation_id = "classify",
    tag = "images",
    summary = "Classify an image, or several",
    description = "One image is answered with its classification or its problem. A form with \
                   several files is answered with 200 and a list that has, in order, the \
                   classification or the problem of each.",
    request_body(
        description = "The image: as it is, in a form, or in JSON. Its format is read from its \
                       bytes, not from the media type.",
        content(
            (ImageFile = "image/*"),
            (ImageFile = "application/octet-stream"),
            (Form = "multipart/form-data"),
            (Base64Image<'_> = "application/json")
        )
    ),
    responses((
        status = 200,
        description = "One classification, which has a `label`, or a list of `results`",
        body = Answered<'_>,
        headers(("server-timing" = String,
            description = "Milliseconds in the queue, in decoding, in the model, and in all")),
        examples(
            ("one-image" = (summary = "One image", value = json!(examples::one()))),
            ("several-files" = (summary = "Several files, one of them not an image", value = json!(examples::several())))
        )
    ))
)]
pub async fn classify(
    State(state): State<Arc<AppState>>,
    options: Options,
    request: Request,
) -> Response {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let mut body = Upload::new(&parts.headers, body);
    let client = parts.extensions.get::<Arc<Client>>();
    let outcome = match read(&state, options, &parts, &mut body, started).await {
        Ok((submission, serving, wishes)) => {
            let _waiting = client.map(Client::being_served);
            answer(&state, &serving, submission, wishes, started).await
        }
        Err(problem) => {
            let problem = state.intake.linger(body, problem);
            Err(rejected(&state, problem))
        }
    };
    outcome.unwrap_or_else(IntoResponse::into_response)
}

/// What a request asks for beside its images.
struct Wishes {
    top: usize,
    deadline: Option<Deadline>,
}

async fn read(
    state: &AppState,
    options: Options,
    parts: &Parts,
    body: &mut Upload,
    started: Instant,
) -> Result<(Submission, Arc<Serving>, Wishes), Problem> {
    let Parts {
        headers,
        extensions,
        ..
    } = parts;
    let asked = asked_top(options)?;
    let deadline = Deadline::of_client(headers, started)?;
    ask_for_room(state, deadline)?;
    let client = extensions.get::<Arc<Client>>().map(Arc::as_ref);
    let reading = state.intake.read(headers, body, client);
    let submission = match deadline {
        None => reading.await,
        Some(deadline) => timeout_at(deadline.at(), reading)
            .await
            .unwrap_or_else(|_| Err(deadline.problem())),
    };
    let serving = state.serving()?;
    // Bodies fill the memory for as long as their images wait. Who is refused is not the only one.
    let submission = submission.map_err(|problem| {
        let others = state.intake.refused_lately();
        problem.after(serving.engine.wait(others))
    })?;
    let top = top(asked, serving.manifest.labels.len())?;
    Ok((submission, serving, Wishes { top, deadline }))
}

/// Before a body is read: it may be large, and nobody could work on it. The model is let go again, as it
/// may be replaced while the body arrives.
fn ask_for_room(state: &AppState, deadline: Option<Deadline>) -> Result<(), Problem> {
    let serving = state.serving()?;
    serving.engine.has_room(deadline).inspect_err(|_| {
        // A client in a greater hurry than the server says nothing of what comes.
        if deadline.is_none() {
            state.pause.is_due(serving.engine.queue_lasts());
        }
    })?;
    Ok(())
}

async fn answer(
    state: &AppState,
    serving: &Serving,
    submission: Submission,
    Wishes { top, deadline }: Wishes,
    started: Instant,
) -> Result<Response, Problem> {
    let Submission { files, hold } = submission;
    let names: Vec<Option<String>> = files.iter().map(|file| file.name.clone()).collect();
    // The body's memory is given back with the last file's, not with the reply.
    let classified = files.into_iter().map(move |File { bytes, hint, .. }| {
        let hold = hold.clone();
        async move {
            let answer = serving.engine.classify(bytes, hold, deadline).await;
            answer.map_err(|error| {
                let hint = hint.filter(|_| !is_of_another_format(&error));
                explained(state, error).with_hint(hint)
            })
        }
    });
    let mut answers = join_all(classified).await;
    if answers.len() == 1
        && let Some(answer) = answers.pop()
    {
        let Answer {
            classification,
            timings,
        } = answer.map_err(|p| rejected(state, p))?;
        let reply = Reply::new(&serving.manifest, &classification, top);
        return Ok(timed(Answered::One(reply), timings, started));
    }
    if let Some(Err(first)) = answers.first()
        && answers.iter().all(was_turned_away)
    {
        answers
            .iter()
            .for_each(|_| state.metrics.rejected(first.reason()));
        return Err(first.clone());
    }
    let slowest = |a: Timings, b: &Answer| a.max(&b.timings);
    let timings = answers.iter().flatten().fold(Timings::default(), slowest);
    let results = names
        .into_iter()
        .zip(&answers)
        .map(|(file, answer)| match answer {
            Ok(answer) => FileReply::reply(
                file,
                Reply::new(&serving.manifest, &answer.classification, top),
            ),
            Err(problem) => FileReply::problem(file, rejected(state, problem.clone())),
        });
    let replies = Replies {
        results: results.collect(),
    };
    Ok(timed(Answered::Several(replies), timings, started))
}

/// Whether the server did nothing about an image, and it should come again.
fn was_turned_away(answer: &Result<Answer, Problem>) -> bool {
    matches!(answer, Err(problem) if problem.status() == StatusCode::TOO_MANY_REQUESTS)
}

/// What the query string says of how many labels are wanted.
fn asked_top(options: Options) -> Result<Option<String>, Problem> {
    let Query(options) = options.map_err(|rejection| Problem::malformed(rejection.body_text()))?;
    let mut top = None;
    for (key, value) in options {
        if key != "top" {
            let detail = format!("unknown query parameter {key:?}: there is only top=N");
            return Err(Problem::malformed(detail));
        }
        if top.replace(value).is_some() {
            return Err(Problem::malformed("top is given twice"));
        }
    }
    Ok(top)
}

fn top(asked: Option<String>, labels: usize) -> Result<usize, Problem> {
    let Some(asked) = asked else {
        return Ok(DEFAULT_TOP.min(labels));
    };
    let number = asked.parse().ok().filter(|top| (1..=labels).contains(top));
    number.ok_or_else(|| {
        Problem::malformed(format!(
            "top={asked}: this model has {labels} labels; give a number from 1 to {labels}"
        ))
    })
}

/// Whether it is known what the file is, so that no other way of sending it helps. JSON may hold an image.
fn is_of_another_format(error: &EngineError) -> bool {
    let EngineError::Decode(DecodeError::UnsupportedFormat { looks_like }) = error else {
        return false;
    };
    looks_like.is_some_and(|format| format != "JSON")
}

/// The client learns what it can mend; the log learns the rest.
fn explained(state: &AppState, error: EngineError) -> Problem {
    match &error {
        EngineError::Decode(error) => state.metrics.undecodable(error),
        EngineError::Failed(reason) => tracing::error!(reason, "an image could not be classified"),
        _ => {}
    }
    error.into()
}

fn rejected(state: &AppState, problem: Problem) -> Problem {
    state.metrics.rejected(problem.reason());
    problem
}

/// Adds where the time went (W3C Server Timing), which browsers' tools show.
fn timed(reply: Answered<'_>, timings: Timings, started: Instant) -> Response {
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let text = format!(
        "queue;dur={:.3}, decode;dur={:.3}, infer;dur={:.3}, total;dur={:.3}",
        ms(timings.queue),
        ms(timings.decode),
        ms(timings.infer),
        ms(started.elapsed()),
    );
    let mut response = JsonLine(reply).into_response();
    if let Ok(value) = HeaderValue::try_from(text) {
        response
            .headers_mut()
            .insert(HeaderName::from_static("server-timing"), value);
    }
    response
}
