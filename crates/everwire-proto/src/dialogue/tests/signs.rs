use super::*;
use crate::language::SignatureRequest;

/// A signer that returns its input.
pub(super) struct Echo;

impl Signer for Echo {
    fn hash(&self, _: HashAlgorithm, _: &[u8]) -> Vec<u8> {
        Vec::new()
    }

    fn hmac(&self, _: HashAlgorithm, _: &[u8], _: &[u8]) -> Vec<u8> {
        Vec::new()
    }

    fn sign(&self, _: SignatureAlgorithm, key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        (key == b"key").then(|| [b"<", data, b">"].concat())
    }
}

const LETS: &[(&str, &str)] = &[
    ("pem", "key"),
    ("nonce", "${random(1, \"hex\")}"),
    ("ts", "${now(\"s\")}"),
    ("inner", "${unhex(sign(\"RS256\", pem, ts ~ nonce))}"),
    (
        "sig",
        "${text(unhex(sign(\"RS256\", pem, ts ~ nonce ~ id)))}",
    ),
];

fn login(send: &'static str, lets: &'static [(&'static str, &'static str)]) -> D {
    D {
        lets,
        script: vec![S {
            send,
            expect: "/nonce == nonce",
            ..S::default()
        }],
        ping: "ping ${id}",
        ..D::default()
    }
}

impl Talk {
    /// Composes the step. Returns the missing signatures.
    fn lacks(&mut self) -> Vec<SignatureRequest> {
        assert_eq!(self.composed(), None);
        match self.out.pop() {
            Some(Reply::Sign(requests)) => requests,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn signed(&mut self, requests: Vec<SignatureRequest>) -> String {
        let sign = |request: SignatureRequest| {
            let signature = request.sign(&Echo);
            (request, signature)
        };
        let made = requests.into_iter().map(sign).collect();
        self.with(|talk, here, out| talk.signed(made, here, out));
        self.told()
    }
}

#[test]
fn a_slow_signature_is_made_elsewhere_and_the_message_filled_again_in_the_same_moment() {
    let mut talk = login("${ts} ${nonce} ${id} ${sig} ${random(1, \"hex\")}", LETS).open();
    let lacking = talk.lacks();
    assert_eq!(format!("{lacking:?}"), "[Rs256 of 13 bytes]");
    assert_eq!(talk.conversation.step().unwrap().state, StepState::Signs);
    // Time passes, but neither the step's time limit nor its moment advances.
    assert_eq!(talk.left(), None);
    talk.wait(secs(20));
    assert_eq!(talk.signed(lacking), "compose now");
    let composed = talk.composed().unwrap();
    assert_eq!(composed, "1700000000 00 1 <1700000000001> 01");
    talk.written();
    assert_eq!(talk.left(), Some(secs(10)));
    // The sent value must come back.
    assert_eq!(talk.hear(r#"{"nonce":"02"}"#), "");
    assert_eq!(talk.hear(r#"{"nonce":"00"}"#), "passed");
}

#[test]
fn a_number_that_was_taken_meanwhile_is_signed_anew() {
    let mut talk = login("${id} ${sig}", LETS).open();
    let lacking = talk.lacks();
    assert_eq!(talk.ping(), Ping::Text("ping 1".into()));
    talk.signed(lacking);
    let lacking = talk.lacks();
    assert_eq!(talk.signed(lacking), "compose now");
    assert_eq!(talk.composed().as_deref(), Some("2 <1700000000002>"));
}

#[test]
fn a_signature_of_a_signature_takes_two_rounds() {
    const DEEP: &[(&str, &str)] = &[
        ("pem", "key"),
        ("nonce", "n"),
        ("inner", "${text(unhex(sign(\"RS256\", pem, \"a\")))}"),
        ("outer", "${text(unhex(sign(\"RS256\", pem, inner)))}"),
    ];
    let mut talk = login("${outer}", DEEP).open();
    for _ in 0..2 {
        let lacking = talk.lacks();
        assert_eq!(lacking.len(), 1);
        talk.signed(lacking);
    }
    assert_eq!(talk.composed().as_deref(), Some("<<a>>"));
}

#[test]
fn what_is_no_key_fails_the_step_and_is_asked_once() {
    const BAD: &[(&str, &str)] = &[
        ("pem", "no key"),
        ("nonce", "n"),
        ("sig", "${sign(\"RS256\", pem, \"a\")}"),
    ];
    let mut talk = login("${sig}", BAD).open();
    let lacking = talk.lacks();
    talk.signed(lacking);
    assert_eq!(talk.composed(), None);
    assert_eq!(
        talk.told(),
        "lose template: step 1 of open_script cannot send ${sig}: `${sig}` is absent"
    );
}

#[test]
fn a_signature_for_a_socket_that_is_lost_is_of_no_use() {
    let mut talk = login("${sig}", LETS).open();
    let lacking = talk.lacks();
    talk.lost(&Cause::Eof, None);
    assert_eq!(talk.signed(lacking.clone()), "");
    assert_eq!(talk.opened(), "compose");
    // The step of the new socket has not requested it.
    assert_eq!(talk.signed(lacking), "");
    talk.wait(secs(1));
    let lacking = talk.lacks();
    talk.signed(lacking);
    assert_eq!(talk.composed().as_deref(), Some("<1700000001011>"));
}

#[test]
fn periodic_steps_and_the_close_script_sign_so_too() {
    const KEY: &[(&str, &str)] = &[
        ("pem", "key"),
        ("sig", "${text(unhex(sign(\"RS256\", pem, text(id))))}"),
    ];
    let step = || S {
        send: "${sig}",
        ..S::default()
    };
    let mut talk = D {
        lets: KEY,
        periodic: vec![("5s", false, step())],
        close_script: vec![step()],
        ..D::default()
    }
    .open();
    talk.ready();
    assert_eq!(talk.wait(secs(5)), "compose");
    let lacking = talk.lacks();
    talk.signed(lacking);
    assert_eq!(talk.send(), "<1>");
    assert_eq!(talk.begin_close_script(), "compose");
    let lacking = talk.lacks();
    talk.signed(lacking);
    assert_eq!(talk.composed().as_deref(), Some("<2>"));
    assert_eq!(talk.written(), "may close");
}
