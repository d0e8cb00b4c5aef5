//! A dialogue compiled of texts, and a socket's life told line by line.

use std::{
    cell::Cell,
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use super::*;
use crate::{
    core::{Cause, Message},
    language::{
        Expression, HashAlgorithm, Lets, MessageTemplate, Name, Names, NothingOutside, Scope,
        SignatureAlgorithm, Signer, TemplateKind, Variable,
        json::{JsonPointer, PointerSet},
    },
    settings::{
        GiveUpRule,
        dialogue::{
            Again, AnswerAfter, Capture, Dialogue, DialogueRule, HeartbeatTemplates, PeriodicStep,
            RequestSettings, RuleAction, RuleDelay, ScriptStep, Sending, TemplateDuration, Trigger,
        },
    },
};

mod beats;
mod captures;
mod closes;
mod kept;
mod led;
mod periodic;
mod preparing;
mod preparing_signs;
mod properties;
mod protocol;
mod recipes;
mod reports;
mod requests;
mod rules;
mod scripts;
mod signs;
mod stored;
mod times;
mod watched;

/// A step, as texts; an empty one is not there.
#[derive(Clone, Debug)]
struct S {
    send: &'static str,
    expect: &'static str,
    count: u32,
    fail: &'static str,
    give_up: &'static str,
    within: u64,
    capture: &'static [(&'static str, &'static str)],
    secret: bool,
    clear: &'static [&'static str],
    condition: &'static str,
    again: &'static str,
    after: &'static str,
    reads_prepared: bool,
}

impl Default for S {
    fn default() -> Self {
        Self {
            send: "",
            expect: "",
            count: 1,
            fail: "",
            give_up: "",
            within: 10,
            capture: &[],
            secret: false,
            clear: &[],
            condition: "",
            again: "",
            after: "",
            reads_prepared: false,
        }
    }
}

/// A rule, as texts.
#[derive(Clone, Debug, Default)]
struct R {
    when: &'static str,
    loss: Vec<GiveUpRule>,
    send: &'static str,
    /// Whether the answer waits until the message is stored.
    stored: bool,
    silent: bool,
    capture: &'static [(&'static str, &'static str)],
    clear: &'static [&'static str],
    action: Option<RuleAction>,
    url: &'static str,
    /// Between these seconds.
    delay: Option<(u64, u64)>,
}

/// A dialogue, as texts.
#[derive(Clone, Debug, Default)]
struct D {
    /// Captures that are read, and perhaps set by nobody.
    names: &'static [&'static str],
    lets: &'static [(&'static str, &'static str)],
    capture: &'static [(&'static str, &'static str)],
    script: Vec<S>,
    /// Steps with their `every`, and whether they are idle steps.
    periodic: Vec<(&'static str, bool, S)>,
    close_script: Vec<S>,
    rules: Vec<R>,
    ping: &'static str,
    pong: &'static str,
    interval: &'static str,
    timeout: &'static str,
    idle: &'static str,
    first_id: u64,
    request: Option<Q>,
}

/// How requests are answered, as texts.
#[derive(Clone, Copy, Debug)]
struct Q {
    id: &'static str,
    answer: &'static str,
    fail: &'static str,
    in_flight: u32,
}

impl Default for Q {
    fn default() -> Self {
        Self {
            id: "/id",
            answer: "/id == id",
            fail: "exists(/error)",
            in_flight: 1024,
        }
    }
}

/// Compiles texts in one scope.
struct Compiler<'a>(Scope<'a>);

