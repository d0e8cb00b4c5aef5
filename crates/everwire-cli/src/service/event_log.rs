//! The log of what happens to connections. It is written on its own thread, so that a slow terminal
//! or pipe blocks no name.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use everwire::{
    Manager, Pattern, Update,
    hub::{Kinds, SubscriptionGuard},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{
    log_line::{self, MessageLine},
    log_shares::LogShares,
    tenants::Tenants,
};

/// The most lines that may wait. Further lines are dropped and counted.
const WAITING: usize = 8192;

/// The part of these for names of tokens that do not reach all names.
const FOR_TENANTS: usize = 4096;

/// How long the end of the process may wait for the last lines.
const LAST_LINES: Duration = Duration::from_millis(250);

/// Writes a line for each update of a manager.
///
/// It uses a callback, not a stream. Messages are skipped (or cut short) early, so that they do not
/// take room from the events that say why a name is down.
pub struct EventLog {
    _subscription: SubscriptionGuard,
    lines: mpsc::Sender<Line>,
    done: oneshot::Receiver<()>,
}

enum Line {
    Update(Update),
    Message(MessageLine),
    End,
}

impl EventLog {
    /// Logs all names. With `messages`, each message is a line, too.
    ///
    /// # Errors
    ///
    /// An error of the operating system if it cannot create a thread.
    pub fn start(manager: &Manager, tenants: Tenants, messages: bool) -> io::Result<Self> {
        let (lines, waiting) = mpsc::channel(WAITING);
        let (ended, done) = oneshot::channel();
        let dropped = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&dropped);
        let shares = Arc::<LogShares>::default();
        let shared = Arc::clone(&shares);
        thread::Builder::new()
            .name("everwire-log".to_owned())
            .spawn(move || {
                write(waiting, &counted, &shared);
                // The receiver may have stopped waiting.
                let _unheard = ended.send(());
            })?;
        let sink = LineSink {
            lines: lines.clone(),
            shares,
            tenants,
            dropped,
        };
        let kinds = match messages {
            true => Kinds::default(),
            false => Kinds::default().without("message"),
        };
        let subscription = manager.on_event_of(Pattern::all(), kinds, move |update| {
            sink.take(update);
        });
        Ok(Self {
            _subscription: subscription.uncounted(),
            lines,
            done,
        })
    }

    /// Writes the waiting lines, with a short time limit.
    pub async fn finish(self) {
        let last = async {
            if self.lines.send(Line::End).await.is_ok() {
                // The writer has ended, so its lines are gone.
                let _gone = self.done.await;
            }
        };
        // If nobody reads our output, the last lines do not matter.
        let _unread = timeout(LAST_LINES, last).await;
    }
}

/// The input of the log.
struct LineSink {
    lines: mpsc::Sender<Line>,
    shares: Arc<LogShares>,
    tenants: Tenants,
    dropped: Arc<AtomicU64>,
}

impl LineSink {
    fn take(&self, update: &Update) {
        let line = line(update);
        let tenant = update.name().and_then(|name| self.tenants.of(name));
        let Some(tenant) = tenant else {
            return self.put(line);
        };
        let has_room = self.lines.capacity() > WAITING - FOR_TENANTS;
        if self.shares.take(&tenant, has_room, Instant::now()) {
            self.put(line);
        }
    }

    fn put(&self, line: Line) {
        if self.lines.try_send(line).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn line(update: &Update) -> Line {
    match update.message() {
        Some((stamp, message)) => Line::Message(MessageLine::new(stamp, message)),
        None => Line::Update(update.clone()),
    }
}

fn write(mut waiting: mpsc::Receiver<Line>, dropped: &AtomicU64, shares: &LogShares) {
    while let Some(line) = waiting.blocking_recv() {
        match line {
            Line::Update(update) => log_line::update(&update),
            Line::Message(message) => message.log(),
            Line::End => return,
        }
        let missed = dropped.swap(0, Ordering::Relaxed);
        if missed > 0 {
            tracing::warn!(missed, "the log is too slow: lines were dropped");
        }
        for (owner, lines) in shares.left_out(Instant::now()) {
            tracing::warn!(
                %owner,
                lines,
                "lines about the names of this token were left out: the token has used up its share"
            );
        }
    }
}
