//! The promises that hold in every life.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    counts::{adds_up, expect_more_than},
    keys::KeyTally,
    plan::Plan,
    talks::Said,
    witness::{broadcast, text_of},
};
use crate::{
    core::{Cause, Fate, Message},
    events::{Event, EventKind, GapReason, Sent},
    settings::{Resend, RotationMode, WhenFull},
};

/// An accepted message.
#[derive(Debug)]
pub(super) struct Accepted {
    /// The number that is its content.
    pub number: u64,
    /// Its id in the outbox, and the process that assigned it.
    pub id: u64,
    pub process: u64,
    /// Whether it was reported as queued: a durable message is then safe.
    pub queued: bool,
}

/// The observations on the client's side.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub accepted: Vec<Accepted>,
    /// By process and id.
    pub sent: BTreeMap<(u64, u64), Vec<Sent>>,
    pub gaps: u64,
    pub rotated: u64,
    pub events: u64,
    last_seq: u64,
    last_process: u64,
    /// The last number received from the peer's broadcast, and whether some may be missing after
    /// it.
    heard: u64,
    blind: bool,
    /// Whether the opening messages of a socket are being held back, and whether some broadcasts
    /// were missed before them. That is reported once the socket is ready.
    opening: bool,
    missed: bool,
    /// There was an error, and it is unknown yet whether it concerned the serving socket.
    erred: bool,
    /// A successor was lost, and the old socket still serves. If the old socket lags by more than
    /// the overlap, the successor's messages come first, and may come twice.
    abandoned: bool,
    /// Pending messages of the serving socket were dropped, which was reported: a successor may
    /// have delivered them.
    thrown: bool,
    /// The serving socket has just taken over.
    is_new: bool,
    pub broadcasts: u64,
    /// A socket is closed before the next one is dialled.
    replaces: bool,
}

impl Story {
    pub fn of(plan: &Plan) -> Self {
        Self {
            replaces: plan.settings.rotation == RotationMode::Replace,
            ..Self::default()
        }
    }

    /// Notes an event of the `process`-th process.
    pub fn note(&mut self, process: u64, event: &Event) {
        let Event { stamp, kind } = event;
        if process != self.last_process {
            (self.last_process, self.last_seq) = (process, 0);
            (self.blind, self.opening, self.missed) = (true, false, false);
            (self.erred, self.abandoned, self.thrown) = (false, false, false);
        }
        assert_eq!(stamp.seq, self.last_seq + 1, "a hole before {event:?}");
        self.last_seq = stamp.seq;
        self.events += 1;
        self.note_loss(kind);
        match kind {
            EventKind::Sent(sent) => self.sent.entry((process, sent.id)).or_default().push(*sent),
            EventKind::Gap(gap) if gap.reason == GapReason::Reconnect => {
                self.gaps += 1;
                (self.blind, self.missed) = (true, false);
            }
            EventKind::Gap(gap) => {
                // On a socket that is not ready yet, messages come before the event about the
                // outage.
                assert!(
                    self.blind || self.opening || self.abandoned,
                    "the numbers have no holes of their own: {gap:?}"
                );
            }
            EventKind::Message(message) => self.hear(message),
            EventKind::Rotated(_) => {
                self.rotated += 1;
                // The socket before it is closed already, and this one is not ready yet.
                self.opening |= self.replaces;
            }
            EventKind::Opened(_) => self.opening = true,
            EventKind::Ready => self.opening = false,
            _ => {}
        }
    }

