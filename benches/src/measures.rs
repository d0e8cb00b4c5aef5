//! The measures: which samples they take, and how they are evaluated.

mod cluster;
mod dial;
mod dialogue;
mod echo;
mod feed;
mod healthy;
mod memory;
mod nats;
mod requests;
mod wire;

use self::{
    dial::dial,
    echo::{echo_1, echo_4k, echo_64, fates},
    healthy::healthy,
    memory::{histories, idle, idle_tls},
    requests::requests,
    wire::{decode, encode, short_messages},
};
use crate::{store, table::Row};

/// The amount of work.
#[derive(Clone, Copy)]
pub struct Effort {
    /// Rounds of each measure.
    pub rounds: usize,
    /// All other numbers are divided by this.
    pub less: usize,
}

type Measure = fn(Effort) -> Vec<Row>;

/// All measures by name, in the order of the table.
pub const ALL: &[(&str, Measure)] = &[
    ("idle", idle),
    ("idle-tls", idle_tls),
    ("histories", histories),
    ("echo-1", echo_1),
    ("echo-64", echo_64),
    ("echo-4k", echo_4k),
    ("fates", fates),
    ("requests", requests),
    ("dial", dial),
    ("dialogue-echo", dialogue::echoes),
    ("dialogue-subscriptions", dialogue::subscriptions),
    ("dialogue-ready", dialogue::ready),
    ("dialogue-pointers", dialogue::pointers),
    ("dialogue-login", dialogue::login),
    ("dialogue-idle", dialogue::idle),
    ("encode", encode),
    ("decode", decode),
    ("short", short_messages),
    ("feed-flood", feed::floods),
    ("feed-paced", feed::paced),
    ("feed-spread", feed::spread),
    ("feed-sizes", feed::sizes),
    ("feed-tls", feed::tls),
    ("feed-more", feed::more),
    ("healthy", healthy),
    ("nats", nats::inbound),
    ("nats-neighbour", nats::neighbour),
    ("nats-away", nats::away),
    ("cluster-failover", cluster::failover),
    ("cluster-join", cluster::join),
    ("cluster-rest", cluster::rest),
    ("cluster-drain", cluster::drain),
    ("cluster-leader", cluster::leader),
    ("cluster-races", cluster::races),
    ("store", store::rows::committed),
    ("store-open", store::rows::opened),
    ("durable", store::rows::through_a_handle),
];
