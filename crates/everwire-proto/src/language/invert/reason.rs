//! Why no message was found.

/// Why no message was found for which all that is wanted is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotInvertible {
    /// It is decided by what is known already, whatever the message is.
    #[error("what is known already decides it, whatever the message is")]
    Known,
    /// This function has no inverse: its value does not say what it was made of.
    #[error("no message can be found from a value of `{0}`")]
    Function(&'static str),
    /// The time or chance decides it.
    #[error("`{0}` decides it, which the peer does not know")]
    Chance(&'static str),
    /// A `let` decides it.
    #[error("a `let` decides it")]
    Let,
    /// Its parts contradict each other, as far as was looked.
    #[error("its parts contradict each other")]
    Contradiction,
    /// There are more ways than are tried.
    #[error("none of the first {0} ways leads to a message")]
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
