//! State that few conversations have.

use super::work::Work;
use crate::{connection::state::watching::Watching, core::Cursor, transport::Generation};

/// State that few conversations have. Boxed, and absent while empty: a ready name may be silent for
/// days.
#[derive(Default)]
pub(in crate::connection::state) struct Seldom(Option<Box<Parts>>);

#[derive(Default)]
struct Parts {
    /// Whether its socket was dialled at a URL that the peer has named.
    is_handover: bool,
    /// The shared values that its dial used.
    shared: Option<Generation>,
    /// Its watcher.
    watching: Option<Watching>,
    /// Work that is done elsewhere for it.
    work: Option<Work>,
    /// The version of the callers' wishes that it knows.
    wishes: u64,
    /// Messages after this place of the history are answered once they are stored, and have no
    /// place yet.
    unplaced_behind: Cursor,
}

impl Parts {
    fn is_empty(&self) -> bool {
        let Self {
            is_handover,
            shared,
            watching,
            work,
            wishes,
            unplaced_behind,
        } = self;
        let has_nothing = shared.is_none() && watching.is_none() && work.is_none();
        let is_usual = !is_handover && *wishes == 0 && *unplaced_behind == Cursor::default();
        has_nothing && is_usual
    }
}

impl Seldom {
    /// Changes a value. Allocates nothing for an absent one, and frees the box when all are absent.
    fn set<T>(&mut self, value: T, is_absent: bool, place: impl FnOnce(&mut Parts) -> &mut T) {
        if self.0.is_none() && is_absent {
            return;
        }
        *place(self.0.get_or_insert_default()) = value;
        self.tidy();
    }

    fn tidy(&mut self) {
        self.0.take_if(|parts| parts.is_empty());
    }

    /// Whether its socket was dialled at a URL that the peer has named.
    pub fn is_handover(&self) -> bool {
        self.0.as_ref().is_some_and(|parts| parts.is_handover)
    }

    pub fn set_handover(&mut self, is_handover: bool) {
        self.set(is_handover, !is_handover, |parts| &mut parts.is_handover);
    }

    /// The shared values that its dial used.
    pub fn shared(&self) -> Option<&Generation> {
        self.0.as_ref()?.shared.as_ref()
    }

    pub fn set_shared(&mut self, shared: Option<Generation>) {
        let is_absent = shared.is_none();
        self.set(shared, is_absent, |parts| &mut parts.shared);
    }

    /// The watcher.
    pub fn watching(&self) -> Option<&Watching> {
        self.0.as_ref()?.watching.as_ref()
    }

    /// The watcher, mutable.
    pub fn watching_mut(&mut self) -> Option<&mut Watching> {
        self.0.as_mut()?.watching.as_mut()
    }

    pub fn set_watching(&mut self, watching: Option<Watching>) {
        let is_absent = watching.is_none();
        self.set(watching, is_absent, |parts| &mut parts.watching);
    }

    pub fn take_watching(&mut self) -> Option<Watching> {
        let watching = self.0.as_mut()?.watching.take();
        self.tidy();
        watching
    }

    /// The work that is done elsewhere for it.
    pub fn work_mut(&mut self) -> Option<&mut Work> {
        self.0.as_mut()?.work.as_mut()
    }

    /// The same, for adding work.
    pub fn more_work(&mut self) -> &mut Work {
        let parts = self.0.get_or_insert_default();
        parts.work.get_or_insert_default()
    }

    pub fn has_work(&self) -> bool {
        self.0.as_ref().is_some_and(|parts| parts.work.is_some())
    }

    pub fn set_work(&mut self, work: Option<Work>) {
        let is_absent = work.is_none();
        self.set(work, is_absent, |parts| &mut parts.work);
    }

    /// The version of the callers' wishes that it knows.
    pub fn wishes(&self) -> u64 {
        self.0.as_ref().map_or(0, |parts| parts.wishes)
    }

    pub fn set_wishes(&mut self, version: u64) {
        self.set(version, version == 0, |parts| &mut parts.wishes);
    }

    /// Messages after this place of the history are answered once they are stored, and have no
    /// place yet.
    pub fn unplaced_behind(&self) -> Cursor {
        let parts = self.0.as_ref();
        parts.map(|parts| parts.unplaced_behind).unwrap_or_default()
    }

    pub fn set_unplaced_behind(&mut self, cursor: Cursor) {
        let is_absent = cursor == Cursor::default();
        self.set(cursor, is_absent, |parts| &mut parts.unplaced_behind);
    }
}
