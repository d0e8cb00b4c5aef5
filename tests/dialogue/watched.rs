//! A watched dialogue: on each socket, within limits, and only while somebody watches.

use everwire::connection::Watched;
use futures::StreamExt;

use super::{
    Variables, open,
    peer::Server,
    recipe,
    support::{SOON, rig::wait_for},
};

const KEYS: &str = r#"
[connections.name]
url = "URL"
enabled = false
# quick
open_script = [{ send = '{"key":"${KEY}","n":${id}}', expect = 'exists(/ok)', capture = { session = "/ok" } }]
rules = [
  { when = 'exists(/ping)', send = '{"pong":${/ping}}', deliver = false },
  { when = '/op == "rotate"', do = "rotate" },
]
"#;

/// Accepts each login and repeats its key; then sends the messages `first` on the first socket.
fn server(first: &'static [&'static str]) -> Server {
    Server::start(move |line| {
        let said = line.hear()?;
        line.say(format!(r#"{{"ok":{},"was":{}}}"#, line.number, said["key"]))?;
        if line.number == 0 {
            for text in first {
                line.say(*text)?;
            }
        }
        line.until_gone()
    })
}

/// The reports until `last`, with marks for successors.
async fn told_until(
    watch: &mut (impl futures::Stream<Item = Watched> + Unpin),
    last: &str,
) -> Vec<String> {
    let mut told = Vec::new();
    loop {
        let next = tokio::time::timeout(SOON, watch.next()).await;
        let watched = next.unwrap_or_else(|_| panic!("{last} was not told: {told:#?}"));
        let watched = watched.unwrap();
        let whose = if watched.successor { "successor: " } else { "" };
        told.push(format!("{whose}{}", watched.happening));
        if told.last().is_some_and(|told| told.starts_with(last)) {
            return told;
        }
    }
}

#[tokio::test]
async fn steps_rules_and_a_successor_are_told_and_no_secret_is() {
    let server = server(&[r#"{"ping":7}"#, r#"{"op":"rotate"}"#]);
    let variables = Variables(&[("KEY", "a-planted-key")]);
    let (_manager, handle, _events) = open(recipe(KEYS, "name", &server.url(), variables));
    let mut watch = handle.watch(1024).await.unwrap().unwrap();
    handle.connect(None).await.unwrap();
    let told = told_until(&mut watch, "successor: open_script has passed").await;
    let mut told = told.join("\n");
    // The durations differ.
    while let Some(at) = told.find("held after ") {
        let end = at + told[at..].find("ms").unwrap();
        told.replace_range(at..end + 2, "held");
    }
    assert_eq!(
        told,
        r#"step 1 of 1 sends {"key":"${KEY}","n":${id}}, expects exists(/ok) within 10s
step 1 of 1 is sent
came: {"ok":0,"was":"***"}
step 1 of 1: expect (exists(/ok)) held: passed, captured session
open_script has passed
came: {"ping":7}
rule 1 (exists(/ping)) answered {"pong":${/ping}}
came: {"op":"rotate"}
rule 2 (/op == "rotate") says rotate
successor: step 1 of 1 sends {"key":"${KEY}","n":${id}}, expects exists(/ok) within 10s
successor: step 1 of 1 is sent
successor: came: {"ok":1,"was":"***"}
successor: step 1 of 1: expect (exists(/ok)) held: passed, captured session
successor: open_script has passed"#
    );
    // The successor serves, and has the captures.
    wait_for("the successor's session", async || {
        match &*handle.evaluate("session").await.unwrap() {
            "1" => Ok(()),
            other => Err(other.to_owned()),
        }
    })
    .await;
    assert_eq!(handle.evaluate("/was").await.unwrap(), "\"***\"");
    let errors = handle.evaluate("sesion == 1").await.unwrap_err();
    assert!(errors.to_string().contains("session"), "{errors}");
}

#[tokio::test]
async fn what_has_no_room_is_counted_and_who_has_gone_is_told_nothing() {
    let server = Server::start(|line| {
        line.hear()?;
        line.say(r#"{"ok":1}"#)?;
        for number in 0..3 {
            line.say(format!(r#"{{"ping":{number}}}"#))?;
            line.hear()?;
        }
        line.hear_text()?;
        line.say(r#"{"ping":3}"#)?;
        line.until_gone()
    });
    let variables = Variables(&[("KEY", "a-planted-key")]);
    let (_manager, handle, _events) = open(recipe(KEYS, "name", &server.url(), variables));
    let mut watch = handle.watch(2).await.unwrap().unwrap();
    handle.connect(None).await.unwrap();
    let sent = async |count| {
        wait_for("so many messages", async || {
            let sent = handle.status().await.unwrap().sent.messages;
            if sent == count { Ok(()) } else { Err(sent) }
        })
        .await;
    };
    sent(4).await;
    let first = [watch.next().await.unwrap(), watch.next().await.unwrap()];
    assert!(first.iter().all(|watched| watched.missed == 0), "{first:?}");
    // The first message, the verdict, the end of the script; and for three messages their arrival
    // and the rule.
    handle.send("more").unwrap();
    let next = watch.next().await.unwrap();
    assert_eq!(
        (next.missed, &*next.happening.to_string()),
        (9, r#"came: {"ping":3}"#)
    );
    sent(6).await;
    assert_eq!(handle.evaluate("/ping").await.unwrap(), "3");
    // The watcher is removed at the next report.
    drop(watch);
    handle.rotate().await.unwrap();
    wait_for("a socket that nobody watches", async || {
        match &*handle.evaluate("/ping").await.unwrap() {
            "absent" => Ok(()),
            other => Err(other.to_owned()),
        }
    })
    .await;
}

#[tokio::test]
async fn a_name_that_has_nothing_to_say_cannot_be_watched() {
    let server = Server::start(|line| line.until_gone());
    let keys = "[connections.name]\nurl = \"URL\"\n";
    let (_manager, handle, _events) = open(recipe(keys, "name", &server.url(), Variables(&[])));
    assert!(handle.watch(1).await.unwrap().is_none());
    let error = handle.evaluate("/a").await.unwrap_err();
    assert!(error.to_string().contains("has no dialogue"), "{error}");
}
