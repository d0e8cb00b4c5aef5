//! The peer's side of the dialogue. It checks what a real server checks, and more: what it hears on a socket must be what was due there.

use std::{
    cell::RefCell,
    collections::{BTreeSet, VecDeque},
    fmt::Write,
    ops::AddAssign,
    rc::Rc,
};

use ring::{digest, hmac};
use serde_json::{Value as Json, json};

use super::{
    dialogue::{KEY, Moods},
    plan::Dice,
};
use crate::testing::frame;

/// What the peer knows of all sockets.
#[derive(Debug, Default)]
pub(super) struct Talks {
    pub sockets: Vec<Standing>,
    sessions: BTreeSet<String>,
    /// The last number of a question or a mark.
    last: u64,
    pub said: Said,
    /// A loss has taken the session: it must not be resumed. Known only where one socket follows the other.
    pub forgotten: bool,
    /// The last number of the broadcast that was heard before the last socket opened, where one follows the other.
    pub heard_before: u64,
}

/// What was said in one life, or in many.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    pub logins: u64,
    pub refused: u64,
    pub again: u64,
    pub resumed: u64,
    pub identified: u64,
    pub answers: u64,
    pub floods: u64,
    pub warnings: u64,
    pub passed: u64,
    /// Answers with a value that another socket has left.
    pub inherited: u64,
}

/// Where one socket stands.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// The client may take its script for passed: what is still to come of it, it may have written already.
    pub has_passed: bool,
    /// Questions that are not answered.
    pub unanswered: usize,
    /// It was asked for many answers at once, after the trouble.
    pub has_flooded: bool,
    pub is_gone: bool,
}

/// What comes next in the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Login,
    Session,
    Watch,
    /// Both times the peer says that it may begin.
    Go,
    Messages,
    /// The login was refused.
    Nothing,
}

/// A question, and what stood on the socket when it was asked.
#[derive(Debug)]
struct Question {
    number: u64,
    /// Whether the nonce is known, or the token of this socket.
    greeted: bool,
    token: Option<String>,
    mark: Option<u64>,
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
    /// The numbers of what came.
    ids: BTreeSet<u64>,
    last_step: u64,
}

impl AddAssign for Said {
    fn add_assign(&mut self, other: Self) {
        self.logins += other.logins;
        self.refused += other.refused;
        self.again += other.again;
        self.resumed += other.resumed;
        self.identified += other.identified;
        self.answers += other.answers;
        self.floods += other.floods;
        self.warnings += other.warnings;
        self.passed += other.passed;
        self.inherited += other.inherited;
    }
}

impl Talks {
    /// Another socket.
    pub fn open(&mut self) -> usize {
        self.sockets.push(Standing::default());
        self.sockets.len() - 1
    }

    /// Whether nothing that was asked on this socket waits for its answer.
    pub fn is_answered(&self, socket: usize) -> bool {
        let standing = self.sockets.get(socket);
        let is_well = |it: &Standing| it.is_gone || (it.has_flooded && it.unanswered == 0);
        standing.is_none_or(is_well)
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.standing(|standing| standing.is_gone = true);
    }
}

impl Talk {
    pub fn new(talks: Rc<RefCell<Talks>>, moods: Moods, number: usize) -> Self {
        Self {
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
            ids: BTreeSet::new(),
            last_step: 0,
        }
    }

    fn standing(&self, change: impl FnOnce(&mut Standing)) {
        change(&mut self.talks.borrow_mut().sockets[self.number]);
    }

    fn count(&self, count: impl FnOnce(&mut Said)) {
        count(&mut self.talks.borrow_mut().said);
    }

    /// The greeting.
    pub fn greet(&mut self, dice: &mut Dice, out: &mut Vec<u8>) {
        self.greeted = true;
        let beat = dice.within(500, 8_000);
        say(
            out,
            &json!({"t": "hello", "nonce": self.nonce, "beat": beat}),
        );
    }

    /// A message of the outbox has come: it must be its turn.
    pub fn message(&self, text: &str) {
        assert_eq!(
            self.due,
            Due::Messages,
            "{text} came before the script of socket {} has passed",
            self.number
        );
    }

    /// The client says something of the dialogue.
    pub fn hear(&mut self, text: &str, troubled: bool, dice: &mut Dice, out: &mut Vec<u8>) {
        let said: Json = serde_json::from_str(text).expect("JSON");
        let id = said["id"].as_u64().expect("a number");
        self.numbered(id, text);
        match said["op"].as_str().expect("an operation") {
            "answer" => self.answered(&said),
            "ping" => say(out, &json!({"t": "pong", "id": id})),
            step => {
                assert!(id > self.last_step, "{text} came out of order");
                self.last_step = id;
                self.step(step, id, &said, troubled, dice, out);
            }
        }
    }

