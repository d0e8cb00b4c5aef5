//! The standing of a host, and the places that it earns.

use std::time::{Duration, Instant};

/// A handshake that ends within this time is prompt; otherwise it hangs. Four round trips over a
/// satellite fit.
pub(super) const PROMPT: Duration = Duration::from_secs(2);

/// After more handshakes in a row that hung, a host is [`Failing`](Standing::Failing).
const SUSPICIONS: u8 = 3;

/// The standing of a host, the best first. A worse one leaves places to the better ones, and its
/// turn comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Its last handshake was answered promptly.
    Answered,
    /// Nothing useful is known about it: it is new, its last handshake failed promptly, or was
    /// answered late.
    Unknown,
    /// Its last handshakes hung, one to three in a row.
    Suspect,
    /// More than three in a row hung.
    Failing,
}

impl Standing {
    /// All of them, the best first.
    pub const ALL: [Self; 4] = [Self::Answered, Self::Unknown, Self::Suspect, Self::Failing];
    /// Those that leave places to better ones.
    const LEAVING: [Self; 3] = [Self::Unknown, Self::Suspect, Self::Failing];
}

/// How a granted dial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialOutcome {
    /// The handshake was accepted.
    Answered,
    /// It failed.
    Failed,
    /// We gave up. That says nothing about the host, unless the dial had hung already.
    Abandoned,
}

/// The record of the handshakes with a host.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Whether the last one was answered promptly.
    answered: bool,
    /// How many hung in a row.
    hung: u8,
    /// When the last news came.
    at: Option<Instant>,
}

impl Record {
    pub fn standing(&self) -> Standing {
        match self.hung {
            0 if self.answered => Standing::Answered,
            0 => Standing::Unknown,
            1..=SUSPICIONS => Standing::Suspect,
            _ => Standing::Failing,
        }
    }

    /// A handshake that began at `began` was answered.
    pub fn answer(&mut self, began: Instant, now: Instant) {
        *self = Self {
            answered: now.saturating_duration_since(began) < PROMPT,
            hung: 0,
            at: Some(now),
        };
    }

    /// A handshake that began at `began` failed promptly.
    pub fn fail(&mut self, began: Instant, now: Instant) {
        if self.is_news(began) {
            *self = Self {
                at: Some(now),
                ..Self::default()
            };
        }
    }

    /// A handshake that began at `began` hangs.
    pub fn hang(&mut self, began: Instant, now: Instant) {
        if self.is_news(began) {
            *self = Self {
                answered: false,
                hung: self.hung.saturating_add(1),
                at: Some(now),
            };
        }
    }

    /// Sixteen handshakes that hang together count as one failure, and as none if another one was
    /// answered meanwhile.
    fn is_news(&self, began: Instant) -> bool {
        self.at.is_none_or(|at| began >= at)
    }
}

/// The places of a group's handshakes in flight, by the standing of their hosts.
#[derive(Debug, Default)]
pub(super) struct Places {
    held: [u32; Standing::ALL.len()],
}

impl Places {
    pub fn total(&self) -> u32 {
        self.held.iter().sum()
    }

    /// Whether a host of this standing may have one more of `all` places. The limits of its own and
    /// all worse standings together, and those of the better ones with them, must hold.
    pub fn has_room(&self, standing: Standing, all: u32) -> bool {
        let mut up_to = Standing::LEAVING.iter().take_while(|s| **s <= standing);
        up_to.all(|better| self.held_from(*better) < share(*better, all))
    }

    /// Whether no standing holds more of `all` than it may.
    pub fn fit(&self, all: u32) -> bool {
        let mut leaving = Standing::LEAVING.iter();
        leaving.all(|standing| self.held_from(*standing) <= share(*standing, all))
    }

    /// Whether hosts that have not answered leave enough of `all` to those that have.
    pub fn leave_answered(&self, all: u32) -> bool {
        self.held_from(Standing::Unknown) <= share(Standing::Unknown, all)
    }

    /// The places that hosts of this and worse standings hold.
    fn held_from(&self, standing: Standing) -> u32 {
        self.held[standing as usize..].iter().sum()
    }

    pub fn add(&mut self, standing: Standing, count: u32) {
        self.held[standing as usize] += count;
    }

    pub fn remove(&mut self, standing: Standing, count: u32) {
        self.held[standing as usize] -= count;
    }
}

/// How many of `all` places hosts of this and worse standings may hold together. A single place is
/// for everybody; of more, hosts that answered last have at least one.
fn share(standing: Standing, all: u32) -> u32 {
    let left = match standing {
        Standing::Answered => return all,
        Standing::Unknown => all / 8,
        Standing::Suspect => all / 4,
        Standing::Failing => all / 2,
    };
    all.saturating_sub(left.max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_host_is_judged_by_its_last_handshakes() {
        let t = Instant::now();
        let mut record = Record::default();
        assert_eq!(record.standing(), Standing::Unknown);
        record.answer(t, t + SECOND);
        assert_eq!(record.standing(), Standing::Answered);
        for (seconds, expected) in [
            (10, Standing::Suspect),
            (20, Standing::Suspect),
            (30, Standing::Suspect),
            (40, Standing::Failing),
            (50, Standing::Failing),
        ] {
            let began = t + SECOND * seconds;
            record.hang(began, began + PROMPT);
            assert_eq!(record.standing(), expected, "after {seconds} s");
        }
        record.fail(t + SECOND * 60, t + SECOND * 61);
        assert_eq!(record.standing(), Standing::Unknown);
        record.answer(t + SECOND * 70, t + SECOND * 75);
        assert_eq!(record.standing(), Standing::Unknown, "that was late");
    }

    #[test]
    fn handshakes_that_hang_together_are_one_failure_and_an_answer_meanwhile_counts_for_more() {
        let t = Instant::now();
        let mut record = Record::default();
        for _ in 0..16 {
            record.hang(t, t + PROMPT);
        }
        assert_eq!(record.standing(), Standing::Suspect);
        record.answer(t + SECOND, t + PROMPT + SECOND / 2);
        for late in [Record::hang, Record::fail] {
            late(&mut record, t + PROMPT, t + PROMPT * 2);
            assert_eq!(record.standing(), Standing::Answered);
        }
    }

    #[test]
    fn each_standing_leaves_places_to_the_better_ones() {
        for (all, shares) in [
            (1, [1, 1, 1, 1]),
            (2, [2, 1, 1, 1]),
            (5, [5, 4, 4, 3]),
            (8, [8, 7, 6, 4]),
            (64, [64, 56, 48, 32]),
            (u32::MAX, [u32::MAX, 0xE000_0000, 0xC000_0000, 0x8000_0000]),
        ] {
            assert_eq!(Standing::ALL.map(|s| share(s, all)), shares);
        }
        let mut places = Places::default();
        places.add(Standing::Failing, 4);
        let room = |places: &Places| Standing::ALL.map(|s| places.has_room(s, 8));
        assert_eq!(room(&places), [true, true, true, false]);
        places.add(Standing::Suspect, 2);
        assert_eq!(room(&places), [true, true, false, false]);
        places.remove(Standing::Failing, 4);
        places.add(Standing::Unknown, 5);
        assert_eq!(room(&places), [true, false, false, false]);
        assert!(places.fit(8) && !places.fit(7));
        assert!(places.leave_answered(8) && !places.leave_answered(7));
    }
}
