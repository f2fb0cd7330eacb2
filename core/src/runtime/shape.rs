use ort::session::Session;
use ort::value::{Outlet, TensorElementType, ValueType};

use super::SessionError;
use crate::model::Model;
use crate::printable::on_one_line;

/// The output that holds the logits, `[N, classes]`, before any softmax.
pub const LOGITS: &str = "logits";
/// The output that holds the representation, `[N, size]`: what the last linear layer takes.
pub const REPRESENTATION: &str = "representation";

/// The length of an axis that has any.
const DYNAMIC: i64 = -1;

/// Lengths of one image's input and outputs, and whether several images go into one run.
pub(super) struct Shape {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) classes: usize,
    pub(super) representation: usize,
    pub(super) batched: bool,
}

impl Shape {
    /// Takes the lengths from the manifest, and checks the graph against them.
    pub(super) fn check(session: &Session, model: &Model) -> Result<Self, SessionError> {
        let manifest = model.manifest();
        let (height, width) = (manifest.preprocessing.height, manifest.preprocessing.width);
        let [input] = session.inputs() else {
            return Err(SessionError::Inputs {
                model: model.title(),
                found: names(session.inputs()),
            });
        };
        let batched = check(
            input,
            &[3, height.into(), width.into()],
            format!("float [N, 3, {height}, {width}], N dynamic or 1 (preprocessing)"),
            model,
        )?;
        let shape = Self {
            height: height as usize,
            width: width as usize,
            classes: manifest.labels.len(),
            representation: manifest.representation_size,
            batched,
        };
        for (name, length, said) in [
            (LOGITS, shape.classes, "as many as labels"),
            (REPRESENTATION, shape.representation, "representation_size"),
        ] {
            let outputs = session.outputs();
            let Some(output) = outputs.iter().find(|output| output.name() == name) else {
                return Err(SessionError::NoOutput {
                    model: model.title(),
                    missing: name,
                    found: names(outputs),
                });
            };
            let expected = format!("float [N, {length}], N dynamic or 1 ({said})");
            check(output, &[length as i64], expected, model)?;
        }
        Ok(shape)
    }
}

/// Checks type and shape after the batch axis; returns whether the batch may have any length.
///
/// Dynamic axes pass: their real length shows, and is checked, when the model runs.
fn check(
    outlet: &Outlet,
    after_batch: &[i64],
    expected: String,
    model: &Model,
) -> Result<bool, SessionError> {
    let is_float = outlet.dtype().tensor_type() == Some(TensorElementType::Float32);
    let shape = outlet.dtype().tensor_shape();
    if let (true, Some([batch, rest @ ..])) = (is_float, shape.map(|shape| &**shape)) {
        let fits = |(found, needed): (&i64, &i64)| *found == DYNAMIC || found == needed;
        let rest_fits = rest.len() == after_batch.len() && rest.iter().zip(after_batch).all(fits);
        if rest_fits && matches!(*batch, DYNAMIC | 1) {
            return Ok(*batch == DYNAMIC);
        }
    }
    Err(SessionError::Shape {
        model: model.title(),
        name: outlet.name().into(),
        found: shown(outlet),
        expected,
    })
}

/// Type and axes, such as `float [N, 10]`; `?` is an axis of any length that has no name.
fn shown(outlet: &Outlet) -> String {
    let ValueType::Tensor {
        ty,
        shape,
        dimension_symbols: names,
    } = outlet.dtype()
    else {
        return "no tensor".into();
    };
    let element = match ty {
        TensorElementType::Float32 => "float".to_owned(),
        other => other.to_string(),
    };
    // A single value has none either; no model of images gives one.
    if shape.is_empty() {
        return format!("{element} of no known shape");
    }
    let axes = shape.iter().enumerate();
    let axes = axes.map(|(axis, length)| match (*length, names.get(axis)) {
        (DYNAMIC, Some(name)) if !name.is_empty() => on_one_line(name),
        (DYNAMIC, _) => "?".into(),
        (length, _) => length.to_string(),
    });
    format!("{element} [{}]", axes.collect::<Vec<_>>().join(", "))
}

pub(super) fn names(outlets: &[Outlet]) -> String {
    if outlets.is_empty() {
        return "none".into();
    }
    let quoted: Vec<String> = outlets
        .iter()
        .map(|outlet| format!("`{}`", outlet.name()))
        .collect();
    quoted.join(", ")
}
