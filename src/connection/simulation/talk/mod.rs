//! The peer's side of the dialogue. It checks what a real server checks, and also that each message
//! was due on its socket.

mod answers;
mod beside;
mod chat;
mod keys;

use std::{
    cell::RefCell,
    collections::{BTreeSet, VecDeque},
    rc::Rc,
    time::Duration,
};

use miniz_oxide::deflate::{CompressionLevel, compress_to_vec_zlib};
use ring::{digest, hmac};
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use self::keys::Late;
use super::{
    dialogue::{KEY, Moods},
    keys::{Keys, name_of},
    plan::Dice,
    talks::{Said, Standing, Talks},
};
use crate::testing::frame;

/// The next step of the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Login,
    Session,
    Watch,
    /// The two messages that let the client begin.
    Go,
    Messages,
    /// The login was refused.
    Nothing,
}

/// A question, and the state of the socket when it was sent.
#[derive(Debug)]
struct Question {
    number: u64,
    /// Whether the client knows the nonce or the token of this socket.
    greeted: bool,
    token: Option<String>,
    mark: Option<u64>,
    /// A mark of an earlier socket that the client knows there, or a later one.
    inherits: Option<u64>,
}

/// The dialogue on one socket.
pub(super) struct Talk {
    talks: Rc<RefCell<Talks>>,
    moods: Moods,
    number: usize,
    nonce: String,
    greeted: bool,
    due: Due,
    token: Option<String>,
    mark: Option<u64>,
    questions: VecDeque<Question>,
    asked: u64,
    /// Whether nothing arrives late on this socket.
    is_clean: bool,
    /// Whether messages may have waited for a rate or for the in-flight limit.
    is_paced: bool,
    /// The times of the last answers: as many as may come within a second.
    answered_at: VecDeque<Instant>,
    /// The ids of the received messages.
    ids: BTreeSet<u64>,
    last_step: u64,
    /// The earliest time at which the client may have finished its script.
    passed_at: Instant,
    /// The number of received periodic steps.
    ticks: u32,
    /// Whether the last periodic step waits for its answer.
    is_ticking: bool,
    beat: Duration,
    /// The client has sent its close script.
    has_left: bool,
    /// The record of subscriptions, if the name has any.
    keys: Option<Rc<RefCell<Keys>>>,
    /// Answers that were not sent yet.
    late: Vec<Late>,
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.standing(|standing| standing.is_gone = true);
    }
}

impl Talk {
    pub fn new(
        talks: Rc<RefCell<Talks>>,
        moods: Moods,
        number: usize,
        is_clean: bool,
        is_paced: bool,
    ) -> Self {
        Self {
            is_paced,
            talks,
            moods,
            number,
            nonce: format!("nonce-{number}"),
            greeted: false,
            due: Due::Login,
            token: None,
            mark: None,
            questions: VecDeque::new(),
            asked: 0,
            is_clean,
            answered_at: VecDeque::new(),
            ids: BTreeSet::new(),
            last_step: 0,
            passed_at: Instant::now(),
            ticks: 0,
            is_ticking: false,
            beat: Duration::ZERO,
            has_left: false,
            keys: None,
            late: Vec::new(),
        }
    }

    /// Adds subscriptions.
    pub fn with_keys(mut self, keys: Option<Rc<RefCell<Keys>>>, from: Option<usize>) -> Self {
        if let Some(keys) = &keys {
            keys.borrow_mut().open(self.is_clean, from);
        }
        self.keys = keys;
        self
    }

    fn standing(&self, change: impl FnOnce(&mut Standing)) {
        change(&mut self.talks.borrow_mut().sockets[self.number]);
    }

    fn count(&self, count: impl FnOnce(&mut Said)) {
        count(&mut self.talks.borrow_mut().said);
    }

    fn say(&self, out: &mut Vec<u8>, said: &Json) {
        let text = said.to_string();
        if !self.moods.zips {
            return frame::encode(out, frame::TEXT, text.as_bytes());
        }
        let zipped = compress_to_vec_zlib(text.as_bytes(), CompressionLevel::BestSpeed as u8);
        frame::encode(out, frame::BINARY, &zipped);
    }

