//! The peer's record of the keys on one socket, and the messages that must not arrive there.

use everwire_proto::dialogue::SubscriptionState;
use tokio::time::Instant;

use super::{KEYS, Keys, LATE};

/// The peer's record of the keys on one socket.
#[derive(Debug, Default)]
pub(super) struct Book {
    keys: [Page; KEYS],
    /// Nothing arrives late on this socket.
    is_clean: bool,
    /// The earliest time at which the client may have finished its script.
    passed_at: Option<Instant>,
    /// The socket has served since its first message.
    pub is_first: bool,
    /// The key that must not be requested on this socket.
    pub shut: Option<usize>,
    /// The number of calls for this socket.
    calls: u64,
    /// For each key: how often its last holder had left when the socket was dialled.
    emptied: [u64; KEYS],
    /// The version of each key that was active on the serving socket at that time.
    before: [Option<u64>; KEYS],
    /// The socket that it goes on from.
    from: Option<usize>,
}

/// The peer's record of one key on one socket.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Page {
    /// The peer has the subscription.
    on: bool,
    /// The key was requested, and not released since.
    is_asked: bool,
    /// It goes on from another socket; and whether something of it may have been lost there.
    goes_on: bool,
    is_in_doubt: bool,
    /// A number that grows with each request, release and end; and its value at the last request
    /// that the peer accepted.
    turn: u64,
    taken_turn: u64,
    /// The number of requests, of requests for a key that was active already, and of releases.
    asked: u32,
    repeated: u32,
    left: u32,
    /// How often the peer accepted, refused and ended it.
    taken: u32,
    refused: u32,
    ended: u32,
    /// How many calls for it did not arrive.
    lost: u32,
    /// The number of events of this key, by state.
    pub told: Counts,
}

/// The number of events for each state of a key, on one socket.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub active: u32,
    pub refused: u32,
    pub ended: u32,
    pub unanswered: u32,
}

/// An `on` for some keys, with the turn of each.
#[derive(Clone, Debug, Default)]
pub(in crate::connection::simulation) struct Asked {
    pub id: u64,
    pub keys: Vec<(usize, u64)>,
}

impl Book {
    /// Whether the peer has the subscription.
    pub fn has(&self, key: usize) -> bool {
        self.keys[key].on
    }

    /// Whether the key was answered, or must not be requested.
    fn is_decided(&self, key: usize) -> bool {
        let page = &self.keys[key];
        page.taken + page.refused + page.lost > 0 || self.shut == Some(key)
    }

    /// Whether it may be there though the client has left it: that was lost on an earlier socket.
    pub fn is_in_doubt(&self, key: usize) -> bool {
        self.keys[key].is_in_doubt
    }

    /// A socket on which all of this goes on.
    fn go_on(&self, from: usize) -> Self {
        let page = |page: &Page| Page {
            on: page.on,
            // What was asked for, and has not arrived, is left, too.
            is_asked: true,
            goes_on: page.on,
            is_in_doubt: page.on && (page.is_in_doubt || !self.is_clean),
            taken: u32::from(page.on),
            ..Page::default()
        };
        Self {
            keys: self.keys.each_ref().map(page),
            emptied: self.emptied,
            from: Some(from),
            ..Self::default()
        }
    }

    pub fn page(&mut self, key: usize) -> &mut Page {
        &mut self.keys[key]
    }

    /// Whether the key was active at the dial, and has neither changed nor been released since.
    pub fn stays(&self, key: usize, version: u64, emptied: u64) -> bool {
        self.before[key] == Some(version) && self.emptied[key] == emptied
    }
}

impl Page {
    /// Asserts that there were no more events than answers of the peer.
    pub fn expect_told(&self, key: usize, acks: bool) {
        let Counts {
            active,
            refused,
            ended,
            ..
        } = self.told;
        assert!(
            !acks || active <= self.taken,
            "k{key} is told active, and the peer has not taken it: {self:?}"
        );
        assert!(
            refused <= self.refused,
            "k{key} is told refused, and the peer has not refused it: {self:?}"
        );
        assert!(
            ended <= self.ended,
            "k{key} is told ended, and the peer has not ended it: {self:?}"
        );
    }
}

