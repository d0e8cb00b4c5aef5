//! Who wants one subscription.

use super::holder::Holder;

/// Who wants one subscription. Nothing is allocated for settings and callers of the API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holders {
    file: bool,
    api: bool,
    sessions: Vec<u64>,
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
            Holder::Session(session) if self.sessions.contains(&session) => {}
            Holder::Session(session) => self.sessions.push(session),
        }
    }

    /// This one no more; whether it was one.
    pub fn remove(&mut self, holder: Holder) -> bool {
        match holder {
            Holder::File => std::mem::take(&mut self.file),
            Holder::Api => std::mem::take(&mut self.api),
            Holder::Session(session) => {
                let at = self.sessions.iter().position(|known| *known == session);
                at.map(|at| self.sessions.swap_remove(at)).is_some()
            }
        }
    }

    /// Whether it is one of them.
    pub fn has(&self, holder: Holder) -> bool {
        match holder {
            Holder::File => self.file,
            Holder::Api => self.api,
            Holder::Session(session) => self.sessions.contains(&session),
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
        let mut sessions = self.sessions.clone();
        sessions.sort_unstable();
        let sessions = sessions.into_iter().map(Holder::Session);
        file.into_iter().chain(api).chain(sessions)
    }
}
