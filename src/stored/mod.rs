//! The plain types of what outlives the process: what names and events are made of again, whoever has stored them.

mod error;
mod message;
mod name_state;
mod rate;

pub(crate) use self::rate::StoredRate;
pub use self::{
    error::StoreError,
    message::{StoredEvent, StoredMessage},
    name_state::NameState,
};
