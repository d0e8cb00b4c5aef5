//! The dial of a name.

use std::sync::Arc;

use everwire_proto::dialogue::Call;

use crate::{
    connection::{
        arbiter::dial_scheduler::Scheduled,
        dialer::{CallOutcome, Dial, DialTarget, Dialer, Preparation},
        state::{ActorState, conversation::policy_of_named},
    },
    core::State as LifeState,
    secret_store::SecretStore,
    settings::{ConnectionSettings, DialPolicy, Template, url},
    transport::{
        self, Before, CallFor, DialBudget, DialError, DialRequest, ForDial, Opened, PreparedDial,
        Preparer, Resolver, TlsCache,
    },
};

/// Dials the current or next URL, or once a URL that the peer has named.
pub(in crate::connection) fn dial(act: &mut ActorState) -> Dial {
    let replaces = act.life.is_replacing();
    let (named, prepared) = match &mut act.serving {
        Some(serving) => (serving.begin_dial(), serving.take_prepared(&act.settings)),
        None => (None, None),
    };
    let mut before = before(act, named.is_some());
    if let Some(before) = &mut before {
        before.done = prepared.filter(|_| replaces);
    }
    let target = target(act, named);
    act.process.dialer.dial(target, before)
}

/// Does the preparation for replacing the current socket, ahead of the dial; `None` if there is
/// none.
pub(in crate::connection) fn prepare(act: &mut ActorState) -> Option<Preparation> {
    act.settings.dialogue.as_ref()?.prepare.as_ref()?;
    let named = act.serving.as_ref().and_then(|it| it.next_url());
    let before = before(act, named.is_some())?;
    let target = target(act, named);
    Some(act.process.dialer.prepare(target, before))
}

/// The target of a dial. `named`: the URL that the peer has named.
fn target(act: &ActorState, named: Option<Box<str>>) -> DialTarget {
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
    DialTarget {
        urls,
        number,
        settings,
        name: act.name.clone(),
        owner: act.outbox.owner(),
        attempt: act.life.dials(),
    }
}

/// The preparation for a dial that begins now, if any.
fn before(act: &mut ActorState, is_handover: bool) -> Option<Box<Before>> {
    let mut before = Before::of(&act.settings, &act.name)?;
    if let Some(serving) = &mut act.serving {
        if serving.conversation.is_of(&act.settings)
            && let Some(known) = serving.conversation.before_dial()
        {
            before.known = known;
        }
        serving.set_preparing(before.preparing.clone());
        let is_successor = matches!(act.life.state(), LifeState::Open { .. });
        before.teller = serving.conversation.teller(is_successor);
    }
    before.handover = is_handover;
    before.sequence = act.inbound.last_number();
    Some(before)
}

/// Dials over the network, within the dial budget.
pub(crate) struct NetworkDialer(Arc<Network>);

/// State that all dials share.
struct Network {
    budget: DialBudget,
    tls: TlsCache,
    resolver: Resolver,
    secret_store: SecretStore,
    preparer: Preparer,
}

impl NetworkDialer {
    /// A dialer with this shared state.
    pub fn new(
        budget: &DialBudget,
        tls: &TlsCache,
        resolver: &Resolver,
        secret_store: &SecretStore,
        preparer: &Preparer,
    ) -> Self {
        Self(Arc::new(Network {
            budget: budget.clone(),
            tls: tls.clone(),
            resolver: resolver.clone(),
            secret_store: secret_store.clone(),
            preparer: preparer.clone(),
        }))
    }
}

impl Dialer for NetworkDialer {
    fn dial(&self, target: DialTarget, before: Option<Box<Before>>) -> Dial {
        let network = Arc::clone(&self.0);
        match before {
            None => Box::pin(network.dial(target)),
            Some(before) => Box::pin(network.prepared_dial(target, before)),
        }
    }

    fn prepare(&self, target: DialTarget, before: Box<Before>) -> Preparation {
        Box::pin(Arc::clone(&self.0).prepare(target, before))
    }

    fn call(&self, call: Call, of: CallFor) -> CallOutcome {
        let preparer = self.0.preparer.clone();
        Box::pin(async move { preparer.call(call, of).await })
    }
}

impl Network {
    async fn dial(self: Arc<Self>, target: DialTarget) -> Result<Opened, DialError> {
        let (url, owner) = (&target.urls[target.number], target.owner.as_ref());
        let turn = match transport::written_host_key(url) {
            Some(host) => self.budget.acquire(host, owner),
            // Boxed, so that a name that waits for its permit does not hold the memory of a
            // handshake: thousands may wait.
            None => {
                let host = Box::pin(transport::host_key(url, &self.secret_store)).await?;
                self.budget.acquire(&host, owner)
            }
        };
        let permit = turn.await;
        let dial = transport::dial(DialRequest {
            settings: &target.settings,
            url,
            owner,
            may_choose_none: false,
            tls: &self.tls,
            resolver: &self.resolver,
            secret_store: &self.secret_store,
        });
        let dial = transport::in_span(&target.name, target.attempt, dial);
        let dialled = Scheduled::new(dial).await;
        permit.finish(dialled.is_ok());
        dialled
    }

    /// Dials after the preparation.
    async fn prepared_dial(
        self: Arc<Self>,
        mut target: DialTarget,
        mut before: Box<Before>,
    ) -> Result<Opened, DialError> {
        let filled = Box::pin(self.preparer.prepare(&mut before, for_dial(&target))).await?;
        target.settings = Arc::clone(&filled.settings);
        (target.urls, target.number) = ([filled.url.clone()].into(), 0);
        let dialled = Box::pin(self.dial(target)).await;
        dialled
            .inspect_err(|error| filled.failed(&error.cause))
            .map(|opened| filled.opened(opened))
    }

    /// The preparation for a later dial.
    async fn prepare(
        self: Arc<Self>,
        target: DialTarget,
        mut before: Box<Before>,
    ) -> Result<Box<PreparedDial>, DialError> {
        let filled = Box::pin(self.preparer.prepare(&mut before, for_dial(&target))).await?;
        Ok(filled.done)
    }
}

fn for_dial(target: &DialTarget) -> ForDial<'_> {
    ForDial {
        settings: &target.settings,
        urls: &target.urls,
        number: target.number,
        owner: target.owner.as_ref(),
    }
}
