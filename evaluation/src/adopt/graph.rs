//! What a graph from elsewhere takes and gives, and how it is made to give what Normgate needs.

use normgate_core::onnx::proto::{
    AttributeProto, DataType, Dimension, DimensionValue, GraphProto, NodeProto, ValueInfoProto,
};
use normgate_core::onnx::{Heads, before_softmax, heads, made_by};
use normgate_core::printable::on_one_line;
use normgate_core::runtime::{LOGITS, REPRESENTATION};

use super::AdoptError;

/// The image that a model takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    pub name: String,
    /// Whether the file says which axis is that of the channels.
    pub has_channels: bool,
    /// Width and height, if they are fixed.
    pub size: [Option<u32>; 2],
    /// The batch's axis, as in the file.
    pub batch: Dimension,
}

impl Input {
    /// Whether several images go into one run.
    pub fn is_batched(&self) -> bool {
        fixed(&self.batch).is_none()
    }

    /// Finds the graph's input, which must be one image.
    ///
    /// # Errors
    /// [`AdoptError::Input`].
    pub fn of(graph: &GraphProto) -> Result<Self, AdoptError> {
        let refused = |found: String, hint| AdoptError::Input { found, hint };
        // Old files list the constants among the inputs.
        let is_constant = |name: &String| graph.initializer.iter().any(|it| it.name == *name);
        let inputs = graph.input.iter().filter(|input| !is_constant(&input.name));
        let inputs: Vec<&ValueInfoProto> = inputs.collect();
        let [input] = *inputs else {
            let names = inputs.iter().map(|input| &input.name);
            let hint = "Export it with the image as its only input";
            return Err(refused(quoted(names), hint));
        };
        let dims = dims(input).unwrap_or_default();
        let shown = show(input.element_type(), dims);
        let shown = format!("{}: {shown}", quoted([&input.name]));
        if input.element_type() != i32::from(DataType::Float) {
            return Err(refused(
                shown,
                "Export it for float32 images (if they have pixels of 0..255: --normalise 0/0.00392157)",
            ));
        }
        let [batch, channels, height, width] = dims else {
            return Err(refused(shown, CHANNELS));
        };
        let is_last = fixed(width) == Some(3) && fixed(channels) != Some(3);
        if !is_last && fixed(channels) == Some(1) {
            return Err(refused(
                shown,
                "If it takes greyscale images, export it with their mean in front: model(x.mean(1, keepdim=True))",
            ));
        }
        if is_last || fixed(channels).is_some_and(|channels| channels != 3) {
            return Err(refused(shown, CHANNELS));
        }
        if fixed(batch).is_some_and(|batch| batch != 1) {
            return Err(refused(
                shown,
                "Export it with a dynamic batch (torch.onnx.export: dynamic_shapes, or \
                 dynamic_axes={\"NAME\": {0: \"N\"}}), or with a batch of 1",
            ));
        }
        Ok(Self {
            name: input.name.clone(),
            has_channels: fixed(channels).is_some(),
            size: [width, height].map(|side| fixed(side).and_then(|side| side.try_into().ok())),
            // Paddle's exporter writes -1 for an axis of any length.
            batch: match batch.value {
                Some(DimensionValue::Fixed(length)) if length < 0 => Dimension::default(),
                _ => batch.clone(),
            },
        })
    }
}

const CHANNELS: &str =
    "Export it for images with three channels, channels first (PyTorch's layout)";

