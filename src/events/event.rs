//! Events, and their positions.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::{
    kind::EventKind,
    notice::Notice,
    times::{as_rfc3339, as_text},
};
use crate::{
    core::{ConnectionName, Cursor, Message},
    stored::StoredEvent,
};

/// The position of an event: its name, number and time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stamp {
    /// The name that the event belongs to.
    pub name: ConnectionName,
    /// The life of the name; a fencing number.
    pub epoch: u32,
    /// Counts the name's events within the epoch, from 1, without gaps.
    pub seq: u64,
    /// The position of a reader over all names.
    #[serde(serialize_with = "as_text")]
    pub cursor: Cursor,
    /// When it happened, by the wall clock.
    #[serde(serialize_with = "as_rfc3339")]
    pub at: Timestamp,
    /// For a message, the subscription that it belongs to, if the settings say how to find it.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "key")]
    pub subscription: Option<Arc<str>>,
}

fn key<S: Serializer>(key: &Option<Arc<str>>, serializer: S) -> Result<S::Ok, S::Error> {
    key.as_deref().serialize(serializer)
}

/// Something that happened to a name.
///
/// Serialized it is the JSON of the API: `{"type":…,"name":…,"epoch":1,"seq":…,"cursor":"…","at":…,
/// …}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its position.
    pub stamp: Stamp,
    /// What happened.
    pub kind: EventKind,
}

/// The JSON members of an event, in order.
#[derive(Serialize)]
struct Members<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    stamp: &'a Stamp,
    #[serde(flatten)]
    kind: &'a EventKind,
}

impl<'a> Members<'a> {
    fn of(stamp: &'a Stamp, kind: &'a EventKind) -> Self {
        Self {
            r#type: kind.as_str(),
            stamp,
            kind,
        }
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Members::of(&self.stamp, &self.kind).serialize(serializer)
    }
}

/// Writes the JSON of an event from its parts, without building an `Event`.
pub(crate) fn write_json(
    into: &mut Vec<u8>,
    stamp: &Stamp,
    kind: &EventKind,
) -> serde_json::Result<()> {
    serde_json::to_writer(into, &Members::of(stamp, kind))
}

/// An update for a subscriber: an event of a name, or a notice.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Update {
    /// Something happened to a name.
    Event(Event),
    /// A notice about the subscriber itself, or about all names.
    Notice(Notice),
}

impl Event {
    /// A message of a name's history that an earlier process has stored.
    pub(crate) fn recalled(name: &ConnectionName, stored: StoredEvent) -> Self {
        let stamp = Stamp {
            name: name.clone(),
            epoch: stored.epoch,
            seq: stored.seq,
            cursor: Cursor(stored.position),
            at: stored.at,
            subscription: stored.subscription,
        };
        Self {
            stamp,
            kind: EventKind::Message(stored.message),
        }
    }

    /// The position over all names.
    pub(crate) fn cursor(&self) -> Cursor {
        self.stamp.cursor
    }
}

