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

use crate::body::{Base64Image, File, Room, Submission, Upload, held};
use crate::connections::Client;
use crate::deadline::Deadline;
use crate::engine::{Answer, EngineError, Timings};
use crate::json_line::{self, JsonLine};
use crate::openapi::{Form, ImageFile, examples};
use crate::problem::Problem;
use crate::reply::{Answered, DEFAULT_TOP, FileReply, Replies, Reply, most_bytes};
use crate::serving::Serving;
use crate::state::AppState;

/// The parameters of the query string as they come, so that what is wrong with them can be said in plain words.
type Options = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// Classifies the image, or the images, of a request.
///
/// One image gets its reply or its problem. Several get 200 and a list that has, in order, the reply or the problem
/// of each; or 429 if not one of them was taken in.
///
/// The model is taken once, when the body has arrived: a slow client keeps no model from being replaced, and
/// everything in a reply is of one model.
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
    /// Of an answer that may be large.
    room: Option<Room>,
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
    ask_for_room(state, deadline, asked.as_deref())?;
    let client = extensions.get::<Arc<Client>>();
    let reading = state.intake.read(headers, body, client);
    let submission = match deadline {
        None => reading.await,
        Some(deadline) => timeout_at(deadline.at(), reading)
            .await
            .unwrap_or_else(|_| Err(deadline.problem())),
    };
    let serving = state.serving()?;
    // Bodies fill the memory as long as their images wait, and this client is not the only one that was refused.
    let submission = submission.map_err(|problem| {
        let others = state.intake.refused_lately();
        problem.after(serving.engine.wait(others))
    })?;
    let top = top(asked.as_deref(), serving.manifest.labels.len())?;
    let names = submission.files.iter().map(|file| file.name.as_deref());
    let most = most_bytes(&serving.manifest, names, top);
    let room = state.intake.room_for_answer(most, &submission.hold, client);
    let room = room.await.map_err(|problem| {
        let others = state.intake.refused_lately();
        problem.after(serving.engine.wait(others))
    })?;
    let wishes = Wishes {
        top,
        deadline,
        room,
    };
    Ok((submission, serving, wishes))
}

/// Whether there is room and as many labels, before a body is read that may be large and that nobody could work on.
/// The model is let go again, as it may be replaced while the body arrives.
fn ask_for_room(
    state: &AppState,
    deadline: Option<Deadline>,
    asked: Option<&str>,
) -> Result<(), Problem> {
    let serving = state.serving()?;
    top(asked, serving.manifest.labels.len())?;
    serving.engine.has_room(deadline).inspect_err(|_| {
        // A client in a greater hurry than the server says nothing about how much comes.
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
    Wishes {
        top,
        deadline,
        room,
    }: Wishes,
    started: Instant,
) -> Result<Response, Problem> {
    let Submission { files, hold } = submission;
    let names: Vec<Option<String>> = files.iter().map(|file| file.name.clone()).collect();
    let are_several = files.len() > 1;
    // The memory of the body is given back with the last file's, not with the reply.
    let classified = files.into_iter().map(move |File { bytes, hint, .. }| {
        let hold = hold.clone();
        async move {
            let answer = serving.engine.classify(bytes, hold, deadline).await;
            answer.map_err(|error| {
                let hint = hint.filter(|_| !is_of_another_format(&error));
                explained(state, error, are_several).with_hint(hint)
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
        return Ok(timed(Answered::One(reply), room, timings, started));
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
            Err(problem) => {
                state.refusals.note_file(problem);
                FileReply::problem(file, rejected(state, problem.clone()))
            }
        });
    let replies = Replies {
        results: results.collect(),
    };
    Ok(timed(Answered::Several(replies), room, timings, started))
}

/// Whether the server did nothing about an image, which should be sent again.
fn was_turned_away(answer: &Result<Answer, Problem>) -> bool {
    matches!(answer, Err(problem) if problem.status() == StatusCode::TOO_MANY_REQUESTS)
}

/// What the query string says about how many labels are wanted.
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

fn top(asked: Option<&str>, labels: usize) -> Result<usize, Problem> {
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

/// What to answer: the client learns what it can mend, the log learns the rest.
fn explained(state: &AppState, error: EngineError, are_several: bool) -> Problem {
    match &error {
        EngineError::Decode(error) => state.metrics.undecodable(error),
        EngineError::Failed(reason) => tracing::error!(reason, "an image could not be classified"),
        // To try again helps little if the request fills the queue itself.
        EngineError::Full(wait) if are_several => {
            return Problem::overloaded(
                "the queue is full (--queue-capacity), also with other files of this request; send fewer at once, or \
                 try again later",
            )
            .after(*wait);
        }
        _ => {}
    }
    error.into()
}

fn rejected(state: &AppState, problem: Problem) -> Problem {
    state.metrics.rejected(problem.reason());
    problem
}

/// Adds where the time went (W3C Server Timing), which browsers' tools show.
fn timed(reply: Answered<'_>, room: Option<Room>, timings: Timings, started: Instant) -> Response {
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let text = format!(
        "queue;dur={:.3}, decode;dur={:.3}, infer;dur={:.3}, total;dur={:.3}",
        ms(timings.queue),
        ms(timings.decode),
        ms(timings.infer),
        ms(started.elapsed()),
    );
    let mut response = match room {
        Some(room) => json_line::response(&reply, |line| held(line, room)),
        None => JsonLine(reply).into_response(),
    };
    if let Ok(value) = HeaderValue::try_from(text) {
        response
            .headers_mut()
            .insert(HeaderName::from_static("server-timing"), value);
    }
    response
}
