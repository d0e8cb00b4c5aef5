//! Script steps that call a server or run a program while the socket is up.

use std::{
    net::TcpStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use everwire::{ConnectionSettings, Manager, State, config::DialPolicy, core::Cause};

use super::{
    Variables, catch_up, holds_no_secret,
    http::{Http, Request, respond, say_nothing},
    open,
    peer::Server,
    recipe,
    support::{
        SOON, TestDir, poll_until,
        rig::{Watch, wait_for, wait_for_state},
    },
};

const SECRET: &str = "s3cret-of-the-environment";

/// A name with these keys, in which `HTTP` stands for the called server.
fn name(keys: &str, http: &str, ws: &str) -> ConnectionSettings {
    let text = format!("[connections.name]\nurl = \"URL\"\n# quick\n{keys}\n");
    let text = text.replace("HTTP", http);
    recipe(&text, "name", ws, Variables(&[("KEY", SECRET)]))
}

/// The user data stream of an exchange: a PUT keeps its key alive, every 30 minutes in reality.
const FUTURES: &str = r#"
[connections.futures]
url = "URL${listen_key}"
# quick
prepare = [{ http = { method = "POST", url = "HTTP/fapi/v1/listenKey", headers = { X-MBX-APIKEY = "${KEY}" } }, capture = { listen_key = "/listenKey" } }]
periodic = [{ every = "1s", http = { method = "PUT", url = "HTTP/fapi/v1/listenKey", headers = { X-MBX-APIKEY = "${KEY}" } } }]
close_script = [{ http = { method = "DELETE", url = "HTTP/fapi/v1/listenKey?key=${listen_key}", headers = { X-MBX-APIKEY = "${KEY}" } } }]
rules = [{ when = '/e == "listenKeyExpired"', do = "reconnect" }]
"#;

#[tokio::test]
async fn a_listen_key_is_kept_alive_and_given_back() {
    let http = Http::start(|request, stream| match &request.line[..4] {
        "POST" => respond(stream, "200 OK", &[], r#"{"listenKey":"k-secret"}"#),
        _ => respond(stream, "200 OK", &[], "{}"),
    });
    let server = Server::start(|line| {
        line.ask(line.path == "/k-secret", format!("path {}", line.path));
        line.say(r#"{"e":"ORDER_TRADE_UPDATE"}"#)?;
        line.until_gone()
    });
    let text = FUTURES.replace("HTTP", &http.url());
    let variables = Variables(&[("KEY", SECRET)]);
    let settings = recipe(&text, "futures", &server.url(), variables);
    let (_manager, handle, mut watch) = open(settings);
    watch.ready().await;
    poll_until("three PUTs", SOON, || http.requests().len() == 4).await;
    assert_eq!((server.sockets(), server.faults()), (1, Vec::new()));
    handle.close(1000, "").await.unwrap();
    wait_for_state(&handle, State::Closed).await;
    let asked = http.requests();
    let lines: Vec<&str> = asked.iter().map(|request| &*request.line).collect();
    let put = "PUT /fapi/v1/listenKey HTTP/1.1";
    assert_eq!(
        lines,
        [
            "POST /fapi/v1/listenKey HTTP/1.1",
            put,
            put,
            put,
            "DELETE /fapi/v1/listenKey?key=k-secret HTTP/1.1",
        ]
    );
    assert!(
        asked
            .iter()
            .all(|request| request.header("x-mbx-apikey") == Some(SECRET))
    );
    // The interval is a second, however long a call takes.
    let between = asked[3].at - asked[1].at;
    assert!(between >= Duration::from_millis(1900), "{between:?}");
    catch_up(&handle, &mut watch).await;
    for secret in [SECRET, "k-secret"] {
        holds_no_secret(&watch, secret);
    }
}

#[tokio::test]
async fn a_step_reads_what_the_call_before_it_brought_and_nobody_is_told_it() {
    let http = Http::start(|request, stream| {
        let given = request.header("x-key").unwrap_or_default();
        let body = format!(
            r#"{{"data":{{"token":"t-{}"}},"was":"{given}"}}"#,
            request.number
        );
        respond(
            stream,
            "201 Created",
            &["Set-Cookie: session=c-0123; Path=/"],
            &body,
        )
    });
    let server = Server::start(|line| {
        line.say("a greeting that is no answer")?;
        let said = line.hear_text()?;
        line.ask(
            said == format!("login t-{} c-0123 2", line.number),
            said.clone(),
        );
        line.say(said)?;
        line.until_gone()
    });
    let keys = r#"
open_script = [
  { http = { method = "POST", url = "HTTP/login?n=${id}", headers = { X-Key = "${KEY}" }, body = '{"n":"${name}"}' }, expect = 'status == 201 && exists(/data/token)', capture = { token = { value = "/data/token", secret = true }, page = { value = 'cookie("session")', secret = true } } },
  { send = "login ${token} ${page} ${id}", expect = 'starts(message, "login")' },
]"#;
    let (_manager, handle, mut watch) = open(name(keys, &http.url(), &server.url()));
    watch.ready().await;
    assert_eq!(server.faults(), Vec::<String>::new());
    let asked = http.requests();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].line, "POST /login?n=1 HTTP/1.1");
    assert_eq!(asked[0].header("x-key"), Some(SECRET));
    assert_eq!(asked[0].body, r#"{"n":"name"}"#);
    let status = serde_json::to_string(&handle.status().await.unwrap()).unwrap();
    catch_up(&handle, &mut watch).await;
    for secret in [SECRET, "t-0", "c-0123"] {
        assert!(!status.contains(secret), "{status}");
    }
    holds_no_secret(&watch, SECRET);
    // The next socket makes a new call.
    handle.close(1000, "").await.unwrap();
    wait_for_state(&handle, State::Closed).await;
    handle.connect(None).await.unwrap();
    watch.ready().await;
    assert_eq!(http.requests().len(), 2);
    assert_eq!(server.faults(), Vec::<String>::new());
}

/// The reported failure if a server answers the step like this. No socket becomes ready.
async fn told_of(
    keys: &str,
    answer: impl Fn(&Request, &mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
) -> (Manager, everwire::Handle, Watch, Cause) {
    let http = Http::start(answer);
    let server = Server::start(|line| line.until_gone());
    let (manager, handle, mut watch) = open(name(keys, &http.url(), &server.url()));
    let cause = watch.error().await;
    (manager, handle, watch, cause)
}

#[tokio::test]
async fn a_refusal_is_told_without_secrets_and_repeated_when_that_may_help() {
    let keys = r#"open_script = [{ http = { url = "HTTP/open?x=${KEY}", headers = { X-Key = "${KEY}" } }, fail = "status == 409", give_up = "status == 410" }]"#;
    for (status, headers, rule, why) in [
        (
            "403 Forbidden",
            &[][..],
            "backoff, from max",
            ": bad key ***",
        ),
        (
            "409 Conflict",
            &[],
            "backoff, from max",
            "; fail (status == 409) held for bad key ***",
        ),
        (
            "503 Busy",
            &["Retry-After: 7"],
            "retry-after 7s",
            ": bad key ***",
        ),
        ("500 Oops", &[], "backoff", ": bad key ***"),
    ] {
        let (_manager, _handle, mut watch, cause) = told_of(keys, move |request, stream| {
            let body = format!("bad key {}", request.header("x-key").unwrap_or_default());
            respond(stream, status, headers, &body)
        })
        .await;
        assert_eq!(cause.kind(), "script_refused");
        let text = cause.to_string();
        assert!(
            text.contains("step 1 of open_script, GET http://"),
            "{text}"
        );
        assert!(
            text.contains(&format!("/open, answered {} after ", &status[..3])),
            "{text}"
        );
        assert!(text.ends_with(why), "{text}");
        assert_eq!(watch.retrying().await.rule.to_string(), rule);
        holds_no_secret(&watch, SECRET);
    }
    let (_manager, handle, mut watch, _) =
        told_of(keys, |_, stream| respond(stream, "410 Gone", &[], "never")).await;
    let failed = watch.failed().await;
    assert_eq!(failed.rule.to_string(), "give_up of a step in open_script");
    assert_eq!(handle.status().await.unwrap().state, State::Failed);
}

#[tokio::test]
async fn a_step_comes_again_on_the_same_socket() {
    let http = Http::start(|request, stream| match request.number {
        0 => respond(
            stream,
            "200 OK",
            &["Retry-After: 1"],
            r#"{"status":"Pending"}"#,
        ),
        1 => respond(stream, "200 OK", &[], r#"{"status":"Pending","wait":1000}"#),
        _ => respond(stream, "200 OK", &[], r#"{"status":"Accepted"}"#),
    });
    let server = Server::start(|line| line.until_gone());
    let keys = r#"open_script = [{ http = { method = "POST", url = "HTTP/boot/${id}" }, expect = '/status == "Accepted"', again = { when = '/status == "Pending"', after = "${/wait}ms" } }]"#;
    let (_manager, _handle, mut watch) = open(name(keys, &http.url(), &server.url()));
    watch.ready().await;
    assert_eq!(server.sockets(), 1);
    let asked = http.requests();
    let lines: Vec<&str> = asked.iter().map(|request| &*request.line).collect();
    assert_eq!(
        lines,
        [
            "POST /boot/1 HTTP/1.1",
            "POST /boot/2 HTTP/1.1",
            "POST /boot/3 HTTP/1.1"
        ]
    );
    for two in asked.windows(2) {
        assert!(two[1].at - two[0].at >= Duration::from_millis(950));
    }
}

#[tokio::test]
async fn a_server_that_is_silent_is_waited_for_no_longer_than_the_step_says() {
    let keys = r#"open_script = [{ http = { url = "HTTP/slow?x=1" }, within = "300ms" }]"#;
    let (_manager, _handle, mut watch, cause) =
        told_of(keys, |_, stream| say_nothing(stream)).await;
    assert_eq!(cause.kind(), "script_timeout");
    let text = cause.to_string();
    assert!(text.contains("/slow, has no answer after "), "{text}");
    assert!(
        text.ends_with(": no whole answer came in its time"),
        "{text}"
    );
    assert_eq!(watch.retrying().await.rule.to_string(), "backoff");
    // The body has a size limit, too.
    let (.., cause) = told_of(keys, |_, stream| {
        let body = "x".repeat((1 << 20) + 1);
        respond(stream, "200 OK", &[], &body)
    })
    .await;
    let text = cause.to_string();
    assert!(
        text.ends_with("the body is longer than 1048576 bytes"),
        "{text}"
    );
}

#[tokio::test]
async fn while_a_call_is_out_the_status_says_so_and_the_name_can_be_closed() {
    let http = Http::start(|_, stream| say_nothing(stream));
    let server = Server::start(|line| line.until_gone());
    let keys = r#"open_script = [{ http = { method = "POST", url = "HTTP/open/${KEY}?secret=1" }, within = "1m" }]"#;
    let (_manager, handle, _watch) = open(name(keys, &http.url(), &server.url()));
    let step = wait_for("the step", async || {
        let status = handle.status().await.unwrap();
        status
            .step
            .filter(|step| step.call.is_some())
            .ok_or(status.state)
    })
    .await;
    assert_eq!(step.state.as_str(), "calls");
    let call = step.call.unwrap();
    assert_eq!(call, format!("POST {}/open/${{KEY}}", http.url()));
    assert_eq!((step.send, step.expect), (None, None));
    handle.close(1000, "").await.unwrap();
    wait_for_state(&handle, State::Closed).await;
}

#[tokio::test]
async fn a_call_obeys_the_policy_of_its_name_and_so_do_its_redirects() {
    let http = Http::start(|_, stream| respond(stream, "200 OK", &[], ""));
    let server = Server::start(|line| line.until_gone());
    let keys = r#"open_script = [{ http = { url = "HTTP/x" } }]"#;
    let mut settings = name(keys, &http.url(), &server.url());
    settings.dial_policy = DialPolicy::Urls(["ws://127.0.0.1".parse().unwrap()].into());
    let (_manager, _handle, mut watch) = open(settings);
    let cause = watch.error().await;
    assert_eq!(cause.kind(), "script_refused");
    let told = cause.to_string();
    assert!(told.contains("no URL that may be called"), "{told}");
    assert_eq!(watch.retrying().await.rule.to_string(), "backoff, from max");
    assert_eq!(http.requests().len(), 0);
    // An allowed host is checked by its resolved address.
    let port = http.port();
    let elsewhere = Http::start(move |_, stream| {
        let location = format!("Location: http://localhost:{port}/metadata");
        respond(stream, "302 Found", &[&location], "")
    });
    let (_manager, _handle, mut watch) = open(name(keys, &elsewhere.url(), &server.url()));
    let told = watch.error().await.to_string();
    assert!(told.contains("is not a public address"), "{told}");
    assert_eq!(http.requests().len(), 0);
}

#[tokio::test]
async fn the_answer_to_a_call_of_a_socket_that_was_cut_is_dropped() {
    let cut: &'static AtomicUsize = Box::leak(Box::default());
    let http = Http::start(|request, stream| {
        if request.number == 0 {
            // Until the socket of this call is gone, and the next one has made its call.
            while cut.load(Ordering::SeqCst) < 2 {
                std::thread::sleep(Duration::from_millis(5));
            }
        } else {
            cut.fetch_add(1, Ordering::SeqCst);
        }
        let body = format!(r#"{{"token":"t-{}"}}"#, request.number);
        respond(stream, "200 OK", &[], &body)
    });
    let asked = {
        let http = http.counter();
        move || http() > 0
    };
    let server = Server::start(move |line| {
        if line.number == 0 {
            while !asked() {
                std::thread::sleep(Duration::from_millis(5));
            }
            cut.fetch_add(1, Ordering::SeqCst);
            return Err(line.cut());
        }
        let said = line.hear_text()?;
        line.ask(said == "login t-1", said);
        line.say("ok")?;
        line.until_gone()
    });
    let keys = r#"
open_script = [
  { http = { url = "HTTP/token" }, capture = { token = "/token" } },
  { send = "login ${token}", expect = 'message == "ok"' },
]"#;
    let (_manager, _handle, mut watch) = open(name(keys, &http.url(), &server.url()));
    watch.ready().await;
    assert_eq!((server.sockets(), server.faults()), (2, Vec::new()));
    assert_eq!(http.requests().len(), 2);
}

#[tokio::test]
async fn a_program_is_run_again_and_again_and_what_it_says_is_sent() {
    let dir = TestDir::new("exec-periodic");
    let file = dir.path().join("count");
    std::fs::write(&file, "").unwrap();
    let heard = Arc::<Mutex<Vec<String>>>::default();
    let told = Arc::clone(&heard);
    let server = Server::start(move |line| {
        loop {
            let said = line.hear_text()?;
            told.lock().unwrap().push(said);
        }
    });
    let shell = format!(
        "echo x >> {0}; wc -l < {0} | tr -d \" \"; echo $KEY$HOME",
        file.display()
    );
    let keys = format!(
        r#"
periodic = [
  {{ every = "1s", exec = ['sh', '-c', '{shell}', 'sh', '${{name}}'], capture = {{ count = 'message' }} }},
  {{ every = "1s", send = 'count ${{count}}', if = 'count' }},
]"#
    );
    let (_manager, _handle, mut watch) = open(name(&keys, "", &server.url()));
    watch.ready().await;
    poll_until("two counts", SOON, || heard.lock().unwrap().len() >= 2).await;
    let said = heard.lock().unwrap().clone();
    assert_eq!(said[..2], ["count 1", "count 2"]);
    // A step that fails closes the socket.
    let keys = "periodic = [{ every = \"1s\", exec = [\"sh\", \"-c\", \"echo why >&2; exit 3\"] }]";
    let (_manager, _handle, mut watch) = open(name(keys, "", &server.url()));
    let told = watch.error().await.to_string();
    assert!(
        told.starts_with("script_refused: periodic[1], exec sh, answered 3 after "),
        "{told}"
    );
    assert!(told.ends_with(": why"), "{told}");
}

#[tokio::test]
async fn a_close_script_calls_before_the_close_frame_and_no_longer_than_close_timeout() {
    let order = Arc::<Mutex<Vec<String>>>::default();
    let (told, seen) = (Arc::clone(&order), Arc::clone(&order));
    let http = Http::start(move |request, stream| {
        told.lock().unwrap().push(request.line.clone());
        match request.number {
            0 => respond(stream, "204 No Content", &[], ""),
            _ => say_nothing(stream),
        }
    });
    let server = Server::start(move |line| {
        let close = line.close_reason();
        seen.lock().unwrap().push(close);
        Ok(())
    });
    let keys = "close_timeout = \"1s\"\nclose_script = [{ http = { method = \"DELETE\", url = \"HTTP/token\" } }]";
    let settings = name(keys, &http.url(), &server.url());
    let (_manager, handle, mut watch) = open(settings);
    watch.ready().await;
    handle.close(1000, "").await.unwrap();
    wait_for_state(&handle, State::Closed).await;
    poll_until("the close frame", SOON, || order.lock().unwrap().len() == 2).await;
    // The next call gets no answer.
    handle.connect(None).await.unwrap();
    watch.ready().await;
    handle.close(1000, "").await.unwrap();
    let told = watch.error().await.to_string();
    assert!(
        told.starts_with("script_timeout: step 1 of close_script called DELETE http://")
            && told.ends_with("; close_timeout is over, and no answer came"),
        "{told}"
    );
    wait_for_state(&handle, State::Closed).await;
    poll_until("the close frame", SOON, || order.lock().unwrap().len() == 4).await;
    let line = "DELETE /token HTTP/1.1";
    assert_eq!(*order.lock().unwrap(), [line, "1000 ", line, "1000 "]);
}

#[tokio::test]
async fn a_successor_makes_its_own_calls() {
    let http = Http::start(|request, stream| {
        let body = format!(r#"{{"n":{}}}"#, request.number);
        respond(stream, "200 OK", &[], &body)
    });
    let server = Server::start(|line| {
        let said = line.hear_text()?;
        line.ask(said == format!("login {}", line.number), said);
        line.say("ok")?;
        line.until_gone()
    });
    let keys = r#"
open_script = [
  { http = { url = "HTTP/n" }, capture = { n = "/n" } },
  { send = "login ${n}", expect = 'message == "ok"' },
]"#;
    let (_manager, handle, mut watch) = open(name(keys, &http.url(), &server.url()));
    watch.ready().await;
    handle.rotate().await.unwrap();
    watch.rotated().await;
    assert_eq!((http.requests().len(), server.sockets()), (2, 2));
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn a_call_with_a_rate_waits_for_it_and_keeps_no_message_waiting() {
    let http = Http::start(|_, stream| respond(stream, "200 OK", &[], ""));
    let server = Server::start(|line| {
        loop {
            let said = line.hear_text()?;
            line.say(said)?;
        }
    });
    let text = format!(
        r#"
[rates.weight]
messages = 1
per = "1h"
[connections.name]
url = "URL"
# quick
periodic = [{{ every = "1s", http = {{ url = "{}/ping" }}, rate = "weight" }}]
"#,
        http.url()
    );
    let settings = recipe(&text, "name", &server.url(), Variables(&[]));
    let (_manager, handle, mut watch) = open(settings);
    watch.ready().await;
    let step = wait_for("a step that waits", async || {
        let status = handle.status().await.unwrap();
        let waits = |step: &everwire::connection::StepStatus| step.state.as_str() == "queued";
        status.step.filter(waits).ok_or(status.state)
    })
    .await;
    assert!(step.call.is_some());
    assert_eq!(http.requests().len(), 1);
    handle.send("still here").unwrap();
    watch.text("still here").await;
    assert_eq!(http.requests().len(), 1);
}
