//! The plain types of stored data. Names and events are restored from them, with any kind of store.

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
