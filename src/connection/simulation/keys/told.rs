//! Compares the events of subscriptions with the peer's state.

use std::sync::Arc;

use everwire_proto::dialogue::SubscriptionState;
use parking_lot::Mutex;

use super::{Keys, key_of};
use crate::{
    connection::simulation::witness::{is_cut_over, number_of, text_of},
    events::{Event, EventKind, Update},
};

/// An event of the name.
#[derive(Debug)]
pub(super) enum Note {
    /// A socket that opened alone serves.
    Opened(usize),
    /// A socket serves that became ready beside another. `is_cut`: the other was closed because of
    /// that.
    Rotated {
        socket: usize,
        is_cut: bool,
    },
    Ready,
    /// A key has a new state.
    Stands {
        key: usize,
        state: SubscriptionState,
        text: Box<str>,
    },
    /// A message for a key, and the key it was routed to.
    Message {
        key: usize,
        routed: Option<usize>,
    },
}

impl Note {
    fn of(event: &Event) -> Option<Self> {
        Some(match &event.kind {
            EventKind::Opened(opened) => Self::Opened(number_of(opened.peer.port())),
            EventKind::Rotated(rotated) => Self::Rotated {
                socket: number_of(rotated.peer.port()),
                is_cut: is_cut_over(rotated),
            },
            EventKind::Ready => Self::Ready,
            EventKind::Subscription(report) => Self::Stands {
                key: key_of(&report.key),
                state: report.state,
                text: report.text.clone().unwrap_or_default(),
            },
            EventKind::Message(message) => {
                let (_, name) = text_of(message).split_once(r#","s":""#)?;
                Self::Message {
                    key: key_of(name.trim_end_matches("\"}")),
                    routed: event.stamp.subscription.as_deref().map(key_of),
                }
            }
            _ => return None,
        })
    }
}

/// Notes events in the name's own turn, so that they are known before the peer can receive anything
/// that follows from them.
pub(in crate::connection::simulation) fn note_into(
    keys: &Keys,
) -> impl Fn(&Update) + Send + Sync + 'static {
    let notes: Arc<Mutex<Vec<Note>>> = Arc::clone(&keys.notes);
    move |update| notes.lock().extend(update.event().and_then(Note::of))
}

impl Keys {
    /// Processes the events since the last call.
    pub fn catch_up(&mut self) {
        let notes = std::mem::take(&mut *self.notes.lock());
        for note in notes {
            self.look_at(note);
        }
    }

    fn look_at(&mut self, note: Note) {
        match note {
            Note::Opened(socket) => {
                self.current = Some(socket);
                self.books[socket].is_first = true;
                self.forget_told();
            }
            Note::Rotated { socket, is_cut } => {
                if is_cut && self.overlaps {
                    self.expect_cut_over(socket);
                }
                self.current = Some(socket);
                if !self.overlaps {
                    self.forget_told();
                }
            }
            Note::Ready => {
                let current = self.current.expect("a socket");
                self.expect_decided(current, "ready");
            }
            Note::Stands { key, state, text } => self.stands(key, state, &text),
            Note::Message { key, routed } => self.message(key, routed),
        }
    }

    /// A socket has opened where no other serves: each key is requested again, or continued,
    /// without an event.
    fn forget_told(&mut self) {
        self.last = Default::default();
        for version in &mut self.versions {
            *version += 1;
        }
    }

    fn stands(&mut self, key: usize, state: SubscriptionState, text: &str) {
        self.last[key] = Some(state);
        self.is_sure[key] = true;
        self.versions[key] += 1;
        let Some(current) = self.current else {
            return assert_eq!(state, SubscriptionState::Wanted, "k{key} without a socket");
        };
        let acks = self.moods.acks;
        let page = self.books[current].page(key);
        let says = match state {
            SubscriptionState::Active => {
                page.told.active += 1;
                ""
            }
            SubscriptionState::Refused => {
                page.told.refused += 1;
                "nosub"
            }
            SubscriptionState::Ended => {
                page.told.ended += 1;
                "ended"
            }
            SubscriptionState::Unanswered => {
                page.told.unanswered += 1;
                "no answer came within"
            }
            _ => "",
        };
        assert!(text.contains(says), "k{key} is told {state:?}: {text}");
        page.expect_told(key, acks);
    }

    /// Asserts that routed messages belong to their key, and that all messages of active keys are
    /// routed.
    fn message(&mut self, key: usize, routed: Option<usize>) {
        assert!(
            routed.is_none_or(|routed| routed == key),
            "a message of k{key} is routed to {routed:?}"
        );
        self.tally.routed += u64::from(routed.is_some());
        // A successor may know less about the messages that it has held back.
        assert!(
            routed.is_some() || !self.is_active(key) || !self.is_one_by_one,
            "k{key} is active, and its message is routed nowhere"
        );
    }
}
