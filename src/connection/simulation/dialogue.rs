//! The dialogue of a simulated name: a greeting with a nonce, a login that signs it, a session that
//! is resumed, rules, captures, and numbered pings.

mod subscribe;

pub(super) use self::subscribe::wanted;

use std::{num::NonZeroU32, path::PathBuf, sync::Arc, time::Duration};

use super::{keys::KeyMoods, plan::Dice};
use crate::core::JsonPointer;
use crate::settings::{
    ConnectionSettings, GiveUpRule, Heartbeat, Secret,
    dialogue::{
        Again, Capture, Dialogue, DialogueRule, FirstBeat, HeartbeatStart, HeartbeatTemplates,
        PeriodicStep, RequestSettings, RuleAction, RuleDelay, ScriptStep, Sending,
        TemplateDuration, Trigger,
    },
};
use everwire_proto::{
    decode::{Decoding, Stage},
    language::{
        Expression, Lets, MessageTemplate, Name, Names, Outside, Scope, TemplateKind,
        json::PointerSet,
    },
};

/// The key that signs the login. No event may show it.
pub(super) const KEY: &str = "pLanted.kEy-0f.the-simulation";

/// The peer's close code when it has forgotten the session.
pub(super) const FORGOTTEN: u16 = 4003;

/// Where a socket goes on from another one, whose number stands behind it.
const NAMED: &str = "wss://peer.invalid/from/";

/// The socket that a socket at this URL goes on from.
pub(super) fn handed_over(url: &str) -> Option<usize> {
    let number = url.strip_prefix(NAMED)?;
    Some(number.parse().expect("a number"))
}

/// How the peer treats the dialogue in one life. Numbers are percentages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moods {
    /// It refuses logins and resumes.
    pub refuses: u64,
    /// It asks the client to log in again later.
    pub waits: u64,
    /// It sends an answer with another number before the right one.
    pub decoys: u64,
    /// It sends other messages between the answers.
    pub chats: u64,
    /// Those messages then include many questions at once.
    pub floods: u64,
    /// It warns before it closes.
    pub warns: u64,
    /// After the script it must send two messages before the client may begin.
    pub says_go: bool,
    /// The client sends periodic steps.
    pub ticks: bool,
    /// The client has a close script.
    pub farewells: bool,
    /// It answers the close script late or never.
    pub lingers: u64,
    /// It compresses its messages.
    pub zips: bool,
    /// Callers send requests.
    pub requests: bool,
    /// Session and sequence number are kept over restarts.
    pub keeps: bool,
    /// The name has subscriptions.
    pub keys: Option<KeyMoods>,
}

impl Moods {
    pub fn draw(dice: &mut Dice) -> Self {
        Self {
            refuses: dice.within(0, 30),
            waits: dice.within(0, 30),
            decoys: dice.within(0, 50),
            chats: dice.within(10, 100),
            floods: dice.within(0, 6),
            warns: if dice.percent(40) {
                dice.within(1, 10)
            } else {
                0
            },
            says_go: dice.percent(30),
            ticks: dice.percent(40),
            farewells: dice.percent(40),
            lingers: dice.within(0, 60),
            zips: dice.percent(25),
            requests: dice.percent(50),
            keeps: dice.percent(70),
            keys: dice.percent(60).then(|| KeyMoods::draw(dice)),
        }
    }
}

/// Adds a dialogue to the settings.
pub(super) fn add(settings: &mut ConnectionSettings, moods: &Moods, dice: &mut Dice) {
    let mut compiler = Compiler::default();
    let mac = r#"${hmac("sha256", KEY, nonce ~ name)}"#;
    compiler.names.declare("mac").expect("a name");
    compiler.keeps = moods.keeps && settings.outbox.durable;
    settings.decode = moods
        .zips
        .then(|| Decoding::new(vec![Stage::Zlib]).expect("one stage"));
    let mut dialogue = Dialogue {
        lets: Lets::compile(&[mac], &mut compiler.scope()).expect("a let"),
        captures: vec![compiler.kept("seq", "/n")],
        open_script: compiler.script(moods, dice),
        periodic: match moods.ticks {
            true => vec![compiler.periodic(dice)],
            false => Vec::new(),
        },
        close_script: match moods.farewells {
            true => vec![compiler.farewell()],
            false => Vec::new(),
        },
        request: moods.requests.then(|| compiler.request(dice)),
        subscribe: moods.keys.map(|keys| Arc::new(compiler.subscribe(&keys))),
        rules: compiler.rules(),
        heartbeat: match settings.heartbeat {
            Heartbeat::Text { .. } => Some(compiler.heartbeat(dice)),
            Heartbeat::Protocol { .. } | Heartbeat::Off => None,
        },
        first_id: 1,
        ..Dialogue::default()
    };
    (dialogue.names, dialogue.pointers) = (compiler.names, compiler.pointers);
    settings.dialogue = Some(Arc::new(dialogue.with_needles()));
}

