//! What all connections of one run have in common: whom they talk to, what is to go wrong, and who is told.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

use everwire::{ConnectionSettings, dialogue::Dialogue, language::NotInvertible};
use tokio::sync::mpsc;

use super::{
    answers::Answers,
    fault::{Fault, Place, What},
    model::Model,
    playback::{Act, Playback},
    samples::Samples,
};

/// Commands that may wait: each is given when the one before was obeyed.
const COMMANDS: usize = 4;

/// A name that is rehearsed.
pub struct Subject {
    pub name: String,
    /// As they are rehearsed: with short waits.
    pub settings: ConnectionSettings,
    pub dialogue: Arc<Dialogue>,
    pub samples: Samples,
}

/// What has happened at the peer.
#[derive(Debug)]
pub enum Note {
    /// A socket was asked for.
    Dialled,
    /// What was to go wrong at a place has gone wrong.
    Faulted,
    /// A command is being obeyed.
    Obeyed,
    /// A step has its answer.
    Passed(Place),
    /// An answer of this rule has come.
    Answered(usize),
    /// A ping has come.
    Pinged,
    /// The name has said something that nobody expects of it.
    Unknown,
    /// More has happened than is ever looked at: nothing is told from now on.
    TooMany,
    /// There is no message for this.
    NotInverted(Place, NotInvertible),
}

/// What a socket is told to do.
#[derive(Clone, Debug)]
pub enum Command {
    /// Say what this rule matches.
    Rule(usize),
    /// Do this.
    Do(What),
    /// Go on: a call of the open script was answered.
    GoOn,
}

/// One run, as its connections see it.
pub struct Stage {
    pub subject: Arc<Subject>,
    fault: Cell<Option<Fault>>,
    pub model: RefCell<Model>,
    /// The next step of `prepare`.
    pub prepare_at: Cell<usize>,
    /// The step of the open script whose call the last socket waits for.
    pub calling: Cell<Option<usize>>,
    /// How many calls there were since it has opened: each has a number, as its messages have.
    pub calls: Cell<u64>,
    notes: mpsc::Sender<Note>,
    /// What is played back.
    playback: Option<Arc<Playback>>,
    /// How many sockets have opened.
    opened: Cell<usize>,
    /// The last socket that has opened.
    latest: RefCell<Option<mpsc::Sender<Command>>>,
}

impl Stage {
    /// For a run in which this goes wrong.
    pub fn new(
        subject: Arc<Subject>,
        fault: Fault,
        model: Model,
        notes: mpsc::Sender<Note>,
    ) -> Self {
        Self {
            subject,
            fault: Cell::new(Some(fault)),
            model: RefCell::new(model),
            prepare_at: Cell::new(0),
            calling: Cell::new(None),
            calls: Cell::new(0),
            notes,
            playback: None,
            opened: Cell::new(0),
            latest: RefCell::new(None),
        }
    }

    /// The same, where a recording is played back.
    #[must_use]
    pub fn playing(self, playback: Option<Arc<Playback>>) -> Self {
        Self { playback, ..self }
    }

    /// What is played back on the socket that has opened now.
    pub fn next_acts(&self) -> Option<Vec<Act>> {
        let at = self.opened.replace(self.opened.get() + 1);
        self.playback.as_ref()?.sockets.get(at).cloned()
    }

    /// What is said to the name.
    pub fn answers(&self) -> Answers<'_> {
        Answers {
            dialogue: &self.subject.dialogue,
            samples: &self.subject.samples,
        }
    }

    /// What goes wrong at this place, once.
    pub fn take_fault(&self, place: Place) -> Option<What> {
        let fault = self.fault.get().filter(|fault| fault.place == place)?;
        if let What::AsWritten | What::Recorded = fault.what {
            return None;
        }
        self.fault.set(None);
        Some(fault.what)
    }

    /// Whether this is to go wrong here.
    pub fn awaits(&self, fault: Fault) -> bool {
        self.fault.get() == Some(fault)
    }

    /// Tells the run, which may be over. The last place is for the word that there is none.
    pub fn note(&self, note: Note) {
        let note = match self.notes.capacity() {
            0 | 1 => Note::TooMany,
            _ => note,
        };
        let _over_or_told = self.notes.try_send(note);
    }

    /// A socket has opened.
    pub fn open(&self) -> mpsc::Receiver<Command> {
        self.calling.set(None);
        self.calls.set(0);
        let (sender, receiver) = mpsc::channel(COMMANDS);
        self.latest.replace(Some(sender));
        receiver
    }

    /// Tells the last socket that has opened; whether there is one.
    pub fn command(&self, command: Command) -> bool {
        let latest = self.latest.borrow();
        latest
            .as_ref()
            .is_some_and(|latest| latest.try_send(command).is_ok())
    }

    /// The call of the open script was answered that the last socket waits for.
    pub fn called(&self) {
        self.calling.set(None);
        self.command(Command::GoOn);
    }
}
