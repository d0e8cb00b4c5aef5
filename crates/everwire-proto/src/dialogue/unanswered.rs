//! The pings that no answer has come to.

/// The most pings whose answers are waited for; of more the oldest are forgotten.
const MAX_UNANSWERED: usize = 8;

/// The numbers of the pings of a socket that no answer has come to, oldest first. There is no memory while there are none.
#[derive(Clone, Debug, Default)]
pub(super) struct Unanswered(Vec<u64>);

impl Unanswered {
    /// A ping with this number was sent.
    pub fn push(&mut self, id: u64) {
        if self.0.len() >= MAX_UNANSWERED {
            self.0.remove(0);
        }
        self.0.push(id);
    }

    /// The first of them that a message answers is answered. Returns whether there was one.
    pub fn take(&mut self, answers: impl FnMut(u64) -> bool) -> bool {
        let Some(at) = self.0.iter().copied().position(answers) else {
            return false;
        };
        self.0.remove(at);
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
        true
    }

    /// Whether all were answered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many were not.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}
