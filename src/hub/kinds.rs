//! The kinds of events that a subscriber wants.

use crate::events::{EventKind, KIND_NAMES};

/// A set of kinds of events, by the `type` of their JSON form.
///
/// ```
/// use everwire::hub::Kinds;
///
/// let kinds = Kinds::parse("message,closed")?;
/// assert!(kinds.has("closed") && !kinds.has("sent"));
/// assert!(!Kinds::default().has("sent") && Kinds::all().has("sent"));
/// # Ok::<(), everwire::hub::UnknownKind>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds(u32);

/// The text names no kind of event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown event type {name:?}; the types are {}", KIND_NAMES.join(", "))]
pub struct UnknownKind {
    /// The text.
    pub name: String,
}

impl Kinds {
    /// All kinds.
    ///
    /// ```
    /// use everwire::{Delivery, hub::Kinds};
    ///
    /// // The default leaves out `sent`.
    /// let delivery = Delivery::default().kinds(Kinds::all());
    /// assert!(delivery.kinds.has("sent"));
    /// ```
    pub fn all() -> Self {
        Self((1 << KIND_NAMES.len()) - 1)
    }

    /// No kind.
    ///
    /// ```
    /// use everwire::hub::Kinds;
    ///
    /// // A set to begin with.
    /// let kinds = Kinds::none();
    /// assert!(!kinds.has("message"));
    /// ```
    pub fn none() -> Self {
        Self(0)
    }

    /// Parses names of kinds, separated by commas. `lagged` and `stalled` go to every subscriber
    /// anyway.
    ///
    /// ```
    /// use everwire::hub::Kinds;
    ///
    /// let kinds = Kinds::parse("opened, closed")?;
    /// assert!(kinds.has("opened") && !kinds.has("message"));
    ///
    /// let unknown = Kinds::parse("opened,shut").unwrap_err();
    /// assert_eq!(unknown.name, "shut");
    /// # Ok::<(), everwire::hub::UnknownKind>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`UnknownKind`].
    pub fn parse(text: &str) -> Result<Self, UnknownKind> {
        let names = text.split(',').map(str::trim);
        names
            .filter(|name| !name.is_empty())
            .try_fold(Self::none(), |kinds, name| {
                kinds.with(name).ok_or_else(|| UnknownKind {
                    name: name.to_owned(),
                })
            })
    }

    /// The names of the kinds in the set.
    ///
    /// ```
    /// use everwire::hub::Kinds;
    ///
    /// let kinds = Kinds::parse("closed,message")?;
    /// assert_eq!(kinds.names().collect::<Vec<_>>(), ["message", "closed"]);
    /// # Ok::<(), everwire::hub::UnknownKind>(())
    /// ```
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let names = KIND_NAMES.iter().enumerate();
        names.filter_map(move |(at, name)| (self.0 & (1 << at) != 0).then_some(*name))
    }

    /// The set with one kind added; `None` if there is no such kind.
    ///
    /// ```
    /// use everwire::hub::Kinds;
    ///
    /// let kinds = Kinds::default().with("sent");
    /// assert_eq!(kinds, Some(Kinds::all()));
    /// assert_eq!(Kinds::none().with("shut"), None);
    /// ```
    pub fn with(self, name: &str) -> Option<Self> {
        let at = KIND_NAMES.iter().position(|kind| *kind == name)?;
        Some(Self(self.0 | 1 << at))
    }

    /// The same set without the kind of this name.
    ///
    /// ```
    /// use everwire::hub::Kinds;
    ///
    /// // What happens to a name, and not what it hears.
    /// let kinds = Kinds::default().without("message");
    /// assert!(kinds.has("closed") && !kinds.has("message"));
    /// ```
    #[must_use]
    pub fn without(self, name: &str) -> Self {
        let one = Self::none().with(name).unwrap_or_else(Self::none);
        Self(self.0 & !one.0)
    }

    /// Whether the kind of this name is in the set.
    ///
    /// ```
    /// use everwire::hub::Kinds;
    ///
    /// let kinds = Kinds::default();
    /// assert!(kinds.has("message"));
    /// assert!(!kinds.has("sent")); // an event for each message: only who asks gets it
    /// ```
    pub fn has(self, name: &str) -> bool {
        Self::none()
            .with(name)
            .is_some_and(|one| self.0 & one.0 != 0)
    }

    /// Whether it contains anything but messages and their fates.
    pub(crate) fn want_more_than_messages(self) -> bool {
        let known = Self::none()
            .with("message")
            .and_then(|kinds| kinds.with("sent"));
        known.is_none_or(|known| self.0 & !known.0 != 0)
    }

    /// Whether it contains the kind of this number.
    #[inline]
    pub(crate) fn wants(self, number: u8) -> bool {
        self.0 & 1 << number != 0
    }

    /// A bit for each kind in the set, by their numbers.
    pub(crate) fn bits(self) -> u32 {
        self.0
    }
}

impl Default for Kinds {
    /// All kinds but `sent`, which would cost an event for each message.
    fn default() -> Self {
        Self(Self::all().0 & !(1 << EventKind::SENT))
    }
}
