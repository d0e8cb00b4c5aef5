//! The whole parser compared with `serde_json`, and numbers with a model.

mod differential;
mod edges;
mod lookup;
mod numbers;
mod texts;
mod tree;
