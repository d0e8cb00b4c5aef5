//! Steps with a call: its content, and the effect of its answer.

use super::{before, *};

impl Talk {
    /// The content of the call in progress.
    pub(super) fn called(&mut self) -> String {
        match self.out.pop() {
            Some(Reply::Call(call)) => before::called(call.target),
            other => panic!("{other:?}"),
        }
    }

    /// The owner of the requested call.
    pub(super) fn owner(&self) -> CallOwner {
        match self.out.last() {
            Some(Reply::Call(call)) => call.owner,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn answer(&mut self, owner: CallOwner, status: u16, body: &str) -> String {
        let response = Response {
            status: Some(status),
            body: body.into(),
            ..Response::default()
        };
        self.respond(owner, Ok(response))
    }

    pub(super) fn respond(
        &mut self,
        owner: CallOwner,
        answer: Result<Response, Unanswered>,
    ) -> String {
        self.now += millis(120);
        self.with(|talk, here, out| talk.answered(owner, answer, here, out));
        self.told()
    }
}

pub(super) const TOKEN: S = S {
    send: "",
    http: "POST https://h/token?x=s3cret",
    headers: &[("X-Key", "k-12345"), ("Content-Type", "text/plain")],
    body: r#"{"id":${id},"for":"${name}"}"#,
    exec: &[],
    is_paced: false,
    expect: "",
    count: 1,
    fail: r#"/error == "busy""#,
    give_up: r#"/error == "banned""#,
    within: 10,
    capture: &[("token", "/token")],
    secret: true,
    clear: &[],
    condition: "",
    again: "status == 202",
    after: "${/wait}s",
    reads_prepared: true,
};

fn login() -> D {
    script([
        TOKEN,
        S {
            send: r#"{"id":${id},"token":"${token}"}"#,
            expect: "/id == id",
            ..S::default()
        },
    ])
}

#[test]
fn a_call_goes_out_when_its_turn_comes_and_the_next_step_reads_what_it_brought() {
    let mut talk = login().talk();
    assert_eq!(talk.opened(), "call POST https://h/token");
    let step = talk.conversation.step().unwrap();
    assert_eq!(step.state, StepState::Calls);
    assert_eq!(step.written().call.as_deref(), Some("POST https://h/token"));
    assert_eq!((step.sends(), step.until), (None, None));
    let owner = talk.owner();
    assert_eq!(
        talk.called(),
        r#"POST https://h/token?x=s3cret X-Key: k-12345 Content-Type: text/plain <{"id":1,"for":"feed"}>"#
    );
    // The caller measures the time, and messages of the peer are not its answer.
    assert_eq!(talk.wait(secs(60)), "");
    assert_eq!(talk.hear(r#"{"token":"no","error":"banned"}"#), "");
    assert_eq!(talk.answer(owner, 200, r#"{"token":"t-1"}"#), "compose");
    assert_eq!(talk.send(), r#"{"id":2,"token":"t-1"}"#);
    assert_eq!(talk.hear(r#"{"id":2}"#), "passed");
}

#[test]
fn each_answer_decides_as_the_step_says() {
    let told = "step 1 of open_script, POST https://h/token, answered";
    for (status, body, follows) in [
        (
            403,
            r#"{"error":"banned"}"#,
            format!(
                r#"lose script_refused: {told} 403 after 120ms; give_up (/error == "banned") held for {{"error":"banned"}}"#
            ),
        ),
        (
            200,
            r#"{"error":"busy"}"#,
            format!(
                r#"stale; lose script_refused: {told} 200 after 120ms; fail (/error == "busy") held for {{"error":"busy"}}"#
            ),
        ),
        (
            503,
            "",
            format!("lose script_refused: {told} 503 after 120ms: an empty body"),
        ),
        (
            401,
            "k-12345 is no key",
            format!("stale; lose script_refused: {told} 401 after 120ms: *** is no key"),
        ),
        (
            200,
            r#"{"tokens":"t-1"}"#,
            format!(
                "lose script_refused: {told} 200 after 120ms; token (/token) is not there in ***"
            ),
        ),
    ] {
        let mut talk = login().open();
        let owner = talk.owner();
        assert_eq!(talk.answer(owner, status, body), follows);
        let gives_up = matches!(
            talk.out.last(),
            Some(Reply::Lose(Cause::ScriptRefused { gives_up: true, .. }))
        );
        assert_eq!(gives_up, body.contains("banned"));
        assert_eq!((talk.left(), talk.composed()), (None, None));
    }
}

#[test]
fn what_may_pass_and_when_to_come_back_is_known_of_a_refusal() {
    let refused = |status, retry_after, body: &str| {
        let mut talk = login().open();
        let owner = talk.owner();
        let response = Response {
            status: Some(status),
            body: body.into(),
            retry_after,
            ..Response::default()
        };
        talk.respond(owner, Ok(response));
        match talk.out.pop() {
            Some(Reply::Lose(Cause::ScriptRefused {
                may_pass,
                retry_after,
                ..
            })) => (may_pass, retry_after),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(503, Some(secs(7)), ""), (true, Some(secs(7))));
    assert_eq!(refused(429, None, ""), (true, None));
    assert_eq!(refused(404, None, ""), (false, None));
    let busy = r#"{"error":"busy"}"#;
    assert_eq!(refused(200, Some(secs(7)), busy), (false, Some(secs(7))));
    let banned = r#"{"error":"banned"}"#;
    assert_eq!(refused(403, Some(secs(7)), banned), (false, None));
}

#[test]
fn a_step_comes_again_when_its_answer_says_so() {
    let mut talk = login().open();
    let owner = talk.owner();
    assert_eq!(talk.answer(owner, 202, r#"{"wait":5}"#), "");
    let step = talk.conversation.step().unwrap();
    assert_eq!(step.state, StepState::Rests);
    assert_eq!(talk.left(), Some(secs(5)));
    assert_eq!(talk.wait(secs(5)), "call POST https://h/token");
    assert_ne!(talk.owner(), owner, "it has a new number");
    // No time is given: Retry-After counts, otherwise reconnect.max.
    let mut again = TOKEN;
    again.after = "";
    for (retry_after, rests) in [(Some(secs(90)), secs(90)), (None, secs(30))] {
        let mut talk = script([again.clone()]).open();
        let owner = talk.owner();
        let response = Response {
            status: Some(202),
            retry_after,
            ..Response::default()
        };
        assert_eq!(talk.respond(owner, Ok(response)), "");
        assert_eq!(talk.left(), Some(rests));
    }
}

#[test]
fn without_an_answer_the_socket_is_lost() {
    let told = "step 1 of open_script, POST https://h/token, has no answer after 120ms:";
    for (text, is_refusal, follows) in [
        (
            "no whole answer came in its time",
            false,
            format!("lose script_timeout: {told} no whole answer came in its time"),
        ),
        (
            "nothing at k-12345 may be called",
            true,
            format!("lose script_refused: {told} nothing at *** may be called"),
        ),
    ] {
        let mut talk = login().open();
        let owner = talk.owner();
        let text = text.into();
        let why = Unanswered { text, is_refusal };
        assert_eq!(talk.respond(owner, Err(why)), follows);
    }
}

#[test]
fn an_answer_to_another_call_or_on_another_socket_changes_nothing() {
    let mut talk = login().open();
    let owner = talk.owner();
    let body = r#"{"token":"t-1"}"#;
    for other in [CallOwner::Prepare, CallOwner::Step(17)] {
        assert_eq!(talk.answer(other, 200, body), "");
    }
    talk.lost(&Cause::Eof, None);
    assert_eq!(talk.answer(owner, 200, body), "");
    assert!(!talk.conversation.captures.get(0).is_there());
    talk.opened();
    let owner = talk.owner();
    assert_eq!(talk.answer(owner, 200, body), "compose");
    assert_eq!(talk.answer(owner, 200, body), "");
}

#[test]
fn a_program_is_expected_to_end_with_0_and_loses_its_line_end() {
    let login = script([S {
        exec: &["login", "--for", "${name}"],
        capture: &[("token", "message")],
        ..S::default()
    }]);
    let mut talk = login.open();
    let owner = talk.owner();
    assert_eq!(talk.called(), r#"login ["--for", "feed"]"#);
    assert_eq!(talk.answer(owner, 0, "t-1\n"), "passed");
    assert_eq!(talk.conversation.captures.get(0).as_text().unwrap(), "t-1");
    let mut talk = login.open();
    let owner = talk.owner();
    let told = "step 1 of open_script, exec login, answered 1 after 120ms: no network";
    assert_eq!(
        talk.answer(owner, 1, "no network\n"),
        format!("lose script_refused: {told}")
    );
}

#[test]
fn a_call_with_a_rate_waits_for_its_turn_and_the_others_do_not() {
    let mut paced = TOKEN;
    paced.is_paced = true;
    let mut talk = script([paced]).talk();
    assert_eq!(talk.opened(), "compose");
    assert_eq!(talk.composed(), None);
    assert_eq!(talk.told(), "call POST https://h/token");
}

#[test]
fn a_call_whose_template_cannot_be_filled_costs_the_socket() {
    let mut steps = login();
    steps.script[0].body = r#"{"token":"${token}"}"#;
    let mut talk = steps.talk();
    let told = talk.opened();
    assert!(
        told.starts_with("lose template: step 1 of open_script cannot fill body: "),
        "{told}"
    );
    assert_eq!((talk.left(), talk.composed()), (None, None));
}

#[test]
fn a_slow_signature_of_a_call_is_made_elsewhere() {
    for is_paced in [false, true] {
        let mut talk = D {
            lets: &[
                ("pem", "key"),
                (
                    "sig",
                    r#"${text(unhex(sign("RS256", pem, now("s") ~ id)))}"#,
                ),
            ],
            script: vec![S {
                http: "POST https://h/${id}",
                body: "${sig}",
                expect: "message == sig",
                is_paced,
                ..S::default()
            }],
            ..D::default()
        }
        .open();
        if is_paced {
            assert_eq!(talk.composed(), None);
        }
        let Some(Reply::Sign(requests)) = talk.out.pop() else {
            panic!("{}", talk.told())
        };
        talk.wait(secs(5));
        let told = talk.signed(requests);
        if is_paced {
            assert_eq!(told, "compose now");
            assert_eq!(talk.composed(), None);
        }
        let owner = talk.owner();
        assert_eq!(talk.called(), "POST https://h/1 <<17000000001>>");
        // The sent value must come back.
        assert_eq!(talk.answer(owner, 200, "<17000000001>"), "passed");
    }
}

#[test]
fn whoever_watches_is_told_of_calls_and_answers() {
    let mut talk = login().talk();
    talk.conversation.watch(true);
    let told = talk.opened();
    assert_eq!(
        told,
        "[step 1 of 2 calls POST https://h/token within 10s]; [step 1 of 2: its call is out]; \
         call POST https://h/token"
    );
    let owner = talk.owner();
    let told = talk.answer(owner, 200, r#"{"token":"t-1"}"#);
    assert!(
        told.starts_with(
            "[step 1 of 2: answered 200 after 120ms: ***]; \
             [step 1 of 2: expect (status 2xx) held after 120ms: passed, captured token]; [step 2"
        ),
        "{told}"
    );
    let mut talk = login().talk();
    talk.conversation.watch(true);
    talk.opened();
    let owner = talk.owner();
    let told = talk.answer(owner, 500, "k-12345");
    assert!(
        told.contains("[step 1 of 2: expect (status 2xx) did not hold after 120ms: refused]"),
        "{told}"
    );
    assert!(!told.contains("k-12345"), "{told}");
}

#[test]
fn a_rehearsal_refuses_calls_and_a_wrapped_dialogue_makes_them() {
    for is_paced in [false, true] {
        let mut call = TOKEN;
        call.is_paced = is_paced;
        let dialogue = script([call]).compile();
        let factory =
            crate::settings::ProtocolFactory::new(move || Conversation::new(Arc::clone(&dialogue)));
        let mut rehearsal = Rehearsal::new(factory, &LengthSigner, Instant::now());
        rehearsal.open();
        let done = rehearsal.done();
        let [Done::Lost(Cause::ScriptRefused { text, .. })] = done.as_slice() else {
            panic!("{done:?}")
        };
        assert!(text.ends_with("a rehearsal calls nothing"), "{text}");
    }
}
