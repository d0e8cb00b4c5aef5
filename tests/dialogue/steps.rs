//! Steps beside the login: they wait for rates, repeat, and say goodbye.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use super::{
    Variables, catch_up, open,
    peer::{Gone, Line, Server},
    recipe,
    rsa::{RSA, is_signed},
    support::{
        Foreign, PrivateCa, SOON, TestDir, poll_until,
        rig::{Watch, one_arbiter},
    },
};
use everwire::ConnectionSettings;

/// The events at a server, in order.
type Seen = Arc<Mutex<Vec<String>>>;

fn note(seen: &Seen, what: impl Into<String>) {
    seen.lock().unwrap().push(what.into());
}

fn noted(seen: &Seen) -> Vec<String> {
    seen.lock().unwrap().clone()
}

fn name(keys: &str, url: &str) -> ConnectionSettings {
    let text = format!("[connections.name]\nurl = \"URL\"\n# quick\n{keys}\n");
    recipe(&text, "name", url, Variables(&[]))
}

const GATEWAY: &str = r#"
[rates.identify]
messages = 1
per = "3s"
[rates.day]
messages = 1000
per = "24h"
burst = 50
[connections.gateway]
url = "URL"
rate = { messages = 120, per = "60s", burst = 110 }
open_script = [
  { expect = '/op == 10', capture = { beat = "/d/heartbeat_interval" } },
  { send = '{"op":2,"at":${now("ms")}}', expect = '/t == "READY"', within = "2s", rate = ["identify", "day"] },
]
[connections.gateway.heartbeat]
kind = "text"
first = "now"
from = "open"
interval = "${beat}ms"
timeout = "10s"
ping = '{"op":1}'
pong = { when = '/op == 11' }
"#;