    /// Each number is drawn once, from 1 on, and by what is sent: the only holes are of answers that are not written yet.
    fn numbered(&mut self, id: u64, text: &str) {
        assert!(self.ids.insert(id), "{text} has a number that was used");
        let known = self.ids.len() as u64 + self.questions.len() as u64;
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
        assert_eq!(due, self.due, "{said} came on socket {}", self.number);
        let moods = self.moods;
        if due != Due::Watch && dice.percent(moods.decoys) {
            let other = id + dice.within(1, 5);
            say(
                out,
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
                    return say(
                        out,
                        &json!({"id": id, "refused": format!("no {KEY}"), "mac": expected}),
                    );
                }
                if troubled && dice.percent(moods.waits) {
                    self.count(|said| said.again += 1);
                    return say(out, &json!({"id": id, "wait": dice.within(0, 2_000)}));
                }
                let token = format!("tok-{}-{id}-of-the-peer", self.number);
                say(out, &json!({"id": id, "ok": true, "token": token}));
                (self.token, self.due) = (Some(token), Due::Session);
            }
            "resume" => {
                assert_eq!(said["token"].as_str(), self.token.as_deref());
                self.resume(id, said, troubled, dice, out);
            }
            "identify" => {
                assert_eq!(said["token"].as_str(), self.token.as_deref());
                let session = format!("session-{}", self.number);
                say(out, &json!({"id": id, "session": session}));
                let mut talks = self.talks.borrow_mut();
                talks.sessions.insert(session);
                talks.forgotten = false;
                talks.said.identified += 1;
                drop(talks);
                self.may_watch();
            }
            _ if moods.says_go => {
                self.due = Due::Go;
                say(out, &json!({"t": "go"}));
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
        assert!(
            !talks.forgotten,
            "{session} is resumed, and was to be forgotten"
        );
        let heard = talks.heard_before;
        assert!(seq >= heard, "resumed at {seq}, and {heard} was heard");
        if troubled && dice.percent(self.moods.refuses) {
            talks.said.refused += 1;
            self.due = Due::Nothing;
            return say(
                out,
                &json!({"id": id, "refused": "session", "token": self.token}),
            );
        }
        talks.said.resumed += 1;
        drop(talks);
        say(out, &json!({"id": id, "resumed": true}));
        self.may_watch();
    }

    /// The last step that is answered has passed.
    fn may_watch(&mut self) {
        self.due = Due::Watch;
        let may_be_ready = !self.moods.says_go;
        self.standing(|standing| standing.has_passed = may_be_ready);
    }

    fn pass(&mut self) {
        self.due = Due::Messages;
        self.standing(|standing| standing.has_passed = true);
        self.count(|said| said.passed += 1);
    }

    /// A rule has answered: what was asked on this socket, in order, with what this socket's messages have set.
    fn answered(&mut self, said: &Json) {
        let question = self.questions.pop_front();
        let question =
            question.unwrap_or_else(|| panic!("nobody asked on socket {}: {said}", self.number));
        assert_eq!(
            said["q"].as_u64(),
            Some(question.number),
            "another question was asked on socket {}",
            self.number
        );
        if question.greeted {
            assert_eq!(
                said["nonce"].as_str(),
                Some(self.nonce.as_str()),
                "the nonce of another socket"
            );
        }
        if let Some(token) = &question.token {
            assert_eq!(
                said["token"].as_str(),
                Some(sha256(token).as_str()),
                "the token of another socket"
            );
        }
        match question.mark {
            Some(mark) => assert_eq!(
                said["mark"].as_u64(),
                Some(mark),
                "the mark of another socket"
            ),
            None => self.count(|count| count.inherited += u64::from(said["mark"].is_u64())),
        }
        self.standing(|standing| standing.unanswered -= 1);
        self.count(|said| said.answers += 1);
    }

    /// What the peer says by itself.
    pub fn chat(&mut self, dice: &mut Dice, out: &mut Vec<u8>) {
        if !self.greeted {
            // Rules act before the script does.
            return self.ask(1, out);
        }
        if self.due == Due::Go && dice.percent(80) {
            self.go(out);
        }
        if !dice.percent(self.moods.chats) {
            return;
        }
        if dice.percent(self.moods.floods) {
            self.flood(dice, out);
        }
        if dice.percent(self.moods.warns) {
            self.count(|said| said.warnings += 1);
            let warning = if dice.percent(70) { "leave" } else { "move" };
            say(out, &json!({"t": warning, "why": self.number}));
        }
        match dice.within(0, 10) {
            0..5 => self.ask(dice.within(1, 4), out),
            5..8 => self.mark(out),
            8 => say(
                out,
                &json!({"t": "beat", "of": self.number, "at": self.asked}),
            ),
            _ => {}
        }
    }

    /// What it says after the trouble: what has to be said, and one flood.
    pub fn chat_calmly(&mut self, dice: &mut Dice, out: &mut Vec<u8>) {
        if self.due == Due::Go {
            self.go(out);
        }
        let has_flooded = self.talks.borrow().sockets[self.number].has_flooded;
        if self.due == Due::Messages && !has_flooded {
            self.standing(|standing| standing.has_flooded = true);
            self.mark(out);
            self.flood(dice, out);
        }
    }

    fn flood(&mut self, dice: &mut Dice, out: &mut Vec<u8>) {
        self.count(|said| said.floods += 1);
        self.ask(dice.within(100, 400), out);
    }

    fn go(&mut self, out: &mut Vec<u8>) {
        say(out, &json!({"t": "go"}));
        self.pass();
    }

    fn mark(&mut self, out: &mut Vec<u8>) {
        let mark = self.draw();
        self.mark = Some(mark);
        say(out, &json!({"t": "mark", "m": mark}));
    }

    fn ask(&mut self, questions: u64, out: &mut Vec<u8>) {
        for _ in 0..questions {
            let number = self.draw();
            say(out, &json!({"t": "ask", "q": number}));
            self.questions.push_back(Question {
                number,
                greeted: self.greeted,
                token: self.token.clone(),
                mark: self.mark,
            });
            self.asked += 1;
            self.standing(|standing| standing.unanswered += 1);
        }
    }

    fn draw(&self) -> u64 {
        let mut talks = self.talks.borrow_mut();
        talks.last += 1;
        talks.last
    }
}

fn say(out: &mut Vec<u8>, said: &Json) {
    frame::encode(out, frame::TEXT, said.to_string().as_bytes());
}

fn hmac(text: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes());
    hex(hmac::sign(&key, text).as_ref())
}

fn sha256(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _infallible = write!(hex, "{byte:02x}");
        hex
    })
}
