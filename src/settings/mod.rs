//! The settings of a process: those of the service and of its connections.

mod access;
mod api_limits;
mod cluster;
mod common;
mod diagnostic;
mod inherited;
mod nats;
mod plan;
mod process;
mod public_url;
mod service;
mod source;
mod subscription_wish;
mod write_lease;

// The types of a single connection's settings are available here, too.
pub(crate) use everwire_proto::{
    language::{Part, Secret, Template, Variable},
    settings::*,
};

pub use self::{
    access::{MetricsSettings, Scope, ServiceTlsSettings, TokenSettings},
    api_limits::ApiLimits,
    cluster::{ClusterSettings, LeaseGuard, WithoutLease, shard_key},
    diagnostic::{Diagnostic, Related},
    inherited::Inherited,
    nats::{
        NatsAck, NatsInSettings, NatsOutSettings, NatsSettings, NatsTlsSettings, StreamSettings,
    },
    plan::{Changed, Plan},
    process::Settings,
    public_url::{InvalidPublicUrl, PublicUrl},
    service::{LogFormat, LogLevel, LogSettings, ServiceSettings},
    source::{Source, System},
    subscription_wish::{InvalidSubscription, SubscriptionWish},
    write_lease::{WriteLease, boot_clock},
};
#[cfg(feature = "config")]
pub(crate) use self::{
    api_limits::MAX_DURATION,
    cluster::{SharedKey, shared_keys},
    diagnostic::Excerpt,
};
pub(crate) use self::{
    common::{CommonSettings, NameSettings},
    subscription_wish::CompileSubscription,
    write_lease::WritePlace,
};
