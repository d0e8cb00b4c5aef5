//! The peer's own numbers: detects holes and duplicates in them, across reconnects.

use std::collections::HashMap;

/// How many streams are remembered.
pub const MAX_STREAMS: usize = 1024;

/// The longest name of a stream, in bytes.
pub const MAX_STREAM_NAME: usize = 256;

/// A stream has started over if its first number on a socket is this far below its mark.
pub const RESTART_DISTANCE: u64 = 4096;

/// What a number shows about its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// The stream was not known.
    First,
    /// The number is the next one.
    Next,
    /// Numbers are missing.
    Hole {
        /// The next number after the last one.
        expected: u64,
        /// How many there are between the last number and this one.
        missing: u64,
    },
    /// The number is not larger than an earlier one: a repeated or late message.
    Double {
        /// The largest number of the stream.
        last: u64,
    },
    /// The peer counts from the beginning again.
    Restart {
        /// The last number before that.
        last: u64,
    },
}

/// The last number of each of a peer's streams. It outlives sockets, of which it only needs to know
/// the beginning: [`begin_socket`](Self::begin_socket).
///
/// A number larger than the last one moves the stream's mark; a duplicate does not. A peer that has
/// started over would have only duplicates until it passes the mark. Therefore a stream's *first
/// number on a socket* is a [`Restart`], and becomes the mark, if it is 0 or 1, or at least
/// [`RESTART_DISTANCE`] below the mark. A peer that replays fewer messages has duplicates, and so
/// has one that starts over in the middle of a socket.
///
/// At most [`MAX_STREAMS`] are remembered. Beyond that the one that was silent for longest is
/// forgotten and counted in [`forgotten`](Self::forgotten). If it comes back, it is [`First`]
/// again.
///
/// [`Restart`]: Observed::Restart
/// [`First`]: Observed::First
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequence {
    marks: HashMap<Box<str>, Mark>,
    socket: u64,
    /// Counts the observed numbers, to find the stream that was silent for longest.
    observed: u64,
    forgotten: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    last: u64,
    /// The last socket with the stream.
    socket: u64,
    /// When it was last seen, in observed numbers.
    seen: u64,
}

impl Sequence {
    /// Takes a number of a stream; `""` is the only stream.
    pub fn observe(&mut self, stream: &str, number: u64) -> Observed {
        self.observed += 1;
        let seen = Mark {
            last: number,
            socket: self.socket,
            seen: self.observed,
        };
        let Some(mark) = self.marks.get_mut(stream) else {
            self.forget_one_of_too_many();
            self.marks.insert(stream.into(), seen);
            return Observed::First;
        };
        let last = mark.last;
        let is_first_on_socket = mark.socket != self.socket;
        *mark = seen;
        if number > last {
            match number - last - 1 {
                0 => Observed::Next,
                missing => Observed::Hole {
                    expected: last + 1,
                    missing,
                },
            }
        } else if is_first_on_socket && starts_over(number, last) {
            Observed::Restart { last }
        } else {
            mark.last = last;
            Observed::Double { last }
        }
    }

    /// Later numbers came on another socket.
    pub fn begin_socket(&mut self) {
        self.socket += 1;
    }

    /// The mark of the only stream, if streams are not told apart.
    pub fn last(&self) -> Option<u64> {
        self.marks.get("").map(|mark| mark.last)
    }

    /// The streams and their marks, in no particular order.
    pub fn marks(&self) -> impl Iterator<Item = (&str, u64)> {
        self.marks
            .iter()
            .map(|(stream, mark)| (&**stream, mark.last))
    }

    /// How often a stream was forgotten because there were too many.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    fn forget_one_of_too_many(&mut self) {
        if self.marks.len() < MAX_STREAMS {
            return;
        }
        // A scan of a thousand, and only if a peer has that many streams.
        let oldest = self.marks.iter().min_by_key(|(_, mark)| mark.seen);
        if let Some(stream) = oldest.map(|(stream, _)| stream.clone()) {
            self.marks.remove(&stream);
            self.forgotten += 1;
        }
    }
}

