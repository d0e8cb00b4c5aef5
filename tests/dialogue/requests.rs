//! Requests of callers: numbered, answered in any order, and always with an outcome.

use std::{sync::mpsc, time::Duration};

use everwire::{
    Handle, Message, Rejected, Request, RequestError, connection::RequestsStatus,
    core::JsonPointer, dialogue::InvalidRequest,
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{
    Variables, open,
    peer::{Line, Server},
    recipe,
    support::rig::wait_for,
};

const RPC: &str = r#"
[connections.name]
url = "URL"
# quick
[connections.name.request]
id = "/id"
answer = '/id == id'
fail = 'exists(/error)'
"#;

/// One call at a time, as in OCPP.
const ONE_AT_A_TIME: &str = r#"
[connections.name]
url = "URL"
# quick
[connections.name.request]
id = "/1"
answer = '(/0 == 3 || /0 == 4) && /1 == text(id)'
fail = '/0 == 4'
in_flight = 1
"#;

/// A name with request settings, and otherwise defaults.
fn name(text: &str, server: &Server) -> everwire::ConnectionSettings {
    recipe(text, "name", &server.url(), Variables(&[]))
}

/// Sends a request in a task that waits for the answer.
fn ask(handle: &Handle, request: impl Into<Message>) -> JoinHandle<Result<Message, RequestError>> {
    ask_with(
        handle,
        Request::new(request).within(Duration::from_secs(60)),
    )
}

fn ask_with(handle: &Handle, request: Request) -> JoinHandle<Result<Message, RequestError>> {
    let handle = handle.clone();
    tokio::spawn(async move { handle.request(request).await })
}

/// Waits until these numbers of requests wait and are in flight.
async fn requests(handle: &Handle, waiting: usize, in_flight: usize) {
    let wanted = (waiting + in_flight > 0).then_some((waiting, in_flight));
    wait_for("requests as they should be", async || {
        let status = handle.status().await.unwrap();
        let requests = status.requests;
        let found = requests.map(
            |RequestsStatus {
                 waiting, in_flight, ..
             }| (waiting, in_flight),
        );
        (found == wanted).then_some(()).ok_or(found)
    })
    .await;
}

fn text(answer: &Result<Message, RequestError>) -> &str {
    match answer {
        Ok(answer) => answer.as_text().unwrap(),
        Err(error) => panic!("{error:?}"),
    }
}

/// The id of a call `[2,"ID",…]`.
fn call(said: &Value) -> String {
    said[1].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_hundred_callers_with_the_same_id_get_their_own_answers_in_any_order() {
    let server = Server::start(|line| {
        let mut calls = Vec::new();
        for _ in 0..100 {
            calls.push(line.hear()?);
        }
        let mut numbers: Vec<u64> = calls
            .iter()
            .filter_map(|call| call["id"].as_u64())
            .collect();
        numbers.sort_unstable();
        line.ask(
            numbers == (1..=100).collect::<Vec<_>>(),
            format!("{numbers:?}"),
        );
        for call in calls.iter().rev() {
            line.say(format!(r#"{{"n":{}, "id":{}}}"#, call["n"], call["id"]))?;
        }
        line.until_gone()
    });
    let (_manager, handle, mut watch) = open(name(RPC, &server));
    let asked: Vec<_> = (0..100)
        .map(|n| ask(&handle, format!(r#"{{"id":7,"n":{n}}}"#)))
        .collect();
    for (n, answer) in asked.into_iter().enumerate() {
        let expected = format!(r#"{{"n":{n}, "id":7}}"#);
        assert_eq!(text(&answer.await.unwrap()), expected);
    }
    // Subscribers receive messages unchanged. The first request was answered last.
    let last = watch
        .until("the last answer", |update| {
            let (_, message) = update.message()?;
            let said: Value = serde_json::from_str(message.as_text()?).ok()?;
            (said["id"] == 1).then_some(said)
        })
        .await;
    assert!(last["n"].is_u64(), "{last}");
    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(handle.status().await.unwrap().requests, None);
}

#[tokio::test]
async fn a_refusal_is_an_error_with_the_answer_and_a_text_stays_a_text() {
    let server = Server::start(|line| {
        let said = line.hear()?;
        line.ask(said == json!({ "id": "1", "op": "x" }), said.to_string());
        line.say(r#"{"id":"1","error":{"code":-32601}}"#)?;
        let said = line.hear()?;
        line.ask(said == json!({ "id": 2 }), said.to_string());
        line.say(r#"{"id":2,"result":null,"error":null}"#)?;
        line.until_gone()
    });
    let (_manager, handle, _watch) = open(name(RPC, &server));
    let refused = ask(&handle, r#"{"id":"a \"b\"","op":"x"}"#).await.unwrap();
    let answer = r#"{"id":"a \"b\"","error":{"code":-32601}}"#;
    assert_eq!(refused, Err(RequestError::Failed(Message::text(answer))));
    let passed = ask(&handle, r#"{"id":-1.5e3}"#).await.unwrap();
    assert_eq!(text(&passed), r#"{"id":-1.5e3,"result":null,"error":null}"#);
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn a_loss_ends_what_was_written_in_doubt_and_what_waits_goes_out_on_the_next_socket() {
    let server = Server::start(|line| {
        let said = line.hear()?;
        if line.number == 0 {
            line.ask(said[2] == "First", said.to_string());
            return Err(line.cut());
        }
        line.ask(said[2] == "Second" && said[1] == "1", said.to_string());
        line.say(format!(r#"[3,"{}",{{}}]"#, call(&said)))?;
        line.until_gone()
    });
    let mut settings = name(ONE_AT_A_TIME, &server);
    settings.enabled = false;
    let (_manager, handle, _watch) = open(settings);
    let first = ask(&handle, r#"[2,"a","First",{}]"#);
    requests(&handle, 1, 0).await;
    let second = ask(&handle, r#"[2,"b","Second",{}]"#);
    requests(&handle, 2, 0).await;
    handle.connect(None).await.unwrap();
    assert_eq!(first.await.unwrap(), Err(RequestError::InDoubt));
    assert_eq!(text(&second.await.unwrap()), r#"[3,"b",{}]"#);
    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(server.sockets(), 2);
}

#[tokio::test]
async fn one_that_was_not_written_in_time_was_not_sent() {
    let (go, wait) = mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let server = Server::start(move |line| {
        let _told = wait.lock().unwrap().recv();
        line.say("hello")?;
        let said = line.hear()?;
        line.ask(said["n"] == 2, format!("it is too late for that: {said}"));
        line.say(r#"{"id":1}"#)?;
        line.until_gone()
    });
    let text_of = RPC.replace(
        "# quick",
        "open_script = [{ expect = 'message == \"hello\"' }]\n# quick",
    );
    let (_manager, handle, _watch) = open(name(&text_of, &server));
    let short = Request::new(r#"{"id":7,"n":1}"#).within(Duration::from_millis(100));
    let late = ask_with(&handle, short);
    // A request whose caller is gone is not sent.
    let dropped = ask(&handle, r#"{"id":7,"n":3}"#);
    requests(&handle, 2, 0).await;
    dropped.abort();
    assert_eq!(late.await.unwrap(), Err(RequestError::NotSent));
    let good = ask(&handle, r#"{"id":7,"n":2}"#);
    requests(&handle, 1, 0).await;
    go.send(()).unwrap();
    assert_eq!(text(&good.await.unwrap()), r#"{"id":7}"#);
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn one_that_nothing_answers_gives_its_place_up_and_a_late_answer_is_a_message() {
    let server = Server::start(|line| {
        let silent = line.hear()?;
        let next = line.hear()?;
        line.ask(next[2] == "Next", next.to_string());
        line.say(format!(r#"[3,"{}","late"]"#, call(&silent)))?;
        line.say(format!(r#"[3,"{}","in time"]"#, call(&next)))?;
        line.until_gone()
    });
    let (_manager, handle, mut watch) = open(name(ONE_AT_A_TIME, &server));
    watch.ready().await;
    let short = Request::new(r#"[2,"x","Silent",{}]"#).within(Duration::from_millis(200));
    let silent = ask_with(&handle, short);
    requests(&handle, 0, 1).await;
    let next = ask(&handle, r#"[2,"x","Next",{}]"#);
    assert_eq!(silent.await.unwrap(), Err(RequestError::Unanswered));
    assert_eq!(text(&next.await.unwrap()), r#"[3,"x","in time"]"#);
    watch.text(r#"[3,"1","late"]"#).await;
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn a_heartbeat_without_a_place_goes_as_soon_as_there_is_one() {
    let server = Server::start(|line| {
        let first = line.hear()?;
        line.ask(first[2] == "First", first.to_string());
        // The heartbeat interval passes meanwhile.
        line.hears_nothing_for(Duration::from_millis(1_500), "two calls at a time");
        line.say(format!(r#"[3,"{}",{{}}]"#, call(&first)))?;
        let beat = line.hear()?;
        line.ask(beat[2] == "Heartbeat", format!("no heartbeat: {beat}"));
        line.hears_nothing_for(Duration::from_millis(200), "two calls at a time");
        line.say(format!(r#"[3,"{}",{{}}]"#, call(&beat)))?;
        let second = line.hear()?;
        line.ask(second[2] == "Second", second.to_string());
        line.say(format!(r#"[3,"{}",{{}}]"#, call(&second)))?;
        line.until_gone()
    });
    let beats = r#"heartbeat = { kind = "text", interval = "1s", timeout = "30s", ping = '[2,"${id}","Heartbeat",{}]', pong = { when = '/0 == 3 && /1 == text(id)' } }"#;
    let text_of = ONE_AT_A_TIME.replace("# quick", &format!("{beats}\n# quick"));
    let (_manager, handle, mut watch) = open(name(&text_of, &server));
    watch.ready().await;
    let first = ask(&handle, r#"[2,"a","First",{}]"#);
    requests(&handle, 0, 1).await;
    let second = ask(&handle, r#"[2,"b","Second",{}]"#);
    assert_eq!(text(&first.await.unwrap()), r#"[3,"a",{}]"#);
    assert_eq!(text(&second.await.unwrap()), r#"[3,"b",{}]"#);
    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(server.sockets(), 1);
}

#[tokio::test]
async fn what_awaits_a_place_keeps_no_message_waiting_and_a_step_waits_too() {
    let server = Server::start(|line| {
        let first = line.hear()?;
        line.ask(first[2] == "First", first.to_string());
        for n in 0..3 {
            let said = line.hear_text()?;
            line.ask(said == format!("plain {n}"), said);
        }
        // The step is due by now.
        line.hears_nothing_for(Duration::from_millis(1_500), "two calls at a time");
        line.say("more")?;
        let said = line.hear_text()?;
        line.ask(said == "plain 3", said);
        line.say(format!(r#"[3,"{}",{{}}]"#, call(&first)))?;
        let step = line.hear()?;
        line.ask(step[2] == "Step", format!("no step: {step}"));
        line.say(format!(r#"[3,"{}",{{}}]"#, call(&step)))?;
        line.until_gone()
    });
    let step = r#"periodic = [{ every = "1s", send = '[2,"${id}","Step",{}]', expect = '/0 == 3 && /1 == text(id)' }]"#;
    let text_of = ONE_AT_A_TIME.replace("# quick", &format!("{step}\n# quick"));
    let (_manager, handle, mut watch) = open(name(&text_of, &server));
    watch.ready().await;
    let first = ask(&handle, r#"[2,"a","First",{}]"#);
    requests(&handle, 0, 1).await;
    for n in 0..3 {
        handle.send(format!("plain {n}")).unwrap();
    }
    watch.text("more").await;
    handle.send("plain 3").unwrap();
    assert_eq!(text(&first.await.unwrap()), r#"[3,"a",{}]"#);
    watch.text(r#"[3,"2",{}]"#).await;
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn an_answer_on_the_old_socket_of_a_rotation_counts_until_that_closes() {
    let (opened, second) = mpsc::channel::<()>();
    let second = std::sync::Mutex::new(second);
    let server = Server::start(move |line| {
        if line.number == 1 {
            let _told = opened.send(());
            return line.until_gone();
        }
        let said = line.hear()?;
        let _up = second.lock().unwrap().recv();
        // The successor is ready after its handshake, and the old socket stays open for the answer.
        line.hears_nothing_for(Duration::from_millis(300), "closed before the answer");
        line.say(format!(r#"{{"id":{},"ok":true}}"#, said["id"]))?;
        let reason = line.close_reason();
        line.ask(reason.starts_with("1001"), reason);
        line.until_gone()
    });
    let (_manager, handle, mut watch) = open(name(RPC, &server));
    watch.ready().await;
    let asked = ask(&handle, r#"{"id":"mine"}"#);
    requests(&handle, 0, 1).await;
    handle.rotate().await.unwrap();
    assert_eq!(text(&asked.await.unwrap()), r#"{"id":"mine","ok":true}"#);
    watch.rotated().await;
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn an_old_socket_that_never_answers_is_closed_all_the_same_and_its_request_is_in_doubt() {
    let server = Server::start(|line| {
        if line.number == 0 {
            let _asked = line.hear()?;
            let reason = line.close_reason();
            line.ask(reason.starts_with("1001"), reason);
            return line.until_gone();
        }
        let said = line.hear()?;
        line.say(format!(r#"{{"id":{}}}"#, said["id"]))?;
        line.until_gone()
    });
    let text_of = RPC.replace("# quick", "close_timeout = \"300ms\"\n# quick");
    let (_manager, handle, mut watch) = open(name(&text_of, &server));
    watch.ready().await;
    let asked = ask(&handle, r#"{"id":1}"#);
    requests(&handle, 0, 1).await;
    handle.rotate().await.unwrap();
    assert_eq!(asked.await.unwrap(), Err(RequestError::InDoubt));
    watch.rotated().await;
    let next = ask(&handle, r#"{"id":1}"#).await.unwrap();
    assert_eq!(text(&next), r#"{"id":1}"#);
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn a_close_by_hand_waits_for_answers_and_cancels_what_was_not_written() {
    let (close, closing) = mpsc::channel::<()>();
    let closing = std::sync::Mutex::new(closing);
    let server = Server::start(move |line| {
        let said = line.hear()?;
        let _closing = closing.lock().unwrap().recv();
        line.hears_nothing_for(Duration::from_millis(200), "closed before the answer");
        line.say(format!(r#"[3,"{}",{{}}]"#, call(&said)))?;
        let reason = line.close_reason();
        line.ask(reason.starts_with("1000"), reason);
        line.until_gone()
    });
    let (_manager, handle, mut watch) = open(name(ONE_AT_A_TIME, &server));
    watch.ready().await;
    let written = ask(&handle, r#"[2,"a","First",{}]"#);
    requests(&handle, 0, 1).await;
    let waiting = ask(&handle, r#"[2,"b","Second",{}]"#);
    requests(&handle, 1, 1).await;
    handle.close(1000, "").await.unwrap();
    assert_eq!(waiting.await.unwrap(), Err(RequestError::Cancelled));
    close.send(()).unwrap();
    assert_eq!(text(&written.await.unwrap()), r#"[3,"a",{}]"#);
    watch.closed().await;
    let closed = ask(&handle, r#"[2,"c","Third",{}]"#).await.unwrap();
    assert_eq!(closed, Err(RequestError::Rejected(Rejected::Closed)));
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn without_settings_a_request_is_answered_by_the_first_message_with_its_value() {
    fn pair(line: &mut Line) -> Result<(), super::peer::Gone> {
        line.say(r#"{"id":8,"what":"nobody's"}"#)?;
        for _ in 0..3 {
            line.hear()?;
        }
        for text in [
            r#"{"id":9,"n":0}"#,
            r#"{"id":"7","n":1}"#,
            r#"{"id":7.0,"n":2}"#,
            r#"{"id":9,"n":3}"#,
        ] {
            line.say(text)?;
        }
        line.until_gone()
    }
    let server = Server::start(pair);
    // A rule keeps the last message from subscribers.
    let rule = r#"rules = [{ when = '/n == 2', deliver = false }]"#;
    let text_of = format!("[connections.name]\nurl = \"URL\"\n# quick\n{rule}\n");
    let text_of = text_of.as_str();
    let (_manager, handle, mut watch) = open(name(text_of, &server));
    watch.ready().await;
    let expecting = |equals: &str| {
        Request::new(r#"{"op":"x"}"#).expecting(JsonPointer::new("/id").unwrap(), equals)
    };
    // One message answers one request, the oldest.
    let first = ask_with(&handle, expecting("7"));
    requests(&handle, 0, 1).await;
    let second = ask_with(&handle, expecting("7"));
    requests(&handle, 0, 2).await;
    let third = ask_with(&handle, expecting("9"));
    assert_eq!(text(&first.await.unwrap()), r#"{"id":"7","n":1}"#);
    assert_eq!(text(&second.await.unwrap()), r#"{"id":7.0,"n":2}"#);
    assert_eq!(text(&third.await.unwrap()), r#"{"id":9,"n":0}"#);
    watch.text(r#"{"id":9,"n":3}"#).await;
    let nothing = ask(&handle, r#"{"op":"x"}"#).await.unwrap();
    assert_eq!(nothing, Err(RequestError::NothingExpected));
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_no_request_or_has_no_room_is_refused_at_once() {
    let server = Server::start(|line| line.until_gone());
    let mut settings = name(RPC, &server);
    settings.enabled = false;
    settings.outbox.messages = 2;
    settings.max_message = 100;
    let (_manager, handle, _watch) = open(settings);
    let refused = async |request: Request| handle.request(request).await.unwrap_err();
    let id = JsonPointer::new("/id").unwrap();
    for (request, error) in [
        (Request::new("no JSON"), InvalidRequest::NoJson.into()),
        (
            Request::new(r#"{"op":1}"#),
            InvalidRequest::NoId(id.clone()).into(),
        ),
        (
            Request::new(r#"{"id":null}"#),
            InvalidRequest::NoId(id.clone()).into(),
        ),
        (
            Request::new(Message::binary(vec![1])),
            Rejected::NotText.into(),
        ),
        (
            Request::new(r#"{"id":1}"#).expecting(id.clone(), "1"),
            RequestError::ExpectedBySettings,
        ),
    ] {
        assert_eq!(refused(request).await, error);
    }
    let long = refused(Request::new("x".repeat(101))).await;
    assert!(
        matches!(long, RequestError::Rejected(Rejected::TooLarge(_))),
        "{long:?}"
    );
    let _waiting = [1, 2].map(|id| ask(&handle, format!(r#"{{"id":{id}}}"#)));
    requests(&handle, 2, 0).await;
    assert_eq!(
        refused(Request::new(r#"{"id":3}"#)).await,
        Rejected::Full.into()
    );
    // The outbox has a separate limit.
    handle.send("a message").unwrap();
}

#[tokio::test]
async fn requests_and_messages_take_turns_where_a_rate_holds_both_back() {
    let server = Server::start(|line| {
        let mut kinds = Vec::new();
        for _ in 0..8 {
            let said = line.hear()?;
            kinds.push(said["kind"].as_str().unwrap_or_default().to_owned());
            if said["kind"] == "request" {
                line.say(format!(r#"{{"id":{}}}"#, said["id"]))?;
            }
        }
        for pair in kinds.chunks(2) {
            line.ask(pair[0] != pair[1], format!("{kinds:?}"));
        }
        line.say("done")?;
        line.until_gone()
    });
    let text_of = RPC.replace(
        "# quick",
        "enabled = false\nrate = { messages = 1, per = \"50ms\" }\n# quick",
    );
    let (_manager, handle, mut watch) = open(name(&text_of, &server));
    for n in 0..4 {
        handle
            .send(format!(r#"{{"kind":"message","n":{n}}}"#))
            .unwrap();
    }
    let asked: Vec<_> = (0..4)
        .map(|_| ask(&handle, r#"{"id":0,"kind":"request"}"#))
        .collect();
    requests(&handle, 4, 0).await;
    handle.connect(None).await.unwrap();
    watch.text("done").await;
    for answer in asked {
        assert_eq!(text(&answer.await.unwrap()), r#"{"id":0}"#);
    }
    assert_eq!(server.faults(), Vec::<String>::new());
}
