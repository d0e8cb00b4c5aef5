//! The known positions of a name's messages.

use super::recent::Recent;
use crate::{
    core::Cursor, events::Stamp, hub::new_events::NewEvents, memory::Charge,
    settings::HistorySettings,
};

/// The known positions of a name's messages. A name without a history needs no memory for them,
/// however many messages it has.
#[derive(Debug)]
pub(in crate::hub) enum Known {
    /// It has said nothing.
    Nothing,
    /// It keeps nothing: messages up to here are lost.
    Lost(Cursor),
    /// What it keeps, or has kept.
    Kept(Box<Recent>),
}

impl Known {
    /// It says something; `start` is where a new one begins to know.
    pub(super) fn begin(
        &mut self,
        limit: HistorySettings,
        start: Cursor,
        charge: impl FnOnce() -> Charge,
    ) {
        let keeps = limit.messages > 0 || limit.durable;
        match self {
            Self::Nothing if !keeps => *self = Self::Lost(start),
            Self::Nothing | Self::Lost(_) if keeps => {
                let through = self.lost_through(start);
                *self = Self::Kept(Box::new(Recent::new(limit, through, charge())));
            }
            Self::Nothing | Self::Lost(_) | Self::Kept(_) => {}
        }
    }

    pub(super) fn kept(&self) -> Option<&Recent> {
        match self {
            Self::Kept(recent) => Some(recent),
            Self::Nothing | Self::Lost(_) => None,
        }
    }

    pub(super) fn kept_mut(&mut self) -> Option<&mut Recent> {
        match self {
            Self::Kept(recent) => Some(recent),
            Self::Nothing | Self::Lost(_) => None,
        }
    }

    /// Whether it keeps anything.
    pub fn keeps(&self) -> bool {
        self.kept().is_some_and(Recent::keeps)
    }

    /// Up to where messages are not kept any more, or never were.
    pub fn lost_through(&self, start: Cursor) -> Cursor {
        match self {
            Self::Nothing => start,
            Self::Lost(through) => *through,
            Self::Kept(recent) => recent.lost_through,
        }
    }

    /// What came up to here is not kept.
    pub fn lose(&mut self, through: Cursor) {
        match self {
            Self::Nothing => *self = Self::Lost(through),
            Self::Lost(lost) => *lost = through.max(*lost),
            Self::Kept(recent) => recent.lose(through),
        }
    }

    /// These came, the first of them at `first`.
    pub fn push_all(&mut self, first: &Stamp, events: &NewEvents) {
        match self {
            Self::Kept(recent) => recent.push_all(first, events),
            Self::Nothing | Self::Lost(_) => {
                let behind = (events.len() as u64).saturating_sub(1);
                self.lose(Cursor(first.cursor.0 + behind));
            }
        }
    }
}
