//! Discord's gateway: a heartbeat at the interval of its hello, a login, and a resume after a loss.

use std::{sync::Mutex, time::Instant};

use serde_json::Value;

use super::{
    Variables, holds_no_secret, open,
    peer::{Gone, Line, Server},
    recipe,
    support::{SOON, poll_until},
};

const RECIPE: &str = r#"
[connections.discord]
url = "URL"
close_code = 4900
capture = { seq = "/s" }
open_script = [
  { expect = '/op == 10', capture = { beat = "/d/heartbeat_interval" } },
  { if = 'session', send = '{"op":6,"d":{"token":"${DISCORD_TOKEN}","session_id":"${session}","seq":${seq}}}', expect = '/op == 0 && /t == "RESUMED"', within = "60s" },
  { if = '!session', send = '{"op":2,"d":{"token":"${DISCORD_TOKEN}","intents":513,"properties":{"os":"linux","browser":"everwire","device":"everwire"}}}', expect = '/op == 0 && /t == "READY"', within = "30s", capture = { session = "/d/session_id" } },
]
rules = [
  { when = '/op == 1', do = "beat" },
  { when = '/op == 7', do = "reconnect" },
  { when = '/op == 9 && /d == true', do = "reconnect" },
  { when = '/op == 9', clear = ["session", "seq"], do = "reconnect" },
  { loss = ["close:1000-1001", "close:4003", "close:4007", "close:4009"], clear = ["session", "seq"] },
]
reconnect = { min = "1ms", initial = "5ms", max = "50ms", give_up_on = ["close:4004", "close:4010-4014"] }
[connections.discord.heartbeat]
kind = "text"
first = "jitter"
from = "open"
interval = "${beat}ms"
timeout = "${beat}ms"
ping = '{"op":1,"d":${default(seq, null)}}'
pong = { when = '/op == 11' }
"#;

const TOKEN: &str = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ";

fn variables() -> Variables {
    Variables(&[("DISCORD_TOKEN", TOKEN)])
}

/// The next message that is no heartbeat; those are answered.
fn hear(line: &mut Line) -> Result<Value, Gone> {
    loop {
        let said = line.hear()?;
        if said["op"] != 1 {
            return Ok(said);
        }
        line.say(r#"{"op":11}"#)?;
    }
}

fn hello(line: &mut Line, interval: u64) -> Result<(), Gone> {
    line.say(format!(
        r#"{{"t":null,"s":null,"op":10,"d":{{"heartbeat_interval":{interval}}}}}"#
    ))
}

fn ready(line: &mut Line) -> Result<(), Gone> {
    line.say(r#"{"t":"READY","s":1,"op":0,"d":{"v":10,"session_id":"abc","resume_gateway_url":"wss://x"}}"#)
}

#[tokio::test]
async fn a_lost_socket_is_resumed_with_the_last_number() {
    let server = Server::start(|line| {
        hello(line, 41_250)?;
        let said = hear(line)?;
        match line.number {
            0 => {
                line.ask(
                    said["op"] == 2 && said["d"]["token"] == TOKEN,
                    format!("no login: {said}"),
                );
                ready(line)?;
                line.say(r#"{"t":"MESSAGE_CREATE","s":2,"op":0,"d":{}}"#)?;
                line.say(r#"{"t":"MESSAGE_CREATE","s":7,"op":0,"d":{}}"#)?;
                // All before the close frame is read.
                Err(line.close(4000))
            }
            1 => {
                let resumes =
                    said["op"] == 6 && said["d"]["session_id"] == "abc" && said["d"]["seq"] == 7;
                line.ask(resumes, format!("no resume of 7: {said}"));
                line.say(r#"{"t":"RESUMED","s":8,"op":0,"d":{}}"#)?;
                // The session is not resumed any more.
                line.say(r#"{"op":9,"d":false}"#)?;
                line.until_gone()
            }
            _ => {
                line.ask(said["op"] == 2, format!("no new login: {said}"));
                ready(line)?;
                line.until_gone()
            }
        }
    });
    let (_manager, handle, mut watch) = open(recipe(RECIPE, "discord", &server.url(), variables()));
    poll_until("the third socket", SOON, || server.sockets() == 3).await;
    for _ in 0..3 {
        watch.ready().await;
    }
    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(handle.status().await.unwrap().state.as_str(), "open");
    holds_no_secret(&watch, TOKEN);
}

#[tokio::test]
async fn its_heartbeat_begins_with_the_socket_while_the_login_waits() {
    let beats: &'static Mutex<Vec<(Instant, Value)>> = Box::leak(Box::default());
    let server = Server::start(move |line| {
        hello(line, 1000)?;
        let login = line.hear()?;
        line.ask(login["op"] == 2, format!("no login: {login}"));
        // The login is not answered for three beats.
        for n in 0..6 {
            let said = line.hear()?;
            line.ask(said["op"] == 1, format!("no heartbeat: {said}"));
            beats
                .lock()
                .unwrap()
                .push((Instant::now(), said["d"].clone()));
            line.say(r#"{"op":11}"#)?;
            if n == 2 {
                ready(line)?;
            }
        }
        line.say(r#"{"op":0,"t":"DONE","s":9}"#)?;
        line.until_gone()
    });
    let (_manager, _handle, mut watch) =
        open(recipe(RECIPE, "discord", &server.url(), variables()));
    watch.text(r#"{"op":0,"t":"DONE","s":9}"#).await;
    assert_eq!(server.faults(), Vec::<String>::new());
    let beats = beats.lock().unwrap();
    for pair in beats.windows(2) {
        let apart = pair[1].0.duration_since(pair[0].0).as_millis();
        assert!(apart.abs_diff(1000) < 500, "{apart} ms apart");
    }
    // Null before the first number, and then the last one.
    assert_eq!(beats[0].1, Value::Null);
    assert_eq!(beats[5].1, 1);
}

#[tokio::test]
async fn a_heartbeat_that_is_not_answered_is_a_loss() {
    let server = Server::start(|line| {
        hello(line, 1000)?;
        line.hear()?;
        ready(line)?;
        line.until_gone()
    });
    let (_manager, _handle, mut watch) =
        open(recipe(RECIPE, "discord", &server.url(), variables()));
    watch.ready().await;
    let error = watch.error().await.to_string();
    assert!(error.contains("pong_timeout"), "{error}");
}