    /// Sends the greeting.
    pub fn greet(&mut self, dice: &mut Dice, out: &mut Vec<u8>) {
        self.greeted = true;
        let beat = dice.within(500, 8_000);
        self.beat = Duration::from_millis(beat);
        let shut = self.shut(dice).map_or_else(String::new, name_of);
        let hello = json!({"t": "hello", "nonce": self.nonce, "beat": beat, "shut": shut});
        self.say(out, &hello);
    }

    /// Checks that a message of the outbox may come now.
    pub fn message(&self, text: &str) {
        assert_eq!(
            self.due,
            Due::Messages,
            "{text} came before the script of socket {} has passed",
            self.number
        );
        assert!(!self.has_left, "{text} came behind the farewell");
        if let Some(keys) = &self.keys {
            keys.borrow().expect_before_outbox(self.number, text);
        }
    }

    /// Handles a message of the dialogue.
    pub fn hear(&mut self, text: &str, troubled: bool, dice: &mut Dice, out: &mut Vec<u8>) {
        let said: Json = serde_json::from_str(text).expect("JSON");
        let id = said["id"].as_u64().expect("a number");
        self.numbered(id, text);
        match said["op"].as_str().expect("an operation") {
            "answer" => self.answered(&said),
            "ping" => self.say(out, &json!({"t": "pong", "id": id})),
            "tick" => self.tick(id, troubled, dice, out),
            "time" => self.time(id, &said, troubled, dice, out),
            "sub" => self.subscribe(id, &said, troubled, dice, out),
            "unsub" => self.unsubscribe(id, &said, out),
            "bye" => self.bye(id, troubled, dice, out),
            step => {
                assert!(id > self.last_step, "{text} came out of order");
                self.last_step = id;
                self.step(step, id, &said, troubled, dice, out);
            }
        }
    }

    /// Checks that each id is used once, counted from 1, and only by sent messages. The only gaps
    /// are answers that are not written yet.
    fn numbered(&mut self, id: u64, text: &str) {
        assert!(self.ids.insert(id), "{text} has a number that was used");
        let keys = self.keys.as_ref();
        let calls = keys.map_or(0, |keys| keys.borrow().calls(self.number));
        let known = self.ids.len() as u64 + self.questions.len() as u64 + calls;
        assert!(
            (1..=known).contains(&id),
            "{text}: {known} numbers at most are drawn"
        );
    }

    fn step(
        &mut self,
        step: &str,
        id: u64,
        said: &Json,
        troubled: bool,
        dice: &mut Dice,
        out: &mut Vec<u8>,
    ) {
        let due = match step {
            "login" => Due::Login,
            "resume" | "identify" => Due::Session,
            "watch" => Due::Watch,
            other => panic!("{other} is no operation"),
        };
        if step == "identify" && self.due == Due::Watch && self.talks.borrow().was_refused {
            // The socket has resumed a session beside a socket whose loss ends that session: it
            // takes over, and begins another.
            self.due = Due::Session;
        }
        assert_eq!(due, self.due, "{said} came on socket {}", self.number);
        let moods = self.moods;
        if due != Due::Watch && dice.percent(moods.decoys) {
            let other = id + dice.within(1, 5);
            self.say(out,
                &json!({"id": other, "ok": true, "resumed": true, "session": "decoy", "token": "decoy"}),
            );
        }
        match step {
            "login" => {
                let expected = hmac(format!("{}feed", self.nonce).as_bytes());
                assert!(self.greeted, "a login without a nonce");
                assert_eq!(said["nonce"], self.nonce.as_str());
                assert_eq!(
                    said["mac"],
                    expected.as_str(),
                    "the login is signed wrongly"
                );
                self.count(|said| said.logins += 1);
                if troubled && dice.percent(moods.refuses) {
                    self.count(|said| said.refused += 1);
                    self.due = Due::Nothing;
                    return self.say(
                        out,
                        &json!({"id": id, "refused": format!("no {KEY}"), "mac": expected}),
                    );
                }
                if troubled && dice.percent(moods.waits) {
                    self.count(|said| said.again += 1);
                    return self.say(out, &json!({"id": id, "wait": dice.within(0, 2_000)}));
                }
                let token = format!("tok-{}-{id}-of-the-peer", self.number);
                self.say(out, &json!({"id": id, "ok": true, "token": token}));
                (self.token, self.due) = (Some(token), Due::Session);
            }
            "resume" => {
                assert_eq!(said["token"].as_str(), self.token.as_deref());
                self.resume(id, said, troubled, dice, out);
            }
            "identify" => {
                assert_eq!(said["token"].as_str(), self.token.as_deref());
                self.expect_no_session();
                let session = format!("session-{}", self.number);
                self.say(out, &json!({"id": id, "session": session}));
                let mut talks = self.talks.borrow_mut();
                let process = talks.process;
                talks.begun_in.insert(session.clone(), process);
                talks.sessions.insert(session);
                talks.forgotten = false;
                talks.said.identified += 1;
                drop(talks);
                self.may_watch();
            }
            _ if moods.says_go => {
                self.due = Due::Go;
                self.say(out, &json!({"t": "go"}));
            }
            _ => self.pass(),
        }
    }

