//! What the routes work on.

use std::{collections::BTreeSet, future::Future, sync::Arc, time::Duration};

use everwire::{
    ConnectionName, ConnectionSettings, Handle, Manager, Status,
    config::{DialPolicy, Inherited, ServiceSettings},
};

use super::{access::Access, idempotency::Idempotency, problem::Problem, streams::Seats};
use crate::service::metrics::Metrics;

/// How long the actors may take to answer; they answer at once unless a callback blocks their thread.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// What the routes work on.
pub struct Api {
    /// The connections.
    pub manager: Manager,
    /// Who may come in.
    pub access: Access,
    /// What the connections inherit that are created here.
    pub inherited: Inherited,
    /// What they may dial.
    pub policy: DialPolicy,
    /// The names that the configuration's files own.
    pub owned: BTreeSet<ConnectionName>,
    /// The messages of the last hour that had a key.
    pub idempotency: Idempotency,
    /// The clients that stay connected.
    pub seats: Seats,
    /// What is measured.
    pub metrics: Arc<Metrics>,
    /// Whether who reads the metrics needs a token.
    pub guards_metrics: bool,
}

impl Api {
    /// The API of a manager, as the settings have it.
    pub fn new(
        manager: Manager,
        service: ServiceSettings,
        inherited: Inherited,
        owned: BTreeSet<ConnectionName>,
    ) -> Self {
        Self {
            metrics: Metrics::start(&manager, service.metrics.max_names),
            manager,
            access: Access::new(service.tokens),
            inherited,
            policy: match service.allow_urls.is_empty() {
                true => DialPolicy::PublicOnly,
                false => DialPolicy::Urls(service.allow_urls.into()),
            },
            owned,
            idempotency: Idempotency::default(),
            seats: Seats::default(),
            guards_metrics: service.metrics.token,
        }
    }

    /// A connection, and its settings.
    ///
    /// # Errors
    ///
    /// 404.
    pub fn find(
        &self,
        name: &ConnectionName,
    ) -> Result<(Handle, Arc<ConnectionSettings>), Problem> {
        let found = self.manager.find(name).zip(self.manager.settings(name));
        found.ok_or_else(|| Problem::unknown(name.as_str()))
    }

    /// What a connection tells about itself.
    ///
    /// # Errors
    ///
    /// 404 when it is gone, 503 when it does not answer.
    pub async fn status(&self, handle: &Handle) -> Result<Status, Problem> {
        let status = self.in_time(handle.status()).await?;
        status.map_err(|_gone| Problem::unknown(handle.name().as_str()))
    }

    /// Refuses to change what the configuration's file says.
    ///
    /// # Errors
    ///
    /// 409.
    pub fn refuse_owned(&self, name: &ConnectionName) -> Result<(), Problem> {
        match self.owned.contains(name) {
            true => {
                let detail = format!("the configuration's file owns {name:?}; change it there");
                Err(Problem::conflict(detail))
            }
            false => Ok(()),
        }
    }

    /// Waits for actors, within reason.
    ///
    /// # Errors
    ///
    /// 503.
    pub async fn in_time<T>(&self, answer: impl Future<Output = T>) -> Result<T, Problem> {
        tokio::time::timeout(ANSWER_TIMEOUT, answer)
            .await
            .map_err(|_| Problem::unavailable("the connections do not answer"))
    }
}