/// Whether a stream's first number on a socket, not above its mark, shows that the peer counts from
/// the beginning again.
pub(super) fn starts_over(number: u64, mark: u64) -> bool {
    number < mark && (number <= 1 || mark - number >= RESTART_DISTANCE)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn observe<const N: usize>(sequence: &mut Sequence, numbers: [u64; N]) -> [Observed; N] {
        numbers.map(|number| sequence.observe("", number))
    }

    fn restart(last: u64) -> Observed {
        Observed::Restart { last }
    }

    fn double(last: u64) -> Observed {
        Observed::Double { last }
    }

    #[test]
    fn holes_and_doubles_are_told_and_a_double_does_not_move_the_mark() {
        let mut sequence = Sequence::default();
        assert_eq!(sequence.last(), None);
        let hole = Observed::Hole {
            expected: 8,
            missing: 2,
        };
        assert_eq!(
            observe(&mut sequence, [6, 7, 10, 10, 8, 11]),
            [
                Observed::First,
                Observed::Next,
                hole,
                double(10),
                double(10),
                Observed::Next
            ]
        );
        assert_eq!(sequence.last(), Some(11));
        let missing = u64::MAX - 12;
        assert_eq!(
            observe(&mut sequence, [u64::MAX, u64::MAX]),
            [
                Observed::Hole {
                    expected: 12,
                    missing
                },
                double(u64::MAX)
            ]
        );
    }

    #[test]
    fn streams_are_told_apart() {
        let mut sequence = Sequence::default();
        for (stream, number) in [("a", 5), ("b", 1), ("a", 6), ("b", 2)] {
            let observed = sequence.observe(stream, number);
            assert!(matches!(observed, Observed::First | Observed::Next));
        }
        let mut marks: Vec<_> = sequence.marks().collect();
        marks.sort_unstable();
        assert_eq!(marks, [("a", 6), ("b", 2)]);
        assert_eq!(sequence.last(), None);
    }

    #[test]
    fn a_hole_over_a_reconnect_is_a_hole() {
        let mut sequence = Sequence::default();
        observe(&mut sequence, [1, 2, 3]);
        sequence.begin_socket();
        let hole = Observed::Hole {
            expected: 4,
            missing: 3,
        };
        assert_eq!(observe(&mut sequence, [7, 8]), [hole, Observed::Next]);
    }

    #[test]
    fn only_the_first_number_on_a_socket_can_be_a_restart() {
        let far = 10 + RESTART_DISTANCE;
        for (mark, number, expected) in [
            (9, 0, restart(9)),
            (9, 1, restart(9)),
            (9, 2, double(9)),
            (9, 9, double(9)),
            (1, 1, double(1)),
            (0, 0, double(0)),
            (far, 10, restart(far)),
            (far, 11, double(far)),
        ] {
            let mut sequence = Sequence::default();
            observe(&mut sequence, [mark]);
            assert_eq!(
                observe(&mut sequence, [number]),
                [double(mark)],
                "on the same socket"
            );
            sequence.begin_socket();
            assert_eq!(
                observe(&mut sequence, [number]),
                [expected],
                "{number} after {mark}"
            );
            // From here on it is the same socket.
            let again = observe(&mut sequence, [0]);
            assert!(matches!(again, [Observed::Double { .. }]), "{again:?}");
        }
    }

    #[test]
    fn after_a_restart_the_peer_counts_on() {
        let mut sequence = Sequence::default();
        observe(&mut sequence, [500, 501]);
        sequence.begin_socket();
        assert_eq!(
            observe(&mut sequence, [1, 2]),
            [restart(501), Observed::Next]
        );
        assert_eq!(sequence.last(), Some(2));
    }

    #[test]
    fn of_too_many_streams_the_longest_silent_one_is_forgotten() {
        let mut sequence = Sequence::default();
        for stream in 0..MAX_STREAMS {
            sequence.observe(&stream.to_string(), 1);
        }
        assert_eq!(sequence.observe("0", 2), Observed::Next);
        assert_eq!(sequence.forgotten(), 0);
        assert_eq!(sequence.observe("new", 1), Observed::First);
        assert_eq!(
            (sequence.marks().count(), sequence.forgotten()),
            (MAX_STREAMS, 1)
        );
        assert_eq!(sequence.observe("0", 3), Observed::Next);
        assert_eq!(sequence.observe("1", 2), Observed::First);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn holes_and_restarts_account_for_all_numbers(sockets in vec(vec((0_usize..3, 0_u64..40), 0..30), 1..6)) {
            let mut sequence = Sequence::default();
            let mut seen: [Option<u64>; 3] = [None; 3];
            for socket in sockets {
                for (stream, number) in socket {
                    let mark = &mut seen[stream];
                    match (sequence.observe(&stream.to_string(), number), *mark) {
                        (Observed::First, None) => *mark = Some(number),
                        (Observed::Next, Some(last)) => {
                            prop_assert_eq!(number, last + 1);
                            *mark = Some(number);
                        }
                        (Observed::Hole { expected, missing }, Some(last)) => {
                            prop_assert_eq!((expected, expected + missing), (last + 1, number));
                            prop_assert!(missing > 0);
                            *mark = Some(number);
                        }
                        (Observed::Double { last }, Some(mark)) => prop_assert!(last == mark && number <= mark),
                        (Observed::Restart { last }, Some(before)) => {
                            prop_assert!(last == before && number <= 1 && number < last);
                            *mark = Some(number);
                        }
                        (observed, mark) => prop_assert!(false, "{:?} at {:?}", observed, mark),
                    }
                }
                sequence.begin_socket();
            }
        }
    }
}
