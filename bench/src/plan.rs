//! What is measured, how long, and how often.

use std::time::Duration;

use clap::ValueEnum;

use crate::models::Choice;
use crate::pictures::Input;

/// How much is measured, unless other options say so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// The shipped model and ResNet18, at 1 and 64 connections: a minute or two
    Quick,
    /// Every model with the kinds of images that suit it, at 1, 8, 64 and 256 connections: about 20 minutes
    #[default]
    Full,
    /// Every model with its usual images, the shipped one with large photos too: for --peers, an hour or more
    Peers,
}

/// A model with the kinds of images that it is measured with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The model.
    pub model: Choice,
    /// The kinds of images.
    pub inputs: Vec<Input>,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Models with their kinds of images.
    pub rows: Vec<Row>,
    /// Numbers of connections.
    pub connections: Vec<usize>,
    /// How long each measurement takes.
    pub time: Duration,
    /// How often each is made.
    pub rounds: usize,
}

impl Preset {
    /// What it stands for.
    pub fn plan(self) -> Plan {
        let row = |model: Choice| Row {
            inputs: model.inputs(),
            model,
        };
        match self {
            Self::Full => Plan {
                rows: [Choice::Shipped, Choice::Resnet18, Choice::Resnet50]
                    .into_iter()
                    .flat_map(|choice| [choice.clone(), Choice::Int8(Box::new(choice))])
                    .map(row)
                    .collect(),
                connections: vec![1, 8, 64, 256],
                time: Duration::from_millis(1500),
                rounds: 3,
            },
            Self::Peers => Plan {
                rows: [
                    (Choice::Shipped, vec![Input::Png32, Input::Jpeg12mp]),
                    (Choice::Resnet18, vec![Input::Png32]),
                    (Choice::Resnet50, vec![Input::Jpeg224]),
                ]
                .map(|(model, inputs)| Row { model, inputs })
                .into(),
                connections: vec![1, 8, 64, 256],
                time: Duration::from_millis(1500),
                rounds: 2,
            },
            Self::Quick => Plan {
                rows: vec![
                    row(Choice::Shipped),
                    Row {
                        model: Choice::Resnet18,
                        inputs: vec![Input::Png32],
                    },
                ],
                connections: vec![1, 64],
                time: Duration::from_millis(1500),
                rounds: 3,
            },
        }
    }
}

impl Plan {
    /// Steps of the progress bar: one for each measurement of a server or of the raw limit.
    pub fn steps(&self, servers: usize) -> u64 {
        let cells: usize = self.rows.iter().map(|row| row.inputs.len()).sum();
        (cells * self.rounds * (2 + servers * self.connections.len())) as u64
    }
}
