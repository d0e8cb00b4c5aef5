//! One change of a name at a time: what is looked up before a change still holds when it is made, and what is stored is in
//! the order of what was done.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use everwire::ConnectionName;
use parking_lot::Mutex;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, oneshot};

/// How long a change waits for those before it.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many changes of one name may wait or be under way.
const MAX_QUEUED: usize = 64;

/// The changes that wait or are under way.
#[derive(Debug, Default)]
pub struct Changes {
    queues: Arc<Queues>,
    /// Written while a reload replaces the rules, read while a change goes by them.
    rules: RwLock<()>,
}

/// What a change concerns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A connection.
    Connection(ConnectionName),
    /// A secret.
    Secret(ConnectionName),
}

/// Other changes of the same name are in the way.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("another change of {0:?} is under way; try again when it is done")]
pub struct Busy(ConnectionName);

impl Changes {
    /// Enters a change into its subject's queue, at once.
    ///
    /// # Errors
    ///
    /// [`Busy`] when the queue is full.
    pub fn enter(&self, subject: Subject) -> Result<Place, Busy> {
        match self.queues.len(&subject) < MAX_QUEUED {
            true => Ok(self.enter_anyway(subject)),
            false => Err(subject.busy()),
        }
    }

    /// The same for a change that must not be refused; whoever uses it enters one per subject.
    pub fn enter_anyway(&self, subject: Subject) -> Place {
        self.queues.enter(subject)
    }

    /// Waits until it is this subject's turn.
    ///
    /// # Errors
    ///
    /// [`Busy`] when those before it take too long, or are too many.
    pub async fn turn(&self, subject: Subject) -> Result<Turn, Busy> {
        self.enter(subject)?.turn().await
    }

    /// Whether a change of this subject waits or is under way.
    pub fn is_busy(&self, subject: &Subject) -> bool {
        self.queues.len(subject) > 0
    }

    /// The rules stay as they are until this is dropped. It is taken after the turn, never before it.
    pub async fn steady(&self) -> RwLockReadGuard<'_, ()> {
        self.rules.read().await
    }

    /// No change goes by the rules until this is dropped: they may be replaced.
    pub async fn replacing(&self) -> RwLockWriteGuard<'_, ()> {
        self.rules.write().await
    }
}

impl Subject {
    fn busy(&self) -> Busy {
        match self {
            Self::Connection(name) | Self::Secret(name) => Busy(name.clone()),
        }
    }
}

/// The queue of each subject that has one.
#[derive(Debug, Default)]
struct Queues(Mutex<HashMap<Subject, VecDeque<Queued>>>);

#[derive(Debug)]
struct Queued {
    ticket: u64,
    /// Told when it is first.
    first: oneshot::Sender<()>,
}

impl Queues {
    fn len(&self, subject: &Subject) -> usize {
        self.0.lock().get(subject).map_or(0, VecDeque::len)
    }

    fn enter(self: &Arc<Self>, subject: Subject) -> Place {
        let (first, is_first) = oneshot::channel();
        let mut queues = self.0.lock();
        let queue = queues.entry(subject.clone()).or_default();
        let ticket = queue.back().map_or(0, |last| last.ticket + 1);
        queue.push_back(Queued { ticket, first });
        wake_first(queue, ticket);
        drop(queues);
        Place {
            is_first,
            turn: Turn {
                queues: Arc::clone(self),
                subject,
                ticket,
            },
        }
    }

    fn leave(&self, subject: &Subject, ticket: u64) {
        let mut queues = self.0.lock();
        let Some(queue) = queues.get_mut(subject) else {
            return;
        };
        queue.retain(|queued| queued.ticket != ticket);
        match queue.front().map(|first| first.ticket) {
            Some(first) => wake_first(queue, first),
            None => {
                queues.remove(subject);
            }
        }
    }
}

/// Tells the first of a queue, if it is this one. Told twice, it hears it once.
fn wake_first(queue: &mut VecDeque<Queued>, ticket: u64) {
    if let Some(first) = queue.front_mut().filter(|first| first.ticket == ticket) {
        let (told, _) = oneshot::channel();
        // Whoever has left leaves the queue next.
        let _left = std::mem::replace(&mut first.first, told).send(());
    }
}

/// A place in a queue; dropping it leaves the queue.
#[derive(Debug)]
pub struct Place {
    is_first: oneshot::Receiver<()>,
    turn: Turn,
}

impl Place {
    /// Waits until all before it are done.
    ///
    /// # Errors
    ///
    /// [`Busy`] when they take too long.
    pub async fn turn(self) -> Result<Turn, Busy> {
        let Self { is_first, turn } = self;
        match tokio::time::timeout(PATIENCE, is_first).await {
            Ok(_first) => Ok(turn),
            Err(_late) => Err(turn.subject.busy()),
        }
    }

    /// The same, however long they take.
    pub async fn turn_at_last(self) -> Turn {
        let Self { is_first, turn } = self;
        // The sender is in the queue for as long as the place is.
        let _first = is_first.await;
        turn
    }
}

/// The right to change a subject; dropping it lets the next one in.
#[derive(Debug)]
pub struct Turn {
    queues: Arc<Queues>,
    subject: Subject,
    ticket: u64,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.queues.leave(&self.subject, self.ticket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(name: &str) -> Subject {
        Subject::Connection(ConnectionName::new(name).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn changes_of_one_name_have_their_turns_in_the_order_in_which_they_came() {
        let changes = Changes::default();
        let first = changes.turn(subject("a")).await.unwrap();
        let [left, second, third] = [(); 3].map(|()| changes.enter(subject("a")).unwrap());
        drop(left);
        let late = third.turn().await;
        assert_eq!(
            late.unwrap_err().to_string().split(';').next(),
            Some(r#"another change of "a" is under way"#)
        );
        drop(first);
        let second = second.turn().await.unwrap();
        assert!(changes.is_busy(&subject("a")));
        drop(second);
        assert!(!changes.is_busy(&subject("a")));
        assert!(changes.queues.0.lock().is_empty(), "nothing is left behind");
    }

    #[tokio::test(start_paused = true)]
    async fn changes_of_different_names_do_not_wait_for_each_other() {
        let changes = Changes::default();
        let _a = changes.turn(subject("a")).await.unwrap();
        let _b = changes.turn(subject("b")).await.unwrap();
        let secret = Subject::Secret(ConnectionName::new("a").unwrap());
        let _secret = changes.turn(secret).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_is_bounded_and_what_must_be_done_enters_it_all_the_same() {
        let changes = Changes::default();
        let mut places: Vec<_> = (0..MAX_QUEUED)
            .map(|_| changes.enter(subject("a")).unwrap())
            .collect();
        assert!(changes.enter(subject("a")).is_err());
        let last = changes.enter_anyway(subject("a"));
        places.clear();
        drop(last.turn_at_last().await);
        assert!(changes.enter(subject("a")).is_ok());
    }
}
