//! Limits how much may be written and unconfirmed at a time.

use crate::settings::OutboxSettings;

/// Messages, and their payload bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount {
    pub messages: usize,
    pub bytes: usize,
}

impl Amount {
    pub fn add(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes;
    }

    pub fn remove(&mut self, bytes: usize) {
        self.messages = self.messages.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    fn min(self, other: Self) -> Self {
        Self {
            messages: self.messages.min(other.messages),
            bytes: self.bytes.min(other.bytes),
        }
    }
}

/// The window of an outbox that keeps messages until they are confirmed. A lost socket causes at
/// most this many duplicates, and even a peer that dies after a few messages confirms at least one
/// more on each socket that answers a ping.
#[derive(Clone, Debug)]
pub(super) struct Window {
    limit: Amount,
    /// Written or being written, and unconfirmed.
    in_flight: Amount,
    /// Confirmed by the current socket.
    confirmed: Amount,
}

impl Window {
    /// Starts at half of the outbox.
    pub fn new(settings: &OutboxSettings, in_flight: Amount) -> Self {
        let most = most(settings);
        Self {
            limit: Amount {
                messages: (settings.messages / 2).clamp(1, most.messages),
                bytes: (settings.bytes / 2).clamp(1, most.bytes),
            },
            in_flight,
            confirmed: Amount::default(),
        }
    }

    /// New bounds of the outbox.
    pub fn configure(&mut self, settings: &OutboxSettings) {
        self.limit = self.limit.min(most(settings));
    }

    /// Whether another message of this length may be sent. One that is larger than the window is
    /// sent alone.
    pub fn admits(&self, bytes: usize) -> bool {
        self.in_flight.messages == 0
            || (self.in_flight.messages < self.limit.messages
                && self.in_flight.bytes + bytes <= self.limit.bytes)
    }

    /// How much is written or being written, and unconfirmed.
    pub fn in_flight(&self) -> Amount {
        self.in_flight
    }

    /// A message is being written.
    pub fn take(&mut self, bytes: usize) {
        self.in_flight.add(bytes);
    }

    /// A message is no longer kept.
    pub fn release(&mut self, bytes: usize) {
        self.in_flight.remove(bytes);
    }

    /// A fence after these messages was answered: the window doubles, up to the outbox.
    pub fn answered(&mut self, confirmed: Amount, settings: &OutboxSettings) {
        self.confirmed.messages += confirmed.messages;
        self.confirmed.bytes += confirmed.bytes;
        // A message that was sent alone may have been larger than the window.
        let limit = Amount {
            messages: self.limit.messages.saturating_mul(2),
            bytes: self.limit.bytes.max(confirmed.bytes).saturating_mul(2),
        };
        self.limit = limit.min(most(settings));
    }

