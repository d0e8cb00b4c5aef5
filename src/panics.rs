//! The text of a panic.

pub(crate) use everwire_proto::core::panic_text;
