//! Who wants one subscription.

use std::mem;

use super::holder::Holder;

/// Who wants one subscription. Nothing is allocated for settings and callers of the API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holders {
    file: bool,
    api: bool,
    /// In order; few have any.
    sessions: Box<[u64]>,
}

impl Holders {
    /// This one alone.
    pub fn of(holder: Holder) -> Self {
        let mut holders = Self::default();
        holders.add(holder);
        holders
    }

    /// This one, too.
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

    /// This one no more; whether it was one.
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

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = Holder> {
        let file = self.file.then_some(Holder::File);
        let api = self.api.then_some(Holder::Api);
        let sessions = self.sessions.iter().copied().map(Holder::Session);
        file.into_iter().chain(api).chain(sessions)
    }
}
