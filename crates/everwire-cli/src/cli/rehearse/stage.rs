//! The shared state of all connections of one run: the name, the fault, and the channel to the run.

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

/// The most waiting commands: each is sent after the previous one was carried out.
const COMMANDS: usize = 4;

/// A name under rehearsal.
pub struct Subject {
    pub name: String,
    /// The settings with short waits.
    pub settings: ConnectionSettings,
    pub dialogue: Arc<Dialogue>,
    pub samples: Samples,
}

/// An event at the peer.
#[derive(Debug)]
pub enum Note {
    /// The name has opened a socket.
    Dialled,
    /// The fault has happened.
    Faulted,
    /// A command is being carried out.
    Obeyed,
    /// A step has its answer.
    Passed(Place),
    /// An answer of this rule was received.
    Answered(usize),
    /// A ping was received.
    Pinged,
    /// The name has sent an unexpected message.
    Unknown,
    /// Too many events: no further ones are reported.
    TooMany,
    /// The peer cannot make this message.
    NotInverted(Place, NotInvertible),
}

/// A command to a socket.
#[derive(Clone, Debug)]
pub enum Command {
    /// Send a message that this rule matches.
    Rule(usize),
    /// Do this.
    Do(What),
    /// Continue: a call of the open script was answered.
    GoOn,
}

/// The state of one run.
pub struct Stage {
    pub subject: Arc<Subject>,
    fault: Cell<Option<Fault>>,
    pub model: RefCell<Model>,
    /// The next step of `prepare`.
    pub prepare_at: Cell<usize>,
    /// The step of the open script whose call the last socket waits for.
    pub calling: Cell<Option<usize>>,
    /// The number of calls since the last socket opened. Calls are numbered like messages.
    pub calls: Cell<u64>,
    notes: mpsc::Sender<Note>,
    /// The recording to play back.
    playback: Option<Arc<Playback>>,
    /// The number of sockets so far.
    opened: Cell<usize>,
    /// The last socket.
    latest: RefCell<Option<mpsc::Sender<Command>>>,
}

impl Stage {
    /// The state for a run with this fault.
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

    /// The same with a recording to play back.
    #[must_use]
    pub fn playing(self, playback: Option<Arc<Playback>>) -> Self {
        Self { playback, ..self }
    }

    /// The actions of the recording for the socket that has just opened.
    pub fn next_acts(&self) -> Option<Vec<Act>> {
        let at = self.opened.replace(self.opened.get() + 1);
        self.playback.as_ref()?.sockets.get(at).cloned()
    }

    /// Makes the answers for the name.
    pub fn answers(&self) -> Answers<'_> {
        Answers {
            dialogue: &self.subject.dialogue,
            samples: &self.subject.samples,
        }
    }

    /// The fault at this place, once.
    pub fn take_fault(&self, place: Place) -> Option<What> {
        let fault = self.fault.get().filter(|fault| fault.place == place)?;
        if let What::AsWritten | What::Recorded = fault.what {
            return None;
        }
        self.fault.set(None);
        Some(fault.what)
    }

    /// Whether this fault is still to happen.
    pub fn awaits(&self, fault: Fault) -> bool {
        self.fault.get() == Some(fault)
    }

    /// Reports an event to the run, which may be over. The last place in the channel is for
    /// [`Note::TooMany`].
    pub fn note(&self, note: Note) {
        let note = match self.notes.capacity() {
            0 | 1 => Note::TooMany,
            _ => note,
        };
        let _over_or_told = self.notes.try_send(note);
    }

    /// Records a new socket.
    pub fn open(&self) -> mpsc::Receiver<Command> {
        self.calling.set(None);
        self.calls.set(0);
        let (sender, receiver) = mpsc::channel(COMMANDS);
        self.latest.replace(Some(sender));
        receiver
    }

    /// Sends a command to the last socket. Returns whether there is one.
    pub fn command(&self, command: Command) -> bool {
        let latest = self.latest.borrow();
        latest
            .as_ref()
            .is_some_and(|latest| latest.try_send(command).is_ok())
    }

    /// Records that the call of the open script was answered that the last socket waits for.
    pub fn called(&self) {
        self.calling.set(None);
        self.command(Command::GoOn);
    }
}