/// Finds the logits and the representation, under the names that the graph has for them.
///
/// Of several outputs that may be the logits, it is the one with a value for each of the `labels`, if there is only
/// one.
///
/// # Errors
/// [`AdoptError`] if they cannot be identified without help.
pub fn find(
    graph: &GraphProto,
    logits: Option<&str>,
    representation: Option<&str>,
    labels: usize,
) -> Result<Heads, AdoptError> {
    let outputs: Vec<&str> = graph.output.iter().map(|output| &*output.name).collect();
    if outputs.is_empty() {
        return Err(AdoptError::NoOutputs);
    }
    for wanted in logits.iter().chain(&representation) {
        if !outputs.contains(wanted) {
            return Err(AdoptError::NoOutput {
                wanted: (*wanted).into(),
                found: quoted(&outputs),
            });
        }
    }
    let logits = logits.or_else(|| outputs.contains(&LOGITS).then_some(LOGITS));
    // If the outputs have both of Normgate's names, they are the ones.
    let both = logits == Some(LOGITS) && outputs.contains(&REPRESENTATION);
    let chosen = representation.or(both.then_some(REPRESENTATION));
    if let Some(logits) = logits {
        refuse_sigmoid(graph, logits)?;
    }
    if let Some(named) = chosen {
        match both_named(graph, logits, named, &outputs, labels) {
            // The last layer's weights say how long it is, if it is their input.
            Err(AdoptError::NoLength { .. } | AdoptError::NotFlat { .. })
                if representation.is_none() => {}
            found => return found,
        }
    }
    let candidates = match logits {
        Some(logits) => vec![logits],
        None => outputs,
    };
    let (mut found, mut not) = (Vec::<(&str, Heads)>::new(), Vec::new());
    for output in candidates {
        match heads(graph, output) {
            // Logits and their softmax are two outputs of one layer.
            Ok(heads) if found.iter().any(|(_, known)| known.logits == heads.logits) => {}
            Ok(heads) => found.push((output, heads)),
            Err(error) => not.push((output, error)),
        }
    }
    let fits = found
        .iter()
        .find(|(_, heads)| heads.lengths.0 == labels)
        .or(found.first());
    let Some((_, heads)) = fits else {
        not.iter()
            .try_for_each(|(output, _)| refuse_sigmoid(graph, output))?;
        let unread = not
            .iter()
            .find_map(|(_, error)| Some((&error.output, error.unread?)));
        if let Some((output, kind)) = unread {
            return Err(AdoptError::Weights {
                output: on_one_line(output),
                kind,
            });
        }
        let reasons: Vec<String> = not.iter().map(|(_, error)| error.to_string()).collect();
        return Err(AdoptError::NoHeads {
            found: on_one_line(&reasons.join("; ")),
        });
    };
    // The classes may be in an output whose layer was not found, too: an auxiliary head has as many.
    let is_rival = |output: &&str| {
        let mut known = found.iter().map(|(_, heads)| &heads.representation);
        may_have(graph, output, heads.lengths.0) && known.all(|known| known != *output)
    };
    let rivals = not.iter().map(|(output, _)| *output).filter(is_rival);
    let is_in_question =
        |it: &&(&str, Heads)| heads.lengths.0 != labels || it.1.lengths.0 == heads.lengths.0;
    let alike = found.iter().filter(is_in_question);
    let may_be: Vec<(&str, Option<usize>)> = alike
        .map(|(output, heads)| (*output, Some(heads.lengths.0)))
        .chain(rivals.map(|output| (output, length(graph, output))))
        .collect();
    if may_be.len() > 1 {
        return Err(ambiguous(&may_be, labels));
    }
    if heads.lengths.0 == 1 {
        return Err(one_value(&heads.logits));
    }
    check_flat(graph, &heads.logits)?;
    check_flat(graph, &heads.representation)?;
    Ok(heads.clone())
}

fn ambiguous(outputs: &[(&str, Option<usize>)], labels: usize) -> AdoptError {
    let shown = outputs.iter().map(|(output, length)| match length {
        Some(length) => format!("`{}` ({length} values)", on_one_line(output)),
        None => format!("`{}`", on_one_line(output)),
    });
    let fits = |(_, length): &(&str, Option<usize>)| length.is_none_or(|it| it == labels);
    AdoptError::Ambiguous {
        labels: match outputs.iter().any(fits) {
            true => String::new(),
            false => format!(", and --labels with as many names as it has values, not {labels}"),
        },
        found: shown.collect::<Vec<_>>().join(", "),
    }
}

/// Refuses an output that is a probability for each class by itself.
fn refuse_sigmoid(graph: &GraphProto, output: &str) -> Result<(), AdoptError> {
    match made_by(graph, output).as_deref() {
        Some("Sigmoid" | "HardSigmoid") if length(graph, output) == Some(1) => {
            Err(one_value(output))
        }
        Some(operator @ ("Sigmoid" | "HardSigmoid")) => Err(AdoptError::Sigmoid {
            output: on_one_line(output),
            operator: operator.into(),
        }),
        _ => Ok(()),
    }
}

fn one_value(output: &str) -> AdoptError {
    AdoptError::OneValue {
        output: on_one_line(output),
    }
}

/// Whether an output may have a value for each of so many classes, by what the file says of it.
fn may_have(graph: &GraphProto, output: &str, classes: usize) -> bool {
    let float = [DataType::Float, DataType::Float16].map(i32::from);
    let mut outputs = graph.output.iter().filter(|it| it.name == output);
    outputs.any(|it| {
        let is_flat = dims(it).is_none_or(|dims| dims.len() == 2);
        let fits = length(graph, output).is_none_or(|length| length == classes);
        float.contains(&it.element_type()) && is_flat && fits
    })
}

/// How many values an output has for an image, if the file says so.
fn length(graph: &GraphProto, output: &str) -> Option<usize> {
    let output = graph.output.iter().find(|it| it.name == output)?;
    usize::try_from(fixed(dims(output)?.last()?)?).ok()
}

