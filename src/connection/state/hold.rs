//! What keeps a name from being dialled: a store that cannot be opened yet.

/// Whether a name waits for the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::connection) enum Hold {
    #[default]
    None,
    /// It does. Exits to `Dials` with a dial that is due, to `None` when the store is open or not needed any more.
    Waits,
    /// A dial is due and was not told. Exits to `None`, as above.
    Dials,
}

impl Hold {
    /// Whether no dial begins.
    pub fn is_on(self) -> bool {
        self != Self::None
    }
}
