//! The values that an evaluation reads.

use super::{
    Moment, Name, Signer, Value, Variable,
    json::{RawJson, Slot},
};

/// The values that expressions and templates read: a message, names, the time, and a signer.
///
/// They are asked for only if an expression needs them, each time it does.
pub trait World {
    /// The value that a pointer of the set has found in the message.
    fn pointer(&self, slot: Slot) -> Option<RawJson<'_>>;

    /// The value of a built-in name or a capture, with its marks. Unknown names are absent.
    fn name(&self, name: Name) -> Value<'_>;

    /// A header of the HTTP answer; the case of its name does not matter.
    fn header(&self, _name: &str) -> Value<'_> {
        Value::absent()
    }

    /// A cookie that the HTTP answer sets.
    fn cookie(&self, _name: &str) -> Value<'_> {
        Value::absent()
    }

    /// The content of a file without trailing line end, or a stored secret.
    fn variable(&self, _variable: Variable<'_>) -> Option<&str> {
        None
    }

    /// The time and randomness of this step.
    fn moment(&self) -> Moment<'_>;

    /// Hashes and signs.
    fn signer(&self) -> &dyn Signer;

    /// The most bytes of a value: a longer one is absent.
    fn max_message(&self) -> usize;
}
