//! Nodes of a cluster with a real NATS server: `tests/all.sh cluster` installs it.

#[expect(dead_code, reason = "only the tests of the bridge use all of it")]
#[path = "../../../everwire-nats/tests/nats_server/support/server.rs"]
mod server;

mod log;
mod node;
mod requests;
mod servers;
mod shares;
