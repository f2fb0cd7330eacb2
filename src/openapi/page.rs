//! The document as a page: HTML that needs no script.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::iter;

use normgate_evaluation::reports::table::escape;
use serde_json::Value;

use crate::page::around;

const PROBLEM: &str = "application/problem+json";

/// The page.
pub fn render(document: &Value) -> String {
    let info = &document["info"];
    let mut out = format!(
        "<header>\n<h1>Normgate {}</h1>\n<p>{}</p>\n</header>\n\
         <footer><a href=\"./\">Try it</a> <a href=\"openapi.json\">OpenAPI document</a> \
         <a href=\"problems\">Errors</a></footer>\n",
        text(&info["version"]),
        text(&info["description"]),
    );
    let operations: Vec<Operation<'_>> = entries(&document["paths"])
        .flat_map(|(path, item)| {
            entries(item).map(move |(method, it)| Operation { method, path, it })
        })
        .collect();
    let everywhere = operations.iter().map(Operation::parts);
    let everywhere = everywhere
        .reduce(|all, parts| &all & &parts)
        .unwrap_or_default();
    for tag in list(&document["tags"]) {
        let _ = writeln!(out, "<h2>{}</h2>", text(&tag["description"]));
        for operation in &operations {
            if list(&operation.it["tags"]).contains(&tag["name"]) {
                operation.render(&mut out, |part| !everywhere.contains(part));
            }
        }
    }
    if let Some(any) = operations.first() {
        out += "<h2>All routes</h2>\n<section>\n";
        any.render_parameters(&mut out, |part| everywhere.contains(part));
        any.render_problems(&mut out, |part| everywhere.contains(part));
        out += "</section>\n";
    }
    out += "<h2>Data types</h2>\n";
    for (name, it) in entries(&document["components"]["schemas"]) {
        schema(&mut out, name, it);
    }
    around("the API", &out)
}

struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    it: &'a Value,
}

impl<'a> Operation<'a> {
    /// The names of parameters and problems; those that all operations have are shown once.
    fn parts(&self) -> BTreeSet<&'a str> {
        let parameters = list(&self.it["parameters"]).iter();
        let parameters = parameters.filter_map(|it| it["name"].as_str());
        let problems = self.problems().map(|(_, name, _)| name);
        parameters.chain(problems).collect()
    }

    /// The status of each problem, the name of its example, and where its `type` leads.
    fn problems(&self) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
        entries(&self.it["responses"]).flat_map(|(status, it)| {
            let problems = entries(&it["content"][PROBLEM]["examples"]);
            problems
                .filter_map(move |(name, it)| Some((status, name, it["value"]["type"].as_str()?)))
        })
    }

    fn render(&self, out: &mut String, is_shown: impl Fn(&str) -> bool) {
        let (method, path) = (self.method.to_ascii_uppercase(), escape(self.path));
        let _ = writeln!(out, "<section>\n<h3><code>{method} {path}</code></h3>");
        paragraph(out, &self.it["summary"]);
        paragraph(out, &self.it["description"]);
        self.render_parameters(out, &is_shown);
        let body = &self.it["requestBody"];
        ways(out, "Body", body);
        let reply = &self.it["responses"]["200"];
        ways(out, "Answer", reply);
        for (_, it) in entries(&reply["content"]["application/json"]["examples"]) {
            let (summary, value) = (text(&it["summary"]), escape(&format!("{:#}", it["value"])));
            let _ = writeln!(
                out,
                "<details><summary>{summary}</summary>\n<pre>{value}</pre></details>"
            );
        }
        self.render_problems(out, &is_shown);
        *out += "</section>\n";
    }

    fn render_parameters(&self, out: &mut String, is_shown: impl Fn(&str) -> bool) {
        let parameters = list(&self.it["parameters"]).iter();
        let parameters = parameters.filter(|it| it["name"].as_str().is_some_and(&is_shown));
        let parameters = parameters.map(|it| {
            let place = it["in"].as_str().unwrap_or_default();
            let kind = format!("{place}, {}", kind(&it["schema"]));
            [code(&it["name"]), kind, text(&it["description"])]
        });
        table(out, "Parameters", parameters);
    }

    fn render_problems(&self, out: &mut String, is_shown: impl Fn(&str) -> bool) {
        let mut problems = Vec::new();
        for (status, name, target) in self.problems() {
            let target = target.trim_start_matches('/');
            let slug = target.rsplit('/').next().unwrap_or_default();
            let link = format!("{status} <a href=\"{target}\">{slug}</a>");
            if is_shown(name) && !problems.contains(&link) {
                problems.push(link);
            }
        }
        if !problems.is_empty() {
            let problems = problems.join(", ");
            let _ = writeln!(out, "<p class=\"problems\">Problems: {problems}</p>");
        }
    }
}