/// An environment with the key and nothing else.
struct Environment;

impl Outside for Environment {
    fn variable(&self, name: &str) -> Option<Secret> {
        (name == "KEY").then(|| Secret::new(KEY))
    }

    fn file(&self, path: &str) -> PathBuf {
        path.into()
    }

    fn secret_id(&self, _: &str) -> Result<(), String> {
        Ok(())
    }

    fn is_open(&self) -> bool {
        true
    }
}

struct Compiler {
    names: Names,
    pointers: PointerSet,
    keeps: bool,
}

impl Default for Compiler {
    fn default() -> Self {
        let mut names = Names::default();
        for name in [
            "nonce", "token", "session", "seq", "mark", "beat", "sid", "shut",
        ] {
            names.capture(name).expect("a name");
        }
        Self {
            names,
            pointers: PointerSet::default(),
            keeps: false,
        }
    }
}

impl Compiler {
    fn scope(&mut self) -> Scope<'_> {
        Scope::new(&self.names, &mut self.pointers, &Environment)
    }

    fn condition(&mut self, text: &str) -> Expression {
        Expression::condition(text, &mut self.scope()).expect("a condition")
    }

    fn template(&mut self, text: &str) -> MessageTemplate {
        MessageTemplate::parse(text, TemplateKind::Text, &mut self.scope()).expect("a template")
    }

    fn duration(&mut self, text: &str) -> TemplateDuration {
        TemplateDuration(self.template(text))
    }

    fn number(&self, name: &str) -> u16 {
        match self.names.find(name) {
            Some(Name::Capture(number)) => number,
            _ => panic!("{name} is no capture"),
        }
    }

    fn capture(&mut self, name: &str, value: &str, secret: bool) -> Capture {
        Capture {
            name: self.number(name),
            value: Expression::value(value, &mut self.scope()).expect("a value"),
            when: None,
            secret,
            keep: false,
        }
    }

    /// A capture, kept over restarts if the life has such captures.
    fn kept(&mut self, name: &str, value: &str) -> Capture {
        Capture {
            keep: self.keeps,
            ..self.capture(name, value, false)
        }
    }

    fn periodic(&mut self, dice: &mut Dice) -> PeriodicStep {
        let step = ScriptStep {
            expect: Some(self.condition("/id == id && /tock")),
            fail: Some(self.condition("/id == id && /stop")),
            within: Duration::from_secs(dice.within(3, 12)),
            ..self.says(r#"{"op":"tick","id":${id}}"#)
        };
        PeriodicStep {
            step,
            every: self.duration("${beat}ms"),
            idle: dice.percent(30),
        }
    }

    fn farewell(&mut self) -> ScriptStep {
        ScriptStep {
            expect: Some(self.condition("/id == id && /bye")),
            ..self.says(r#"{"op":"bye","id":${id}}"#)
        }
    }

    fn request(&mut self, dice: &mut Dice) -> RequestSettings {
        let answer = self.condition("/id == id && exists(/of)");
        let id = JsonPointer::new("/id").expect("a pointer");
        let mut request = RequestSettings::new(id, answer, &mut self.pointers);
        request.fail = Some(self.condition("exists(/refused)"));
        let in_flight = u32::try_from(dice.within(1, 8)).expect("small");
        request.in_flight = NonZeroU32::new(in_flight).expect("not zero");
        request
    }

    fn script(&mut self, moods: &Moods, dice: &mut Dice) -> Vec<ScriptStep> {
        let within = Duration::from_secs(dice.within(3, 12));
        let refused = "/id == id && exists(/refused)";
        let hello = ScriptStep {
            expect: Some(self.condition(r#"/t == "hello""#)),
            capture: vec![
                self.capture("nonce", "/nonce", false),
                self.capture("beat", "/beat", false),
                self.capture("shut", "/shut", false),
            ],
            ..ScriptStep::default()
        };
        let login = ScriptStep {
            expect: Some(self.condition("/id == id && /ok")),
            fail: Some(self.condition(refused)),
            again: Some(Again {
                when: self.condition("/id == id && exists(/wait)"),
                after: Some(self.duration("${/wait}ms")),
            }),
            capture: vec![self.capture("token", "/token", true)],
            ..self.says(r#"{"op":"login","id":${id},"nonce":"${nonce}","mac":"${mac}"}"#)
        };
        let resume = ScriptStep {
            condition: Some(self.condition("session")),
            expect: Some(self.condition("/id == id && /resumed")),
            fail: Some(self.condition(refused)),
            ..self.says(r#"{"op":"resume","id":${id},"session":"${session}","seq":${default(seq, 0)},"token":"${token}"}"#)
        };
        let identify = ScriptStep {
            condition: Some(self.condition("!session")),
            expect: Some(self.condition("/id == id && exists(/session)")),
            capture: vec![self.kept("session", "/session")],
            ..self.says(r#"{"op":"identify","id":${id},"token":"${token}"}"#)
        };
        let watch = self.says(r#"{"op":"watch","id":${id}}"#);
        let mut steps = vec![hello, login, resume, identify, watch];
        if moods.says_go {
            steps.push(ScriptStep {
                expect: Some(self.condition(r#"/t == "go""#)),
                count: NonZeroU32::new(2).expect("not zero"),
                ..ScriptStep::default()
            });
        }
        for step in &mut steps {
            step.within = within;
        }
        steps
    }

    fn says(&mut self, text: &str) -> ScriptStep {
        ScriptStep {
            send: Some(Sending::Text(self.template(text))),
            ..ScriptStep::default()
        }
    }

    fn rules(&mut self) -> Vec<DialogueRule> {
        let answer = r#"{"op":"answer","id":${id},"q":${/q},"nonce":${default(nonce, null)},"mark":${default(mark, null)},"token":"${hash("sha256", default(token, ""))}"}"#;
        let session = self.number("session");
        // A message that only one of two overlapping sockets receives makes its neighbours arrive
        // twice: see `DuplicateFilter`.
        vec![
            DialogueRule {
                send: Some(Sending::Text(self.template(answer))),
                deliver: false,
                ..self.rule(r#"/t == "ask""#)
            },
            DialogueRule {
                capture: vec![self.capture("mark", "/m", false)],
                deliver: false,
                ..self.rule(r#"/t == "mark""#)
            },
            DialogueRule {
                action: Some(RuleAction::Rotate),
                deliver: false,
                ..self.rule(r#"/t == "leave""#)
            },
            DialogueRule {
                action: Some(RuleAction::Reconnect),
                delay: Some(RuleDelay {
                    min: Duration::ZERO,
                    max: Duration::from_secs(2),
                }),
                deliver: false,
                ..self.rule(r#"/t == "move""#)
            },
            self.hands_over(r#"/t == "lead""#, RuleAction::Rotate),
            self.hands_over(r#"/t == "send on""#, RuleAction::Reconnect),
            DialogueRule {
                action: Some(RuleAction::Beat),
                deliver: false,
                ..self.rule(r#"/t == "beat""#)
            },
            DialogueRule {
                deliver: false,
                ..self.rule(r#"/session == "decoy""#)
            },
            DialogueRule {
                deliver: false,
                ..self.rule("/tock || /stop || /bye || exists(/of)")
            },
            DialogueRule {
                deliver: false,
                ..self.rule("/subbed || /unsubbed || exists(/nosub) || exists(/ended)")
            },
            DialogueRule {
                clear: vec![session],
                ..self.rule(r#"/refused == "session""#)
            },
            DialogueRule {
                clear: vec![session],
                ..DialogueRule::new(Trigger::Loss(vec![GiveUpRule::Close(
                    FORGOTTEN..=FORGOTTEN,
                )]))
            },
        ]
    }

    /// The peer names the next socket: it knows the one that it comes from by its path.
    fn hands_over(&mut self, when: &str, action: RuleAction) -> DialogueRule {
        let url = format!("{NAMED}${{/why}}");
        let url = MessageTemplate::parse(&url, TemplateKind::Url, &mut self.scope());
        DialogueRule {
            action: Some(action),
            url: Some(url.expect("a template")),
            deliver: false,
            ..self.rule(when)
        }
    }

    fn rule(&mut self, when: &str) -> DialogueRule {
        DialogueRule::new(Trigger::Message(self.condition(when)))
    }

    fn heartbeat(&mut self, dice: &mut Dice) -> HeartbeatTemplates {
        HeartbeatTemplates {
            ping: Some(self.template(r#"{"op":"ping","id":${id}}"#)),
            pong: Some(self.condition(r#"/t == "pong" && /id == id"#)),
            interval: dice.percent(50).then(|| self.duration("${beat}ms")),
            timeout: None,
            first: [FirstBeat::Interval, FirstBeat::Now, FirstBeat::Jitter]
                [dice.within(0, 3) as usize],
            from: match dice.percent(50) {
                true => HeartbeatStart::Open,
                false => HeartbeatStart::Ready,
            },
        }
    }
}
