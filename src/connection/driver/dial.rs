//! The dial of a name.

use std::sync::Arc;

use crate::{
    connection::{
        arbiter::dial_scheduler::Scheduled,
        dialer::{Dial, DialTarget, Dialer},
        state::{ActorState, conversation::policy_of_named},
    },
    secret_store::SecretStore,
    settings::{ConnectionSettings, DialPolicy, Template, url},
    transport::{self, DialBudget, DialRequest, Resolver, TlsCache},
};

/// A dial of the URL that is in use, or next; once of one that the peer has named.
pub(in crate::connection) fn dial(act: &mut ActorState) -> Dial {
    let named = act.serving.as_mut().and_then(|it| it.begin_dial());
    let (urls, number, settings) = match named {
        None => (
            Arc::clone(&act.urls),
            act.url_number(),
            Arc::clone(&act.settings),
        ),
        Some(url) => {
            let mut settings = ConnectionSettings::clone(&act.settings);
            // It was parsed when the peer named it.
            settings.dial_policy = url::parse(&url).map_or(DialPolicy::PublicOnly, |named| {
                policy_of_named(&settings, &named)
            });
            let url: Arc<[Template]> = [Template::literal(url)].into();
            (url, 0, Arc::new(settings))
        }
    };
    act.process.dialer.dial(DialTarget {
        urls,
        number,
        settings,
        name: act.name.clone(),
        owner: act.outbox.owner(),
        attempt: act.life.dials(),
    })
}

/// Dials over the network, when the budget allows it.
pub(crate) struct NetworkDialer(Arc<Network>);

/// What all dials share.
struct Network {
    budget: DialBudget,
    tls: TlsCache,
    resolver: Resolver,
    secret_store: SecretStore,
}

impl NetworkDialer {
    /// One that shares these.
    pub fn new(
        budget: &DialBudget,
        tls: &TlsCache,
        resolver: &Resolver,
        secret_store: &SecretStore,
    ) -> Self {
        Self(Arc::new(Network {
            budget: budget.clone(),
            tls: tls.clone(),
            resolver: resolver.clone(),
            secret_store: secret_store.clone(),
        }))
    }
}

impl Dialer for NetworkDialer {
    fn dial(&self, target: DialTarget) -> Dial {
        let network = Arc::clone(&self.0);
        Box::pin(async move {
            let (url, owner) = (&target.urls[target.number], target.owner.as_ref());
            let turn = match transport::written_host_key(url) {
                Some(host) => network.budget.acquire(host, owner),
                // Boxed, so that a name that waits for its permit does not hold the memory of a handshake: thousands may wait.
                None => {
                    let host = Box::pin(transport::host_key(url, &network.secret_store)).await?;
                    network.budget.acquire(&host, owner)
                }
            };
            let permit = turn.await;
            let dial = transport::dial(DialRequest {
                settings: &target.settings,
                url,
                owner,
                may_choose_none: false,
                tls: &network.tls,
                resolver: &network.resolver,
                secret_store: &network.secret_store,
            });
            let dial = transport::in_span(&target.name, target.attempt, dial);
            let dialled = Scheduled::new(dial).await;
            permit.finish(dialled.is_ok());
            dialled
        })
    }
}