impl Compiler<'_> {
    fn optional<T>(text: &str, compile: impl FnOnce(&str) -> T) -> Option<T> {
        (!text.is_empty()).then(|| compile(text))
    }

    fn condition(&mut self, text: &str) -> Option<Expression> {
        Self::optional(text, |text| {
            Expression::condition(text, &mut self.0)
                .unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
        })
    }

    fn template(&mut self, text: &str, kind: TemplateKind) -> Option<MessageTemplate> {
        Self::optional(text, |text| {
            MessageTemplate::parse(text, kind, &mut self.0)
                .unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
        })
    }

    fn sending(&mut self, text: &str) -> Option<Sending> {
        if let Some(text) = text.strip_prefix("bytes:") {
            return self.template(text, TemplateKind::Bytes).map(Sending::Bytes);
        }
        self.template(text, TemplateKind::Text).map(Sending::Text)
    }

    fn duration(&mut self, text: &str) -> Option<TemplateDuration> {
        self.template(text, TemplateKind::Text)
            .map(TemplateDuration)
    }

    fn number(&self, name: &str) -> u16 {
        match self.0.names.find(name) {
            Some(Name::Capture(at)) => at,
            found => panic!("{name}: {found:?}"),
        }
    }

    /// `VALUE`, or `VALUE if WHEN`; ` keep` behind it, if it is kept.
    fn captures(&mut self, captures: &[(&str, &str)], secret: bool) -> Vec<Capture> {
        let mut compiled = Vec::new();
        for (name, text) in captures {
            let (text, keep) = match text.strip_suffix(" keep") {
                Some(text) => (text, true),
                None => (*text, false),
            };
            let (value, when) = text.split_once(" if ").unwrap_or((text, ""));
            let value = Expression::value(value, &mut self.0)
                .unwrap_or_else(|errors| panic!("{value}: {errors:?}"));
            compiled.push(Capture {
                name: self.number(name),
                value,
                when: self.condition(when),
                secret,
                keep,
            });
        }
        compiled
    }

    fn step(&mut self, step: &S) -> ScriptStep {
        let after = self.duration(step.after);
        ScriptStep {
            send: self.sending(step.send),
            expect: self.condition(step.expect),
            count: NonZeroU32::new(step.count).unwrap(),
            fail: self.condition(step.fail),
            give_up: self.condition(step.give_up),
            within: Duration::from_secs(step.within),
            capture: self.captures(step.capture, step.secret),
            clear: step.clear.iter().map(|name| self.number(name)).collect(),
            condition: self.condition(step.condition),
            again: self.condition(step.again).map(|when| Again { when, after }),
            rate: Vec::new(),
            reads_prepared: step.reads_prepared,
        }
    }

    fn request(
        &mut self,
        Q {
            id,
            answer,
            fail,
            in_flight,
        }: Q,
    ) -> RequestSettings {
        let answer = self.condition(answer).unwrap();
        let fail = self.condition(fail);
        let id = JsonPointer::new(id).unwrap();
        let mut request = RequestSettings::new(id, answer, self.0.pointers);
        request.fail = fail;
        request.in_flight = NonZeroU32::new(in_flight).unwrap();
        request
    }

    fn periodic(&mut self, (every, idle, step): &(&str, bool, S)) -> PeriodicStep {
        PeriodicStep {
            every: self.duration(every).unwrap(),
            idle: *idle,
            step: self.step(step),
        }
    }

    fn rule(&mut self, rule: &R) -> DialogueRule {
        let trigger = match self.condition(rule.when) {
            Some(when) => Trigger::Message(when),
            None => Trigger::Loss(rule.loss.clone()),
        };
        let delay = rule.delay.map(|(min, max)| RuleDelay {
            min: Duration::from_secs(min),
            max: Duration::from_secs(max),
        });
        DialogueRule {
            send: self.sending(rule.send),
            after: rule.stored.then_some(AnswerAfter::Stored),
            deliver: !rule.silent,
            capture: self.captures(rule.capture, false),
            clear: rule.clear.iter().map(|name| self.number(name)).collect(),
            action: rule.action,
            url: self.template(rule.url, TemplateKind::Url),
            delay,
            ..DialogueRule::new(trigger)
        }
    }
}

