//! Checks JSON against a JSON Schema, as far as our OpenAPI documents use it. A keyword that is not known here is an
//! error: if it were passed over, everything would agree with it.

use serde_json::{Map, Value};

/// Keywords that only explain.
const NOTES: [&str; 8] = [
    "contentEncoding",
    "description",
    "example",
    "examples",
    "format",
    "maxLength",
    "pattern",
    "title",
];

/// Why a value is not what the schema says, or has fields that the schema does not name. References point into
/// `document`.
pub fn disagreement(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    Schemas(document).whole(schema, value, "it").err()
}

struct Schemas<'a>(&'a Value);

impl<'a> Schemas<'a> {
    /// Checks all of a value, and that the schema names all of its fields.
    fn whole(&self, schema: &'a Value, value: &Value, at: &str) -> Result<(), String> {
        let schema = self.resolved(schema)?;
        if let Some(choices) = schema["oneOf"].as_array() {
            let fits = |choice: &&Value| self.part(choice, value, at).is_ok();
            return match choices.iter().filter(fits).collect::<Vec<_>>().as_slice() {
                [one] => self.whole(one, value, at),
                fitting => Err(format!(
                    "{at} is {} of {} choices: {value}",
                    fitting.len(),
                    choices.len()
                )),
            };
        }
        self.part(schema, value, at)?;
        let Some(fields) = value.as_object() else {
            return Ok(());
        };
        let mut known = Vec::new();
        self.names(schema, &mut known)?;
        match fields.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) if schema.get("additionalProperties").is_none() => {
                Err(format!("{at}.{name} is not described"))
            }
            _ => Ok(()),
        }
    }

    /// Checks a value against a schema that may be one of several, so fields that it does not name are no error.
    fn part(&self, schema: &'a Value, value: &Value, at: &str) -> Result<(), String> {
        let schema = self.resolved(schema)?;
        let words = schema.as_object().ok_or("a schema that is no object")?;
        for (word, said) in words {
            let holds = match word.as_str() {
                "type" => is_of_type(said, value),
                "enum" => list(said).contains(value),
                "minimum" => value.as_f64().is_none_or(|it| Some(it) >= said.as_f64()),
                "minItems" => value
                    .as_array()
                    .is_none_or(|it| Some(it.len()) >= length(said)),
                "maxItems" => value
                    .as_array()
                    .is_none_or(|it| Some(it.len()) <= length(said)),
                "required" => list(said)
                    .iter()
                    .all(|name| value.get(name.as_str().unwrap_or_default()).is_some()),
                "oneOf" => {
                    let fits = |choice: &&Value| self.part(choice, value, at).is_ok();
                    list(said).iter().filter(fits).count() == 1
                }
                "allOf" => {
                    list(said)
                        .iter()
                        .try_for_each(|part| self.part(part, value, at))?;
                    true
                }
                "properties" => {
                    for (name, schema) in said.as_object().into_iter().flatten() {
                        if let Some(value) = value.get(name) {
                            self.whole(schema, value, &format!("{at}.{name}"))?;
                        }
                    }
                    true
                }
                "items" => {
                    for (index, value) in list(value).iter().enumerate() {
                        self.whole(said, value, &format!("{at}[{index}]"))?;
                    }
                    true
                }
                "additionalProperties" | "propertyNames" => true,
                word if NOTES.contains(&word) => true,
                word => return Err(format!("{word} is a word that is not known here")),
            };
            if !holds {
                return Err(format!("{at}: {word} {said} does not hold of {value}"));
            }
        }
        Ok(())
    }

    /// Collects the fields that a schema names, anywhere in it.
    fn names(&self, schema: &'a Value, known: &mut Vec<&'a str>) -> Result<(), String> {
        let schema = self.resolved(schema)?;
        let fields = schema["properties"].as_object().map(Map::keys);
        known.extend(fields.into_iter().flatten().map(String::as_str));
        let parts = list(&schema["allOf"]).iter();
        parts
            .chain(list(&schema["oneOf"]))
            .try_for_each(|part| self.names(part, known))
    }

    fn resolved(&self, schema: &'a Value) -> Result<&'a Value, String> {
        let Some(target) = schema["$ref"].as_str() else {
            return Ok(schema);
        };
        let pointer = target.strip_prefix('#').unwrap_or(target);
        let found = self.0.pointer(pointer);
        found.ok_or_else(|| format!("{target} leads nowhere"))
    }
}

fn is_of_type(said: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("number") => value.is_number(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("null") => value.is_null(),
        _ => false,
    };
    match said {
        Value::Array(names) => names.iter().any(is),
        name => is(name),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn length(said: &Value) -> Option<usize> {
    said.as_u64()
        .and_then(|length| usize::try_from(length).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// One or several, as the files of a form are answered.
    fn document() -> Value {
        json!({"schemas": {
            "Cat": {"type": "object", "required": ["name"], "properties": {
                "name": {"type": "string"}, "lives": {"type": ["integer", "null"], "minimum": 1},
            }},
            "Problem": {"type": "object", "required": ["status"], "properties": {
                "status": {"type": "integer", "enum": [404, 415]},
            }},
            "FileCat": {"allOf": [
                {"$ref": "#/schemas/Cat"},
                {"type": "object", "properties": {"file": {"type": "string"}}},
            ]},
            "Cats": {"type": "array", "minItems": 1, "maxItems": 2, "items": {
                "oneOf": [{"$ref": "#/schemas/FileCat"}, {"$ref": "#/schemas/Problem"}],
            }},
        }})
    }

    fn of_cats(value: &Value) -> Option<String> {
        disagreement(&document(), &json!({"$ref": "#/schemas/Cats"}), value)
    }

    #[test]
    fn what_the_schema_says_agrees() {
        for value in [
            json!([{"name": "Chelsea", "file": "cat.jpg"}]),
            json!([{"name": "Tom", "lives": 9}, {"status": 415}]),
            json!([{"name": "Felix", "lives": null}]),
        ] {
            assert_eq!(of_cats(&value), None, "{value}");
        }
    }

    #[test]
    fn what_the_schema_does_not_say_is_named() {
        for (value, why) in [
            (json!({}), "type"),
            (json!([]), "minItems"),
            (
                json!([{"status": 404}, {"status": 404}, {"status": 404}]),
                "maxItems",
            ),
            (json!([{}]), "0 of 2 choices"),
            (json!([{"name": "both", "status": 404}]), "2 of 2 choices"),
            (json!([{"status": 500}]), "0 of 2 choices"),
            (json!([{"name": "x", "lives": 0}]), "0 of 2 choices"),
            (json!([{"name": "x", "lives": 1.5}]), "0 of 2 choices"),
            (
                json!([{"name": "x", "age": 3}]),
                "it[0].age is not described",
            ),
        ] {
            let said = of_cats(&value).unwrap_or_default();
            assert!(said.contains(why), "{value}: {said}");
        }
    }

    #[test]
    fn a_schema_that_cannot_be_read_agrees_with_nothing() {
        for (schema, why) in [
            (json!({"$ref": "#/schemas/Dog"}), "leads nowhere"),
            (json!({"patternProperties": {}}), "not known here"),
            (json!({"type": "whole"}), "does not hold"),
        ] {
            let said = disagreement(&document(), &schema, &json!({}));
            assert!(said.is_some_and(|said| said.contains(why)), "{schema}");
        }
    }
}
