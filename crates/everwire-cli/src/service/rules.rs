//! What the API may create, and where it is reached. A reload replaces this as a whole.

use std::collections::BTreeSet;

use everwire::{
    ConnectionName, Settings,
    config::{ApiLimits, DialPolicy, Inherited, PublicUrl, ServiceSettings},
};

/// What the API may create, and where it is reached.
#[derive(Debug)]
pub struct Rules {
    /// What connections of the API inherit.
    pub inherited: Inherited,
    /// What they may dial.
    pub policy: DialPolicy,
    /// The limits of their settings.
    pub limits: ApiLimits,
    /// The URL of the service behind a reverse proxy.
    pub public_url: Option<PublicUrl>,
    /// The names in the configuration's files.
    pub owned: BTreeSet<ConnectionName>,
}

impl Rules {
    /// The rules of the settings.
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

/// What connections of the API may dial.
fn policy(service: &ServiceSettings) -> DialPolicy {
    match service.allow_urls.as_slice() {
        [] => DialPolicy::PublicOnly,
        patterns => DialPolicy::Urls(patterns.into()),
    }
}