impl D {
    fn names(&self) -> Names {
        let mut names = Names::default();
        for (name, _) in self.lets {
            names.declare(name).unwrap();
        }
        for name in self.names {
            names.capture(name).unwrap();
        }
        let periodic = self.periodic.iter().map(|(.., step)| step);
        let steps = self.script.iter().chain(periodic).chain(&self.close_script);
        let steps = steps.flat_map(|step| step.capture);
        let rules = self.rules.iter().flat_map(|rule| rule.capture);
        for (name, _) in self.capture.iter().chain(steps).chain(rules) {
            names.capture(name).unwrap();
        }
        names
    }

    fn compile(&self) -> Arc<Dialogue> {
        let names = self.names();
        let mut pointers = PointerSet::default();
        let mut compiler = Compiler(Scope::new(&names, &mut pointers, &NothingOutside));
        let lets: Vec<&str> = self.lets.iter().map(|(_, text)| *text).collect();
        let heartbeat = HeartbeatTemplates {
            ping: compiler.template(self.ping, TemplateKind::Text),
            pong: compiler.condition(self.pong),
            interval: compiler.duration(self.interval),
            timeout: compiler.duration(self.timeout),
            ..HeartbeatTemplates::default()
        };
        let dialogue = Dialogue {
            lets: Lets::compile(&lets, &mut compiler.0).unwrap(),
            captures: compiler.captures(self.capture, false),
            open_script: self.script.iter().map(|step| compiler.step(step)).collect(),
            periodic: self
                .periodic
                .iter()
                .map(|step| compiler.periodic(step))
                .collect(),
            close_script: self
                .close_script
                .iter()
                .map(|step| compiler.step(step))
                .collect(),
            rules: self.rules.iter().map(|rule| compiler.rule(rule)).collect(),
            heartbeat: (heartbeat != HeartbeatTemplates::default()).then_some(heartbeat),
            idle_timeout: compiler.duration(self.idle),
            request: self.request.map(|request| compiler.request(request)),
            first_id: self.first_id,
            ..Dialogue::default()
        };
        let dialogue = Dialogue {
            names,
            pointers,
            ..dialogue
        };
        Arc::new(dialogue.with_needles())
    }

    fn talk(&self) -> Talk {
        Talk::of(Conversation::new(self.compile()))
    }

    /// The same, on an open socket.
    fn open(&self) -> Talk {
        let mut talk = self.talk();
        talk.opened();
        talk
    }
}

/// A script of these steps.
fn script(steps: impl Into<Vec<S>>) -> D {
    D {
        script: steps.into(),
        ..D::default()
    }
}

/// These rules.
fn rules(rules: impl Into<Vec<R>>) -> D {
    D {
        rules: rules.into(),
        ..D::default()
    }
}

/// Says how long its input is, where a real one would hash.
struct LengthSigner;

impl Signer for LengthSigner {
    fn hash(&self, _: HashAlgorithm, data: &[u8]) -> Vec<u8> {
        data.len().to_be_bytes().to_vec()
    }

    fn hmac(&self, _: HashAlgorithm, key: &[u8], data: &[u8]) -> Vec<u8> {
        (key.len() + data.len()).to_be_bytes().to_vec()
    }

