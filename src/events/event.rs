//! What happened, and where it stands.

use jiff::Timestamp;

use super::{
    reports::{
        Applied, Connecting, Dropped, ErrorReport, Failed, Gap, Opened, Retrying, Rotated, Sent,
        Stalled,
    },
    session::{SessionClosed, SessionOpened},
};
use crate::{
    core::{ClosedReport, ConnectionName, Cursor, Message},
    stored::StoredEvent,
};

/// Where an event stands: whose it is, its number, its time.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamp {
    /// Whose event it is.
    pub name: ConnectionName,
    /// The life of the name; a fencing number.
    pub epoch: u32,
    /// Counts the name's events within the epoch, from 1, without holes.
    pub seq: u64,
    /// Positions a reader over all names.
    pub cursor: Cursor,
    /// When it happened, by the wall clock.
    pub at: Timestamp,
}

/// Something that happened to a name, or to the subscriber itself.
///
/// Serialized it is the JSON of the API: `{"type":…,"name":…,"epoch":1,"seq":…,"cursor":"…","at":…, …}`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A dial begins.
    Connecting(Stamp, Connecting),
    /// A socket is up.
    Opened(Stamp, Box<Opened>),
    /// The opening messages are out: the name takes part in the conversation.
    Ready(Stamp),
    /// A message came in.
    Message(Stamp, Message),
    /// A message on its way out has met a fate: `written`, or one that is final. Only for subscribers that ask for it.
    Sent(Stamp, Sent),
    /// Something of what the peer said was not heard, or came twice.
    Gap(Stamp, Box<Gap>),
    /// A socket ended, or the name was closed by hand.
    Closed(Stamp, Box<ClosedReport>),
    /// Something went wrong.
    Error(Stamp, Box<ErrorReport>),
    /// The next dial is set.
    Retrying(Stamp, Box<Retrying>),
    /// No further attempt is made.
    Failed(Stamp, Box<Failed>),
    /// Accepted messages were dropped before they were written, or written again.
    Dropped(Stamp, Dropped),
    /// Another socket serves, made ready before the old one was let go.
    Rotated(Stamp, Box<Rotated>),
    /// New settings are in force.
    Applied(Stamp, Applied),
    /// The name is gone.
    Removed(Stamp),
    /// This subscriber was too slow and missed events. It has no place in any name's numbering.
    Lagged {
        /// How many events it missed, in all, since it was last told; `None` where a reader resumes from so long ago that they
        /// cannot be counted any more.
        missed: Option<u64>,
        /// When it was told.
        at: Timestamp,
    },
    /// Our own side stood still: what was late meanwhile is not blamed on peers. It belongs to no name.
    Stalled(Stalled),
    /// A caller has a socket of its own: see [`Handle::open_session`](crate::Handle::open_session). Its messages are told to it alone.
    SessionOpened(Stamp, Box<SessionOpened>),
    /// A caller's own socket ended, or could not be opened.
    SessionClosed(Stamp, Box<SessionClosed>),
}

/// The stamp of an event, by the kind of reference that it is given.
macro_rules! stamp_of {
    ($event:expr) => {
        match $event {
            Event::Connecting(stamp, _)
            | Event::Opened(stamp, _)
            | Event::Ready(stamp)
            | Event::Message(stamp, _)
            | Event::Sent(stamp, _)
            | Event::Gap(stamp, _)
            | Event::Rotated(stamp, _)
            | Event::Closed(stamp, _)
            | Event::Error(stamp, _)
            | Event::Retrying(stamp, _)
            | Event::Failed(stamp, _)
            | Event::Dropped(stamp, _)
            | Event::Applied(stamp, _)
            | Event::SessionOpened(stamp, _)
            | Event::SessionClosed(stamp, _)
            | Event::Removed(stamp) => Some(stamp),
            Event::Lagged { .. } | Event::Stalled(_) => None,
        }
    };
}

