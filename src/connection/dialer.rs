//! How a name comes to a socket: over the network, unless a simulation brings its own way.

use std::{pin::Pin, sync::Arc};

use crate::{
    core::{ConnectionName, Owner},
    settings::{ConnectionSettings, Template},
    transport::{Before, DialError, Opened},
};

/// What becomes of a dial. It begins when it is polled, and stops when it is dropped.
pub(crate) type Dial = Pin<Box<dyn Future<Output = Result<Opened, DialError>>>>;

/// What is to be dialled.
pub(crate) struct DialTarget {
    /// All URLs of the name.
    pub urls: Arc<[Template]>,
    /// Which of them.
    pub number: usize,
    pub settings: Arc<ConnectionSettings>,
    pub name: ConnectionName,
    pub owner: Option<Owner>,
    /// How many dials of the name there were before.
    pub attempt: u32,
}

/// Dials.
pub(crate) trait Dialer: Send + Sync {
    /// A dial of this target. `before`: what is to be done before it, where anything is.
    fn dial(&self, target: DialTarget, before: Option<Box<Before>>) -> Dial;
}
