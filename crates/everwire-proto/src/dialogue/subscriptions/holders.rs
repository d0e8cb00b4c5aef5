//! The holders of one subscription.

use std::mem;

use super::holder::Holder;

/// The holders of one subscription. Settings and callers of the API need no allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holders {
    file: bool,
    api: bool,
    /// Sorted; few have any.
    sessions: Box<[u64]>,
}

impl Holders {
    /// One holder.
    pub fn of(holder: Holder) -> Self {
        let mut holders = Self::default();
        holders.add(holder);
        holders
    }

    /// Adds a holder.
    pub fn add(&mut self, holder: Holder) {
        match holder {
            Holder::File => self.file = true,
            Holder::Api => self.api = true,
            Holder::Session(session) => {
                let mut sessions = mem::take(&mut self.sessions).into_vec();
                if let Err(at) = sessions.binary_search(&session) {
                    sessions.insert(at, session);
                }
                self.sessions = sessions.into();
            }
        }
    }

    /// Removes a holder. `true` if it was one.
    pub fn remove(&mut self, holder: Holder) -> bool {
        match holder {
            Holder::File => mem::take(&mut self.file),
            Holder::Api => mem::take(&mut self.api),
            Holder::Session(session) => {
                let mut sessions = mem::take(&mut self.sessions).into_vec();
                let found = sessions.binary_search(&session);
                let was_there = found.map(|at| sessions.remove(at)).is_ok();
                self.sessions = sessions.into();
                was_there
            }
        }
    }

    /// Whether it is one of them.
    pub fn has(&self, holder: Holder) -> bool {
        match holder {
            Holder::File => self.file,
            Holder::Api => self.api,
            Holder::Session(session) => self.sessions.binary_search(&session).is_ok(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        !self.file && !self.api && self.sessions.is_empty()
    }

    /// All holders, in order.
    pub fn iter(&self) -> impl Iterator<Item = Holder> {
        let file = self.file.then_some(Holder::File);
        let api = self.api.then_some(Holder::Api);
        let sessions = self.sessions.iter().copied().map(Holder::Session);
        file.into_iter().chain(api).chain(sessions)
    }
}
