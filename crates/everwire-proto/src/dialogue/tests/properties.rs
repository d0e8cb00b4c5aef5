use proptest::prelude::*;

use super::*;

/// An event of a conversation.
#[derive(Clone, Debug)]
enum Event {
    Open,
    Compose,
    Written,
    Message(Message),
    Ping,
    /// This number of milliseconds passes.
    Wait(u64),
    Lose,
    Rotate,
    Adopt,
}

fn dialogue() -> D {
    D {
        names: &["beat", "token"],
        lets: &[("stamp", r#"${now("ms") ~ "-" ~ default(token, "none")}"#)],
        capture: &[("seq", "/s"), ("echo", "message if starts(message, \"e\")")],
        script: vec![
            S {
                expect: "/op == 10",
                capture: &[("beat", "/beat")],
                within: 3,
                ..S::default()
            },
            S {
                condition: "token",
                send: r#"{"id":${id},"resume":"${token}","stamp":"${stamp}"}"#,
                expect: "/id == id && /op == 1",
                again: "/again",
                after: "${/after}s",
                ..S::default()
            },
            S {
                condition: "!token",
                send: r#"{"id":${id},"login":true}"#,
                expect: "/op == 1",
                fail: "/op == 4",
                give_up: "/op == 5",
                count: 2,
                capture: &[("token", "/token")],
                secret: true,
                again: "/again",
                ..S::default()
            },
            S {
                send: r#"bytes:${id}"#,
                ..S::default()
            },
        ],
        rules: vec![
            R {
                when: "exists(/ask)",
                send: r#"{"id":${id},"answer":${/ask}}"#,
                silent: true,
                ..R::default()
            },
            R {
                when: r#"message == "bye""#,
                action: Some(RuleAction::Reconnect),
                delay: Some((0, 3)),
                url: "${default(url, \"wss://a\")}",
                ..R::default()
            },
            R {
                when: "/op == 9",
                clear: &["token"],
                capture: &[("url", "/url")],
                action: Some(RuleAction::Rotate),
                ..R::default()
            },
            R {
                loss: vec![GiveUpRule::Cause("eof")],
                clear: &["token"],
                ..R::default()
            },
        ],
        ping: r#"{"id":${id},"ping":${default(seq, null)}}"#,
        pong: "/pong == id",
        interval: "${beat}ms",
        timeout: "${seq}s",
        idle: "${default(beat, 1)}s",
        first_id: 1,
        ..D::default()
    }
}

fn message() -> impl Strategy<Value = Message> {
    let field = prop_oneof![
        (0..12u32).prop_map(|op| format!(r#""op":{op}"#)),
        (0..8u32).prop_map(|id| format!(r#""id":{id}"#)),
        (0..8u32).prop_map(|pong| format!(r#""pong":{pong}"#)),
        any::<i64>().prop_map(|beat| format!(r#""beat":{beat}"#)),
        "\\PC{0,3}".prop_map(|token| format!(r#""token":{}"#, serde_json::json!(token))),
        "\\PC{0,3}".prop_map(|ask| format!(r#""ask":{}"#, serde_json::json!({ "x": ask }))),
        Just(r#""ask":"x\ud800""#.to_owned()),
        Just(r#""again":true,"after":1"#.to_owned()),
        Just(r#""again":true,"after":"soon""#.to_owned()),
        (0..5u32).prop_map(|seq| format!(r#""s":{seq}"#)),
        Just(r#""s":null"#.to_owned()),
        Just(r#""url":"wss://b""#.to_owned()),
    ];
    let object = prop::collection::vec(field, 0..5)
        .prop_map(|fields| Message::text(format!("{{{}}}", fields.join(","))));
    prop_oneof![
        6 => object,
        1 => Just(Message::text("bye")),
        1 => "\\PC{0,12}".prop_map(Message::text),
        1 => prop::collection::vec(any::<u8>(), 0..12).prop_map(Message::binary),
        1 => Just(Message::text("[".repeat(2_000))),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => Just(Event::Open),
        4 => Just(Event::Compose),
        4 => Just(Event::Written),
        14 => message().prop_map(Event::Message),
        2 => Just(Event::Ping),
        3 => (0..4_000u64).prop_map(Event::Wait),
        1 => Just(Event::Lose),
        1 => Just(Event::Rotate),
        1 => Just(Event::Adopt),
    ]
}

/// The invariants of each socket.
#[derive(Default)]
struct Seen {
    ids: Vec<u64>,
    has_passed: bool,
    is_lost: bool,
    composes: usize,
}

impl Seen {
    fn note(&mut self, talk: &Talk) {
        for reply in &talk.out {
            assert!(
                !self.is_lost || matches!(reply, Reply::Error(_) | Reply::Times),
                "after a loss: {reply:?}"
            );
            match reply {
                Reply::Passed => {
                    assert!(!self.has_passed, "passed twice");
                    assert_eq!(self.composes, 0, "passed before a step was made");
                    self.has_passed = true;
                }
                Reply::Compose => {
                    assert!(!self.has_passed);
                    self.composes += 1;
                }
                Reply::Answer(message) => self.id_of(message),
                Reply::Lose(_) => self.is_lost = true,
                Reply::Times
                | Reply::Beat
                | Reply::Rotate { .. }
                | Reply::NextUrl(_)
                | Reply::Happened(_)
                | Reply::Stale
                | Reply::Error(_) => {}
                Reply::ComposeNow
                | Reply::Sign(_)
                | Reply::Call(_)
                | Reply::MayClose
                | Reply::Answered(_)
                | Reply::Subscribe
                | Reply::Subscription(_) => {
                    panic!("{reply:?}")
                }
            }
        }
        assert_eq!(
            talk.conversation.has_passed(),
            self.has_passed && !self.is_lost
        );
        for time in [
            talk.conversation.interval(),
            talk.conversation.timeout(),
            talk.conversation.idle(),
        ]
        .into_iter()
        .flatten()
        {
            assert!((secs(1)..=secs(24 * 60 * 60)).contains(&time));
        }
        assert!(talk.conversation.answers_waiting() <= MAX_WAITING);
    }

    fn id_of(&mut self, message: &Message) {
        let id = match message {
            Message::Binary(bytes) => String::from_utf8_lossy(bytes).parse().unwrap(),
            Message::Text(text) => {
                let json: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
                json["id"].as_u64().unwrap_or_default()
            }
        };
        // A text that serde_json refuses has half a surrogate pair, which was passed unchanged.
        if id != 0 {
            assert!(!self.ids.contains(&id), "{id} twice");
            self.ids.push(id);
        }
    }
}

fn play(talk: &mut Talk, seen: &mut Seen, event: &Event) {
    match event {
        Event::Open => {
            let is_open = talk.conversation.script.is_open();
            if is_open {
                return;
            }
            *seen = Seen::default();
            talk.opened();
        }
        Event::Compose => {
            let message = talk.with(|talk, here, out| talk.compose(here, out));
            assert!(message.is_none() || seen.composes == 1);
            if let Some(message) = &message {
                seen.composes -= 1;
                seen.id_of(message);
            }
        }
        Event::Written => drop(talk.written()),
        Event::Message(message) => {
            let before = talk.conversation.stops_reading();
            if before {
                return;
            }
            talk.heard(message.clone());
        }
        Event::Ping => {
            if seen.is_lost || !talk.conversation.script.is_open() {
                return;
            }
            if let Ping::Text(text) = talk.ping() {
                seen.id_of(&Message::text(text));
            }
        }
        Event::Wait(time) => drop(talk.wait(millis(*time))),
        Event::Lose => {
            talk.lost(&Cause::Eof, Some(1006));
            talk.out.clear();
            *seen = Seen::default();
        }
        Event::Rotate | Event::Adopt => return,
    }
    seen.note(talk);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// No panic; ready once, and only after the script; no number twice on a socket; nothing after
    /// a loss; limits hold. Captures of a successor are invisible before the cutover.
    #[test]
    fn whatever_happens_a_conversation_keeps_to_its_rules(events in prop::collection::vec(event(), 0..60)) {
        let mut talk = dialogue().talk();
        let mut seen = Seen::default();
        let mut successor: Option<(Talk, Seen)> = None;
        for event in &events {
            match (event, &mut successor) {
                (Event::Rotate, _) => {
                    let mut next = Talk::of(talk.conversation.successor());
                    next.now = talk.now;
                    let mut of_next = Seen::default();
                    play(&mut next, &mut of_next, &Event::Open);
                    successor = Some((next, of_next));
                }
                (Event::Adopt, _) => {
                    if let Some((next, of_next)) = successor.take() {
                        let (ours, theirs) = (captured(&talk), captured(&next));
                        talk.conversation.adopt(next.conversation, &mut Vec::new());
                        for (at, value) in captured(&talk).into_iter().enumerate() {
                            prop_assert!(value == ours[at] || value == theirs[at]);
                        }
                        seen = of_next;
                    }
                }
                // It lives beside the other.
                (event, Some((next, of_next))) => {
                    let before = captured(&talk);
                    play(next, of_next, event);
                    prop_assert_eq!(captured(&talk), before);
                    let before = captured(next);
                    play(&mut talk, &mut seen, event);
                    prop_assert_eq!(captured(next), before);
                }
                (event, None) => play(&mut talk, &mut seen, event),
            }
        }
    }

    /// Parsed as JSON or not, passed on or not: needles hide no match.
    #[test]
    fn needles_hide_nothing_from_rules_and_captures(messages in prop::collection::vec(message(), 1..20), hears_all: bool) {
        let mut dialogue = dialogue();
        dialogue.script.clear();
        if !hears_all {
            dialogue.capture = &[("seq", "/s")];
            dialogue.rules.retain(|rule| !rule.when.contains("message"));
        }
        let compiled = dialogue.compile();
        let everything = Dialogue {
            needles: crate::language::Needles::new(crate::language::Need::Everything),
            ..(*compiled).clone()
        };
        prop_assert_eq!(compiled.hears_all, hears_all);
        let mut quick = Talk::of(Conversation::new(compiled));
        let mut slow = Talk::of(Conversation::new(Arc::new(everything)));
        slow.now = quick.now;
        quick.opened();
        slow.opened();
        for message in messages {
            prop_assert_eq!(quick.heard(message.clone()), slow.heard(message));
            prop_assert_eq!(&quick.out, &slow.out);
            prop_assert_eq!(captured(&quick), captured(&slow));
        }
    }
}

fn captured(talk: &Talk) -> Vec<Option<String>> {
    let value = |at| {
        let value = talk.conversation.captures.get(at);
        value.as_text().map(|text| text.into_owned())
    };
    (0..6).map(value).collect()
}

#[test]
fn a_message_that_matches_everything_is_bounded() {
    let mut dialogue = dialogue();
    dialogue.script.clear();
    for _ in 0..64 {
        dialogue.rules.insert(
            0,
            R {
                when: "true",
                send: r#"{"all":${message}}"#,
                capture: &[("echo", "message")],
                action: Some(RuleAction::Rotate),
                delay: Some((1, 1)),
                ..R::default()
            },
        );
    }
    let mut talk = dialogue.open();
    talk.max_message = 4_096;
    // Nothing that is sent is longer than a message may be.
    assert!(
        talk.hear("\u{1}".repeat(4_000))
            .starts_with("error template: rule 1 (true)")
    );
    let told = talk.hear("y");
    assert_eq!(told, r#"answer {"all":"y"}"#);
    for _ in 0..150 {
        talk.hear("z");
    }
    assert_eq!(talk.wait(secs(1)).matches("rotate").count(), 1);
}
