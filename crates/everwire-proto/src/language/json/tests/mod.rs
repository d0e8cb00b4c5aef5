//! The whole of it against `serde_json`, and a model of numbers.

mod differential;
mod edges;
mod lookup;
mod numbers;
mod texts;
mod tree;
