//! The conversation of the current socket, and its effects on the heartbeat and the next dial.

use std::{mem, sync::Arc};

use ::url::Url;
use everwire_proto::settings::dialogue::Dialogue;

use super::{LiveConversation, engine::Engine, named_beats::NamedBeats};
use crate::{
    connection::SharedOutbox,
    core::Cause,
    settings::{ConnectionSettings, DialPolicy, url},
    transport::{PreparedDial, Preparing},
};

/// The conversation of the current socket, and its heartbeat.
pub(in crate::connection) struct Serving {
    pub conversation: LiveConversation,
    pub beats: NamedBeats,
    /// Boxed: few dials of names with a conversation need it.
    dialling: Option<Box<Dialling>>,
}

/// Each name with a conversation takes this much. jemalloc's next size class is 32 bytes larger.
const _: () = assert!(size_of::<Serving>() <= 128);

/// What a conversation knows about the next dial, or the current one.
#[derive(Default)]
struct Dialling {
    /// The URL that the peer has named for the next dial, and only for that.
    next_url: Option<Box<str>>,
    /// The preparation of the current dial, if any.
    preparing: Option<Preparing>,
    /// The preparation that was done for replacing the socket, and its dialogue.
    prepared: Option<(Arc<Dialogue>, Box<PreparedDial>)>,
    /// Whether the current or latest dial is of such a URL.
    dials_named: bool,
}

impl Serving {
    /// The conversation of a name with these settings, if they ask for one. It begins with the kept
    /// captures.
    pub fn of(settings: &ConnectionSettings, outbox: &Arc<SharedOutbox>) -> Option<Box<Self>> {
        let kept = outbox.kept_for(settings.dialogue.as_deref());
        let mut conversation = LiveConversation::new(Engine::of(settings)?);
        conversation.restore(&kept);
        Some(Box::new(Self::from(conversation)))
    }

    /// The same with other settings. Its watcher stays.
    pub fn renewed(
        known: Option<Box<Self>>,
        settings: &ConnectionSettings,
        outbox: &Arc<SharedOutbox>,
    ) -> Option<Box<Self>> {
        let mut fresh = Self::of(settings, outbox)?;
        let watcher = known.and_then(|known| {
            let mut conversation = known.conversation;
            conversation.seldom.take_watching()
        });
        if let Some(watching) = watcher {
            fresh.conversation.watch(watching.watcher);
        }
        Some(fresh)
    }

    /// The successor's socket becomes the current one.
    pub fn hand_over(known: Option<Box<Self>>, mut successor: LiveConversation) -> Box<Self> {
        let conversation = match known {
            Some(known) if known.conversation.engine.agrees_with(&successor.engine) => {
                known.conversation.adopt(successor)
            }
            Some(known) => {
                let before = known.conversation.subscriptions();
                successor.tell_subscriptions(&before);
                successor
            }
            None => successor,
        };
        Box::new(Self::from(conversation.serving()))
    }
}

impl Serving {
    /// Makes the next dial use this URL, which the peer has named. Later dials use the usual URLs
    /// again.
    ///
    /// # Errors
    ///
    /// [`Cause::Forbidden`]: it is not a `wss://` URL, or leads where these settings, or a peer,
    /// must not lead.
    pub fn dial_next(&mut self, url: &str, settings: &ConnectionSettings) -> Result<(), Cause> {
        let forbidden = |why: String| {
            Cause::Forbidden(format!("the peer named a url that is not dialled: {why}"))
        };
        let parsed = url::parse(url).map_err(|error| forbidden(error.to_string()))?;
        if parsed.scheme() != "wss" {
            return Err(forbidden("it is not a wss URL".into()));
        }
        match policy_of_named(settings, &parsed).refusal(&parsed) {
            Some(why) => Err(forbidden(why)),
            None => {
                self.dialling().next_url = Some(url.into());
                Ok(())
            }
        }
    }

    fn dialling(&mut self) -> &mut Dialling {
        self.dialling.get_or_insert_default()
    }

    /// The URL of the dial that begins now, if the peer has named it.
    pub fn begin_dial(&mut self) -> Option<Box<str>> {
        let dialling = self.dialling.as_mut()?;
        let named = dialling.next_url.take();
        dialling.dials_named = named.is_some();
        named
    }

    /// Sets where the preparation of the current dial reports its progress.
    pub fn set_preparing(&mut self, preparing: Preparing) {
        self.dialling().preparing = Some(preparing);
    }

    /// The preparation of the current dial, if any.
    pub fn preparing(&self) -> Option<&Preparing> {
        self.dialling.as_ref()?.preparing.as_ref()
    }

    /// The URL of the next dial, if the peer has named it.
    pub fn next_url(&self) -> Option<Box<str>> {
        self.dialling.as_ref()?.next_url.clone()
    }

    /// Keeps the preparation for the next dial of this dialogue.
    pub fn set_prepared(&mut self, dialogue: &Arc<Dialogue>, prepared: Box<PreparedDial>) {
        self.dialling().prepared = Some((Arc::clone(dialogue), prepared));
    }

    /// Takes the preparation for a dial of these settings that begins now; `None` if there is none,
    /// or it belongs to other settings.
    pub fn take_prepared(&mut self, settings: &ConnectionSettings) -> Option<Box<PreparedDial>> {
        let (of, prepared) = self.dialling.as_mut()?.prepared.take()?;
        let dialogue = settings.dialogue.as_ref()?;
        let is_same = Arc::ptr_eq(&of, dialogue) || of.says_the_same(dialogue);
        is_same.then_some(prepared)
    }

    /// Drops the preparation: there is no such dial.
    pub fn forget_prepared(&mut self) {
        if let Some(dialling) = &mut self.dialling {
            dialling.prepared = None;
        }
    }

    /// Whether the new socket was dialled at a URL that the peer has named; `true` once.
    pub fn take_handover(&mut self) -> bool {
        let dialling = self.dialling.as_mut();
        dialling.is_some_and(|dialling| mem::take(&mut dialling.dials_named))
    }
}

/// The policy for a URL that a peer has named: the Internet, and what the service allows besides.
pub(in crate::connection) fn policy_of_named(
    settings: &ConnectionSettings,
    named: &Url,
) -> DialPolicy {
    let dialogue = settings.dialogue.as_ref();
    let allowed = dialogue.map(|dialogue| &dialogue.peer_urls);
    let allowed = allowed.filter(|patterns| patterns.iter().any(|pattern| pattern.matches(named)));
    match (&settings.dial_policy, allowed) {
        (DialPolicy::Any, Some(patterns)) => DialPolicy::Urls(Arc::clone(patterns)),
        (DialPolicy::Any, None) => DialPolicy::PublicOnly,
        (narrower, _) => narrower.clone(),
    }
}

impl From<LiveConversation> for Serving {
    fn from(conversation: LiveConversation) -> Self {
        Self {
            conversation,
            beats: NamedBeats::default(),
            dialling: None,
        }
    }
}
