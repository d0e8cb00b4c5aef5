//! Opens a name's socket, and makes its calls: over the network, or in a simulation.

use std::{pin::Pin, sync::Arc};

use everwire_proto::dialogue::{Call, Response, Unanswered};

use crate::{
    core::{ConnectionName, Owner},
    settings::{ConnectionSettings, Template},
    transport::{Before, CallFor, DialError, Opened, PreparedDial},
};

/// A dial. It begins when it is polled, and stops when it is dropped.
pub(crate) type Dial = Pin<Box<dyn Future<Output = Result<Opened, DialError>>>>;

/// Preparation for a later dial. It begins when it is polled, and stops when it is dropped.
pub(crate) type Preparation = Pin<Box<dyn Future<Output = Result<Box<PreparedDial>, DialError>>>>;

/// The result of a call of a socket that is up. The call begins when it is polled, and stops when
/// it is dropped.
pub(crate) type CallOutcome = Pin<Box<dyn Future<Output = Result<Response, Unanswered>>>>;

/// The target of a dial.
pub(crate) struct DialTarget {
    /// All URLs of the name.
    pub urls: Arc<[Template]>,
    /// The index of the URL to dial.
    pub number: usize,
    pub settings: Arc<ConnectionSettings>,
    pub name: ConnectionName,
    pub owner: Option<Owner>,
    /// How many dials of the name there were before.
    pub attempt: u32,
}

/// Dials targets.
pub(crate) trait Dialer: Send + Sync {
    /// Dials this target. `before`: the preparation that comes first, if any.
    fn dial(&self, target: DialTarget, before: Option<Box<Before>>) -> Dial;

    /// Does the preparation for a dial of this target, without dialling.
    fn prepare(&self, target: DialTarget, before: Box<Before>) -> Preparation;

    /// Makes a call of a socket that is up.
    fn call(&self, call: Call, of: CallFor) -> CallOutcome;
}
