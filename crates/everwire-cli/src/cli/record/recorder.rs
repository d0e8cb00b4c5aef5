//! Writes events into a recording.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    io::{self, BufWriter, Write as _},
    time::Duration,
};

use everwire::{
    EventKind, Events, Handle, Message, Update,
    connection::{Watch, Watched},
    core::CloseBy,
    dialogue::Happening,
};
use futures::StreamExt as _;
use jiff::Timestamp;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::masking::Masking;
use crate::cli::{
    recording::{Entry, Line, VERSION},
    signals::Signals,
    words,
};

/// Events and happenings arrive on two channels. They are written after this delay, so that they
/// can be sorted by time.
const LATE: Duration = Duration::from_millis(500);
/// How often waiting lines are checked.
const LOOK: Duration = Duration::from_millis(100);
/// The close code for a missing close frame (RFC 6455 §7.4.1).
const NO_CLOSE: u16 = 1006;

/// The writer of a recording.
pub struct Recorder<'d> {
    out: BufWriter<File>,
    began: Timestamp,
    masking: Masking<'d>,
    /// The lines that are not written yet, by time. With equal times, the start of a socket is
    /// first and its end is last.
    waiting: BTreeMap<(Timestamp, u8, u64), Waiting>,
    /// The number of lines so far.
    count: u64,
    /// Whether the last happening was on the socket of a rotation.
    is_successor: bool,
    /// Delivered messages whose lines are not written yet.
    messages: VecDeque<Message>,
    /// The number of written lines.
    pub lines: u64,
    /// Why the name has given up.
    pub failed: Option<String>,
}

/// A line that is not written yet.
enum Waiting {
    Entry(Entry),
    /// A message: its start without secrets, its length, and whether subscribers received it.
    Message(String, usize, bool),
}

impl Waiting {
    /// Orders lines with equal times, since events and happenings arrive on two channels.
    fn rank(&self) -> u8 {
        match self {
            Self::Entry(Entry::Opened) => 0,
            Self::Entry(Entry::Closed { .. } | Entry::Failed { .. }) => 2,
            Self::Entry(_) | Self::Message(..) => 1,
        }
    }
}

impl<'d> Recorder<'d> {
    /// Writes the first line.
    ///
    /// # Errors
    ///
    /// An error of the file.
    pub fn begin(file: File, name: &str, masking: Masking<'d>) -> io::Result<Self> {
        let mut recorder = Self {
            out: BufWriter::new(file),
            began: Timestamp::now(),
            masking,
            waiting: BTreeMap::new(),
            count: 0,
            is_successor: false,
            messages: VecDeque::new(),
            lines: 0,
            failed: None,
        };
        let name = name.to_owned();
        let version = VERSION;
        recorder.write(recorder.began, Entry::Recording { version, name })?;
        Ok(recorder)
    }

    /// Records until a signal, the end of the time, or the name's failure.
    ///
    /// # Errors
    ///
    /// An error of the file.
    pub async fn record(
        &mut self,
        handle: &Handle,
        mut events: Events,
        mut watch: Watch,
        signals: &mut Signals,
        end: Option<Instant>,
    ) -> io::Result<()> {
        handle.connect(None).await.map_err(io::Error::other)?;
        while self.failed.is_none() {
            tokio::select! {
                Some(watched) = watch.next() => self.watched(watched),
                Some(update) = events.next() => self.update(&update),
                _signal = signals.next() => break,
                () = until(end), if end.is_some() => break,
                () = sleep(LOOK) => {}
            }
            self.write_until(Timestamp::now() - LATE)?;
        }
        // Takes all happenings so far.
        while let Ok(Some(watched)) = timeout(Duration::ZERO, watch.next()).await {
            self.watched(watched);
        }
        while let Ok(Some(update)) = timeout(Duration::ZERO, events.next()).await {
            self.update(&update);
        }
        self.write_until(Timestamp::MAX)?;
        self.out.flush()
    }

    fn watched(&mut self, watched: Watched) {
        let at = watched.at;
        if watched.missed > 0 {
            let lines = watched.missed;
            self.put(at, Waiting::Entry(Entry::Missed { lines }));
        }
        // A new socket of a rotation is reported when it is in use, but it receives messages
        // before.
        let has_begun = watched.successor && !self.is_successor;
        self.is_successor = watched.successor;
        if has_begun {
            self.put(at, Waiting::Entry(Entry::Opened));
        }
        match watched.happening {
            Happening::Came {
                text,
                bytes,
                delivered,
            } => self.put(at, Waiting::Message(text, bytes, delivered)),
            other => {
                if let Some(entry) = Entry::of(&other) {
                    self.put(at, Waiting::Entry(entry));
                }
            }
        }
    }

    fn update(&mut self, update: &Update) {
        let Some(event) = update.event() else {
            return;
        };
        let entry = match &event.kind {
            EventKind::Message(message) => {
                self.messages.push_back(message.clone());
                return;
            }
            EventKind::Opened(_) => Entry::Opened,
            EventKind::Ready => Entry::Ready,
            EventKind::Closed(report) => Entry::Closed {
                code: (report.code != NO_CLOSE).then_some(report.code),
                by_peer: report.by == CloseBy::Peer,
            },
            EventKind::Failed(failed) => {
                let cause = failed.cause.to_string();
                self.failed = Some(cause.clone());
                Entry::Failed { cause }
            }
            _ => return,
        };
        self.put(event.stamp.at, Waiting::Entry(entry));
    }

    fn put(&mut self, at: Timestamp, waiting: Waiting) {
        self.count += 1;
        self.waiting
            .insert((at, waiting.rank(), self.count), waiting);
    }

    /// Writes all lines up to this time.
    fn write_until(&mut self, until: Timestamp) -> io::Result<()> {
        while let Some(first) = self.waiting.first_entry()
            && first.key().0 <= until
        {
            let ((at, ..), waiting) = first.remove_entry();
            let entry = match waiting {
                Waiting::Entry(entry) => entry,
                Waiting::Message(text, bytes, delivered) => self.came(text, bytes, delivered),
            };
            self.write(at, entry)?;
        }
        Ok(())
    }

    /// The line of a message: complete if all of it is known and nothing in it is secret.
    fn came(&mut self, shown: String, bytes: usize, delivered: bool) -> Entry {
        let message = match delivered {
            true => self.delivered(bytes),
            false => None,
        };
        // The conversation has masked the shown text; it knows all secrets.
        let may_be_whole = self.masking.knows_all() && !shown.contains("***");
        let text = match message.as_ref().and_then(Message::as_text) {
            Some(text) if may_be_whole => text.to_owned(),
            _ => shown,
        };
        let (text, is_masked) = self.masking.mask(&text);
        let whole = text.len() == bytes && !is_masked;
        Entry::Came { text, bytes, whole }
    }

    /// The next delivered message with this length. Some before it may have been missed.
    fn delivered(&mut self, bytes: usize) -> Option<Message> {
        let mut messages = self.messages.iter();
        let at = messages.position(|message| message.len() == bytes)?;
        self.messages.drain(..=at).next_back()
    }

    fn write(&mut self, at: Timestamp, entry: Entry) -> io::Result<()> {
        let after = words::between(self.began, at);
        let after_ms = (after.as_secs_f64() * 1e6).round() / 1e3;
        serde_json::to_writer(&mut self.out, &Line { after_ms, entry })?;
        self.out.write_all(b"\n")?;
        self.lines += 1;
        Ok(())
    }
}

async fn until(time: Option<Instant>) {
    if let Some(time) = time {
        sleep_until(time).await;
    }
}
