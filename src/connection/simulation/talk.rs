//! The peer's side of the dialogue. It checks what a real server checks, and more: what it hears on a socket must be what was due there.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::Write,
    ops::AddAssign,
    rc::Rc,
    time::Duration,
};

use ring::{digest, hmac};
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::{
    dialogue::{KEY, Moods},
    plan::Dice,
};
use crate::testing::frame;
use everwire_proto::dialogue::MAX_ANSWERS;

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
    /// The name has captured a session, in this process.
    pub has_session: bool,
    /// The peer has told the name to forget its session, at some time.
    pub was_refused: bool,
    /// On which socket each mark was told.
    told_on: BTreeMap<u64, usize>,
    /// What answers have shown of marks that were told on another socket.
    borrowed: BTreeSet<usize>,
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
    /// The last number of the broadcast that was heard before it opened, where one socket follows the other.
    pub heard_before: u64,
    /// A loss before it opened has taken the session.
    pub must_forget: bool,
    /// It was dialled when the name had a session.
    must_resume: bool,
    /// It serves, or has served.
    has_served: bool,
    /// No earlier mark than this can the name have had captured when it began to serve, as far as answers have shown.
    inherits: Option<u64>,
    /// The first mark that was told on it.
    told: Option<u64>,
    /// The last of those that an answer has shown.
    shown: Option<u64>,
}

/// This peer reads and writes in turns: by so much an answer may be read late.
const LATE: Duration = Duration::from_millis(100);

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
    /// A mark of an earlier socket that is known there, or a later one.
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
    /// Whether nothing comes late on it.
    is_clean: bool,
    /// When the last answers came: as many as may come within a second.
    answered_at: VecDeque<Instant>,
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
        self.sockets.push(Standing {
            must_resume: self.has_session,
            ..Standing::default()
        });
        self.sockets.len() - 1
    }

    /// This socket serves from now on. The one that has served before it, if there was one, has left its captures.
    pub fn serves(&mut self, socket: usize, before: Option<usize>) {
        let before = before.and_then(|before| self.sockets.get(before));
        let inherits = before.and_then(Standing::leaves);
        let standing = &mut self.sockets[socket];
        standing.has_served = true;
        standing.inherits = inherits;
    }

    /// This socket opens, and none is beside it: so much was heard before. What it says may come late, when others have opened.
    pub fn opens_one_by_one(&mut self, socket: usize, heard: u64) {
        let must_forget = self.forgotten;
        let standing = &mut self.sockets[socket];
        (standing.heard_before, standing.must_forget) = (heard, must_forget);
    }

    /// What a name has captured on a socket that has never served is nowhere else. Known only where no process has ended before
    /// it told what serves.
    pub fn expect_no_leak(&self) {
        for socket in &self.borrowed {
            assert!(
                self.sockets[*socket].has_served,
                "a mark of socket {socket}, which has never served, is known on another one"
            );
        }
    }

    /// Whether nothing that was asked on this socket waits for its answer.
    pub fn is_answered(&self, socket: usize) -> bool {
        let standing = self.sockets.get(socket);
        let is_well = |it: &Standing| it.is_gone || (it.has_flooded && it.unanswered == 0);
        standing.is_none_or(is_well)
    }
}

impl Standing {
    /// No earlier mark than this is captured when it ends. One that was told on it counts, once it has come.
    fn leaves(&self) -> Option<u64> {
        let first = self
            .told
            .map_or(self.inherits, |told| self.inherits.min(Some(told)));
        self.shown.or(first)
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.standing(|standing| standing.is_gone = true);
    }
}

impl Talk {
    pub fn new(talks: Rc<RefCell<Talks>>, moods: Moods, number: usize, is_clean: bool) -> Self {
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
            is_clean,
            answered_at: VecDeque::new(),
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
                self.expect_no_session();
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
        if troubled && dice.percent(self.moods.refuses) {
            talks.said.refused += 1;
            talks.was_refused = true;
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

    /// The session is forgotten, and the client is told.
    pub fn forget(&self) {
        self.talks.borrow_mut().was_refused = true;
    }

    /// The client begins a session: it must have none that is worth being resumed.
    fn expect_no_session(&self) {
        let talks = self.talks.borrow();
        let must_resume = talks.sockets[self.number].must_resume && !talks.was_refused;
        assert!(
            !must_resume,
            "socket {} has a session to resume, and begins another one",
            self.number
        );
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
            Some(mark) => {
                let shown = said["mark"].as_u64();
                assert_eq!(shown, Some(mark), "the mark of another socket");
                self.standing(|standing| standing.shown = shown);
            }
            None => self.borrowed(said["mark"].as_u64(), question.inherits),
        }
        self.expect_rate();
        self.standing(|standing| standing.unanswered -= 1);
        self.count(|said| said.answers += 1);
    }

    /// An answer shows a mark of another socket, or none; `known`: that one, or a later one, was captured when this one began to serve.
    fn borrowed(&self, mark: Option<u64>, known: Option<u64>) {
        assert!(mark >= known, "mark {known:?} was lost at a cut: {mark:?}");
        if let Some(mark) = mark {
            let mut talks = self.talks.borrow_mut();
            talks.said.inherited += 1;
            let told_on = talks.told_on[&mark];
            talks.borrowed.insert(told_on);
        }
    }

    /// An answer has come: no more of them may come within a second.
    fn expect_rate(&mut self) {
        let now = Instant::now();
        self.answered_at.push_back(now);
        if self.answered_at.len() <= MAX_ANSWERS as usize {
            return;
        }
        let first = self.answered_at.pop_front();
        let within = first.map_or(Duration::MAX, |first| now - first);
        assert!(
            !self.is_clean || within + LATE >= Duration::from_secs(1),
            "{} answers came within {within:?}",
            MAX_ANSWERS + 1
        );
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
        self.talks.borrow_mut().told_on.insert(mark, self.number);
        self.standing(|standing| standing.told = standing.told.or(Some(mark)));
        say(out, &json!({"t": "mark", "m": mark}));
    }

    fn ask(&mut self, questions: u64, out: &mut Vec<u8>) {
        let inherits = self.talks.borrow().sockets[self.number].inherits;
        for _ in 0..questions {
            let number = self.draw();
            say(out, &json!({"t": "ask", "q": number}));
            self.questions.push_back(Question {
                number,
                greeted: self.greeted,
                token: self.token.clone(),
                mark: self.mark,
                inherits,
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