impl Event {
    /// Where the event stands; `None` for [`Event::Lagged`] and [`Event::Stalled`].
    ///
    /// ```
    /// # use everwire::{ConnectionName, Event, core::Cursor, events::Stamp};
    /// # let name = ConnectionName::new("feed")?;
    /// # let at = jiff::Timestamp::UNIX_EPOCH;
    /// # let event = Event::Ready(Stamp { name, epoch: 1, seq: 3, cursor: Cursor::default(), at });
    /// // `event` was read from a stream.
    /// match event.stamp() {
    ///     Some(stamp) => println!("{} {}.{} at {}", stamp.name, stamp.epoch, stamp.seq, stamp.at),
    ///     None => println!("of no name"),
    /// }
    /// # assert_eq!(event.stamp().map(|stamp| stamp.seq), Some(3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stamp(&self) -> Option<&Stamp> {
        stamp_of!(self)
    }

    /// A message of a name's history, as an earlier process has left it.
    pub(crate) fn recalled(name: &ConnectionName, stored: StoredEvent) -> Self {
        let stamp = Stamp {
            name: name.clone(),
            epoch: stored.epoch,
            seq: stored.seq,
            cursor: Cursor(stored.position),
            at: stored.at,
        };
        Self::Message(stamp, stored.message)
    }

    /// Its place over all names; the first where it belongs to none.
    pub(crate) fn cursor(&self) -> Cursor {
        self.stamp().map(|stamp| stamp.cursor).unwrap_or_default()
    }

    /// Puts the event in its place over all names.
    pub(crate) fn place(&mut self, cursor: Cursor) {
        if let Some(stamp) = self.stamp_mut() {
            stamp.cursor = cursor;
        }
    }

    fn stamp_mut(&mut self) -> Option<&mut Stamp> {
        stamp_of!(self)
    }

    /// Whose event it is; `None` for [`Event::Lagged`] and [`Event::Stalled`].
    ///
    /// ```
    /// # use everwire::{ConnectionName, Event, core::Cursor, events::Stamp};
    /// # let name = ConnectionName::new("feed")?;
    /// # let at = jiff::Timestamp::UNIX_EPOCH;
    /// # let event = Event::Ready(Stamp { name, epoch: 1, seq: 3, cursor: Cursor::default(), at });
    /// // `event` was read from a stream over all names.
    /// if event.name().is_some_and(|name| name == "feed") {
    ///     println!("{}", event.kind());
    /// }
    /// # assert!(event.name().is_some_and(|name| name == "feed"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn name(&self) -> Option<&ConnectionName> {
        self.stamp().map(|stamp| &stamp.name)
    }

    /// The `type` of the JSON form of each kind.
    pub const KINDS: [&str; 18] = [
        "connecting",
        "opened",
        "ready",
        "message",
        "sent",
        "gap",
        "closed",
        "error",
        "retrying",
        "failed",
        "dropped",
        "rotated",
        "applied",
        "removed",
        "lagged",
        "stalled",
        "session_opened",
        "session_closed",
    ];

    /// The number of [`Event::Sent`] among the kinds.
    pub(crate) const SENT: usize = 4;

    /// The `type` of the JSON form.
    ///
    /// ```
    /// # use everwire::{ConnectionName, Event, core::Cursor, events::Stamp};
    /// # let name = ConnectionName::new("feed")?;
    /// # let at = jiff::Timestamp::UNIX_EPOCH;
    /// # let event = Event::Ready(Stamp { name, epoch: 1, seq: 3, cursor: Cursor::default(), at });
    /// use everwire::hub::Kinds;
    ///
    /// // `event` was read from a stream.
    /// assert_eq!(event.kind(), "ready");
    /// assert!(Kinds::default().has(event.kind()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn kind(&self) -> &'static str {
        Self::KINDS[self.kind_number()]
    }

    /// The place of this event's kind in [`KINDS`](Self::KINDS).
    pub(crate) fn kind_number(&self) -> usize {
        match self {
            Self::Connecting(..) => 0,
            Self::Opened(..) => 1,
            Self::Ready(_) => 2,
            Self::Message(..) => 3,
            Self::Sent(..) => Self::SENT,
            Self::Gap(..) => 5,
            Self::Closed(..) => 6,
            Self::Error(..) => 7,
            Self::Retrying(..) => 8,
            Self::Failed(..) => 9,
            Self::Dropped(..) => 10,
            Self::Rotated(..) => 11,
            Self::Applied(..) => 12,
            Self::Removed(_) => 13,
            Self::Lagged { .. } => 14,
            Self::Stalled(_) => 15,
            Self::SessionOpened(..) => 16,
            Self::SessionClosed(..) => 17,
        }
    }

    /// The payload bytes that the event carries: what a subscriber's queue is bounded by, besides the number of events.
    pub(crate) fn payload_len(&self) -> usize {
        match self {
            Self::Message(_, message) => message.len(),
            _ => 0,
        }
    }
}

impl actix::Message for Event {
    type Result = ();
}
