//! What an expression sees when it is evaluated.

use super::{
    Moment, Name, Signer, Value, Variable,
    json::{RawJson, Slot},
};

/// What expressions and templates see: a message, names, a moment, and somebody who signs.
///
/// All of them are asked only for what an expression needs, as often as it stands there.
pub trait World {
    /// What a pointer of the set has found in the message.
    fn pointer(&self, slot: Slot) -> Option<RawJson<'_>>;

    /// The value of a built-in name or of a capture, with its marks. What is not known here is absent.
    fn name(&self, name: Name) -> Value<'_>;

    /// A header of the HTTP answer, whose name may have any case.
    fn header(&self, _name: &str) -> Value<'_> {
        Value::absent()
    }

    /// A cookie that the HTTP answer sets.
    fn cookie(&self, _name: &str) -> Value<'_> {
        Value::absent()
    }

    /// The content of a file, without the line end behind it, or a stored secret.
    fn variable(&self, _variable: Variable<'_>) -> Option<&str> {
        None
    }

    /// The moment of this step.
    fn moment(&self) -> Moment<'_>;

    /// Who hashes and signs.
    fn signer(&self) -> &dyn Signer;

    /// The most bytes that a value may have: a longer one is absent.
    fn max_message(&self) -> usize;
}
