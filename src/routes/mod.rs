//! The routes, with a file for each resource.

pub mod api;
pub mod classify;
pub mod health;
pub mod metrics;
pub mod model;
pub mod page;
pub mod problems;
