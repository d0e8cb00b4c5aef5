//! What dialogues are made of, in memory: pointers into messages, and templates.

pub mod login;
pub mod pointers;
