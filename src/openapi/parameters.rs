//! What a request may say beside its body.

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Required, Schema};

use crate::deadline;
use crate::telemetry::request_id;

/// The parameters of a route, except for those in its path.
pub fn of(path: &str) -> Vec<Parameter> {
    let own = match path {
        "/classify" => vec![top(), request_timeout()],
        _ => Vec::new(),
    };
    [own, vec![request_id()]].concat()
}

fn top() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1));
    optional(
        "top",
        ParameterIn::Query,
        schema,
        "How many labels `top` lists: five by default, at most as many as the model has",
    )
}

fn request_timeout() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(r"^(\d+\.?\d*|\.\d+)\s*(ms|s|m|min|h)$"))
        .examples(["250ms", "1.5s"]);
    optional(
        deadline::HEADER,
        ParameterIn::Header,
        schema,
        "How long the client will wait, from the request's head on; the server's \
         `--body-timeout` and, once the body is there, its `--deadline` hold as well",
    )
}

fn request_id() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(request_id::MAX_LENGTH))
        .examples(["order-4711"]);
    optional(
        request_id::HEADER.as_str(),
        ParameterIn::Header,
        schema,
        "An id for the reply and the server's log; without it the server makes one",
    )
}

fn optional(
    name: &str,
    place: ParameterIn,
    schema: impl Into<RefOr<Schema>>,
    description: &str,
) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(Required::False)
        .schema(Some(schema))
        .description(Some(description))
        .build()
}
