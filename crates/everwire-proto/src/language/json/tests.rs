//! The whole of it against `serde_json`.
