//! Checks what a server sends against its OpenAPI document.

use serde_json::Value;

use crate::schema::disagreement;

/// Headers that clients act on: none may be sent that is not documented.
const HEADERS: [&str; 5] = [
    "accept-encoding",
    "accept-post",
    "retry-after",
    "server-timing",
    "x-request-id",
];

/// A request, and the reply to it.
pub struct Exchange<'a> {
    /// The request's method.
    pub method: &'a str,
    /// The path, with or without a query.
    pub path: &'a str,
    /// The reply's status.
    pub status: u16,
    /// A header of the reply.
    pub header: &'a dyn Fn(&str) -> Option<String>,
    /// The reply's body.
    pub body: &'a [u8],
}

/// Fails if the document does not say that this reply may come, in this form. A request that is no operation of the
/// document must be refused as such, with a problem.
///
/// # Panics
/// If the reply is not documented, saying what is missing.
#[track_caller]
pub fn assert_documented(document: &Value, exchange: &Exchange<'_>) {
    let Exchange {
        method,
        path,
        status,
        ..
    } = exchange;
    if let Err(why) = check(document, exchange) {
        panic!("{method} {path} answers {status} against the document: {why}");
    }
}

fn check(document: &Value, exchange: &Exchange<'_>) -> Result<(), String> {
    let Some(operation) = operation(document, exchange) else {
        let problem = document["components"]["schemas"].get("Problem");
        let problem = problem.ok_or("there is no Problem")?;
        return match exchange.status {
            400 | 404 | 405 | 501 => of_schema(document, problem, exchange.body),
            _ => Err("there is no such operation".into()),
        };
    };
    let status = exchange.status.to_string();
    let reply = operation["responses"].get(status);
    let reply = reply.ok_or("the status is not described")?;
    for name in HEADERS {
        if (exchange.header)(name).is_some() && reply["headers"].get(name).is_none() {
            return Err(format!("the header {name} is not described"));
        }
    }
    let media = (exchange.header)("content-type").ok_or("it has no Content-Type")?;
    let media = media.split(';').next().unwrap_or_default();
    let way = reply["content"].get(media);
    let schema = &way.ok_or_else(|| format!("{media} is not described"))?["schema"];
    match media.ends_with("json") {
        true => of_schema(document, schema, exchange.body),
        false => Ok(()),
    }
}

fn of_schema(document: &Value, schema: &Value, body: &[u8]) -> Result<(), String> {
    let body = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    disagreement(document, schema, &body).map_or(Ok(()), Err)
}

fn operation<'a>(document: &'a Value, exchange: &Exchange<'_>) -> Option<&'a Value> {
    let path = exchange.path.split('?').next()?;
    let paths = document["paths"].as_object()?;
    let template = || {
        let (parent, _) = path.rsplit_once('/')?;
        let mut templates = paths.keys().filter(|it| it.ends_with('}'));
        templates.find(|it| it.rsplit_once('/').is_some_and(|(it, _)| it == parent))
    };
    let item = match paths.get(path) {
        Some(item) => item,
        None => &paths[template()?],
    };
    item.get(exchange.method.to_ascii_lowercase())
}