    /// Notes whether messages of a successor may come after those of the old socket: a successor
    /// was lost and not the serving socket, or a slow reader kept the old socket from being read to
    /// its end.
    fn note_loss(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Error(error) => {
                let is_other = error.dial.is_some() || matches!(error.cause, Cause::Store(_));
                self.erred |= !is_other;
            }
            EventKind::Closed(_) | EventKind::Retrying(_) => self.erred = false,
            EventKind::Opened(_) => {
                (self.erred, self.abandoned, self.thrown) = (false, false, false)
            }
            EventKind::Rotated(_) => {
                (self.erred, self.abandoned) = (false, std::mem::take(&mut self.thrown));
            }
            EventKind::Gap(gap) if gap.reason == GapReason::Reconnect && !self.is_new => {
                self.thrown = true;
            }
            _ => self.abandoned |= self.erred,
        }
        self.is_new = matches!(kind, EventKind::Rotated(_) | EventKind::Ready);
    }

    /// Asserts that each number of the broadcast arrives once and in order, with gaps only where
    /// one is reported.
    fn hear(&mut self, message: &Message) {
        let text = text_of(message);
        let Some(number) = broadcast(text) else {
            return assert!(is_talk(text), "{text} is no message of the peer's");
        };
        if self.abandoned {
            self.heard = self.heard.max(number);
            return;
        }
        assert!(
            number > self.heard,
            "{number} came again after {}",
            self.heard
        );
        let hole = number > self.heard + 1 && !self.blind && self.heard > 0;
        assert!(!hole || self.opening, "{number} came after {}", self.heard);
        self.missed |= hole;
        assert!(
            !self.missed || self.opening,
            "what was missed before {number} was not told"
        );
        (self.heard, self.blind) = (number, false);
        self.broadcasts += 1;
    }

    /// Checks the life as a whole: `arrived` is what the peer received, in order.
    pub fn judge(&self, plan: &Plan, arrived: &[u64], sockets: u64) -> Tally {
        let has: BTreeSet<u64> = arrived.iter().copied().collect();
        let mut tally = Tally {
            accepted: self.accepted.len() as u64,
            arrived: arrived.len() as u64,
            twice: (arrived.len() - has.len()) as u64,
            gaps: self.gaps,
            rotated: self.rotated,
            broadcasts: self.broadcasts,
            crashes: plan.crashes,
            sockets,
            ..Tally::default()
        };
        for message in &self.accepted {
            let mut others = self.accepted.iter();
            if others.any(|other| other.id == message.id && other.process > message.process) {
                // The crash lost the message and its id.
                assert!(!message.queued, "{message:?} was safe, and is forgotten");
                continue;
            }
            self.judge_one(plan, message, has.contains(&message.number), &mut tally);
        }
        let settings = &plan.settings.outbox;
        let all_are_resent = settings.resend == Resend::InDoubt && plan.closes == 0;
        if all_are_resent && settings.ttl.is_none() && settings.when_full == WhenFull::Reject {
            judge_order(arrived);
        }
        if let Some(in_flight) = settings.in_flight
            && plan.crashes == 0
        {
            // Each loss can duplicate at most the messages in flight.
            let most = sockets * u64::from(in_flight.get());
            assert!(tally.twice <= most, "{} arrived twice", tally.twice);
        }
        if settings.resend == Resend::Never && plan.crashes == 0 {
            assert_eq!(
                tally.twice, 0,
                "sent again though nobody asked for it: {arrived:?}"
            );
        }
        tally
    }

    fn judge_one(&self, plan: &Plan, message: &Accepted, arrived: bool, tally: &mut Tally) {
        let told: Vec<&Sent> = self
            .sent
            .iter()
            .filter(|((process, id), _)| *id == message.id && *process >= message.process)
            .flat_map(|(_, sent)| sent)
            .collect();
        let finals: Vec<Fate> = told
            .iter()
            .map(|sent| sent.fate)
            .filter(|fate| fate.is_final())
            .collect();
        if plan.crashes == 0 {
            assert_eq!(finals.len(), 1, "{message:?} has met the fates {finals:?}");
        }
        let Some(&fate) = finals.last() else {
            // Accepted, but never reported as queued: the crash lost it.
            assert!(!message.queued, "{message:?} was safe, and has met no end");
            return;
        };
        tally.resent += told.iter().filter(|sent| sent.resent).count() as u64;
        match fate {
            Fate::Confirmed => {
                assert!(arrived, "{message:?} is confirmed, and has not arrived");
                tally.confirmed += 1;
            }
            Fate::InDoubt => {
                let may_be = plan.settings.outbox.resend == Resend::Never
                    || plan.closes > 0
                    || plan.settings.outbox.ttl.is_some()
                    || plan.settings.outbox.when_full == WhenFull::DropOldest;
                assert!(
                    may_be,
                    "{message:?} was to be sent again until it is confirmed"
                );
                tally.in_doubt += 1;
            }
            Fate::Expired | Fate::Evicted | Fate::Cancelled => {
                assert!(
                    !arrived || plan.crashes > 0,
                    "{message:?} has arrived, and was {fate:?}"
                );
                tally.unsent += 1;
            }
            other => panic!("{message:?} has ended {other:?}"),
        }
    }
}

