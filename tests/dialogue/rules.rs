//! Other effects of rules: on losses, with URLs from a peer, and several rules at once.

use std::time::{Duration, Instant};

use super::{
    Variables, open,
    peer::Server,
    recipe,
    support::{Foreign, PrivateCa, SOON, TestDir, poll_until},
};
use everwire::Message;

fn name(keys: &str, url: &str) -> everwire::ConnectionSettings {
    let text = format!("[connections.name]\nurl = \"URL\"\n# quick\n{keys}\n");
    recipe(&text, "name", url, Variables(&[]))
}

#[tokio::test]
async fn a_rule_on_a_loss_gives_up_and_one_before_it_does_not() {
    let server = Server::start(|line| Err(line.close([4000, 4001][line.number.min(1)])));
    let keys =
        r#"rules = [{ loss = ["close:4000"] }, { loss = ["close:4000-4999"], do = "give_up" }]"#;
    let (_manager, handle, mut watch) = open(name(keys, &server.url()));
    let failed = watch.failed().await;
    assert_eq!(server.sockets(), 2);
    assert!(failed.cause.to_string().contains("4001"), "{failed:?}");
    assert_eq!(failed.rule.to_string(), "do = \"give_up\" of a rule");
    assert_eq!(handle.status().await.unwrap().state.as_str(), "failed");
}

#[tokio::test]
async fn a_url_that_the_peer_names_is_wss_and_public_or_not_dialled() {
    for named in [
        "ws://example.com/",
        "wss://127.0.0.1:9/",
        "wss://169.254.169.254/latest",
        "wss://[::1]:9/",
        "nonsense",
    ] {
        let server = Server::start(move |line| {
            if line.number == 0 {
                line.say(format!(r#"{{"type":"reconnect","url":"{named}"}}"#))?;
            }
            line.until_gone()
        });
        let keys =
            r#"rules = [{ when = '/type == "reconnect"', do = "reconnect", url = "${/url}" }]"#;
        let (_manager, _handle, mut watch) = open(name(keys, &server.url()));
        let refused = watch
            .until("a refusal", |update| match update.kind() {
                Some(everwire::EventKind::Error(report)) => {
                    let text = report.cause.to_string();
                    text.starts_with("forbidden").then_some(text)
                }
                _ => None,
            })
            .await;
        assert!(
            refused.contains("the peer named a url"),
            "{named}: {refused}"
        );
        // The usual URL is dialled instead.
        poll_until("the second socket", SOON, || server.sockets() == 2).await;
    }
}

#[tokio::test]
async fn a_url_that_the_peer_names_is_dialled_once_where_the_service_allows_it() {
    let dir = TestDir::new("dialogue-named");
    let ca = PrivateCa::new(dir.path());
    let echo = Foreign::Python.start(Some(&ca));
    let named = echo.tls_url("/echo");
    let line = format!(r#"{{"type":"reconnect","url":"{named}"}}"#);
    let server = Server::start(move |it| {
        if it.number == 0 {
            it.say(line.clone())?;
        }
        it.until_gone()
    });
    let text = format!(
        r#"[service]
allow_urls = ["{}*"]
[connections.name]
url = "URL"
# quick
tls = {{ ca_file = "{}" }}
open_script = [{{ send = 'handover: ${{handover}}', if = "handover" }}]
rules = [
  {{ when = '/type == "reconnect"', do = "reconnect", url = "${{/url}}" }},
  {{ when = 'message == "handover: true"', do = "reconnect" }},
]
"#,
        echo.tls_url("/"),
        ca.ca_file.display(),
    );
    let settings = recipe(&text, "name", &server.url(), Variables(&[]));
    let (_manager, _handle, mut watch) = open(settings);
    let said = watch
        .until("the echo", |update| match update.message() {
            Some((_, message)) if *message == Message::text("handover: true") => Some(()),
            _ => None,
        })
        .await;
    assert_eq!(said, ());
    // Afterwards the usual URL is dialled again.
    poll_until("the second socket", SOON, || server.sockets() == 2).await;
}

#[tokio::test]
async fn an_answer_to_an_answer_for_ever_is_held_to_a_hundred_a_second() {
    let server = Server::start(|line| {
        line.say("ping")?;
        loop {
            let said = line.hear_text()?;
            line.say(said)?;
        }
    });
    let keys = r#"rules = [{ when = 'message == "ping"', send = "pong" }, { when = 'message == "pong"', send = "ping" }]"#;
    let (_manager, handle, mut watch) = open(name(keys, &server.url()));
    let begun = Instant::now();
    for _ in 0..250 {
        watch.message().await;
    }
    // A hundred at once, a hundred in the next second, and the rest in the second after that.
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(handle.status().await.unwrap().state.as_str(), "open");
}

#[tokio::test]
async fn what_was_captured_outlives_the_socket_and_is_sent_on_the_next() {
    let server = Server::start(|line| {
        let said = line.hear_text()?;
        let expected = ["first -", "first 1", "first 2"][line.number.min(2)];
        line.ask(said == expected, said);
        line.say(format!(r#"{{"n":{}}}"#, line.number + 1))?;
        match line.number {
            0 | 1 => Err(line.close(4000)),
            _ => line.until_gone(),
        }
    });
    let keys = r#"
capture = { n = "/n" }
open_script = [{ send = 'first ${default(n, "-")}', expect = 'exists(/n)' }]
"#;
    let (_manager, _handle, mut watch) = open(name(keys, &server.url()));
    for _ in 0..3 {
        watch.ready().await;
    }
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn the_outbox_waits_for_the_script() {
    let server = Server::start(|line| {
        let said = line.hear_text()?;
        line.ask(said == "login", said);
        std::thread::sleep(Duration::from_millis(300));
        line.say("welcome")?;
        let said = line.hear_text()?;
        line.ask(said == "queued", said);
        line.say("done")?;
        line.until_gone()
    });
    let keys = r#"open_script = [{ send = 'login', expect = 'message == "welcome"' }]"#;
    let (_manager, handle, mut watch) = open(name(keys, &server.url()));
    handle.send("queued").unwrap();
    watch.text("done").await;
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn a_message_that_a_rule_keeps_back_takes_no_number() {
    let server = Server::start(|line| {
        for n in 0..6 {
            line.say(format!(
                r#"{{"n":{n},"type":"{}"}}"#,
                ["beat", "trade"][n % 2]
            ))?;
        }
        line.say("done")?;
        line.until_gone()
    });
    let keys = r#"
sequence = { json = "/n" }
rules = [{ when = '/type == "beat"', deliver = false }]
"#;
    // `Watch` checks that the numbers have no gaps.
    let (_manager, _handle, mut watch) = open(name(keys, &server.url()));
    watch.text("done").await;
    let told = watch.seen();
    assert!(
        !told
            .iter()
            .any(|event| event.contains("beat") || event.contains(r#""type":"gap""#))
    );
    assert_eq!(
        told.iter().filter(|event| event.contains("trade")).count(),
        3
    );
}

#[tokio::test]
async fn the_peer_is_not_told_what_the_settings_say_of_it() {
    let server = Server::start(|line| {
        line.say("no")?;
        let reason = line.close_reason();
        line.ask(reason == "1001 script_refused", reason);
        Ok(())
    });
    let keys = r#"open_script = [{ expect = 'message == "yes"', give_up = 'message == "no"' }]"#;
    let (_manager, _handle, mut watch) = open(name(keys, &server.url()));
    watch.failed().await;
    poll_until("the close frame", SOON, || server.has_ended(0)).await;
    assert_eq!(server.faults(), Vec::<String>::new());
}