    fn resume(&mut self, id: u64, said: &Json, troubled: bool, dice: &mut Dice, out: &mut Vec<u8>) {
        let session = said["session"].as_str().expect("a session");
        let seq = said["seq"].as_u64().expect("a number");
        let mut talks = self.talks.borrow_mut();
        assert!(
            talks.sessions.contains(session),
            "{session} was never begun"
        );
        let Standing {
            heard_before: heard,
            must_forget,
            ..
        } = talks.sockets[self.number];
        assert!(
            !must_forget,
            "{session} is resumed, and was to be forgotten"
        );
        assert!(seq >= heard, "resumed at {seq}, and {heard} was heard");
        let is_kept = talks.begun_in[session] < talks.process;
        // A stored sequence number may be behind the published one, never ahead. Captures of a
        // successor are published when it serves.
        let (told, serves) = (talks.told, talks.sockets[self.number].has_served);
        assert!(
            !is_kept || !serves || seq <= told,
            "resumed at {seq}, and {told} was told"
        );
        talks.said.kept += u64::from(is_kept);
        if troubled && dice.percent(self.moods.refuses) {
            talks.said.refused += 1;
            talks.was_refused = true;
            self.due = Due::Nothing;
            return self.say(
                out,
                &json!({"id": id, "refused": "session", "token": self.token}),
            );
        }
        talks.said.resumed += 1;
        drop(talks);
        self.say(out, &json!({"id": id, "resumed": true}));
        self.may_watch();
    }

    /// Forgets the session; the client is told.
    pub fn forget(&self) {
        self.talks.borrow_mut().was_refused = true;
    }

    /// Asserts, when the client begins a session, that it has no session to resume.
    fn expect_no_session(&self) {
        let talks = self.talks.borrow();
        let must_resume = talks.sockets[self.number].must_resume && !talks.was_refused;
        assert!(
            !must_resume,
            "socket {} has a session to resume, and begins another one",
            self.number
        );
    }

    /// The last step with an answer has passed.
    fn may_watch(&mut self) {
        self.due = Due::Watch;
        self.passed_at = Instant::now();
        if !self.moods.says_go {
            self.may_be_ready();
        }
    }

    /// The client may have finished its script.
    fn may_be_ready(&self) {
        self.standing(|standing| standing.has_passed = true);
        if let Some(keys) = &self.keys {
            keys.borrow_mut().may_pass(self.number);
        }
    }

    fn pass(&mut self) {
        self.due = Due::Messages;
        if self.moods.says_go {
            self.may_be_ready();
        }
        self.count(|said| said.passed += 1);
    }
}

fn hmac(text: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes());
    hex(hmac::sign(&key, text).as_ref())
}

fn sha256(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut hex = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        hex.push(char::from(DIGITS[usize::from(byte >> 4)]));
        hex.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    hex
}
