//! How a name comes to a socket, and calls beside it: over the network, unless a simulation brings its own way.

use std::{pin::Pin, sync::Arc};

use everwire_proto::dialogue::{Call, Response, Unanswered};

use crate::{
    core::{ConnectionName, Owner},
    settings::{ConnectionSettings, Template},
    transport::{Before, CallFor, DialError, Opened, PreparedDial},
};

/// What becomes of a dial. It begins when it is polled, and stops when it is dropped.
pub(crate) type Dial = Pin<Box<dyn Future<Output = Result<Opened, DialError>>>>;

/// What becomes of what is done before a dial that comes later. It begins when it is polled, and stops when it is dropped.
pub(crate) type Preparation = Pin<Box<dyn Future<Output = Result<Box<PreparedDial>, DialError>>>>;

/// What becomes of a call of a socket that is up. It begins when it is polled, and stops when it is dropped.
pub(crate) type CallOutcome = Pin<Box<dyn Future<Output = Result<Response, Unanswered>>>>;

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

    /// Does what is to be done before a dial of this target, and does not dial.
    fn prepare(&self, target: DialTarget, before: Box<Before>) -> Preparation;

    /// Makes a call of a socket that is up.
    fn call(&self, call: Call, of: CallFor) -> CallOutcome;
}
