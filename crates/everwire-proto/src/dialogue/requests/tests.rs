//! Requests of callers, and their queue compared with a model.

use std::time::{Duration, Instant};

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{core::Message, language::json::JsonPointer};

fn pointer(text: &str) -> JsonPointer {
    JsonPointer::new(text).unwrap()
}

#[test]
fn a_request_has_a_number_or_a_text_at_its_place() {
    let id = pointer("/id");
    for (text, own, numbered) in [
        (r#"{"id":1}"#, "1", r#"{"id":12}"#),
        (
            r#" { "id" : -1.50e3 , "x":1}"#,
            "-1.50e3",
            r#" { "id" : 12 , "x":1}"#,
        ),
        (r#"{"id":"","x":"id"}"#, r#""""#, r#"{"id":"12","x":"id"}"#),
        // The last one counts, as for its reader.
        (
            r#"{"id":1,"id":"a\u0020b"}"#,
            r#""a\u0020b""#,
            r#"{"id":1,"id":"12"}"#,
        ),
    ] {
        let request = NumberedRequest::new(text, &id).unwrap();
        assert_eq!((request.own(), &*request.numbered(12)), (own, numbered));
        assert!(request.max_len() >= request.numbered(u64::MAX).len());
        assert_eq!(request.max_len(), request.numbered(u64::MAX).len());
    }
    for text in ["", "x", r#"{"id":1"#, r#"{"id":01}"#, r#"{"id":1}{"#] {
        assert_eq!(
            NumberedRequest::new(text, &id),
            Err(InvalidRequest::NoJson),
            "{text}"
        );
    }
    let lacks = InvalidRequest::NoId(id.clone());
    for text in [
        "1",
        "[]",
        "{}",
        r#"{"id":null}"#,
        r#"{"id":{}}"#,
        r#"{"id":[1]}"#,
        r#"{"id":true}"#,
    ] {
        assert_eq!(
            NumberedRequest::new(text, &id),
            Err(lacks.clone()),
            "{text}"
        );
    }
    let long = |len: usize| format!(r#"{{"id":"{}"}}"#, "x".repeat(len - 2));
    assert!(NumberedRequest::new(long(MAX_OWN), &id).is_ok());
    let error = InvalidRequest::LongValue(id.clone(), MAX_OWN + 1);
    assert_eq!(
        NumberedRequest::new(long(MAX_OWN + 1), &id),
        Err(error.clone())
    );
    let expected = |len: usize| ExpectedValue::new(pointer("/id"), "x".repeat(len));
    assert_eq!(expected(MAX_OWN).check(), Ok(()));
    assert_eq!(expected(MAX_OWN + 1).check(), Err(error));
    assert_eq!(
        lacks.to_string(),
        "invalid request: there is no number or text at /id"
    );
}

#[test]
fn a_value_is_expected_as_it_is_written_in_a_url() {
    let is = |equals: &str, message: &str| {
        ExpectedValue::new(pointer("/a/0"), equals).is_in(&Message::text(message.to_owned()))
    };
    for (equals, value) in [
        ("7", "7"),
        ("7", "7.0"),
        ("7", r#""7""#),
        ("a b", r#""a b""#),
        ("a b", r#""a\u0020b""#),
        ("true", "true"),
        ("null", "null"),
        ("", r#""""#),
        ("1e2", "100"),
    ] {
        assert!(
            is(equals, &format!(r#"{{"a":[{value}]}}"#)),
            "{equals} {value}"
        );
    }
    for (equals, value) in [
        ("7", "8"),
        ("7", r#""07""#),
        ("07", "7"),
        ("true", r#""True""#),
        ("", "null"),
        ("[]", "[]"),
        ("x", "0"),
    ] {
        assert!(
            !is(equals, &format!(r#"{{"a":[{value}]}}"#)),
            "{equals} {value}"
        );
    }
    assert!(!is("7", "no JSON") && !is("7", "{}"));
}

#[test]
fn one_message_answers_one_plain_request_the_oldest() {
    let mut queue = RequestQueue::default();
    let now = Instant::now();
    let bounds = Bounds {
        messages: 9,
        bytes: 99,
    };
    for (caller, equals) in [("a", "1"), ("b", "2"), ("c", "1")] {
        let expected = ExpectedValue::new(pointer("/id"), equals);
        let waiting = Waiting::Plain(Message::text("ask"), expected);
        queue.push(waiting, now, caller, bounds).unwrap();
    }
    let answer = Message::text(r#"{"id":1}"#);
    // None is written.
    assert_eq!(queue.answered_by(&answer), None);
    while let Some((ticket, _)) = queue.next() {
        queue.write(ticket, None);
    }
    let mut answered = Vec::new();
    while let Some(ticket) = queue.answered_by(&answer) {
        answered.extend(queue.answered(ticket));
    }
    assert_eq!(answered, ["a", "c"]);
    assert_eq!(queue.in_flight(), 1);
}

/// An event of a queue.
#[derive(Clone, Debug)]
enum Event {
    /// A request of this size, with this timeout in milliseconds.
    Push(usize, u64),
    Write,
    Skip,
    /// The callers with even numbers disappear.
    Forget,
    /// One of the written ones is answered.
    Answer(usize),
    Pass(u64),
    Lose,
    Cancel,
}

/// The model's record of a request.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    caller: usize,
    bytes: usize,
    until: Instant,
    ticket: Option<Ticket>,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (1..40usize, 0..50u64).prop_map(|(bytes, millis)| Event::Push(bytes, millis)),
        3 => Just(Event::Write),
        1 => Just(Event::Skip),
        1 => Just(Event::Forget),
        2 => (0..8usize).prop_map(Event::Answer),
        2 => (0..30u64).prop_map(Event::Pass),
        1 => Just(Event::Lose),
        1 => Just(Event::Cancel),
    ]
}

proptest! {
    /// Each caller gets one result, of its own request; waiting requests are bounded, and sent in
    /// order.
    #[test]
    fn each_caller_hears_once(events in vec(event(), 0..80)) {
        let bounds = Bounds { messages: 5, bytes: 100 };
        let mut queue = RequestQueue::default();
        let mut now = Instant::now();
        let (mut waiting, mut asked): (Vec<Known>, Vec<Known>) = Default::default();
        let ended = |told: Vec<Ended<usize>>, known: Vec<Known>, was_written: bool| {
            let mut told: Vec<_> = told.into_iter().map(|end| (end.caller, end.was_written)).collect();
            let mut known: Vec<_> = known.into_iter().map(|known| (known.caller, was_written)).collect();
            told.sort_unstable();
            known.sort_unstable();
            assert_eq!(told, known);
        };
        for (caller, event) in events.into_iter().enumerate() {
            match event {
                Event::Push(bytes, millis) => {
                    let until = now + Duration::from_millis(millis);
                    let message = Message::text("x".repeat(bytes));
                    let expected = ExpectedValue::new(pointer("/id"), "1");
                    let pushed = queue.push(Waiting::Plain(message, expected), until, caller, bounds);
                    let sum: usize = waiting.iter().map(|known| known.bytes).sum();
                    let fits = waiting.len() < bounds.messages && sum + bytes <= bounds.bytes;
                    prop_assert_eq!(pushed.is_ok(), fits);
                    if fits {
                        waiting.push(Known { caller, bytes, until, ticket: None });
                    }
                }
                Event::Write => {
                    let next = queue.next().map(|(ticket, _)| ticket);
                    prop_assert_eq!(next.is_some(), !waiting.is_empty());
                    if let Some(ticket) = next {
                        prop_assert_eq!(queue.next_caller(), Some(&waiting[0].caller));
                        prop_assert!(queue.write(ticket, Some(7)).is_some());
                        prop_assert!(queue.write(ticket, Some(7)).is_none());
                        asked.push(Known { ticket: Some(ticket), ..waiting.remove(0) });
                    }
                }
                Event::Skip => {
                    let first = (!waiting.is_empty()).then(|| waiting.remove(0).caller);
                    prop_assert_eq!(queue.skip(), first);
                }
                Event::Forget => {
                    queue.forget_if(|caller| caller % 2 == 0);
                    waiting.retain(|known| known.caller % 2 == 1);
                }
                Event::Answer(at) if !asked.is_empty() => {
                    let known = asked.remove(at % asked.len());
                    let ticket = known.ticket.unwrap();
                    prop_assert_eq!(queue.answered(ticket), Some(known.caller));
                    prop_assert_eq!(queue.answered(ticket), None);
                }
                Event::Answer(_) => {}
                Event::Pass(millis) => {
                    now += Duration::from_millis(millis);
                    let over = |known: &Known| known.until <= now;
                    let (late, left) = waiting.into_iter().partition(over);
                    waiting = left;
                    let (silent, left) = asked.into_iter().partition(over);
                    asked = left;
                    let told = queue.expire(now);
                    let (written, unwritten) = told.into_iter().partition(|end| end.was_written);
                    ended(unwritten, late, false);
                    ended(written, silent, true);
                }
                Event::Lose => ended(queue.lost(), std::mem::take(&mut asked), true),
                Event::Cancel => ended(queue.cancel(), std::mem::take(&mut waiting), false),
            }
            prop_assert_eq!((queue.waiting(), queue.in_flight()), (waiting.len(), asked.len()));
            let sum: usize = waiting.iter().map(|known| known.bytes).sum();
            prop_assert_eq!(queue.bytes(), sum);
            let first = waiting.iter().chain(&asked).map(|known| known.until).min();
            prop_assert_eq!(queue.deadline(), first);
            prop_assert_eq!(queue.is_empty(), waiting.is_empty() && asked.is_empty());
        }
    }
}
