//! One change of a name at a time: what was checked before a change still holds when it is made,
//! and the store has the changes in their order.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use everwire::ConnectionName;
use parking_lot::Mutex;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, oneshot};

/// How long a change waits for earlier ones.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most changes of one name that may wait or run.
const MAX_QUEUED: usize = 64;

/// The waiting and the running changes.
#[derive(Debug, Default)]
pub struct Changes {
    queues: Arc<Queues>,
    /// Locked for writing while a reload replaces the rules, and for reading during a change.
    rules: RwLock<()>,
}

/// The subject of a change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A connection.
    Connection(ConnectionName),
    /// A secret.
    Secret(ConnectionName),
}

/// Too many changes of the same name wait, or they take too long.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("another change of {0:?} is under way; try again when it is done")]
pub struct Busy(ConnectionName);

impl Changes {
    /// Puts a change into the queue of its subject at once.
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

    /// The same for a change that must not be refused. The caller enters one per subject.
    pub fn enter_anyway(&self, subject: Subject) -> Place {
        self.queues.enter(subject)
    }

    /// Waits for the turn of a change.
    ///
    /// # Errors
    ///
    /// [`Busy`] if earlier changes take too long or are too many.
    pub async fn turn(&self, subject: Subject) -> Result<Turn, Busy> {
        self.enter(subject)?.turn().await
    }

    /// Whether a change of this subject waits or runs.
    pub fn is_busy(&self, subject: &Subject) -> bool {
        self.queues.len(subject) > 0
    }

    /// Keeps the rules unchanged until the guard is dropped. Take it after the turn, never before.
    pub async fn steady(&self) -> RwLockReadGuard<'_, ()> {
        self.rules.read().await
    }

    /// Keeps changes waiting until the guard is dropped, so that the rules may be replaced.
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

/// The non-empty queues, by subject.
#[derive(Debug, Default)]
struct Queues(Mutex<HashMap<Subject, VecDeque<Queued>>>);

#[derive(Debug)]
struct Queued {
    ticket: u64,
    /// Notified when the change is first.
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

/// Notifies the first of a queue if it has this ticket. A second notice has no effect.
fn wake_first(queue: &mut VecDeque<Queued>, ticket: u64) {
    if let Some(first) = queue.front_mut().filter(|first| first.ticket == ticket) {
        let (told, _) = oneshot::channel();
        // A dropped receiver leaves the queue next.
        let _left = std::mem::replace(&mut first.first, told).send(());
    }
}

/// A place in a queue. Dropping it leaves the queue.
#[derive(Debug)]
pub struct Place {
    is_first: oneshot::Receiver<()>,
    turn: Turn,
}

impl Place {
    /// Waits until all earlier changes are done.
    ///
    /// # Errors
    ///
    /// [`Busy`] if they take too long.
    pub async fn turn(self) -> Result<Turn, Busy> {
        let Self { is_first, turn } = self;
        match tokio::time::timeout(PATIENCE, is_first).await {
            Ok(_first) => Ok(turn),
            Err(_late) => Err(turn.subject.busy()),
        }
    }

    /// The same without a time limit.
    pub async fn turn_at_last(self) -> Turn {
        let Self { is_first, turn } = self;
        // The sender is in the queue while the place exists.
        let _first = is_first.await;
        turn
    }
}

/// The right to change a subject. Dropping it lets the next change in.
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
