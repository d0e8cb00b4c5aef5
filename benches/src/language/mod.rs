//! The parts of dialogues in memory: pointers into messages, and templates.

pub mod login;
pub mod pointers;
