//! Whether a name stays, and who waits for its end.

use tokio::sync::oneshot;

/// Whether the name stays.
#[derive(Default)]
pub(in crate::connection) enum Ending {
    /// Exits to `Drains`, `Leaves` and `Abandoned`.
    #[default]
    Stays,
    /// The socket is being closed, and the name stays. Exits to `Leaves` and `Abandoned`, and to
    /// `Stays` when it is closed.
    Drains(Box<Waiting>),
    /// The socket is being closed; then the name is gone. Exits to `Gone` and `Abandoned`.
    Leaves(Box<Waiting>),
    /// Another node holds the name: its sockets are reset, and then it is gone. Exits to `Gone`.
    Abandoned(Box<Waiting>),
    Gone,
}

/// Those who wait for the end of a name.
#[derive(Default)]
pub(in crate::connection) struct Waiting(Vec<oneshot::Sender<()>>);

impl Ending {
    /// Whether the name stays.
    pub fn stays(&self) -> bool {
        matches!(self, Self::Stays)
    }

    /// Whether the name is gone.
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Gone)
    }

    /// Whether another node holds the name.
    pub fn is_abandoned(&self) -> bool {
        matches!(self, Self::Abandoned(_))
    }

    /// Whether somebody waits for the end.
    pub fn is_awaited(&self) -> bool {
        matches!(self, Self::Drains(_) | Self::Leaves(_))
    }

    /// Closes the socket, and reports to `done` then; `false` if the name is gone.
    pub fn drain(&mut self, done: oneshot::Sender<()>) -> bool {
        match self {
            Self::Stays => *self = Self::Drains(Box::new(Waiting(vec![done]))),
            Self::Drains(waiting) | Self::Leaves(waiting) | Self::Abandoned(waiting) => {
                waiting.0.push(done);
            }
            Self::Gone => return false,
        }
        true
    }

    /// Removes the name, and reports to `done` then; `false` if it is gone.
    pub fn leave(&mut self, done: oneshot::Sender<()>) -> bool {
        let mut waiting = match std::mem::take(self) {
            Self::Stays => Box::default(),
            Self::Drains(waiting) | Self::Leaves(waiting) => waiting,
            // It is gone as soon as its driver has a turn.
            Self::Abandoned(mut waiting) => {
                waiting.0.push(done);
                *self = Self::Abandoned(waiting);
                return false;
            }
            Self::Gone => {
                *self = Self::Gone;
                return false;
            }
        };
        waiting.0.push(done);
        *self = Self::Leaves(waiting);
        true
    }

    /// Forgets the name at once, and reports to `done` then; `false` if it is gone.
    pub fn abandon(&mut self, done: oneshot::Sender<()>) -> bool {
        let mut waiting = match std::mem::take(self) {
            Self::Stays => Box::default(),
            Self::Drains(waiting) | Self::Leaves(waiting) | Self::Abandoned(waiting) => waiting,
            Self::Gone => {
                *self = Self::Gone;
                return false;
            }
        };
        waiting.0.push(done);
        *self = Self::Abandoned(waiting);
        true
    }
}

impl Waiting {
    /// Reports to all of them.
    pub fn answer(self) {
        for sender in self.0 {
            // The receiver has stopped waiting.
            let _gone = sender.send(());
        }
    }
}