#[tokio::test]
async fn names_that_share_a_rate_log_in_one_after_another_and_beat_meanwhile() {
    let logins: &'static Mutex<Vec<(Instant, u64, u32)>> = Box::leak(Box::default());
    let server = Server::start(move |line| {
        line.say(r#"{"op":10,"d":{"heartbeat_interval":1000}}"#)?;
        let mut beats = 0;
        loop {
            let said = line.hear()?;
            match said["op"].as_u64() {
                Some(1) => {
                    beats += 1;
                    line.say(r#"{"op":11}"#)?;
                }
                Some(2) => {
                    let made = said["at"].as_u64().unwrap_or_default();
                    logins.lock().unwrap().push((Instant::now(), made, beats));
                    line.say(r#"{"op":0,"t":"READY"}"#)?;
                }
                _ => line.fault(said.to_string()),
            }
        }
    });
    let manager = one_arbiter();
    let mut watch = Watch::new(&manager, "*");
    let settings = recipe(GATEWAY, "gateway", &server.url(), Variables(&[]));
    let _handles = ["one", "two"].map(|name| manager.open(name, settings.clone()).unwrap());
    watch.ready().await;
    watch.ready().await;
    assert_eq!(server.faults(), Vec::<String>::new());
    // No socket was lost: `within` does not run while a step waits.
    assert_eq!(server.sockets(), 2);
    let logins = logins.lock().unwrap();
    let [(first, made_first, _), (second, made_second, beats)] = logins[..] else {
        panic!("{logins:?}")
    };
    // Another test measures the bucket exactly: here both ends may be late.
    assert!(second - first > Duration::from_secs(2), "{logins:?}");
    assert!(
        made_second - made_first > 2_000,
        "it was made when its turn came: {logins:?}"
    );
    assert!(beats >= 2, "{logins:?}");
}

#[tokio::test]
async fn a_periodic_step_that_waits_for_its_rate_keeps_no_message_waiting() {
    let server = Server::start(|line| {
        line.ask(line.number == 0, "another socket");
        loop {
            let said = line.hear_text()?;
            line.say(said)?;
        }
    });
    let text = r#"
[rates.slow]
messages = 1
per = "1h"
[connections.name]
url = "URL"
close_timeout = "60s"
periodic = [{ every = "1s", send = "refresh", expect = 'message == "refresh"', within = "1s", rate = "slow" }]
"#;
    let (_manager, handle, mut watch) = open(recipe(text, "name", &server.url(), Variables(&[])));
    watch.ready().await;
    watch.text("refresh").await;
    // From now on the step waits for an hour.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    for n in 0..300 {
        handle
            .send(everwire::Message::text(format!("n{n}")))
            .unwrap();
    }
    watch.text("n299").await;
    // The waiting step does not delay the close.
    handle.close(1000, "").await.unwrap();
    watch.closed().await;
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn a_periodic_step_goes_when_its_rate_allows_it() {
    let server = Server::start(|line| {
        for n in 1.. {
            line.hear_text()?;
            line.say(format!("heard {n}"))?;
        }
        Ok(())
    });
    let text = r#"
[rates.slow]
messages = 1
per = "1500ms"
[connections.name]
url = "URL"
heartbeat = "none"
periodic = [{ every = "1s", send = "refresh", rate = "slow" }]
"#;
    let (_manager, _handle, mut watch) = open(recipe(text, "name", &server.url(), Variables(&[])));
    watch.text("heard 3").await;
}

#[tokio::test]
async fn a_periodic_step_is_sent_each_second_and_one_that_nobody_answers_is_a_loss() {
    let server = Server::start(|line| {
        for n in 1_u32.. {
            let said = line.hear()?;
            let id = said["req_id"].as_str().and_then(|id| id.parse().ok());
            let is_ping = said["op"] == "ping" && id == Some(n);
            line.ask(is_ping, format!("no ping {n}: {said}"));
            if line.number == 0 && n == 3 {
                break;
            }
            line.say(format!(r#"{{"req_id":"{n}","op":"pong"}}"#))?;
            if line.number == 1 && n == 2 {
                line.say("done")?;
            }
        }
        line.until_gone()
    });
    let keys = r#"heartbeat = "none"
periodic = [{ every = "1s", send = '{"req_id":"${id}","op":"ping"}', expect = '/op == "pong" && /req_id == text(id)', within = "300ms" }]"#;
    let (_manager, handle, mut watch) = open(name(keys, &server.url()));
    let error = watch.error().await.to_string();
    assert_eq!(
        error,
        "script_timeout: periodic[1] sent {\"req_id\":\"${id}\",\"op\":\"ping\"} and expected /op == \"pong\" && \
         /req_id == text(id); no message came within 300ms"
    );
    watch.text("done").await;
    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(handle.status().await.unwrap().state.as_str(), "open");
}

#[tokio::test]
async fn a_refused_periodic_step_is_told_with_its_place() {
    let server = Server::start(|line| {
        line.hear_text()?;
        line.say(r#"{"error":"expired"}"#)?;
        line.until_gone()
    });
    let keys = r#"periodic = [{ every = "1h", send = "never" }, { every = "1s", send = "refresh", expect = "/ok", give_up = "/error" }]"#;
    let (_manager, handle, mut watch) = open(name(keys, &server.url()));
    let failed = watch.failed().await;
    let cause = failed.cause.to_string();
    assert!(
        cause.starts_with("script_refused: periodic[2] sent refresh and expected /ok; "),
        "{cause}"
    );
    assert!(
        cause.ends_with(r#"give_up (/error) held for {"error":"expired"}"#),
        "{cause}"
    );
    assert_eq!(handle.status().await.unwrap().state.as_str(), "failed");
}

#[tokio::test]
async fn an_idle_step_is_sent_only_in_silence() {
    let server = Server::start(|line| {
        let mut before = "";
        loop {
            match line.hear_text()?.as_str() {
                "alive" => {
                    line.say(format!("alive behind {before}"))?;
                    before = "alive";
                }
                _ => before = "data",
            }
        }
    });
    let keys = r#"periodic = [{ every = "1s", idle = true, send = "alive" }]"#;
    let (_manager, handle, mut watch) = open(name(keys, &server.url()));
    watch.ready().await;
    for _ in 0..12 {
        handle.send(everwire::Message::text("data")).unwrap();
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    watch.text("alive behind data").await;
    watch.text("alive behind alive").await;
    let alive = watch
        .seen()
        .iter()
        .filter(|event| event.contains("alive behind data"));
    assert_eq!(alive.count(), 1);
}

const LOGOUT: &str = r#"open_script = [{ send = "login", expect = 'message == "in"' }]
close_script = [{ send = "logout ${id}", expect = 'message == "out"', fail = 'message == "no"', within = "5s" }]
close_timeout = "5s"
rules = [{ when = 'message == "again"', do = "reconnect" }]"#;

/// Notes logins, logouts and the ends of sockets; `answer`: to a logout.
fn session(seen: &Seen, answer: &'static str) -> Server {
    let seen = Arc::clone(seen);
    Server::start(move |line| {
        let number = line.number;
        line.hear_text()?;
        note(&seen, format!("{number} login"));
        line.say("in")?;
        loop {
            let said = line.hear_text();
            match said {
                Err(Gone) => {
                    note(&seen, format!("{number} gone"));
                    return Err(Gone);
                }
                Ok(said) if said.starts_with("logout") => {
                    note(&seen, format!("{number} {said}"));
                    if !answer.is_empty() {
                        line.say(answer)?;
                    }
                    let reason = line.close_reason();
                    note(&seen, format!("{number} close {}", reason.trim()));
                    // The answer to the close frame is sent here.
                    return line.until_gone();
                }
                Ok(said) if said == "cut" => return Err(line.cut()),
                Ok(said) => {
                    note(&seen, format!("{number} {said}"));
                    line.say(said)?;
                }
            }
        }
    })
}

#[tokio::test]
async fn a_logout_is_said_behind_the_outbox_and_before_the_close_frame() {
    let seen = Seen::default();
    let server = session(&seen, "out");
    let (_manager, handle, mut watch) = open(name(LOGOUT, &server.url()));
    watch.ready().await;
    handle.send(everwire::Message::text("last")).unwrap();
    handle.close(1000, "done").await.unwrap();
    let closed = watch.closed().await;
    assert!(closed.clean && closed.code == 1000, "{closed:?}");
    assert_eq!(
        noted(&seen),
        ["0 login", "0 last", "0 logout 2", "0 close 1000 done"]
    );
    // It can be connected again, and the ids start anew.
    handle.connect(None).await.unwrap();
    watch.ready().await;
    handle.close(1000, "").await.unwrap();
    watch.closed().await;
    assert_eq!(noted(&seen)[4..], ["1 login", "1 logout 2", "1 close 1000"]);
}

#[tokio::test]
async fn a_name_that_is_removed_and_one_that_is_drained_log_out() {
    let seen = Seen::default();
    let server = session(&seen, "out");
    let (manager, _handle, mut watch) = open(name(LOGOUT, &server.url()));
    watch.ready().await;
    manager.remove("name").await.unwrap();
    assert_eq!(noted(&seen), ["0 login", "0 logout 2", "0 close 1001"]);
    manager.open("name", name(LOGOUT, &server.url())).unwrap();
    watch.ready().await;
    manager.shutdown(SOON).await;
    assert_eq!(noted(&seen)[3..], ["1 login", "1 logout 2", "1 close 1001"]);
}

#[tokio::test]
async fn the_old_socket_of_a_rotation_logs_out_and_the_new_one_goes_on() {
    let seen = Seen::default();
    let server = session(&seen, "out");
    let (_manager, handle, mut watch) = open(name(LOGOUT, &server.url()));
    watch.ready().await;
    handle.rotate().await.unwrap();
    let rotated = watch.rotated().await;
    assert!(rotated.old.clean, "{rotated:?}");
    handle.send(everwire::Message::text("behind")).unwrap();
    watch.text("behind").await;
    assert_eq!(
        noted(&seen),
        [
            "0 login",
            "1 login",
            "0 logout 2",
            "0 close 1001",
            "1 behind"
        ]
    );
    // A message on the other socket is reported as before.
    catch_up(&handle, &mut watch).await;
}

#[tokio::test]
async fn nobody_logs_out_on_a_socket_that_is_lost() {
    let seen = Seen::default();
    let server = session(&seen, "out");
    let (_manager, handle, mut watch) = open(name(LOGOUT, &server.url()));
    watch.ready().await;
    handle.send(everwire::Message::text("cut")).unwrap();
    watch.ready().await;
    // A rule that reconnects is a loss, too.
    handle.send(everwire::Message::text("again")).unwrap();
    watch.ready().await;
    poll_until("three logins", SOON, || server.sockets() == 3).await;
    let logouts = noted(&seen)
        .into_iter()
        .filter(|what| what.contains("logout"));
    assert_eq!(logouts.collect::<Vec<_>>(), Vec::<String>::new());
}

#[tokio::test]
async fn nobody_logs_out_where_the_peer_has_the_session_go_on_at_another_url() {
    let dir = TestDir::new("dialogue-handed-over");
    let ca = PrivateCa::new(dir.path());
    let echo = Foreign::Python.start(Some(&ca));
    let moved = format!(
        r#"{{"type":"reconnect","url":"{}"}}"#,
        echo.tls_url("/echo")
    );
    let seen = Seen::default();
    let note_here = Arc::clone(&seen);
    let server = Server::start(move |line| {
        line.hear_text()?;
        line.say("in")?;
        line.say(moved.clone())?;
        note(&note_here, line.close_reason().trim());
        line.until_gone()
    });
    let text = format!(
        r#"[service]
allow_urls = ["{}*"]
[connections.name]
url = "URL"
# quick
tls = {{ ca_file = "{}" }}
open_script = [{{ send = "in", expect = 'message == "in"' }}]
close_script = [{{ send = "logout", expect = 'message == "logout"' }}]
periodic = [{{ every = "1s", send = "still ${{handover}}" }}]
rules = [{{ when = '/type == "reconnect"', do = "rotate", url = "${{/url}}" }}]
"#,
        echo.tls_url("/"),
        ca.ca_file.display(),
    );
    let settings = recipe(&text, "name", &server.url(), Variables(&[]));
    let (_manager, handle, mut watch) = open(settings);
    watch.rotated().await;
    poll_until("the close", SOON, || !noted(&seen).is_empty()).await;
    assert_eq!(noted(&seen), ["1001"]);
    // The successor takes over the periodic steps, and sends its own goodbye.
    watch.text("still true").await;
    handle.close(1000, "").await.unwrap();
    watch.text("logout").await;
    watch.closed().await;
}

#[tokio::test]
async fn a_logout_that_is_refused_or_not_answered_is_told_and_the_socket_closes() {
    for (answer, told) in [
        ("no", "later fail (message == \"no\") held for no"),
        ("", "close_timeout is over, and no message came"),
    ] {
        let seen = Seen::default();
        let server = session(&seen, answer);
        let keys = LOGOUT.replace("close_timeout = \"5s\"", "close_timeout = \"1s\"");
        let (_manager, handle, mut watch) = open(name(&keys, &server.url()));
        watch.ready().await;
        handle.close(1000, "").await.unwrap();
        let error = watch.error().await.to_string();
        assert!(
            error.contains("step 1 of close_script sent logout ${id} and expected")
                && error.contains(told),
            "{error}"
        );
        watch.closed().await;
        assert_eq!(noted(&seen), ["0 login", "0 logout 2", "0 close 1000"]);
        catch_up(&handle, &mut watch).await;
        let errors = watch
            .seen()
            .iter()
            .filter(|event| event.contains("close_script"));
        assert_eq!(errors.count(), 1, "told once");
    }
}

#[tokio::test]
async fn a_login_signed_with_rsa_is_made_elsewhere_and_on_each_socket_anew() {
    let server = Server::start(|line: &mut Line| {
        let said = line.hear_text()?;
        let (data, signature) = said.rsplit_once('.').unwrap_or_default();
        line.ask(is_signed(data, signature), format!("signature of {said}"));
        if line.number == 0 {
            return Err(line.cut());
        }
        line.say("in")?;
        line.until_gone()
    });
    let keys = r#"let = { claims = '{"id":${id},"at":${now("ms")},"nonce":"${random(8, "hex")}"}' }
open_script = [{ send = '${jwt("RS256", PEM, "{\"alg\":\"RS256\"}", claims)}', expect = 'message == "in"' }]"#;
    let text = format!("[connections.name]\nurl = \"URL\"\n# quick\n{keys}\n");
    let settings = recipe(&text, "name", &server.url(), Variables(&[("PEM", RSA)]));
    let (_manager, handle, mut watch) = open(settings);
    watch.ready().await;
    // The same for a successor.
    handle.rotate().await.unwrap();
    watch.rotated().await;
    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(server.sockets(), 3);
}
