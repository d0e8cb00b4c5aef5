//! What the API may create, and where it is found: what a reload changes as a whole.

use std::collections::BTreeSet;

use everwire::{
    ConnectionName, Settings,
    config::{ApiLimits, DialPolicy, Inherited, PublicUrl, ServiceSettings},
};

/// What the API may create, and where it is found.
#[derive(Debug)]
pub struct Rules {
    /// What the connections inherit that are created here.
    pub inherited: Inherited,
    /// What they may dial.
    pub policy: DialPolicy,
    /// How much they may ask for.
    pub limits: ApiLimits,
    /// Where users find it behind a reverse proxy.
    pub public_url: Option<PublicUrl>,
    /// The names that the configuration's files own.
    pub owned: BTreeSet<ConnectionName>,
}

impl Rules {
    /// As the settings have it.
    pub fn of(settings: &Settings) -> Self {
        Self {
            inherited: settings.inherited.clone(),
            policy: policy(&settings.service),
            limits: settings.service.api_limits,
            public_url: settings.service.public_url.clone(),
            owned: settings.connections.keys().cloned().collect(),
        }
    }
}

/// What connections may dial that are created here.
fn policy(service: &ServiceSettings) -> DialPolicy {
    match service.allow_urls.as_slice() {
        [] => DialPolicy::PublicOnly,
        patterns => DialPolicy::Urls(patterns.into()),
    }
}
