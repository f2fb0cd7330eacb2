//! What balanced energies cost the classes. Not in the paper, where BEL costs CIFAR10-LT's common classes three
//! points of accuracy and gives the rare ones twelve.

use super::super::models::{Model, bel, ce, energy_oe};
use super::super::tasks::Task;
use super::{Block, Picture, Row, Table, USUAL};

/// BEL with and without a gradient through its weights, beside the run that it starts from and the loss that it
/// balances.
pub fn balance() -> Table {
    let task = Task::Cifar10Lt;
    let rows: [(&str, Model); 4] = [
        ("CE, which the others tune (MSP)", ce(task)),
        ("EnergyOE", energy_oe(task)),
        ("BEL", bel(task)),
        (
            "BEL, `--fixed-balance true`",
            bel(task).with("fixed-balance", true),
        ),
    ];
    let row = |(label, model): (&str, Model)| Row::of(label, &model, model.score, &USUAL, []);
    Table {
        id: "balance",
        title: "BEL and its balance",
        asks: "Why does a network that BEL tunes lose classes that it knew?",
        notes: &[
            "Not in the paper. BEL weighs an auxiliary image by the classes that the network \
             takes it for, and in its authors' code a gradient flows through that weight: the \
             loss also falls if easy auxiliary images are taken for a class that weighs much and \
             hard ones for one that weighs little. With `--fixed-balance true`, no gradient flows \
             through it.",
            "EnergyOE tunes for 10 epochs, BEL for 20.",
        ],
        picture: Picture::None,
        blocks: vec![Block::of(task, &USUAL, rows.map(row).into())],
    }
}