    /// The socket is gone. If it was given something and left something unconfirmed, in flight or
    /// waiting, the window shrinks to what it had confirmed, or to one message.
    pub fn lost(&mut self, is_waiting: bool) {
        let confirmed = std::mem::take(&mut self.confirmed);
        let in_flight = std::mem::take(&mut self.in_flight);
        if in_flight.messages > 0 || (confirmed.messages > 0 && is_waiting) {
            self.limit = self.limit.min(Amount {
                messages: confirmed.messages.max(1),
                bytes: confirmed.bytes.max(1),
            });
        }
    }
}

/// The largest window.
fn most(settings: &OutboxSettings) -> Amount {
    let in_flight = settings
        .in_flight
        .map_or(usize::MAX, |cap| cap.get() as usize);
    Amount {
        messages: settings.messages.min(in_flight).max(1),
        bytes: settings.bytes.max(1),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use crate::{
        core::{Fate, Message, Outbox},
        settings::{OutboxSettings, Resend},
    };

    /// The cost of delivering a backlog.
    #[derive(Debug, Default, PartialEq, Eq)]
    struct Toll {
        sockets: u64,
        written: u64,
        doubled: u64,
        /// Answered pings.
        answered: u64,
    }

    /// A peer that reads `life` messages on each socket, with the pings up to and directly after
    /// the last of them; then it is gone. All its answers reach us.
    struct Peer {
        read: BTreeMap<u64, u64>,
    }

    fn outbox(messages: usize, in_flight: u32) -> Outbox {
        let mut settings = OutboxSettings::default();
        settings.messages = messages;
        settings.resend = Resend::InDoubt;
        settings.in_flight = std::num::NonZeroU32::new(in_flight);
        Outbox::new(settings, 1 << 20)
    }

    /// Sends the outbox over as many sockets as needed, and checks the promises for each of them.
    fn drain(outbox: &mut Outbox, lives: impl Fn(u64) -> u64, in_flight: u32) -> Toll {
        let (mut toll, mut peer) = (
            Toll::default(),
            Peer {
                read: BTreeMap::new(),
            },
        );
        while !outbox.is_empty() {
            toll.sockets += 1;
            assert!(toll.sockets < 10_000, "no progress: {toll:?}");
            let life = lives(toll.sockets);
            let (mut given, mut alive, mut answered, before) = (0, true, false, outbox.len());
            while alive && !outbox.is_empty() {
                let mut last = None;
                // Like the writer: one message after the other, and a fence as soon as one is due.
                while let Some(next) = outbox.take() {
                    let id = next.id;
                    (last, given) = (Some(id), given + 1);
                    toll.written += 1;
                    if given <= life {
                        *peer.read.entry(id).or_default() += 1;
                    }
                    if outbox.wants_fence(0, false) {
                        break;
                    }
                }
                let last = last.expect("something can go whenever nothing is unanswered");
                outbox.written(last);
                assert!(
                    outbox.wants_fence(0, false),
                    "nothing tells what has arrived"
                );
                let fence = outbox.fence();
                assert_eq!(fence, last);
                alive = given <= life;
                if alive {
                    outbox.confirmed(fence);
                    (answered, toll.answered) = (true, toll.answered + 1);
                }
            }
            assert!(
                !answered || outbox.len() < before,
                "an answer confirmed nothing"
            );
            let ended = outbox.lost();
            assert_eq!(ended, 0, "it is sent again");
            let in_doubt = outbox.in_doubt();
            assert!(
                in_flight == 0 || in_doubt <= u64::from(in_flight),
                "{in_doubt}"
            );
        }
        toll.doubled = peer.read.values().map(|times| times - 1).sum();
        toll
    }

    fn backlog(messages: usize, capacity: usize, in_flight: u32) -> Outbox {
        let mut outbox = outbox(capacity, in_flight);
        for number in 0..messages {
            outbox
                .admit(Message::text(format!("{number:060}")), None)
                .unwrap();
        }
        outbox
    }

    #[test]
    fn a_backlog_drains_into_peers_that_die_after_a_few_messages() {
        for life in [1, 5, 40, 400] {
            let mut outbox = backlog(400, 1024, 0);
            let toll = drain(&mut outbox, |_| life, 0);
            println!("peers that die after {life}: {toll:?}");
            assert_eq!(outbox.fate(400), Some(Fate::Confirmed));
            assert!(toll.written <= 2_400, "{toll:?}");
        }
    }

    #[test]
    fn a_loss_shrinks_the_window_to_what_was_confirmed_and_answers_double_it() {
        let mut outbox = backlog(400, 512, 0);
        let take = |outbox: &mut Outbox| {
            let taken =
                std::iter::from_fn(|| outbox.take().map(|next| next.id)).collect::<Vec<_>>();
            outbox.written(*taken.last().unwrap());
            taken.len()
        };
        assert_eq!(take(&mut outbox), 256);
        outbox.lost();
        let mut widths = Vec::new();
        for _ in 0..4 {
            widths.push(take(&mut outbox));
            outbox.confirmed(outbox.fence());
        }
        assert_eq!(widths, [1, 2, 4, 8]);
        assert_eq!(take(&mut outbox), 16);
        outbox.lost();
        assert_eq!(
            take(&mut outbox),
            15,
            "as many as the lost socket had confirmed, up to the window"
        );
    }

    #[test]
    fn a_message_that_is_larger_than_the_window_goes_alone() {
        let mut settings = OutboxSettings::default();
        (settings.bytes, settings.resend) = (1_000, Resend::InDoubt);
        let mut outbox = Outbox::new(settings, 1 << 20);
        for len in [10, 900, 10] {
            outbox.admit(Message::binary(vec![0; len]), None).unwrap();
        }
        let take = |outbox: &mut Outbox| outbox.take().map(|next| next.id);
        assert_eq!((take(&mut outbox), take(&mut outbox)), (Some(1), None));
        outbox.confirmed(1);
        assert_eq!((take(&mut outbox), take(&mut outbox)), (Some(2), Some(3)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn every_backlog_drains_whatever_its_peers_read(
            messages in 1usize..200,
            room in 0usize..100,
            in_flight in prop_oneof![Just(0u32), 1u32..50],
            lives in prop::collection::vec(1u64..60, 1..8),
        ) {
            let mut outbox = backlog(messages, messages + room, in_flight);
            let life = |socket: u64| lives[socket as usize % lives.len()];
            let toll = drain(&mut outbox, life, in_flight);
            prop_assert!(toll.sockets <= messages as u64 + 20);
        }
    }
}
