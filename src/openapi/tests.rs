use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Request;
use normgate_core::{Manifest, QuantizationRecord, TrainingRecord};
use normgate_testing::schema::disagreement;
use serde_json::{Value, json};

use crate::model_document::document;
use crate::openapi::{methods, written};
use crate::problem::ACCEPT_POST;
use crate::router::ROUTES;
use crate::test_support::{Service, model};

fn api() -> Value {
    serde_json::from_slice(&written().unwrap().json).unwrap()
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let map = value.as_object().into_iter().flatten();
    map.map(|(name, it)| (name.as_str(), it))
}

/// Path, method and operation.
fn operations(api: &Value) -> Vec<(&str, &str, &Value)> {
    let operations = entries(&api["paths"])
        .flat_map(|(path, item)| entries(item).map(move |(method, it)| (path, method, it)));
    operations.collect()
}

#[tokio::test]
async fn each_route_and_method_is_described_and_no_other() {
    let service = Service::with(&[]);
    let api = api();
    let described: Vec<&str> = entries(&api["paths"]).map(|(path, _)| path).collect();
    assert_eq!(described, ROUTES);
    for route in ROUTES {
        let path = route.replace("{slug}", "overloaded");
        let answered = methods(route);
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            let request = Request::builder().method(method).uri(&path);
            let answer = service.send(request.body(Body::empty()).unwrap()).await;
            let is_there = api["paths"][route].get(method.to_lowercase()).is_some();
            assert_eq!(is_there, answered.contains(&method), "{method} {route}");
            assert_eq!(is_there, answer.status != 405, "{method} {route}");
            if !is_there {
                let detail = answer.json()["detail"].to_string();
                let answered = answered.join(" and ");
                let names = format!("does not answer {method}; it answers {answered}\"");
                assert!(detail.contains(&names), "{detail}");
            }
        }
    }
}

#[test]
fn each_operation_has_a_name_of_its_own_a_summary_and_a_group() {
    let api = api();
    let operations = operations(&api);
    let names: BTreeSet<_> = operations
        .iter()
        .map(|it| it.2["operationId"].as_str())
        .collect();
    assert_eq!(names.len(), operations.len());
    let groups: Vec<_> = api["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["name"])
        .collect();
    for (path, _, operation) in operations {
        assert!(operation["summary"].is_string(), "{path}");
        assert!(groups.contains(&&operation["tags"][0]), "{path}");
    }
}

#[test]
fn each_problem_is_described_where_it_can_come() {
    let api = api();
    let mut described = BTreeSet::new();
    for (_, _, operation) in operations(&api) {
        for (status, reply) in entries(&operation["responses"]) {
            let problems = &reply["content"]["application/problem+json"]["examples"];
            for (_, example) in entries(problems) {
                let problem = &example["value"];
                assert_eq!(problem["status"].to_string(), status);
                described.insert(problem["type"].as_str().unwrap().replace("/problems/", ""));
            }
        }
    }
    // No operation has it.
    described.insert("method-not-allowed".into());
    let documented = include_str!("../../docs/errors.md").lines();
    let documented = documented.filter_map(|line| line.strip_prefix("## "));
    assert_eq!(described, documented.map(String::from).collect());
}

#[test]
fn examples_are_what_their_schemas_say() {
    let api = api();
    let mut seen = 0;
    for (path, _, operation) in operations(&api) {
        for (_, reply) in entries(&operation["responses"]) {
            for (_, way) in entries(&reply["content"]) {
                for (name, example) in entries(&way["examples"]) {
                    let why = disagreement(&api, &way["schema"], &example["value"]);
                    assert_eq!(why, None, "{path} {name}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 40, "{seen}");
}

/// Generators would make a type of such an object that nothing fits.
#[test]
fn no_object_is_left_without_a_word_of_what_is_in_it() {
    fn look(value: &Value) {
        if value["type"] == "object" {
            let said = |word| value.get(word).is_some();
            assert!(
                said("properties") || said("additionalProperties"),
                "{value}"
            );
        }
        entries(value).for_each(|(_, it)| look(it));
        value.as_array().into_iter().flatten().for_each(look);
    }
    look(&api());
}

#[test]
fn the_ways_to_send_an_image_are_those_that_a_refusal_lists() {
    let api = api();
    let ways = &api["paths"]["/classify"]["post"]["requestBody"]["content"];
    for media in ACCEPT_POST.split(", ") {
        let range = media.split('/').next().unwrap().to_owned() + "/*";
        assert!(ways.get(media).or(ways.get(&range)).is_some(), "{media}");
    }
}

#[test]
fn the_version_is_the_servers() {
    assert_eq!(api()["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(api()["openapi"], "3.1.0");
}

#[test]
fn all_that_a_manifest_may_hold_is_described() {
    let mut manifest = Manifest::clone(model().manifest());
    manifest.description = Some("a".into());
    manifest.preprocessing.resize = normgate_core::Resize::CentreCrop { shorter_side: 9 };
    manifest.training = Some(TrainingRecord {
        method: "rna".into(),
        class_counts: vec![3, 2, 1],
        command: Some("normgate-train".into()),
        seed: 1,
        epochs: 2,
        data: vec!["a".into()],
        auxiliary: vec!["b".into()],
    });
    manifest.quantization = Some(QuantizationRecord {
        of: "0".repeat(64),
        range: "percentile".into(),
        percentile: Some(99.9),
        images: 3,
        data: Some("a".into()),
        keep_fp32: vec!["last".into()],
        reduce_range: true,
    });
    let calibration = manifest.calibration.take().unwrap();
    let (scores, classes) = (calibration.scores.clone(), [0, 1, 2, 0].repeat(25));
    let mut calibration = calibration.with_per_class(&scores, &classes, 3).unwrap();
    calibration.data = Some("a".into());
    manifest.calibration = Some(calibration);
    let document = document(&model().with_manifest(manifest).unwrap()).unwrap();
    let schema = json!({"$ref": "#/components/schemas/Model"});
    assert_eq!(disagreement(&api(), &schema, &document), None);
    for optional in ["description", "training", "quantization"] {
        assert!(document.get(optional).is_some(), "{optional}");
    }
    assert!(document["calibration"]["per_class"].is_array());
}

#[tokio::test]
async fn the_page_names_all_of_it_and_its_links_lead_somewhere() {
    let service = Service::with(&[]);
    let page = service.get("/docs").await;
    let (policy, text) = (page.header("content-security-policy"), page.text());
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("script-src"));
    assert!(!text.contains("<script") && !text.contains("style=\"") && !text.contains("http"));
    assert!(text.contains(concat!("Normgate ", env!("CARGO_PKG_VERSION"))));
    let api = api();
    for (path, method, operation) in operations(&api) {
        let heading = format!("<code>{} {path}</code>", method.to_uppercase());
        assert!(text.contains(&heading), "{heading}");
        assert!(
            text.contains(operation["summary"].as_str().unwrap()),
            "{path}"
        );
    }
    for (name, _) in entries(&api["components"]["schemas"]) {
        assert!(text.contains(&format!("<section id=\"{name}\">")), "{name}");
    }
    for link in text.split("href=\"").skip(1) {
        let target = link.split('"').next().unwrap();
        match target.strip_prefix('#') {
            Some(name) => assert!(text.contains(&format!("id=\"{name}\"")), "{name}"),
            None if target == "data:," => {}
            None => {
                let path = format!("/{}", target.trim_start_matches("./"));
                assert_eq!(service.get(&path).await.status, 200, "{path}");
            }
        }
    }
}
