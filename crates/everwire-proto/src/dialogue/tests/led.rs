//! The declared dialogue as a protocol: through the trait, and wrapped by another protocol.

use proptest::prelude::*;

use super::{protocol_told::told, *};
use crate::settings::ProtocolFactory;

/// A protocol that wraps a declared dialogue.
#[derive(Debug)]
struct Wrapped(Conversation);

impl Protocol for Wrapped {
    fn opened(&mut self, cx: &mut Cx<'_>) {
        Protocol::opened(&mut self.0, cx);
    }

    fn message(&mut self, message: &Message, cx: &mut Cx<'_>) -> Deliver {
        match message.as_text() {
            Some("mine") => {
                cx.answer("mine, too");
                Deliver::No
            }
            _ => Protocol::message(&mut self.0, message, cx),
        }
    }

    fn timer(&mut self, timer: TimerId, cx: &mut Cx<'_>) {
        Protocol::timer(&mut self.0, timer, cx);
    }

    fn lost(&mut self, cause: &Cause, cx: &mut Cx<'_>) {
        Protocol::lost(&mut self.0, cause, cx);
    }

    fn ready(&mut self, cx: &mut Cx<'_>) {
        Protocol::ready(&mut self.0, cx);
    }

    fn compose(&mut self, turn: TurnId, cx: &mut Cx<'_>) -> Option<Message> {
        Protocol::compose(&mut self.0, turn, cx)
    }

    fn written(&mut self, turn: TurnId, cx: &mut Cx<'_>) {
        Protocol::written(&mut self.0, turn, cx);
    }

    fn said(&mut self, now: Instant) {
        Protocol::said(&mut self.0, now);
    }

    fn ping(&mut self, cx: &mut Cx<'_>) -> Ping {
        Protocol::ping(&mut self.0, cx)
    }

    fn matches_pongs(&self) -> bool {
        Protocol::matches_pongs(&self.0)
    }

    fn has_goodbye(&self) -> bool {
        Protocol::has_goodbye(&self.0)
    }

    fn goodbye(&mut self, cx: &mut Cx<'_>) {
        Protocol::goodbye(&mut self.0, cx);
    }

    fn declared(&self) -> Option<&Conversation> {
        Some(&self.0)
    }

    fn declared_mut(&mut self) -> Option<&mut Conversation> {
        Some(&mut self.0)
    }
}