fn both_named(
    graph: &GraphProto,
    logits: Option<&str>,
    representation: &str,
    outputs: &[&str],
    labels: usize,
) -> Result<Heads, AdoptError> {
    let others = outputs.iter().filter(|it| **it != representation);
    let others: Vec<_> = others.map(|it| (*it, length(graph, it))).collect();
    let may_be = others
        .iter()
        .filter(|(_, length)| length.is_none_or(|it| it == labels));
    let output = match (logits, &*others, &*may_be.collect::<Vec<_>>()) {
        (Some(logits), ..) => logits,
        (None, [(only, _)], _) | (None, _, [(only, _)]) => *only,
        (None, ..) => return Err(ambiguous(&others, labels)),
    };
    refuse_sigmoid(graph, output)?;
    let length = |name: &str| {
        check_flat(graph, name)?;
        length(graph, name).ok_or_else(|| AdoptError::NoLength {
            output: on_one_line(name),
        })
    };
    let (logits, softmax) = before_softmax(graph, output);
    if length(output)? == 1 {
        return Err(one_value(output));
    }
    Ok(Heads {
        lengths: (length(output)?, length(representation)?),
        logits,
        representation: representation.into(),
        softmax,
    })
}

/// Checks that the value has two axes, as far as the file says.
fn check_flat(graph: &GraphProto, name: &str) -> Result<(), AdoptError> {
    let mut values = graph.output.iter().chain(&graph.value_info);
    let value = values.find(|value| value.name == name);
    match value.and_then(|value| Some((value, dims(value)?))) {
        None | Some((_, [_, _])) => Ok(()),
        Some((value, dims)) => Err(AdoptError::NotFlat {
            output: on_one_line(name),
            found: show(value.element_type(), dims),
        }),
    }
}

/// Gives the graph the two outputs that Normgate reads, under their names, and no others.
pub fn set_outputs(graph: &mut GraphProto, heads: &Heads, batch: &Dimension) {
    let (classes, size) = heads.lengths;
    let mut wanted = [
        (heads.logits.clone(), LOGITS, classes),
        (heads.representation.clone(), REPRESENTATION, size),
    ];
    // Another value may have the name already: the softmax of the logits, say.
    for name in [LOGITS, REPRESENTATION] {
        let is_it = |(value, its, _): &(String, &str, _)| value == name && *its == name;
        let known = graph.output.iter().chain(&graph.value_info);
        let mut known = known.filter(|value| value.name == name);
        // The value itself, in half precision, becomes another one before it is cast.
        let float = i32::from(DataType::Float);
        let is_float = known.all(|value| [0, float].contains(&value.element_type()));
        if !(is_float && wanted.iter().any(is_it)) {
            let other = format!("{name} before adopting");
            rename(graph, name, &other);
            wanted
                .iter_mut()
                .filter(|(value, ..)| value == name)
                .for_each(|it| it.0 = other.clone());
        }
    }
    graph.output.clear();
    for (value, name, length) in wanted {
        if value != name {
            // Half precision may be used inside.
            let to_float = AttributeProto::int("to", i32::from(DataType::Float).into());
            graph.node.push(NodeProto {
                // Any name could already be that of another node.
                name: String::new(),
                ..NodeProto::new("Cast", &[&value], name).with(to_float)
            });
        }
        graph.output.push(float_output(name, batch, length));
    }
}

fn rename(graph: &mut GraphProto, from: &str, to: &str) {
    let swap = |name: &mut String| {
        if name == from {
            *name = to.into();
        }
    };
    graph
        .initializer
        .iter_mut()
        .for_each(|it| swap(&mut it.name));
    for value in graph
        .input
        .iter_mut()
        .chain(&mut graph.value_info)
        .chain(&mut graph.output)
    {
        swap(&mut value.name);
    }
    for node in &mut graph.node {
        node.input.iter_mut().chain(&mut node.output).for_each(swap);
        for attribute in &mut node.attribute {
            let inner = attribute.g.iter_mut().chain(&mut attribute.graphs);
            inner.for_each(|graph| rename(graph, from, to));
        }
    }
}

fn float_output(name: &str, batch: &Dimension, length: usize) -> ValueInfoProto {
    let fixed = Dimension {
        value: Some(DimensionValue::Fixed(length as i64)),
        ..Default::default()
    };
    ValueInfoProto::float(name, vec![batch.clone(), fixed])
}

fn dims(value: &ValueInfoProto) -> Option<&[Dimension]> {
    let tensor = value.r#type.as_ref()?.tensor_type.as_ref()?;
    Some(&tensor.shape.as_ref()?.dim)
}

fn fixed(dimension: &Dimension) -> Option<i64> {
    match dimension.value {
        Some(DimensionValue::Fixed(length)) if length >= 0 => Some(length),
        _ => None,
    }
}

fn show(element: i32, dims: &[Dimension]) -> String {
    let dims = dims.iter().map(|dim| match &dim.value {
        Some(DimensionValue::Fixed(length)) => length.to_string(),
        Some(DimensionValue::Named(name)) => on_one_line(name),
        None => "?".into(),
    });
    let element = DataType::try_from(element).map_or("?".into(), |it| format!("{it:?}"));
    let dims = dims.collect::<Vec<_>>().join(", ");
    format!("{} [{dims}]", element.to_lowercase())
}

fn quoted(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let names = names.into_iter();
    let names = names.map(|name| format!("`{}`", on_one_line(name.as_ref())));
    match names.collect::<Vec<_>>() {
        none if none.is_empty() => "none".into(),
        names => names.join(", "),
    }
}
