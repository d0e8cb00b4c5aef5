//! One run, as it is seen: what the name tells of itself, and what the peer has seen of it.

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

/// So long nothing must happen to a name that is back.
const QUIET: Duration = Duration::from_millis(400);
/// More sockets are not asked for in a run: the first, one for what goes wrong, and two more for what that may bring along.
const DIALS: usize = 4;

/// What was seen so far.
#[derive(Debug, Default)]
pub struct Seen {
    /// Whether the name is ready.
    pub ready: bool,
    /// Whether it ever was.
    pub was_ready: bool,
    /// Sockets that were asked for.
    pub dials: usize,
    /// Why the name has given up.
    pub failed: Option<String>,
    /// Why it was last lost, or what last went wrong.
    pub last: Option<String>,
    /// Whether what was to go wrong has gone wrong.
    pub faulted: bool,
    /// How many commands the peer has obeyed.
    pub obeyed: usize,
    /// The steps that have their answers.
    pub passed: HashSet<Place>,
    /// The rules whose answers have come.
    pub answered: HashSet<usize>,
    /// The rules that have matched.
    pub ruled: HashSet<usize>,
    /// Pings that have come.
    pub pinged: usize,
    /// Whether the name has said something that nobody expects.
    pub unknown: bool,
    /// What the dialogue has decided.
    pub decisions: Vec<String>,
    /// How often something has changed for the name.
    changes: usize,
    /// How many sockets had ended.
    pub closed: usize,
}

/// A run that is watched.
pub struct Watching {
    pub seen: Seen,
    events: Events,
    watch: Watch,
    notes: mpsc::Receiver<Note>,
    planted: Vec<Planted>,
    until: Instant,
    /// More sockets are not asked for.
    dials: usize,
}

impl Watching {
    /// Up to this time at most.
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

    /// The same, where so many sockets more are asked for.
    #[must_use]
    pub fn with_dials(self, more: usize) -> Self {
        Self {
            dials: DIALS + more,
            ..self
        }
    }

    /// Waits for this. A name that gives up meanwhile, or asks for too many sockets, is in trouble.
    ///
    /// # Errors
    ///
    /// The trouble that comes first.
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

    /// Waits until the name is ready, and stays so.
    ///
    /// # Errors
    ///
    /// The trouble that comes first.
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

    /// Looks at what has happened by now, and waits for nothing.
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

    /// What happens next.
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
