//! What a panic said.

pub(crate) use everwire_proto::core::panic_text;
