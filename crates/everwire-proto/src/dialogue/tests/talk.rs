//! The life of a socket, with its actions as lines of text.

use super::*;

thread_local! {
    /// How often this test has hashed.
    pub(super) static HASHES: Cell<usize> = const { Cell::new(0) };
}

/// Returns the length of its input instead of a hash.
pub(super) struct LengthSigner;

impl Signer for LengthSigner {
    fn hash(&self, _: HashAlgorithm, data: &[u8]) -> Vec<u8> {
        HASHES.set(HASHES.get() + 1);
        data.len().to_be_bytes().to_vec()
    }

    fn hmac(&self, _: HashAlgorithm, key: &[u8], data: &[u8]) -> Vec<u8> {
        (key.len() + data.len()).to_be_bytes().to_vec()
    }

    fn sign(&self, _: SignatureAlgorithm, _: &[u8], _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

pub(super) struct NoVariables;

impl Variables for NoVariables {
    fn get(&self, _: Variable<'_>) -> Option<&str> {
        None
    }
}

/// A conversation, its time, and its last actions.
pub(super) struct Talk {
    pub conversation: Conversation,
    pub now: Instant,
    /// Since 1970.
    pub wall: Duration,
    pub random: Cell<u8>,
    pub handover: bool,
    pub sequence: Option<u64>,
    pub max_message: usize,
    pub out: Vec<Reply>,
}

impl Talk {
    pub fn of(conversation: Conversation) -> Self {
        Self {
            conversation,
            now: Instant::now(),
            wall: Duration::from_secs(1_700_000_000),
            random: Cell::new(0),
            handover: false,
            sequence: None,
            max_message: 1 << 20,
            out: Vec::new(),
        }
    }

    pub fn with<T>(
        &mut self,
        tell: impl FnOnce(&mut Conversation, &Here<'_>, &mut Vec<Reply>) -> T,
    ) -> T {
        self.out.clear();
        let random = |bytes: &mut [u8]| {
            for byte in bytes {
                *byte = self.random.get();
                self.random.set(byte.wrapping_add(1));
            }
        };
        let here = Here {
            now: self.now,
            wall: self.wall,
            random: &random,
            signer: &LengthSigner,
            name: "feed",
            handover: self.handover,
            sequence: self.sequence,
            max_message: self.max_message,
            variables: &NoVariables,
            slow: Duration::from_secs(30),
            backoff: None,
        };
        tell(&mut self.conversation, &here, &mut self.out)
    }

    pub fn opened(&mut self) -> String {
        self.with(|talk, here, out| talk.opened(here, out));
        self.told()
    }

    /// The message of the step whose turn it is, as text.
    pub fn composed(&mut self) -> Option<String> {
        let message = self.with(|talk, here, out| talk.compose(here, out))?;
        Some(text_of(&message))
    }

    pub fn written(&mut self) -> String {
        self.with(|talk, here, out| talk.written(here, out));
        self.told()
    }

    /// Composes and writes the step whose turn it is.
    pub fn send(&mut self) -> String {
        let composed = self.composed().unwrap_or_else(|| panic!("{}", self.told()));
        self.written();
        composed
    }

    pub fn heard(&mut self, message: impl Into<Message>) -> Heard {
        let message = message.into();
        self.with(|talk, here, out| talk.message(&message, here, out))
    }

    /// The actions after a message.
    pub fn hear(&mut self, message: impl Into<Message>) -> String {
        self.heard(message);
        self.told()
    }

    pub fn ping(&mut self) -> Ping {
        self.with(|talk, here, out| talk.ping(here, out))
    }

    /// Time passes; the timer fires if it is due.
    pub fn wait(&mut self, time: Duration) -> String {
        self.now += time;
        self.wall += time;
        self.out.clear();
        if self
            .conversation
            .deadline()
            .is_some_and(|due| due <= self.now)
        {
            self.with(|talk, here, out| talk.timer(here, out));
        }
        self.told()
    }

    /// The name is ready on this socket.
    pub fn ready(&mut self) -> String {
        self.with(|talk, here, out| talk.ready(here, out));
        self.told()
    }

    pub fn said(&mut self) {
        self.conversation.said(self.now);
    }

    pub fn begin_close_script(&mut self) -> String {
        self.with(|talk, here, out| talk.begin_close_script(here, out));
        self.told()
    }

    pub fn closes(&mut self) -> String {
        self.with(|talk, here, out| talk.closes(true, here, out));
        self.told()
    }

    pub fn lost(&mut self, cause: &Cause, close: Option<u16>) -> String {
        self.with(|talk, here, out| talk.lost(cause, close, here, out));
        self.told()
    }

    pub fn left(&self) -> Option<Duration> {
        let due = self.conversation.deadline()?;
        Some(due.saturating_duration_since(self.now))
    }

    /// The actions as text.
    pub fn told(&self) -> String {
        let told: Vec<String> = self.out.iter().map(text).collect();
        told.join("; ")
    }
}

pub(super) fn text(reply: &Reply) -> String {
    match reply {
        Reply::Compose => "compose".into(),
        Reply::Answer(message) => format!("answer {}", text_of(message)),
        Reply::ComposeNow => "compose now".into(),
        Reply::Subscribe => "subscribe".into(),
        Reply::Sign(requests) => format!("sign {requests:?}"),
        Reply::Call(call) => format!("call {}", call.shown),
        Reply::Passed => "passed".into(),
        Reply::MayClose => "may close".into(),
        Reply::Times => "times".into(),
        Reply::Beat => "beat".into(),
        Reply::Rotate { url: None } => "rotate".into(),
        Reply::Rotate { url: Some(url) } => format!("rotate to {url}"),
        Reply::NextUrl(url) => format!("next {url}"),
        Reply::Stale => "stale".into(),
        Reply::Answered(answered) => {
            let what = if answered.is_failure {
                "refused"
            } else {
                "answered"
            };
            format!("{what} {}", text_of(&answered.message))
        }
        Reply::Subscription(change) => {
            let text = change.text.as_deref().unwrap_or_default();
            format!("{} {} {text}", change.key, change.state.as_str())
                .trim_end()
                .into()
        }
        Reply::Lose(cause) => format!("lose {cause}"),
        Reply::Error(cause) => format!("error {cause}"),
        Reply::Happened(happening) => format!("[{happening}]"),
    }
}

/// A binary message is written in `<>`.
pub(super) fn text_of(message: &Message) -> String {
    match message {
        Message::Text(text) => text.to_string(),
        Message::Binary(bytes) => format!("<{}>", String::from_utf8_lossy(bytes)),
    }
}

pub(super) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(super) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(super) fn closed(code: u16) -> Cause {
    Cause::Closed(crate::wire::CloseFrame::new(code, ""))
}
