//! What one process runs on: the service's settings beside those of its connections, and what one needs to put them together.

mod access;
mod api_limits;
mod common;
mod diagnostic;
mod inherited;
mod plan;
mod public_url;
mod service;
mod source;

use std::{collections::BTreeMap, time::Duration};

use everwire_proto::settings::{ConnectionName, ConnectionSettings};

pub(crate) use self::common::{CommonSettings, NameSettings};
pub(crate) use self::diagnostic::Excerpt;
pub use self::{
    access::{MetricsSettings, Scope, ServiceTlsSettings, TokenSettings},
    api_limits::ApiLimits,
    diagnostic::{Diagnostic, Related},
    inherited::Inherited,
    plan::{Changed, Plan},
    public_url::{InvalidPublicUrl, PublicUrl},
    service::{LogFormat, LogLevel, LogSettings, ServiceSettings},
    source::{Source, System},
};

/// The longest duration that is accepted: a year. Far below what would overflow a clock.
pub(crate) const MAX_DURATION: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Everything that one process runs on.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// What concerns the process as a whole.
    pub service: ServiceSettings,
    /// The connections by name, those of `[fleet]` expanded.
    pub connections: BTreeMap<ConnectionName, ConnectionSettings>,
    /// What connections that are made at run time inherit.
    pub inherited: Inherited,
    /// What is allowed, and looks like a mistake: at most 200, in the order of the files.
    pub warnings: Vec<Diagnostic>,
}
