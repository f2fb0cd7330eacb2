//! The document of the API, and that the server does as it says.

use std::fs;

use image::ImageFormat;
use normgate_testing::openapi::{Exchange, assert_documented};
use serde_json::Value;

use crate::bodies::{base64_json, multipart};
use crate::support::{Reply, Server, encoded, picture, png, repository};

/// Fails if a reply is not as the server's own document describes it.
#[track_caller]
pub fn assert_described(document: &Value, method: &str, path: &str, reply: &Reply) {
    let header = |name: &str| reply.header(name).map(str::to_owned);
    let text = reply.text();
    let exchange = Exchange {
        method,
        path,
        status: reply.status,
        header: &header,
        body: text.as_bytes(),
    };
    assert_documented(document, &exchange);
}

#[test]
fn what_the_server_answers_is_as_its_document_says() {
    let server = Server::with(&["--max-files", "2", "--max-pixels", "10000"]);
    let document = server.get("/openapi.json").answer();
    for (path, status) in [
        ("/", 200),
        ("/docs", 200),
        ("/livez", 200),
        ("/metrics", 200),
        ("/model", 200),
        ("/openapi.json", 200),
        ("/problems", 200),
        ("/problems/overloaded", 200),
        ("/problems/nothing", 404),
        ("/readyz", 200),
        ("/classify", 405),
        ("/nothing", 404),
    ] {
        let reply = server.get(path);
        assert_eq!(reply.status, status, "{path}");
        assert_described(&document, "GET", path, &reply);
    }
    let openmetrics = server.get_as("/metrics", "application/openmetrics-text");
    assert_described(&document, "GET", "/metrics", &openmetrics);
    for path in ["/problems", "/problems/overloaded"] {
        let page = server.get_as(path, "text/html,*/*;q=0.8");
        assert_described(&document, "GET", path, &page);
    }

    let image = png();
    let (form, two) = multipart(&[("a", "a.png", &image), ("b", "b.txt", b"no image")]);
    let (_, three) = multipart(&[("a", "a", &image), ("a", "b", &image), ("a", "c", &image)]);
    let large = encoded(picture(101, 100), ImageFormat::Png);
    let json = base64_json(&image);
    for (headers, body, status) in [
        (&[("content-type", "image/png")][..], image.as_slice(), 200),
        (&[("content-type", "application/json")], &json, 200),
        (&[("content-type", &form)], &two, 200),
        (&[("content-type", "image/png")], b"", 400),
        (&[("content-type", &form)], &three, 413),
        (&[("content-type", "image/png")], &large, 413),
        (&[("content-type", "text/html")], &image, 415),
        (&[("content-encoding", "gzip")], &image, 415),
        (&[("content-type", "image/png")], &image[..99], 422),
        (&[("x-request-timeout", "0ms")], &image, 504),
        (&[("x-request-timeout", "soon")], &image, 400),
    ] {
        let reply = server.post("/classify", headers, body);
        assert_eq!(reply.status, status, "{}", reply.text());
        assert_described(&document, "POST", "/classify", &reply);
    }
}

#[test]
fn the_examples_are_what_the_shipped_model_answers() {
    let server = Server::start();
    let document = server.get("/openapi.json").answer();
    let replies = &document["paths"]["/classify"]["post"]["responses"]["200"];
    let examples = &replies["content"]["application/json"]["examples"];
    let file = |name: &str| fs::read(repository().join("docs/images").join(name)).unwrap();

    let cat = server.post("/classify?top=3", &[], &file("cat.jpg"));
    assert_nearly(&examples["one-image"]["value"], &cat.answer());

    let files = ["coffee.jpg", "README.md"].map(|name| ("file", name, file(name)));
    let (kind, body) = multipart(
        &files
            .each_ref()
            .map(|(field, name, bytes)| (*field, *name, bytes.as_slice())),
    );
    let several = server.post("/classify?top=1", &[("content-type", &kind)], &body);
    assert_nearly(&examples["several-files"]["value"], &several.answer());
}

/// Compares with some tolerance, since the last digits depend on the processor.
#[track_caller]
fn assert_nearly(example: &Value, answer: &Value) {
    match (example, answer) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            assert!((a - b).abs() <= 1e-3 * b.abs(), "{a} {b}");
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len(), "{answer}");
            a.iter().zip(b).for_each(|(a, b)| assert_nearly(a, b));
        }
        (Value::Object(a), Value::Object(b)) => {
            assert!(a.keys().eq(b.keys()), "{answer}");
            a.iter()
                .for_each(|(name, value)| assert_nearly(value, &b[name]));
        }
        _ => assert_eq!(example, answer),
    }
}

#[test]
fn the_page_to_read_needs_nothing_from_elsewhere() {
    let server = Server::start();
    let page = server.get("/docs");
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let page = page.text();
    for elsewhere in [
        "<script",
        "<link rel=\"stylesheet",
        "src=",
        "http",
        "url(",
        "@import",
    ] {
        assert!(
            !page.contains(elsewhere),
            "the page loads something: {elsewhere}"
        );
    }
    assert!(server.get("/").text().contains("href=\"docs\""));
}