/// A login in two steps, rules, captures, periodic steps, a logout, and templates of the heartbeat.
fn rich() -> D {
    D {
        names: &["beat", "seen"],
        lets: &[("ts", r#"${now("s")}"#)],
        capture: &[("seen", "/seen")],
        script: vec![
            S {
                expect: r#"/op == "hello""#,
                capture: &[("beat", "/beat")],
                ..S::default()
            },
            S {
                send: r#"{"op":"login","id":${id},"ts":"${ts}","sign":"${hmac("sha256", "key", ts)}"}"#,
                expect: r#"/op == "in""#,
                fail: r#"/op == "out""#,
                give_up: r#"/op == "never""#,
                again: r#"/op == "busy""#,
                within: 5,
                ..S::default()
            },
        ],
        periodic: vec![(
            "7s",
            false,
            S {
                send: "renew ${id}",
                expect: r#"/op == "renewed""#,
                ..S::default()
            },
        )],
        close_script: vec![S {
            send: "logout",
            ..S::default()
        }],
        rules: vec![
            R {
                when: r#"/op == "ping""#,
                send: r#"{"op":"pong","seen":"${default(seen, "")}"}"#,
                silent: true,
                ..R::default()
            },
            R {
                when: r#"/op == "leave""#,
                action: Some(RuleAction::Rotate),
                delay: Some((2, 2)),
                ..R::default()
            },
            R {
                when: r#"/op == "kick""#,
                action: Some(RuleAction::Reconnect),
                url: "wss://other.example/${default(seen, \"x\")}",
                ..R::default()
            },
            R {
                loss: vec![GiveUpRule::Close(4003..=4003)],
                action: Some(RuleAction::GiveUp),
                ..R::default()
            },
        ],
        ping: r#"{"op":"are you there","id":${id}}"#,
        pong: r#"/op == "yes" && /id == id"#,
        interval: "${beat}s",
        idle: "${beat}0s",
        first_id: 1,
        ..D::default()
    }
}

/// An event of a name.
#[derive(Clone, Debug)]
enum Happens {
    Opens,
    Says(&'static str),
    Time(u64),
    Ping,
    Lost(u16),
    Close,
}

/// The resulting actions of a conversation, as text.
#[derive(Debug, Default, PartialEq)]
struct Made {
    done: String,
    deliver: Option<Deliver>,
    ping: Option<String>,
}

impl Made {
    /// Whether the socket is over.
    fn is_over(&self) -> bool {
        let mut done = self.done.split("; ");
        done.any(|told| told.starts_with("lost") || told.starts_with("failed"))
    }
}

/// The conversation itself, without the trait, with its immediate actions. The last field: whether
/// the next socket is dialled at a URL from the peer.
struct Direct(Talk, Vec<String>, bool);

impl Direct {
    fn tell<T>(
        &mut self,
        tell: impl FnOnce(&mut Conversation, &Here<'_>, &mut Vec<Reply>) -> T,
    ) -> T {
        let told = self.0.with(tell);
        let mut out = std::mem::take(&mut self.0.out);
        while !out.is_empty() {
            let mut next = Vec::new();
            for reply in std::mem::take(&mut out) {
                self.follow(&reply);
                next.append(&mut self.0.out);
            }
            out = next;
        }
        told
    }

    fn follow(&mut self, reply: &Reply) {
        match reply {
            Reply::Compose | Reply::ComposeNow => {
                if let Some(message) = self.0.with(|it, here, out| it.compose(here, out)) {
                    self.1.push(format!("sent {}", text_of(&message)));
                    let said = self.0.now;
                    self.0.conversation.said(said);
                    self.0.with(|it, here, out| it.written(here, out));
                }
            }
            Reply::Answer(_) => {
                let said = self.0.now;
                self.0.conversation.said(said);
                self.1.push(text(reply));
            }
            Reply::Passed => {
                self.1.push("ready".into());
                self.0.with(|it, here, out| it.ready(here, out));
            }
            Reply::MayClose => self.1.push("closes".into()),
            Reply::Times => {
                let it = &self.0.conversation;
                let (interval, timeout, idle) = (it.interval(), it.timeout(), it.idle());
                self.1
                    .push(format!("times {interval:?} {timeout:?} {idle:?}"));
            }
            Reply::Lose(cause) => {
                let is_final = text(reply).contains("give_up");
                let how = if is_final { "failed" } else { "lost" };
                self.1.push(format!("{how} {cause}"));
                self.lose(cause);
            }
            other => {
                self.2 |= matches!(other, Reply::NextUrl(_));
                self.1.push(text(other));
            }
        }
    }

    fn lose(&mut self, cause: &Cause) {
        self.0
            .with(|it, here, out| it.lost(cause, close_code(cause), here, out));
        for reply in std::mem::take(&mut self.0.out) {
            self.2 |= matches!(reply, Reply::NextUrl(_));
            self.1.push(text(&reply).replacen("lose", "failed", 1));
        }
    }

    /// This much time passes.
    fn wait(&mut self, time: Duration) {
        let until = self.0.now + time;
        let next = |talk: &Talk| talk.conversation.deadline().filter(|due| *due <= until);
        while let Some(due) = next(&self.0) {
            self.reach(due);
            self.tell(|it, here, out| it.timer(here, out));
        }
        self.reach(until);
    }

    fn reach(&mut self, now: Instant) {
        self.0.wall += now.saturating_duration_since(self.0.now);
        self.0.now = self.0.now.max(now);
    }

    /// The same as [`rehearse`], without the trait.
    fn happen(&mut self, happens: &Happens) -> Made {
        let mut made = Made::default();
        match happens {
            Happens::Opens => {
                self.0.handover = self.2;
                self.2 = false;
                self.tell(|it, here, out| it.opened(here, out));
            }
            Happens::Says(text) => {
                let message = Message::text(*text);
                let heard = self.tell(|it, here, out| it.message(&message, here, out));
                made.deliver = Some(heard.into());
            }
            Happens::Time(time) => self.wait(millis(*time)),
            Happens::Ping => {
                if let Ping::Text(text) = self.tell(|it, here, out| it.ping(here, out)) {
                    made.ping = Some(text);
                }
            }
            Happens::Lost(code) => {
                let cause = closed(*code);
                self.1.push(format!("lost {cause}"));
                self.lose(&cause);
            }
            Happens::Close => match self.0.conversation.has_close_script() {
                true => self.tell(|it, here, out| it.begin_close_script(here, out)),
                false => self.1.push("closes".into()),
            },
        }
        made.done = std::mem::take(&mut self.1).join("; ");
        made
    }
}

/// Passes an event to a protocol.
fn rehearse(rehearsal: &mut Rehearsal<'_>, happens: &Happens) -> Made {
    let mut made = Made::default();
    match happens {
        Happens::Opens => rehearsal.open(),
        Happens::Says(text) => made.deliver = Some(rehearsal.hear(*text)),
        Happens::Time(time) => rehearsal.wait(millis(*time)),
        Happens::Ping => made.ping = rehearsal.ping(),
        Happens::Lost(code) => rehearsal.lose(closed(*code)),
        Happens::Close => rehearsal.close(),
    }
    made.done = told(rehearsal);
    made
}

fn anything() -> impl Strategy<Value = Happens> {
    let says = prop::sample::select(vec![
        r#"{"op":"hello","beat":3}"#,
        r#"{"op":"hello","beat":3}"#,
        r#"{"op":"in"}"#,
        r#"{"op":"in"}"#,
        r#"{"op":"out"}"#,
        r#"{"op":"never"}"#,
        r#"{"op":"busy"}"#,
        r#"{"op":"ping"}"#,
        r#"{"op":"leave"}"#,
        r#"{"op":"kick"}"#,
        r#"{"op":"renewed"}"#,
        r#"{"op":"yes","id":2}"#,
        r#"{"seen":"a"}"#,
        "junk",
    ]);
    prop_oneof![
        2 => Just(Happens::Opens),
        12 => says.prop_map(Happens::Says),
        3 => (0_u64..9_000).prop_map(Happens::Time),
        1 => Just(Happens::Ping),
        1 => prop::sample::select(vec![1001, 4003]).prop_map(Happens::Lost),
        1 => Just(Happens::Close),
    ]
}

proptest! {
    /// For any events: a declared dialogue used through the trait, and one wrapped by another
    /// protocol, act like the dialogue itself.
    #[test]
    fn a_declared_dialogue_does_the_same_through_the_trait(
        happens in prop::collection::vec(anything(), 1..40),
    ) {
        let dialogue = rich().compile();
        let (one, other) = (Arc::clone(&dialogue), Arc::clone(&dialogue));
        let led = ProtocolFactory::new(move || Conversation::new(Arc::clone(&one)));
        let wrapped = ProtocolFactory::new(move || Wrapped(Conversation::new(Arc::clone(&other))));
        let mut talk = Talk::of(Conversation::new(dialogue));
        talk.max_message = 16 << 20;
        let begin = |factory| Rehearsal::new(factory, &LengthSigner, talk.now).at(talk.wall);
        let (mut led, mut wrapped) = (begin(led), begin(wrapped));
        let mut direct = Direct(talk, Vec::new(), false);
        let mut is_open = false;
        for happens in happens {
            // A socket opens only without another one, and all other events need one.
            if matches!(happens, Happens::Opens) == is_open {
                continue;
            }
            let expected = direct.happen(&happens);
            is_open = !expected.is_over();
            prop_assert_eq!(&rehearse(&mut led, &happens), &expected, "{:?}", happens);
            prop_assert_eq!(&rehearse(&mut wrapped, &happens), &expected, "{:?}", happens);
        }
    }
}

#[test]
fn a_protocol_that_wraps_a_dialogue_adds_to_it() {
    let dialogue = rich().compile();
    let factory = ProtocolFactory::new(move || Wrapped(Conversation::new(Arc::clone(&dialogue))));
    let mut rehearsal = Rehearsal::new(factory, &LengthSigner, Instant::now());
    rehearsal.open();
    rehearsal.hear("mine");
    rehearsal.hear(r#"{"op":"hello","beat":3}"#);
    rehearsal.hear(r#"{"op":"in"}"#);
    let told = told(&mut rehearsal);
    let logs_in = r#"answer mine, too; sent {"op":"login","id":1,"#;
    assert!(told.starts_with(logs_in), "{told}");
    assert!(
        told.ends_with("; times Some(3s) None Some(30s); ready"),
        "{told}"
    );
}
