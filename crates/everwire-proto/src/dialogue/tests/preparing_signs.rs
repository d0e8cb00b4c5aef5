use super::{before::*, signs::Echo, *};
use crate::language::SignatureRequest;

const KEY: &str = "key";

impl Before {
    /// The missing signatures of the next call.
    fn lacks(&mut self) -> Vec<SignatureRequest> {
        match self.at(|preparing, here| preparing.next(here)) {
            Next::Sign(requests) => requests,
            other => panic!("{other:?}"),
        }
    }

    fn signed(&mut self, requests: Vec<SignatureRequest>) -> Next {
        let sign = |request: SignatureRequest| {
            let signature = request.sign(&Echo);
            (request, signature)
        };
        let made = requests.into_iter().map(sign).collect();
        // The signature took time.
        self.now += secs(1);
        self.at(|preparing, here| preparing.signed(made, here))
    }
}

const LETS: &[(&str, &str)] = &[
    ("pem", KEY),
    ("nonce", "${random(1, \"hex\")}"),
    ("ts", "${now(\"s\")}"),
    (
        "assertion",
        "${text(unhex(sign(\"RS256\", pem, text(ts) ~ \"/\" ~ nonce)))}",
    ),
];

const TOKEN: P = P {
    url: "https://h/token",
    headers: &[("X-Nonce", "${nonce}")],
    body: "grant=jwt&assertion=${assertion}&at=${ts}",
    exec: &[],
    expect: "/nonce == nonce",
    fail: "",
    give_up: "",
    capture: &[("token", "/token")],
    clear: &[],
    condition: "",
};

#[test]
fn a_call_waits_for_a_slow_signature_and_is_filled_in_the_moment_in_which_it_was_asked_for() {
    let mut before = Before::with(compile(LETS, &[], &[TOKEN]));
    let lacking = before.lacks();
    assert_eq!(format!("{lacking:?}"), "[Rs256 of 13 bytes]");
    let call = told(before.signed(lacking));
    assert_eq!(
        call,
        "POST https://h/token X-Nonce: 07 <grant=jwt&assertion=<1700000000/07>&at=1700000000>"
    );
    // The sent value must come back, and the step's time starts with its call.
    assert_eq!(
        before.answer(200, r#"{"nonce":"08"}"#),
        "prepare: step 1 of prepare, POST https://h/token, answered 200 after 120ms; expect (/nonce == nonce) did not hold for {\"nonce\":\"08\"}"
    );
}

#[test]
fn each_step_signs_for_itself() {
    let steps = [
        TOKEN,
        P {
            expect: "",
            capture: &[],
            ..TOKEN
        },
    ];
    let mut before = Before::with(compile(LETS, &[], &steps));
    let lacking = before.lacks();
    before.signed(lacking);
    let next = before.at(|preparing, here| {
        let body = br#"{"nonce":"07","token":"t"}"#.to_vec();
        let response = Response {
            status: Some(200),
            body,
            ..Response::default()
        };
        preparing.answered(response, here)
    });
    let Next::Sign(lacking) = next else {
        panic!("{next:?}");
    };
    assert!(told(before.signed(lacking)).starts_with("POST https://h/token"));
}

#[test]
fn a_signature_of_a_signature_takes_two_rounds() {
    const DEEP: &[(&str, &str)] = &[
        ("pem", KEY),
        ("inner", "${text(unhex(sign(\"RS256\", pem, \"a\")))}"),
        ("outer", "${text(unhex(sign(\"RS256\", pem, inner)))}"),
    ];
    let step = P {
        exec: &["/bin/login", "${outer}"],
        ..P::default()
    };
    let mut before = Before::with(compile(DEEP, &[], &[step]));
    let lacking = before.lacks();
    let Next::Sign(lacking) = before.signed(lacking) else {
        panic!("one is made of the other");
    };
    assert_eq!(told(before.signed(lacking)), r#"/bin/login ["<<a>>"]"#);
}

#[test]
fn what_is_no_key_fails_the_step_and_is_asked_once() {
    const BAD: &[(&str, &str)] = &[("pem", "no key"), ("sig", "${sign(\"RS256\", pem, \"a\")}")];
    let step = P {
        url: "https://h/${sig}",
        ..P::default()
    };
    let mut before = Before::with(compile(BAD, &[], &[step]));
    let lacking = before.lacks();
    assert_eq!(
        told(before.signed(lacking)),
        "template: step 1 of prepare cannot fill url: `${sig}` is absent"
    );
}

#[test]
fn what_does_not_sign_slowly_is_called_at_once() {
    const LETS: &[(&str, &str)] = &[
        ("pem", KEY),
        ("sig", "${sign(\"RS256\", pem, \"a\")}"),
        ("quick", "q"),
    ];
    let step = P {
        url: "https://h/${quick}",
        ..P::default()
    };
    let mut before = Before::with(compile(LETS, &[], &[step]));
    assert_eq!(before.next(), "GET https://h/q");
}
