//! The trainer: Representation Norm Amplification and what it is compared to, on libtorch.
//!
//! A run is a [`config::RunConfig`] carried out by a [`trainer::Trainer`], which leaves a
//! [`checkpoint::Checkpoint`] behind.
#![forbid(unsafe_code)]

pub mod augment;
pub mod auxiliary;
pub mod batches;
pub mod checkpoint;
pub mod cli;
pub mod config;
pub mod data;
pub mod device;
pub mod error;
pub mod export;
mod held_out_folder;
pub mod history;
pub mod holdout;
pub mod init;
pub mod input;
mod lock;
pub mod long_tail;
pub mod methods;
pub mod models;
pub mod monitor;
pub mod optimiser;
pub mod pictures;
pub mod progress;
pub mod randomness;
pub mod reproduce;
pub mod schedule;
mod snapshot;
pub mod trainer;
