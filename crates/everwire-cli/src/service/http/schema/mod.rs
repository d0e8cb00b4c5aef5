//! The JSON types of the library for the OpenAPI document. The library itself does not know
//! OpenAPI.
//!
//! A test compares them with what is served.
#![allow(dead_code, reason = "these types are only described")]

mod event;
mod probe;
mod problem;
mod reload;
mod request;
mod status;
mod subscription;
mod why;
mod words;

pub use self::{
    event::Event,
    probe::Probes,
    problem::Problem,
    reload::Reloaded,
    request::{
        AnyJson, Binary, Cursor, Duration, Filter, IdempotencyKey, Name, Pattern, SecretValue,
        Settings, SubscriptionKey, Text, Wait,
    },
    status::{State, Status},
    subscription::{Subscription, Subscriptions, Wish},
    why::Why,
    words::Fate,
};
