//! Unanswered pings.

/// The most unanswered pings; beyond that the oldest are forgotten.
const MAX_UNANSWERED: usize = 8;

/// The numbers of a socket's unanswered pings, oldest first. Needs no memory while empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Unanswered(Option<Box<Ids>>);

/// At least one.
#[derive(Clone, Debug, Default)]
struct Ids(Vec<u64>);

impl Unanswered {
    /// A ping with this number was sent.
    pub fn push(&mut self, id: u64) {
        let Ids(ids) = &mut **self.0.get_or_insert_default();
        if ids.len() >= MAX_UNANSWERED {
            ids.remove(0);
        }
        ids.push(id);
    }

    /// Removes the first ping that a message answers. `true` if there was one.
    pub fn take(&mut self, answers: impl FnMut(u64) -> bool) -> bool {
        let Some(Ids(ids)) = self.0.as_deref_mut() else {
            return false;
        };
        let Some(at) = ids.iter().copied().position(answers) else {
            return false;
        };
        ids.remove(at);
        if ids.is_empty() {
            self.0 = None;
        }
        true
    }

    /// Whether all were answered.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many are unanswered.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |ids| ids.0.len())
    }
}