/// The media types of a body, with its description below.
fn ways(out: &mut String, caption: &str, body: &Value) {
    let ways = entries(&body["content"]);
    let ways = ways.map(|(media, it)| [escape(media), kind(&it["schema"]), String::new()]);
    table(out, caption, ways);
    paragraph(out, &body["description"]);
}

fn schema(out: &mut String, name: &str, it: &Value) {
    let _ = writeln!(out, "<section id=\"{name}\">\n<h3>{name}</h3>");
    paragraph(out, &it["description"]);
    let parts = iter::once(it).chain(list(&it["allOf"]));
    let properties = parts.flat_map(|part| {
        let required = list(&part["required"]);
        entries(&part["properties"]).map(move |(name, it)| {
            let optional = match required.iter().any(|it| it == name) {
                true => "",
                false => ", optional",
            };
            let name = code(&Value::from(name));
            [name, kind(it) + optional, text(&it["description"])]
        })
    });
    table(out, "", properties);
    if it["properties"].is_null() {
        let _ = writeln!(out, "<p>{}</p>", kind(it));
    }
    *out += "</section>\n";
}

/// The kind of a value, in a few words.
fn kind(schema: &Value) -> String {
    let any = |key: &str, between: &str| {
        let kinds = list(&schema[key]).iter().map(kind);
        kinds.collect::<Vec<_>>().join(between)
    };
    if let Some(target) = schema["$ref"].as_str() {
        let name = target.rsplit('/').next().unwrap_or_default();
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    if schema["oneOf"].is_array() {
        return any("oneOf", " or ");
    }
    if schema["allOf"].is_array() {
        return any("allOf", " and ");
    }
    if schema["enum"].is_array() {
        let values = list(&schema["enum"]).iter().map(code);
        return values.collect::<Vec<_>>().join(" or ");
    }
    match &schema["type"] {
        Value::String(it) if it == "array" => format!("list of {}", kind(&schema["items"])),
        Value::String(it) => match schema["format"].as_str() {
            Some("binary") => "a file".into(),
            _ if schema["properties"].is_object() => {
                let names =
                    entries(&schema["properties"]).map(|(name, _)| code(&Value::from(name)));
                format!("object with {}", names.collect::<Vec<_>>().join(", "))
            }
            _ => it.clone(),
        },
        Value::Array(them) => {
            let names = them.iter().filter_map(Value::as_str);
            names.collect::<Vec<_>>().join(" or ")
        }
        _ => "anything".into(),
    }
}

fn table(out: &mut String, caption: &str, rows: impl Iterator<Item = [String; 3]>) {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return;
    }
    *out += "<table>\n";
    if !caption.is_empty() {
        let _ = writeln!(out, "<caption>{caption}</caption>");
    }
    for [name, kind, what] in rows {
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{name}</th><td>{kind}</td><td>{what}</td></tr>"
        );
    }
    *out += "</table>\n";
}

fn paragraph(out: &mut String, it: &Value) {
    if it.is_string() {
        let _ = writeln!(out, "<p>{}</p>", text(it));
    }
}

/// A text in which everything between backticks becomes code.
fn text(it: &Value) -> String {
    let text = escape(it.as_str().unwrap_or_default());
    let mut parts = text.split('`');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.enumerate().fold(first, |all, (index, part)| {
        let tag = if index % 2 == 0 { "<code>" } else { "</code>" };
        all + tag + part
    })
}

fn code(it: &Value) -> String {
    format!("<code>{}</code>", escape(it.as_str().unwrap_or_default()))
}

fn list(it: &Value) -> &[Value] {
    it.as_array().map_or(&[], Vec::as_slice)
}

fn entries(it: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let map = it.as_object().into_iter().flatten();
    map.map(|(name, it)| (name.as_str(), it))
}