    fn sign(&self, _: SignatureAlgorithm, _: &[u8], _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

struct NoVariables;

impl Variables for NoVariables {
    fn get(&self, _: Variable<'_>) -> Option<&str> {
        None
    }
}

/// A conversation, its time, and what it wanted done last.
struct Talk {
    conversation: Conversation,
    now: Instant,
    /// Since 1970.
    wall: Duration,
    random: Cell<u8>,
    handover: bool,
    sequence: Option<u64>,
    max_message: usize,
    out: Vec<Reply>,
}

impl Talk {
    fn of(conversation: Conversation) -> Self {
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

    fn with<T>(
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
        };
        tell(&mut self.conversation, &here, &mut self.out)
    }

    fn opened(&mut self) -> String {
        self.with(|talk, here, out| talk.opened(here, out));
        self.told()
    }

    /// The message of the step whose turn has come, as text.
    fn composed(&mut self) -> Option<String> {
        let message = self.with(|talk, here, out| talk.compose(here, out))?;
        Some(text_of(&message))
    }

    fn written(&mut self) -> String {
        self.with(|talk, here, out| talk.written(here, out));
        self.told()
    }

    /// The step whose turn has come is made and written at once.
    fn send(&mut self) -> String {
        let composed = self.composed().unwrap_or_else(|| panic!("{}", self.told()));
        self.written();
        composed
    }

    fn heard(&mut self, message: impl Into<Message>) -> Heard {
        let message = message.into();
        self.with(|talk, here, out| talk.message(&message, here, out))
    }

    /// What a message brings about.
    fn hear(&mut self, message: impl Into<Message>) -> String {
        self.heard(message);
        self.told()
    }

    fn ping(&mut self) -> Ping {
        self.with(|talk, here, out| talk.ping(here, out))
    }

    /// Time passes; the timer comes if it is due.
    fn wait(&mut self, time: Duration) -> String {
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
    fn ready(&mut self) -> String {
        self.with(|talk, here, out| talk.ready(here, out));
        self.told()
    }

    fn said(&mut self) {
        self.conversation.said(self.now);
    }

    fn begin_close_script(&mut self) -> String {
        self.with(|talk, here, out| talk.begin_close_script(here, out));
        self.told()
    }

    fn closes(&mut self) -> String {
        self.with(|talk, here, out| talk.closes(true, here, out));
        self.told()
    }

    fn lost(&mut self, cause: &Cause, close: Option<u16>) -> String {
        self.with(|talk, here, out| talk.lost(cause, close, here, out));
        self.told()
    }

    fn left(&self) -> Option<Duration> {
        let due = self.conversation.deadline()?;
        Some(due.saturating_duration_since(self.now))
    }

    /// What is to be done, as text.
    fn told(&self) -> String {
        let told: Vec<String> = self.out.iter().map(text).collect();
        told.join("; ")
    }
}

fn text(reply: &Reply) -> String {
    match reply {
        Reply::Compose => "compose".into(),
        Reply::Answer(message) => format!("answer {}", text_of(message)),
        Reply::ComposeNow => "compose now".into(),
        Reply::Sign(requests) => format!("sign {requests:?}"),
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
        Reply::Lose(cause) => format!("lose {cause}"),
        Reply::Error(cause) => format!("error {cause}"),
        Reply::Happened(happening) => format!("[{happening}]"),
    }
}

/// A binary message stands in `<>`.
fn text_of(message: &Message) -> String {
    match message {
        Message::Text(text) => text.to_string(),
        Message::Binary(bytes) => format!("<{}>", String::from_utf8_lossy(bytes)),
    }
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn closed(code: u16) -> Cause {
    Cause::Closed(crate::wire::CloseFrame::new(code, ""))
}

#[test]
fn a_conversation_is_small_and_one_that_has_heard_nothing_holds_no_memory_beside() {
    assert!(
        size_of::<Conversation>() <= 224,
        "{}",
        size_of::<Conversation>()
    );
    let mut talk = D {
        rules: vec![R {
            when: r#"/op == "ping""#,
            send: "pong",
            ..R::default()
        }],
        ping: "ping ${id}",
        pong: r#"message == "pong " ~ text(id)"#,
        ..D::default()
    }
    .open();
    talk.ping();
    talk.heard("pong 1");
    talk.heard(r#"{"trade":1}"#);
    let debugged = format!("{:?}", talk.conversation);
    assert!(
        debugged.contains("values: []") && debugged.contains("waiting: None"),
        "{debugged}"
    );
    assert!(talk.conversation.unanswered.is_empty());
}
