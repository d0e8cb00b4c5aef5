//! The bridge and a real `nats-server`: what it promises, and what becomes of it under each fault.

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