impl Update {
    /// The event; `None` for a notice.
    ///
    /// ```
    /// # use everwire::{ConnectionName, Event, EventKind, Update, core::Cursor, events::Stamp};
    /// # let name = ConnectionName::new("feed")?;
    /// # let at = jiff::Timestamp::UNIX_EPOCH;
    /// # let stamp = Stamp { name, epoch: 1, seq: 3, cursor: Cursor::default(), at, subscription: None };
    /// # let update = Update::Event(Event { stamp, kind: EventKind::Ready });
    /// // `update` was read from a stream.
    /// match update.event() {
    ///     Some(Event { stamp, .. }) => println!("{} {}.{}", stamp.name, stamp.epoch, stamp.seq),
    ///     None => println!("of no name"),
    /// }
    /// # assert_eq!(update.event().map(|event| event.stamp.seq), Some(3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn event(&self) -> Option<&Event> {
        match self {
            Self::Event(event) => Some(event),
            Self::Notice(_) => None,
        }
    }

    /// The kind of the event; `None` for a notice.
    ///
    /// ```
    /// # use everwire::{ConnectionName, Event, EventKind, Update, core::Cursor, events::Stamp};
    /// # let name = ConnectionName::new("feed")?;
    /// # let at = jiff::Timestamp::UNIX_EPOCH;
    /// # let stamp = Stamp { name, epoch: 1, seq: 3, cursor: Cursor::default(), at, subscription: None };
    /// # let update = Update::Event(Event { stamp, kind: EventKind::Ready });
    /// // `update` was read from a stream.
    /// if let Some(EventKind::Ready) = update.kind() {
    ///     println!("up");
    /// }
    /// # assert_eq!(update.kind(), Some(&EventKind::Ready));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn kind(&self) -> Option<&EventKind> {
        self.event().map(|event| &event.kind)
    }

    /// The message and its position, if the update is an incoming message.
    ///
    /// ```
    /// # use everwire::{ConnectionName, Event, EventKind, Message, Update, core::Cursor, events::Stamp};
    /// # let name = ConnectionName::new("feed")?;
    /// # let at = jiff::Timestamp::UNIX_EPOCH;
    /// # let stamp = Stamp { name, epoch: 1, seq: 3, cursor: Cursor::default(), at, subscription: None };
    /// # let update = Update::Event(Event { stamp, kind: EventKind::Message(Message::text("hi")) });
    /// // `update` was read from a stream.
    /// if let Some((stamp, message)) = update.message() {
    ///     println!("{} says {message:?}", stamp.name);
    /// }
    /// # assert_eq!(update.message().and_then(|(_, message)| message.as_text()), Some("hi"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn message(&self) -> Option<(&Stamp, &Message)> {
        match self {
            Self::Event(Event {
                stamp,
                kind: EventKind::Message(message),
            }) => Some((stamp, message)),
            Self::Event(_) | Self::Notice(_) => None,
        }
    }

    /// The position of the event; `None` for a notice.
    ///
    /// ```
    /// use everwire::{Notice, Update, events::Lagged};
    ///
    /// let lagged = Lagged { missed: None, at: jiff::Timestamp::UNIX_EPOCH };
    /// assert_eq!(Update::Notice(Notice::Lagged(lagged)).stamp(), None);
    /// ```
    pub fn stamp(&self) -> Option<&Stamp> {
        self.event().map(|event| &event.stamp)
    }

    /// The name of the event; `None` for a notice.
    ///
    /// ```
    /// # use everwire::{ConnectionName, Event, EventKind, Update, core::Cursor, events::Stamp};
    /// # let name = ConnectionName::new("feed")?;
    /// # let at = jiff::Timestamp::UNIX_EPOCH;
    /// # let stamp = Stamp { name, epoch: 1, seq: 3, cursor: Cursor::default(), at, subscription: None };
    /// # let update = Update::Event(Event { stamp, kind: EventKind::Ready });
    /// // `update` was read from a stream over all names.
    /// if update.name().is_some_and(|name| name == "feed") {
    ///     println!("{}", update.type_name());
    /// }
    /// # assert!(update.name().is_some_and(|name| name == "feed"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn name(&self) -> Option<&ConnectionName> {
        self.stamp().map(|stamp| &stamp.name)
    }

    /// The `type` of the JSON form.
    ///
    /// ```
    /// use everwire::{Notice, Update, events::Lagged};
    ///
    /// let lagged = Lagged { missed: None, at: jiff::Timestamp::UNIX_EPOCH };
    /// assert_eq!(Update::Notice(Notice::Lagged(lagged)).type_name(), "lagged");
    /// ```
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Event(event) => event.kind.as_str(),
            Self::Notice(notice) => notice.as_str(),
        }
    }
}

impl From<Event> for Update {
    fn from(event: Event) -> Self {
        Self::Event(event)
    }
}

impl From<Notice> for Update {
    fn from(notice: Notice) -> Self {
        Self::Notice(notice)
    }
}

impl actix::Message for Update {
    type Result = ();
}
