//! Observes a run: the events of the name, and those of the peer.

use std::{collections::HashSet, time::Duration};

use everwire::{EventKind, Events, Update, connection::Watch, dialogue::Happening};
use futures::StreamExt as _;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};

use super::{
    fault::Place,
    outcome::Trouble,
    placeholders::Planted,
    secrets::{self, Leak},
    stage::Note,
};
use crate::cli::recording::Entry;

/// How long nothing may happen to a name that is up again.
const QUIET: Duration = Duration::from_millis(400);
/// The most sockets of a run: the first, one for the fault, and two more for its consequences.
const DIALS: usize = 4;

/// The observations so far.
#[derive(Debug, Default)]
pub struct Seen {
    /// Whether the name is ready.
    pub ready: bool,
    /// Whether it was ever ready.
    pub was_ready: bool,
    /// The number of sockets.
    pub dials: usize,
    /// Why the name has given up.
    pub failed: Option<String>,
    /// The cause of its last loss, or the last error.
    pub last: Option<String>,
    /// Whether the fault has happened.
    pub faulted: bool,
    /// The number of commands that the peer has carried out.
    pub obeyed: usize,
    /// The steps that have their answers.
    pub passed: HashSet<Place>,
    /// The rules whose answers were received.
    pub answered: HashSet<usize>,
    /// The rules that have matched.
    pub ruled: HashSet<usize>,
    /// The number of received pings.
    pub pinged: usize,
    /// Whether the name has sent an unexpected message.
    pub unknown: bool,
    /// The decisions of the dialogue.
    pub decisions: Vec<String>,
    /// The number of state changes of the name.
    changes: usize,
    /// The number of ended sockets.
    pub closed: usize,
}

/// A run under observation.
pub struct Watching {
    pub seen: Seen,
    events: Events,
    watch: Watch,
    notes: mpsc::Receiver<Note>,
    planted: Vec<Planted>,
    until: Instant,
    /// The limit for the number of sockets.
    dials: usize,
}

impl Watching {
    /// Observes up to this time at most.
    pub fn new(
        events: Events,
        watch: Watch,
        notes: mpsc::Receiver<Note>,
        planted: Vec<Planted>,
        until: Instant,
    ) -> Self {
        Self {
            seen: Seen::default(),
            events,
            watch,
            notes,
            planted,
            until,
            dials: DIALS,
        }
    }

    /// The same, with more sockets allowed.
    #[must_use]
    pub fn with_dials(self, more: usize) -> Self {
        Self {
            dials: DIALS + more,
            ..self
        }
    }

    /// Waits for this. Fails if the name gives up meanwhile, or opens too many sockets.
    ///
    /// # Errors
    ///
    /// The first trouble.
    pub async fn until(
        &mut self,
        what: &str,
        is_so: impl Fn(&Seen) -> bool,
    ) -> Result<(), Trouble> {
        while !is_so(&self.seen) {
            if let Some(cause) = &self.seen.failed {
                return Err(Trouble::GaveUp(cause.clone()));
            }
            if self.seen.dials > self.dials {
                let last = self.seen.last.clone().unwrap_or_default();
                return Err(match self.seen.was_ready {
                    true => Trouble::Spins(self.seen.dials, last),
                    false => Trouble::NeverReady(self.seen.dials, last),
                });
            }
            self.next(what).await?;
        }
        Ok(())
    }

    /// Waits until the name is ready and stays ready.
    ///
    /// # Errors
    ///
    /// The first trouble.
    pub async fn steady(&mut self) -> Result<(), Trouble> {
        loop {
            self.until("the name to be ready", |seen| seen.ready)
                .await?;
            let before = self.seen.changes;
            let changed = self.until("", |seen| seen.changes != before);
            match timeout(QUIET, changed).await {
                Err(_) => return Ok(()),
                Ok(changed) => changed?,
            }
        }
    }

    /// Checks all events so far, without waiting.
    ///
    /// # Errors
    ///
    /// A secret that was shown.
    pub async fn rest(&mut self) -> Result<(), Trouble> {
        while let Ok(next) = timeout(Duration::ZERO, self.next("")).await {
            next?;
        }
        Ok(())
    }

    /// Handles the next event.
    async fn next(&mut self, what: &str) -> Result<(), Trouble> {
        let next = async {
            tokio::select! {
                biased;
                Some(note) = self.notes.recv() => Next::Note(note),
                Some(update) = self.events.next() => Next::Update(Box::new(update)),
                Some(watched) = self.watch.next() => Next::Happening(Box::new(watched.happening)),
            }
        };
        match timeout_at(self.until, next).await {
            Ok(Next::Note(note)) => self.seen.note(note),
            Ok(Next::Update(update)) => {
                self.seen.update(&update);
                match secrets::in_event(&update, &self.planted) {
                    Some(Leak { what, place }) => Err(Trouble::Shows(what, place)),
                    None => Ok(()),
                }
            }
            Ok(Next::Happening(happening)) => {
                self.seen.happening(&happening);
                let shown = happening.to_string();
                match secrets::in_text(&shown, "`dial --steps`", &self.planted) {
                    Some(Leak { what, place }) => Err(Trouble::Shows(what, place)),
                    None => Ok(()),
                }
            }
            Err(_) => {
                let last = self.seen.last.clone().unwrap_or_default();
                Err(Trouble::Hangs(what.to_owned(), last))
            }
        }
    }
}

enum Next {
    Note(Note),
    Update(Box<Update>),
    Happening(Box<Happening>),
}

impl Seen {
    fn note(&mut self, note: Note) -> Result<(), Trouble> {
        match note {
            Note::Dialled => {
                self.dials += 1;
                self.changes += 1;
            }
            Note::Faulted => self.faulted = true,
            Note::Obeyed => self.obeyed += 1,
            Note::Passed(place) => drop(self.passed.insert(place)),
            Note::Answered(rule) => drop(self.answered.insert(rule)),
            Note::Pinged => self.pinged += 1,
            Note::Unknown => self.unknown = true,
            Note::TooMany => {
                let last = self.last.clone().unwrap_or_default();
                return Err(Trouble::Spins(self.dials, last));
            }
            Note::NotInverted(place, reason) => return Err(Trouble::NotInverted(place, reason)),
        }
        Ok(())
    }

    fn happening(&mut self, happening: &Happening) {
        let decision = Entry::of(happening).and_then(|entry| entry.decision());
        self.decisions.extend(decision);
        if let Happening::Ruled { rule, .. } = happening {
            self.ruled.insert(rule.saturating_sub(1));
        }
    }

    fn update(&mut self, update: &Update) {
        let Some(kind) = update.kind() else {
            return;
        };
        match kind {
            EventKind::Message(_) | EventKind::Sent(_) | EventKind::Gap(_) => return,
            EventKind::Ready => (self.ready, self.was_ready) = (true, true),
            EventKind::Rotated(_) => self.ready = true,
            EventKind::Closed(_) => {
                self.ready = false;
                self.closed += 1;
            }
            EventKind::Connecting(_) => {}
            EventKind::Retrying(retrying) => {
                self.ready = false;
                self.last = Some(retrying.cause.to_string());
            }
            EventKind::Failed(failed) => {
                self.ready = false;
                self.failed = Some(failed.cause.to_string());
            }
            EventKind::Error(error) => {
                self.last = Some(error.cause.to_string());
                return;
            }
            _ => return,
        }
        self.changes += 1;
    }
}
