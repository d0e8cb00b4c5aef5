//! Why no message was found.

/// Why no message was found for which all that is wanted is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotInvertible {
    /// It is decided by what is known already, whatever the message is.
    #[error("it does not depend on the message")]
    Known,
    /// This function has no inverse: its value does not say what it was made of.
    #[error("no message can be found from a value of `{0}`")]
    Function(&'static str),
    /// The time or chance decides it.
    #[error("it depends on `{0}`, which the peer does not know")]
    Chance(&'static str),
    /// A `let` decides it.
    #[error("it depends on a `let`")]
    Let,
    /// Its parts contradict each other, as far as was looked.
    #[error("its parts contradict each other")]
    Contradiction,
    /// There are more ways than are tried.
    #[error("no message was found in the first {0} attempts")]
    TooManyWays(usize),
}

impl NotInvertible {
    /// How much it explains: of several reasons the one that explains most is told.
    pub(super) fn weight(self) -> u8 {
        match self {
            Self::Contradiction => 0,
            Self::Known => 1,
            Self::Let => 2,
            Self::TooManyWays(_) => 3,
            Self::Function(_) => 4,
            Self::Chance(_) => 5,
        }
    }
}
