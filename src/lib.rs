//! everwire keeps many named outgoing WebSocket connections up.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod config;
pub mod connection;
pub mod core;
pub mod events;
pub mod hub;
pub mod manager;
mod panics;
#[cfg(feature = "testing")]
pub mod testing;
mod transport;
pub mod wire;

pub use self::{
    config::{ConnectionSettings, Settings},
    connection::{CloseMyself, Configure, Connect, Connection, Receipt, Send, Snapshot, State, Status, Subscribe},
    core::{ConnectionName, Fate, Message, Pattern, Rejected},
    events::Event,
    hub::{Delivery, Events, Overflow},
    manager::{Handle, Manager},
};