impl Keys {
    /// Records the dial of a socket. `from`: the socket that it continues.
    pub fn open(&mut self, is_clean: bool, from: Option<usize>) {
        let socket = self.books.len();
        let book = match from {
            Some(from) => self.books[from].go_on(from),
            None => Book {
                emptied: self.wants.emptied(),
                ..Book::default()
            },
        };
        self.tally.continued += book.keys.iter().filter(|page| page.on).count() as u64;
        self.books.push(Book { is_clean, ..book });
        self.catch_up();
        let version = |key: usize| self.is_active(key).then_some(self.versions[key]);
        self.books[socket].before = std::array::from_fn(version);
    }

    /// Sets the key that must not be requested on a socket.
    pub fn shut(&mut self, socket: usize, key: Option<usize>) {
        self.books[socket].shut = key;
    }

    /// Records a call for a socket.
    pub fn call(&mut self, socket: usize) {
        self.books[socket].calls += 1;
    }

    /// The number of calls for a socket.
    pub fn calls(&self, socket: usize) -> u64 {
        self.books[socket].calls
    }

    /// Records that a call for these keys did not arrive. The client learns of that.
    pub fn lose(&mut self, socket: usize, keys: &[usize]) {
        self.catch_up();
        for key in keys {
            let page = &mut self.books[socket].keys[*key];
            (page.lost, page.is_asked) = (page.lost + 1, true);
        }
    }

    /// From now on the script of a socket may have passed.
    pub fn may_pass(&mut self, socket: usize) {
        self.catch_up();
        self.books[socket].passed_at = Some(Instant::now());
    }

    /// Records that the client requests these keys.
    pub fn ask(&mut self, socket: usize, id: u64, keys: &[usize]) -> Asked {
        self.catch_up();
        self.expect_pace(socket, keys);
        for key in keys {
            self.ask_one(socket, *key);
        }
        let page = |key: &usize| (*key, self.books[socket].keys[*key].turn);
        let keys = keys.iter().map(page).collect();
        Asked { id, keys }
    }

    fn ask_one(&mut self, socket: usize, key: usize) {
        let since = Instant::now() - LATE;
        let book = &mut self.books[socket];
        assert!(
            !book.is_clean || self.wants.was_held_since(key, since),
            "k{key} is asked for on socket {socket}, and nobody wants it"
        );
        assert!(
            book.shut != Some(key),
            "k{key} is asked for on socket {socket}, where it is to be left out"
        );
        let page = &mut book.keys[key];
        if page.on {
            page.repeated += 1;
            // If a key stays unanswered on a socket that does not serve, there is no event.
            let untold = if book.is_first {
                0
            } else {
                3 + self.wants.holds(key)
            };
            // What is not known to be there is asked for.
            let untold = untold + u32::from(page.goes_on);
            assert!(
                page.repeated <= page.told.unanswered + untold,
                "k{key} is asked for again on socket {socket}, untold: {page:?}"
            );
            self.tally.repeated += 1;
        }
        (page.on, page.is_asked) = (true, true);
        page.asked += 1;
        page.turn += 1;
        self.tally.asked += 1;
    }

    /// Records that the client releases these keys.
    pub fn leave(&mut self, socket: usize, keys: &[usize]) {
        self.catch_up();
        self.expect_pace(socket, keys);
        let emptied = self.wants.emptied();
        let since = Instant::now() - LATE;
        for key in keys.iter().copied() {
            let serves = self.current == Some(socket);
            let last = self.last[key].filter(|_| serves);
            let book = &mut self.books[socket];
            let page = &mut book.keys[key];
            assert!(page.is_asked, "k{key} is left, and was not asked for");
            // An event for a later request may still be on its way.
            let is_told = page.told.active <= page.asked;
            let is_off = matches!(
                last.filter(|_| is_told),
                Some(SubscriptionState::Refused | SubscriptionState::Ended)
            );
            assert!(!is_off, "k{key} is left, and was told {last:?}: {page:?}");
            page.left += 1;
            self.tally.left_unanswered += u64::from(page.taken + page.refused == 0);
            let gone = emptied[key] - book.emptied[key];
            assert!(
                u64::from(page.left) <= gone,
                "k{key} is left though somebody holds it: its holders went {gone} times"
            );
            assert!(
                !book.is_clean || self.wants.was_free_since(key, since),
                "k{key} is left on socket {socket} though somebody holds it"
            );
            (page.on, page.is_asked) = (false, false);
            page.turn += 1;
            self.tally.left += 1;
            self.leave_behind(socket, key);
        }
    }

