//! A dial that uses values of `prepare`.

use super::{before::*, *};
use crate::settings::dialogue::{Prepare, SharedPreparation};

/// A dialogue that dials with captured values.
fn dialling(prepare: Prepare) -> Arc<Dialogue> {
    let mut dialogue = Arc::unwrap_or_clone(
        D {
            names: &["socket", "session"],
            lets: &[("bearer", "Bearer ${socket}")],
            script: vec![S {
                send: "login ${socket}",
                expect: "/ok",
                fail: "/error",
                reads_prepared: true,
                ..S::default()
            }],
            ..D::default()
        }
        .compile(),
    );
    let Dialogue {
        names, pointers, ..
    } = &mut dialogue;
    let mut compiler = Compiler(Scope::new(names, pointers, &NothingOutside));
    let url = "wss://h/${socket}?s=${default(session, \"\")}";
    let url = compiler.template(url, TemplateKind::Url);
    let header = compiler.template("${bearer}", TemplateKind::Header);
    dialogue.dial.urls = vec![url];
    dialogue.dial.headers = vec![None, header];
    dialogue.prepare = Some(prepare);
    Arc::new(dialogue)
}

#[test]
fn a_dial_is_filled_with_what_was_prepared_and_so_is_its_script() {
    let own = Prepare::Own(compile(&[("bearer", "")], &[], &[SLACK]));
    let shared = SharedPreparation {
        key: "slack".into(),
        keep: secs(60),
        per_node: false,
        preparation: compile(&[], &["other"], &[SLACK]),
    };
    for prepare in [own, Prepare::Shared(Arc::new(shared))] {
        let called = match &prepare {
            Prepare::Own(_) => "prepare",
            Prepare::Shared(_) => "[prepare.slack]",
        };
        let dialogue = dialling(prepare);
        assert!(!dialogue.is_empty());
        let mut talk = Talk::of(Conversation::new(Arc::clone(&dialogue)));
        let mut known = talk.conversation.before_dial();
        let url = dialogue.dial.urls[0].as_ref().unwrap();
        let unfilled = talk.with(|_, here, _| known.fill(url, here).unwrap_err());
        assert_eq!(unfilled.to_string(), "`${socket}` is absent");

        let mut before = Before {
            preparing: known.preparing().unwrap(),
            now: talk.now,
        };
        let told = before.next();
        assert!(told.starts_with("GET "), "{told}");
        let failed = before.at(|preparing, here| preparing.answered(Response::default(), here));
        let Next::Failed(cause) = failed else {
            panic!("{failed:?}");
        };
        assert!(
            cause
                .to_string()
                .starts_with(&format!("prepare: step 1 of {called}, ")),
            "{cause}"
        );
        let body = r#"{"ok":true,"url":"a b"}"#;
        let response = Response {
            status: Some(200),
            body: body.into(),
            ..Response::default()
        };
        let passed = before.at(|preparing, here| preparing.answered(response, here));
        let Next::Passed(prepared) = passed else {
            panic!("{passed:?}");
        };
        known.prepared(&prepared);
        let filled = talk.with(|_, here, _| known.fill(url, here).unwrap());
        let written = "wss://h/${socket}?s=${default(session, \"\")}";
        assert_eq!(filled.to_string(), written, "it prints what was written");
        let rendered = filled.render(|_| unreachable!()).unwrap();
        assert_eq!(rendered.expose(), "wss://h/a b?s=");
        let header = dialogue.dial.headers[1].as_ref().unwrap();
        let filled = talk.with(|_, here, _| known.fill(header, here).unwrap());
        assert_eq!(
            filled.render(|_| unreachable!()).unwrap().expose(),
            "Bearer a b"
        );

        talk.conversation.prepared(&prepared);
        assert_eq!(talk.opened(), "compose");
        assert_eq!(talk.send(), "login a b");
        let told = talk.hear(r#"{"error":"expired a b"}"#);
        assert!(
            told.starts_with("stale; lose script_refused: step 1 of open_script"),
            "{told}"
        );
        assert!(
            told.ends_with(r#"held for {"error":"expired ***"}"#),
            "{told}"
        );
    }
}

#[test]
fn what_a_name_has_captured_is_there_for_its_own_prepare_and_not_for_a_shared_one() {
    let refresh = P {
        url: "https://h/${default(socket, \"none\")}",
        ..P::default()
    };
    for is_own in [true, false] {
        let preparation = compile(&[("bearer", "")], &["socket"], &[refresh]);
        let prepare = match is_own {
            true => Prepare::Own(preparation),
            false => Prepare::Shared(Arc::new(SharedPreparation {
                key: "k".into(),
                keep: Duration::ZERO,
                per_node: false,
                preparation,
            })),
        };
        let mut conversation = Conversation::new(dialling(prepare));
        let prepared = {
            let mut before = Before::of(&[SLACK]);
            before.next();
            let response = Response {
                status: Some(200),
                body: br#"{"ok":true,"url":"kept"}"#.into(),
                ..Response::default()
            };
            match before.at(|preparing, here| preparing.answered(response, here)) {
                Next::Passed(prepared) => prepared,
                other => panic!("{other:?}"),
            }
        };
        conversation.prepared(&prepared);
        let mut before = Before {
            preparing: conversation.before_dial().preparing().unwrap(),
            now: Instant::now(),
        };
        let known = if is_own { "kept" } else { "none" };
        assert_eq!(before.next(), format!("GET https://h/{known}"));
    }
}
