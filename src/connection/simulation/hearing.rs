//! The events that one reader received, and a check that they are the promised ones.

use std::{ops::Add, time::Duration};

use tokio::time::Instant;

use super::{oracle::Tally, plan::Dice};
use crate::{
    core::Cursor,
    events::{Event, EventKind, Notice, Update},
    hub::{Batch, Delivery, Overflow},
};

/// Names wait this long for a slow reader before it is cut off.
const PATIENCE: Duration = Duration::from_secs(5);

/// A number of events, and their payload bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Amount {
    pub events: usize,
    pub bytes: usize,
}

impl Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            events: self.events + other.events,
            bytes: self.bytes + other.bytes,
        }
    }
}

/// A published event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    cursor: Cursor,
    seq: u64,
    kind: u8,
    is_message: bool,
    bytes: usize,
}

impl From<&Event> for Told {
    fn from(Event { stamp, kind }: &Event) -> Self {
        Self {
            cursor: stamp.cursor,
            seq: stamp.seq,
            kind: kind.number(),
            is_message: matches!(kind, EventKind::Message(_)),
            bytes: kind.payload_len(),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Heard {
    Event(Told),
    Lagged(Lag),
}

#[derive(Clone, Copy, Debug)]
struct Lag {
    missed: Option<u64>,
    /// Events up to this cursor were published when the batch was taken, if known.
    now: Option<Cursor>,
    /// The most that was held since the last take.
    held: Amount,
    /// The time without a take or a release.
    quiet: Duration,
}

/// One stay of a reader, from its arrival until it leaves.
#[derive(Debug)]
pub(super) struct Hearing {
    delivery: Delivery,
    since: Cursor,
    /// The history has all events up to this cursor.
    through: Cursor,
    resumed: bool,
    heard: Vec<Heard>,
    /// The cursor of the last event that was read.
    pub last: Cursor,
    /// The number of batches that an actor holds.
    pub holds: usize,
    /// The amount that was held after the last take.
    held: Amount,
    /// The time of the last take or release.
    moved: Instant,
    /// The longest pause between takes and releases since the last take, without the current one.
    longest: Duration,
    /// The last published cursor at the time of the cut-off.
    ended: Option<Cursor>,
    /// How often the queue was so full that names had to wait.
    full: u64,
    /// All batches, and those with several events.
    batches: u64,
    runs: u64,
}

impl Hearing {
    pub fn new(delivery: Delivery, since: Cursor, through: Cursor, resumed: bool) -> Self {
        Self {
            delivery,
            since,
            through,
            resumed,
            heard: Vec::new(),
            last: since,
            holds: 0,
            held: Amount::default(),
            moved: Instant::now(),
            longest: Duration::ZERO,
            ended: None,
            full: 0,
            batches: 0,
            runs: 0,
        }
    }

    /// Whether an update comes from the live queue and not from history.
    pub fn is_present(&self, update: &Update) -> bool {
        match update {
            Update::Event(event) => event.cursor() > self.through,
            Update::Notice(Notice::Lagged(lagged)) => lagged.missed.is_some(),
            Update::Notice(_) => false,
        }
    }

    /// Checks the size of a take: together with `held` it must be within the limit.
    pub fn take(&mut self, taken: Amount, held: Amount) {
        let Delivery {
            events,
            bytes,
            overflow,
            ..
        } = self.delivery;
        let all = taken + held;
        let times = if overflow == Overflow::Pause { 2 } else { 1 };
        let few = all.events <= events * times;
        let small = all.bytes <= bytes.saturating_mul(times) || all.events <= 1;
        // The newest event always stays.
        let is_one = overflow == Overflow::Drop && taken.events <= 1;
        assert!(
            (few && small) || is_one,
            "{taken:?} waited while {held:?} was held: {self:?}"
        );
        let is_full = all.events >= events || all.bytes >= bytes;
        self.full += u64::from(overflow == Overflow::Pause && is_full);
        (self.moved, self.longest) = (Instant::now(), Duration::ZERO);
    }

    /// Notes that a batch was released.
    pub fn release(&mut self) {
        self.longest = self.longest.max(self.moved.elapsed());
        self.moved = Instant::now();
    }

    /// Receives a batch, or only its first events if the reader leaves; `now` is the hub's
    /// position. Returns how much counts as held until the release.
    pub fn open(
        &mut self,
        batch: &Batch,
        held: Amount,
        now: Option<Cursor>,
        leaves: Option<&mut Dice>,
    ) -> Option<Amount> {
        let count = leaves.map_or(usize::MAX, |dice| {
            dice.within(0, batch.len() as u64 + 1) as usize
        });
        assert!(!batch.is_empty());
        let all: Vec<Update> = batch.iter().collect();
        assert_eq!(all.len(), batch.len());
        let lags = all.iter().filter(|update| update.event().is_none()).count();
        let amount = Amount {
            events: all.len() - lags,
            bytes: batch.bytes(),
        };
        self.batches += 1;
        self.runs += u64::from(amount.events > 1);
        // Since the last take at most the amount of then is held: the lag was reported together
        // with it.
        let counts = self.is_present(&all[0]);
        for update in all.iter().take(count) {
            self.hear(update, now);
        }
        if counts {
            self.take(amount, held);
            self.held = held + amount;
        }
        counts.then_some(amount)
    }

    pub fn hear(&mut self, update: &Update, now: Option<Cursor>) {
        match update {
            Update::Event(event) => {
                self.last = event.cursor();
                self.heard.push(Heard::Event(Told::from(event)));
            }
            Update::Notice(Notice::Lagged(lagged)) => self.heard.push(Heard::Lagged(Lag {
                missed: lagged.missed,
                now,
                held: self.held,
                quiet: self.longest.max(self.moved.elapsed()),
            })),
            Update::Notice(notice) => panic!("{notice:?}"),
        }
    }

    /// Notes the end of the stream.
    pub fn end(&mut self, now: Cursor) {
        self.ended = Some(now);
    }

    /// Compares it with all published events.
    pub fn judge(&self, told: &[Told], tally: &mut Tally) {
        let kinds = self.delivery.kinds;
        let wanted = |told: &&Told| told.cursor > self.since && kinds.wants(told.kind);
        // History does not contain fates.
        let (lost, expected): (Vec<&Told>, Vec<&Told>) = told
            .iter()
            .filter(wanted)
            .partition(|told| told.cursor <= self.through && told.kind == EventKind::SENT);
        let begins = self.heard.first();
        let is_told = matches!(begins, Some(Heard::Lagged(Lag { missed: None, .. })));
        assert!(
            lost.is_empty() || is_told || begins.is_none(),
            "fates were not told to {self:?}"
        );
        let (mut left, mut last) = (&expected[..], self.since);
        // Whether messages are missing before the first message that follows, and other events
        // before the first other event. History reports the loss once, before both.
        let (mut known, mut unknown) = (0, [false; 2]);
        for (place, heard) in self.heard.iter().enumerate() {
            match heard {
                Heard::Event(event) => {
                    assert!(
                        event.cursor > last,
                        "{event:?} came behind {last}: {self:?}"
                    );
                    let at = left.iter().position(|told| told.cursor == event.cursor);
                    let at = at.unwrap_or_else(|| panic!("{event:?} came twice: {self:?}"));
                    let is_said = |told: &&&Told| {
                        unknown[usize::from(told.is_message)] && told.cursor <= self.through
                    };
                    let missing = at - left[..at].iter().filter(is_said).count();
                    assert_eq!(missing, known, "missing before {event:?}: {self:?}");
                    assert_eq!(event.seq, left[at].seq);
                    (left, last) = (&left[at + 1..], event.cursor);
                    known = 0;
                    unknown[usize::from(event.is_message)] = false;
                }
                Heard::Lagged(lag) => match lag.missed {
                    None => {
                        let in_past = self.resumed && last <= self.through;
                        assert!(in_past, "unknown how many: {self:?}");
                        unknown = [true; 2];
                        tally.unknown += 1;
                    }
                    Some(missed) => {
                        assert!(missed > 0 && known == 0, "{self:?}");
                        known = usize::try_from(missed).expect("few");
                        let is_last = place + 1 == self.heard.len();
                        self.judge_lag(lag, known, left, is_last);
                        tally.lags += 1;
                    }
                },
            }
        }
        if let Some(now) = self.ended {
            assert_ne!(self.delivery.overflow, Overflow::Drop, "it ended: {self:?}");
            // The count in a lag was checked when the lag was published.
            let missing = left.iter().filter(|told| told.cursor <= now).count();
            assert!(
                known > 0 || missing == 0,
                "{missing} are missing untold: {self:?}"
            );
            tally.cuts += 1;
        }
        tally.resumes += u64::from(self.resumed);
        tally.pauses += self.full;
        tally.batches += self.batches;
        tally.runs += self.runs;
    }

    /// Checks that a lag had a reason and reports the right count: `left` are the events that were
    /// not received before.
    fn judge_lag(&self, lag: &Lag, missed: usize, left: &[&Told], is_last: bool) {
        let Delivery {
            events,
            bytes,
            overflow,
            ..
        } = self.delivery;
        assert!(
            is_last || overflow == Overflow::Drop,
            "not the end: {self:?}"
        );
        let Some(now) = lag.now else {
            return;
        };
        let came = left
            .iter()
            .filter(|told| self.through < told.cursor && told.cursor <= now);
        let came = came.fold(Amount::default(), |sum, told| {
            let (events, bytes) = (1, told.bytes);
            sum + Amount { events, bytes }
        });
        if overflow != Overflow::Drop {
            assert_eq!(came.events, missed, "missed, of {left:?}: {self:?}");
        }
        let all = came + lag.held;
        let times = if overflow == Overflow::Pause { 2 } else { 1 };
        let too_much = all.events > events * times || all.bytes > bytes.saturating_mul(times);
        let too_long = overflow == Overflow::Pause && lag.quiet >= PATIENCE;
        assert!(
            too_much || too_long,
            "{lag:?} of {came:?} without need: {self:?}"
        );
    }
}
