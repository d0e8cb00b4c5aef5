//! Keys that are asked for and left by calls.

use super::*;

/// A name that subscribes by calls, on a socket.
fn called() -> Talk {
    let dialogue = D {
        subscribe: Some(U {
            ack: "",
            fail: "",
            ..U::default()
        }),
        ..D::default()
    };
    let mut dialogue = (*dialogue.compile()).clone();
    let mut pointers = dialogue.pointers.clone();
    let mut scope = Scope::new(&dialogue.names, &mut pointers, &NothingOutside);
    let mut of = |text| MessageTemplate::parse(text, TemplateKind::Text, &mut scope).unwrap();
    let [on, off] = ["on ${key}", "off ${key}"].map(|body| {
        Some(Asking::Http(HttpRequest {
            method: "POST",
            url: of("https://peer.invalid/"),
            headers: Vec::new(),
            body: Some(of(body)),
        }))
    });
    let mut settings = dialogue.subscribe.as_deref().cloned().unwrap();
    let words = (*settings.words).clone();
    settings.words = Arc::new(SubscriptionWords { on, off, ..words });
    dialogue.subscribe = Some(Arc::new(settings));
    let mut talk = Talk::of(Conversation::new(Arc::new(dialogue)));
    talk.opened();
    talk
}

impl Talk {
    /// The calls that are made now, by what they say; and who is told of their answers.
    fn calls_made(&mut self) -> Vec<(String, CallOwner)> {
        let mut made = Vec::new();
        while self
            .with(|talk, here, out| talk.compose_subscription(here, out))
            .is_some()
        {
            made.extend(self.out.iter().filter_map(call));
        }
        made
    }

    /// The only one of them.
    fn one_call(&mut self) -> (String, CallOwner) {
        let mut called = self.calls_made();
        assert_eq!(called.len(), 1, "{called:?}");
        called.remove(0)
    }
}

fn call(reply: &Reply) -> Option<(String, CallOwner)> {
    let Reply::Call(call) = reply else {
        return None;
    };
    let CallTarget::Http { body, .. } = &call.target else {
        return None;
    };
    let body = String::from_utf8(body.clone()?).unwrap();
    Some((body, call.owner))
}

#[test]
fn a_key_that_a_call_ends_is_asked_for_when_that_is_answered() {
    let mut talk = called();
    talk.hold("a", Holder::Api).unwrap();
    let (on, owner) = talk.one_call();
    assert_eq!(on, "on a");
    assert_eq!(talk.answer(owner, 200, ""), "a active");
    assert!(talk.release("a", Holder::Api));
    let (off, owner) = talk.one_call();
    assert_eq!(off, "off a");
    // Both could be out at once, and arrive in any order.
    talk.hold("a", Holder::Api).unwrap();
    assert_eq!(talk.calls_made(), []);
    // Another key need not wait.
    talk.hold("b", Holder::Api).unwrap();
    assert_eq!(talk.calls_made().len(), 1);
    // However it is answered.
    assert_eq!(
        talk.answer(owner, 500, "").split(':').next(),
        Some("error script_refused")
    );
    let (on, owner) = talk.one_call();
    assert_eq!(on, "on a");
    assert_eq!(talk.answer(owner, 200, ""), "a active");
}

#[test]
fn one_that_nobody_wants_when_its_end_is_answered_is_not_asked_for() {
    let mut talk = called();
    talk.hold("a", Holder::Api).unwrap();
    let (_, on) = talk.one_call();
    talk.answer(on, 200, "");
    talk.release("a", Holder::Api);
    let (_, off) = talk.one_call();
    talk.hold("a", Holder::Api).unwrap();
    talk.release("a", Holder::Api);
    assert_eq!(talk.answer(off, 200, ""), "");
    assert_eq!(talk.calls_made(), []);
}

#[test]
fn another_item_waits_for_the_end_of_the_first_though_that_is_called_only_now() {
    let mut talk = called();
    talk.hold("a", Holder::Api).unwrap();
    let (_, on) = talk.one_call();
    talk.answer(on, 200, "");
    talk.release("a", Holder::Api);
    talk.hold_item("a", "other", Holder::Api).unwrap();
    talk.hold("b", Holder::Api).unwrap();
    let mut made = talk.calls_made();
    let said: Vec<&str> = made.iter().map(|(said, _)| &**said).collect();
    assert_eq!(said, ["off a", "on b"]);
    let (_, off) = made.remove(0);
    talk.answer(off, 200, "");
    assert_eq!(talk.one_call().0, "on a");
}
