//! The service from its router inwards, without a network.

mod answers;
mod bodies;
mod deadlines;
mod load;
mod panics;
mod problems;
mod reload;
