//! Feeds into actors, by the batch and one by one.

#[path = "support/mod.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod support;

use std::{sync::Arc, time::Duration};

use actix::{Actor, Addr, Arbiter, AsyncContext, Context, Handler, Recipient};
use everwire::{
    Batch, Delivery, EventKind, Manager, Notice, Overflow, Pattern, Update,
    events::Lagged,
    hub::Kinds,
    testing::Script,
};
use parking_lot::Mutex;
