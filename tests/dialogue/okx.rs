//! OKX: a login that signs the time, within thirty seconds.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use ring::hmac;

use super::{
    Variables, answered, catch_up, holds_no_secret, open,
    peer::{Gone, Line, Server},
    recipe,
    support::{SOON, poll_until},
};

const RECIPE: &str = r#"
[connections.okx]
url = "URL"
# quick
heartbeat = { kind = "text", ping = "ping", pong = "pong", interval = "1s", timeout = "10s" }
let = { ts = '${now("s")}', sign = '${hmac("sha256", OKX_SECRET, ts ~ "GET/users/self/verify", "base64")}' }
open_script = [
  { send = '{"op":"login","args":[{"apiKey":"${OKX_KEY}","passphrase":"${OKX_PASS}","timestamp":"${ts}","sign":"${sign}"}]}', expect = '/event == "login" && /code == "0"', fail = '/event == "error"', give_up = '/event == "error" && /code in ["60005", "60024", "60031"]', within = "5s" },
]
rules = [
  { when = '/event == "notice" && /code == "64008"', do = "rotate" },
  { when = '/event == "channel-conn-count"', deliver = false },
]
"#;

const SECRET: &str = "22582BD0CFF14C41EDBF1AB98506286D";
const PASSPHRASE: &str = "a \"quoted\" passphrase";

fn variables() -> Variables {
    Variables(&[
        ("OKX_KEY", "985d5b66-57ce-40fb-b714-afc0b9787083"),
        ("OKX_PASS", PASSPHRASE),
        ("OKX_SECRET", SECRET),
    ])
}

/// What the exchange checks: the window of the time, and the signature.
fn login(line: &mut Line) -> Result<(), Gone> {
    let said = line.hear()?;
    let args = &said["args"][0];
    let time = args["timestamp"].as_str().unwrap_or_default().to_owned();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let age = now.abs_diff(time.parse().unwrap_or_default());
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signed = hmac::sign(&key, format!("{time}GET/users/self/verify").as_bytes());
    let expected = BASE64_STANDARD.encode(signed);
    line.ask(said["op"] == "login", format!("no login: {said}"));
    line.ask(age <= 30, format!("timestamp {time}"));
    line.ask(args["sign"] == expected, format!("signature {said}"));
    line.ask(
        args["passphrase"] == PASSPHRASE,
        format!("passphrase {said}"),
    );
    line.say(r#"{"event":"login","code":"0","msg":"","connId":"a4d3ae55"}"#)
}

fn pings(line: &mut Line) -> Result<(), Gone> {
    loop {
        let said = line.hear_text()?;
        line.ask(said == "ping", format!("no ping: {said}"));
        line.say("pong")?;
    }
}

#[tokio::test]
async fn the_login_is_signed_and_made_anew_for_each_socket() {
    let server = Server::start(|line| {
        login(line)?;
        match line.number {
            0 => Err(line.close(4001)),
            _ => pings(line),
        }
    });
    let (_manager, handle, mut watch) = open(recipe(RECIPE, "okx", &server.url(), variables()));
    watch.ready().await;
    poll_until("the second socket", SOON, || server.sockets() == 2).await;
    watch.ready().await;
    answered(&handle).await;
    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(handle.status().await.unwrap().state.as_str(), "open");
    holds_no_secret(&watch, SECRET);
}

#[tokio::test]
async fn a_refusal_that_stays_gives_up_and_another_is_tried_again() {
    let server = Server::start(|line| {
        line.hear()?;
        let code = ["60009", "60005"][line.number.min(1)];
        line.say(format!(
            r#"{{"event":"error","code":"{code}","msg":"Login failed.","connId":"a4"}}"#
        ))?;
        line.until_gone()
    });
    let (_manager, handle, mut watch) = open(recipe(RECIPE, "okx", &server.url(), variables()));
    watch.failed().await;
    assert_eq!(server.sockets(), 2);
    let status = serde_json::to_string(&handle.status().await.unwrap()).unwrap();
    assert!(
        status.contains("script_refused") && status.contains("60005"),
        "{status}"
    );
    assert!(
        !watch
            .seen()
            .iter()
            .any(|event| event.contains(r#""type":"ready""#))
    );
}

#[tokio::test]
async fn a_warning_is_heeded_before_the_server_hangs_up() {
    let server = Server::start(|line| {
        login(line)?;
        if line.number == 0 {
            line.say(r#"{"event":"notice","code":"64008","msg":"The connection will soon be closed.","connId":"761bf5d1"}"#)?;
        }
        line.say(format!(
            r#"{{"event":"channel-conn-count","connCount":"{}"}}"#,
            line.number
        ))?;
        pings(line)
    });
    let (_manager, handle, mut watch) = open(recipe(RECIPE, "okx", &server.url(), variables()));
    watch.ready().await;
    poll_until("the successor", SOON, || server.sockets() == 2).await;
    watch.rotated().await;
    catch_up(&handle, &mut watch).await;
    assert_eq!(handle.status().await.unwrap().state.as_str(), "open");
    assert_eq!(server.faults(), Vec::<String>::new());
    let told = watch.seen();
    assert!(
        !told
            .iter()
            .any(|event| event.contains("channel-conn-count"))
    );
    assert_eq!(
        told.iter().filter(|event| event.contains("64008")).count(),
        1
    );
}
