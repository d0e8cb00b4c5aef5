//! The bridge with a real `nats-server`: its promises, and its behaviour under each fault.

mod cluster;
mod credentials;
mod inbound;
mod limits;
mod operator;
mod outages;
mod outbound;
mod queue_faults;
mod streams;
mod support;
