//! The whole of it against `serde_json`, and a model of numbers.

mod differential;
mod edges;
mod numbers;
mod texts;
