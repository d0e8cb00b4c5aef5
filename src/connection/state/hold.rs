//! What keeps a name from being dialled: a store that cannot be opened yet.

/// Whether a name waits for the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::connection) enum Hold {
    #[default]
    None,
    /// It waits. Exits to `Dials` when a dial is due, to `None` when the store is open or not
    /// needed any more.
    Waits,
    /// A dial is due and was not published. Exits to `None`, as above.
    Dials,
}

impl Hold {
    /// Whether no dial may begin.
    pub fn is_on(self) -> bool {
        self != Self::None
    }
}