    /// What was left on a socket is left on those that go on from it, unless it was asked for there.
    fn leave_behind(&mut self, socket: usize, key: usize) {
        for next in socket + 1..self.books.len() {
            let book = &mut self.books[next];
            let page = &mut book.keys[key];
            if book.from == Some(socket) && page.goes_on && page.asked == 0 {
                page.on = false;
                self.leave_behind(next, key);
            }
        }
    }

    /// Asserts that no message names too many keys or one key twice, and that none comes too early.
    fn expect_pace(&mut self, socket: usize, keys: &[usize]) {
        let most = self.moods.batch as usize;
        assert!((1..=most).contains(&keys.len()), "a batch of {keys:?}");
        let mut once = keys.to_vec();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), keys.len(), "a key twice in {keys:?}");
        let Some(rate) = self.moods.rate.filter(|_| self.books[socket].is_clean) else {
            return;
        };
        let now = Instant::now();
        self.paced.push(now);
        let first = self.paced.len().checked_sub(rate.messages as usize + 1);
        if let Some(first) = first {
            let within = now - self.paced[first];
            assert!(
                within + LATE >= rate.per,
                "{} messages of subscriptions came within {within:?}",
                rate.messages + 1
            );
        }
    }

    /// The peer accepts all or some of the requested keys.
    pub fn take(&mut self, socket: usize, keys: &[(usize, u64)]) {
        self.catch_up();
        for (key, turn) in keys {
            let page = &mut self.books[socket].keys[*key];
            (page.taken, page.taken_turn) = (page.taken + 1, *turn);
            self.tally.taken += 1;
        }
    }

    /// The peer refuses a key. If the key was requested again since, the refusal is for that
    /// request.
    pub fn refuse(&mut self, socket: usize, key: usize, turn: u64) {
        self.catch_up();
        let page = &mut self.books[socket].keys[key];
        page.refused += 1;
        page.on &= page.turn != turn;
        self.tally.refused += 1;
    }

    /// The keys that the peer may end: those that it has accepted.
    pub fn endable(&self, socket: usize) -> Vec<usize> {
        let acks = self.moods.acks;
        let is_known = |page: &Page| page.on && (page.taken_turn == page.turn || !acks);
        let pages = self.books[socket].keys.iter().enumerate();
        let known = pages.filter(|(_, page)| is_known(page));
        known.map(|(key, _)| key).collect()
    }

    /// The peer ends a subscription.
    pub fn end(&mut self, socket: usize, key: usize) {
        self.catch_up();
        let page = &mut self.books[socket].keys[key];
        page.on = false;
        page.ended += 1;
        page.turn += 1;
        self.tally.ended += 1;
    }

    /// Asserts that all subscriptions were written before this message of the outbox.
    pub fn expect_before_outbox(&self, socket: usize, message: &str) {
        self.expect_decided(socket, message);
        let waits = self.moods.rate.is_some() || self.moods.over_http || self.has_requests;
        for key in (0..KEYS).filter(|key| self.moods.file[*key] && !waits) {
            let book = &self.books[socket];
            let page = &book.keys[key];
            let is_asked = page.asked > 0 || page.goes_on || book.shut == Some(key);
            assert!(is_asked, "{message} came before k{key} was asked for");
        }
    }

    /// Asserts, when the name becomes ready, that the keys of the settings are answered or have
    /// timed out.
    pub(super) fn expect_decided(&self, socket: usize, what: &str) {
        let book = &self.books[socket];
        let Some(passed_at) = book.passed_at else {
            return;
        };
        // A request that needs no answer may still be on its way.
        if passed_at.elapsed() >= self.moods.within || !self.moods.acks {
            return;
        }
        for key in (0..KEYS).filter(|key| self.moods.file[*key]) {
            assert!(
                book.is_decided(key),
                "{what} on socket {socket}, and k{key} is not decided: {:?}",
                book.keys[key]
            );
        }
    }

    /// Asserts, at the cutover to this socket, that each key that was active and wanted all the
    /// time is answered.
    pub(super) fn expect_cut_over(&mut self, socket: usize) {
        let emptied = self.wants.emptied();
        let book = &self.books[socket];
        let Some(passed_at) = book.passed_at else {
            return;
        };
        if passed_at.elapsed() >= self.moods.within || !self.moods.acks {
            return;
        }
        for (key, emptied) in emptied.into_iter().enumerate() {
            if !book.stays(key, self.versions[key], emptied) {
                continue;
            }
            self.tally.cut_over += 1;
            assert!(
                book.is_decided(key),
                "socket {socket} takes over, and k{key} was active: {:?}",
                book.keys[key]
            );
        }
    }
}