/// Whether the peer sends this text in a dialogue.
fn is_talk(text: &str) -> bool {
    ["{\"t\":", "{\"id\":"]
        .iter()
        .any(|begin| text.starts_with(begin))
        || text.contains("\"id\":")
        || text.contains("\"t\":")
}

/// Asserts at-least-once delivery, in the order of first deliveries.
fn judge_order(arrived: &[u64]) {
    let mut seen = BTreeSet::new();
    let firsts: Vec<u64> = arrived
        .iter()
        .copied()
        .filter(|&number| seen.insert(number))
        .collect();
    assert!(firsts.is_sorted(), "out of order: {firsts:?}");
}

/// Counters over many lives.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub accepted: u64,
    pub confirmed: u64,
    pub in_doubt: u64,
    pub unsent: u64,
    pub resent: u64,
    pub arrived: u64,
    pub twice: u64,
    pub sockets: u64,
    pub gaps: u64,
    pub rotated: u64,
    pub broadcasts: u64,
    pub crashes: u64,
    /// Counters of the slow readers.
    pub lags: u64,
    pub unknown: u64,
    pub cuts: u64,
    pub pauses: u64,
    pub resumes: u64,
    pub batches: u64,
    pub runs: u64,
    /// Requests: answered or refused, in doubt, and not sent.
    pub asked: u64,
    pub asked_in_vain: u64,
    pub not_asked: u64,
    /// Counters of dialogues.
    pub said: Said,
    /// Counters of subscriptions.
    pub keys: KeyTally,
}

impl Tally {
    /// Asserts that many different things happened: lives without events prove little.
    pub fn expect_variety(&self, lives: u64) {
        if lives < 100 {
            return;
        }
        expect_more_than(
            0,
            lives,
            [
                ("lags of a known number", self.lags),
                ("lags of an unknown number", self.unknown),
                ("slow readers cut off", self.cuts),
                ("pauses", self.pauses),
                ("resumes", self.resumes),
                ("batches", self.batches),
                ("batches of several events", self.runs),
            ],
        );
        if lives < 1_000 {
            return;
        }
        expect_more_than(
            lives / 10,
            lives,
            [
                ("confirmed", self.confirmed),
                ("in doubt", self.in_doubt),
                ("dropped unsent", self.unsent),
                ("resent", self.resent),
                ("arrived twice", self.twice),
                ("sockets", self.sockets),
                ("gaps", self.gaps),
                ("rotated", self.rotated),
                ("heard of the broadcast", self.broadcasts),
                ("crashes", self.crashes),
                ("logins", self.said.logins),
                ("scripts that have passed", self.said.passed),
                ("answers of rules", self.said.answers),
                ("sessions resumed", self.said.resumed),
                ("logins refused", self.said.refused),
                ("logins that come again", self.said.again),
                ("warnings", self.said.warnings),
                ("floods", self.said.floods),
                ("values of another socket", self.said.inherited),
                ("periodic steps", self.said.ticks),
                ("requests answered", self.asked),
                ("requests without an answer", self.asked_in_vain),
                ("requests that were not sent", self.not_asked),
            ],
        );
        expect_more_than(
            lives / 100,
            lives,
            [
                ("farewells", self.said.farewells),
                ("sessions of an earlier process", self.said.kept),
            ],
        );
        self.keys.expect_variety(lives);
    }
}

adds_up! {
    Tally:
    accepted,
    confirmed,
    in_doubt,
    unsent,
    resent,
    arrived,
    twice,
    sockets,
    gaps,
    rotated,
    broadcasts,
    crashes,
    lags,
    unknown,
    cuts,
    pauses,
    resumes,
    batches,
    runs,
    asked,
    asked_in_vain,
    not_asked,
    said,
    keys,
}
