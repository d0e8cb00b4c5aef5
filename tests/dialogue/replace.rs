//! Servers that allow one session per client.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::{Variables, open, peer::Server, recipe};

const RECIPE: &str = r#"
[connections.point]
url = "URL"
rotation = "replace"
open_script = [{ send = '{"boot":${id}}', expect = '/accepted', capture = { session = "/session" } }]
rules = [{ when = '/renew', do = "rotate" }]
# quick
"#;

#[tokio::test]
async fn a_rule_that_rotates_ends_the_old_session_before_the_new_one_begins() {
    let sessions = Arc::new(AtomicUsize::new(0));
    let open_now = Arc::clone(&sessions);
    let server = Server::start(move |line| {
        let others = open_now.fetch_add(1, Ordering::SeqCst);
        line.ask(
            others == 0,
            format!("{others} sessions beside number {}", line.number),
        );
        let boot = line.hear()?;
        line.ask(boot["boot"] == 1, format!("no boot: {boot}"));
        line.say(r#"{"accepted":true,"session":"s"}"#)?;
        line.say(format!(r#"{{"n":{}}}"#, line.number))?;
        if line.number < 3 {
            line.say(r#"{"renew":true}"#)?;
        }
        // Its session ends once it has the close frame, which it answers.
        let reason = line.close_reason();
        open_now.fetch_sub(1, Ordering::SeqCst);
        line.ask(reason.starts_with("1001"), reason);
        while line.hear_text().is_ok() {}
        Ok(())
    });
    let (_manager, handle, mut watch) =
        open(recipe(RECIPE, "point", &server.url(), Variables(&[])));
    watch.text(r#"{"n":3}"#).await;
    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(server.sockets(), 4);
    let seen = watch.seen().join("\n");
    assert_eq!(seen.matches(r#""type":"rotated""#).count(), 3);
    assert_eq!(seen.matches(r#""type":"opened""#).count(), 1);
    assert_eq!(seen.matches(r#""type":"retrying""#).count(), 0);
    let status = handle.status().await.unwrap();
    assert_eq!((status.state.as_str(), status.reconnects), ("open", 0));
}

const GOODBYE: &str = r#"
[connections.point]
url = "URL"
rotation = "replace"
open_script = [{ send = '{"boot":${id}}', expect = '/accepted' }]
close_script = [{ send = '{"bye":${id}}', expect = '/bye' }]
# quick
"#;

#[tokio::test]
async fn the_old_session_says_its_close_script_before_the_new_one_begins() {
    let sessions = Arc::new(AtomicUsize::new(0));
    let server = Server::start(move |line| {
        let others = sessions.fetch_add(1, Ordering::SeqCst);
        line.ask(
            others == 0,
            format!("{others} beside number {}", line.number),
        );
        let boot = line.hear()?;
        line.ask(boot["boot"] == 1, format!("no boot: {boot}"));
        line.say(r#"{"accepted":true}"#)?;
        let bye = line.hear()?;
        line.ask(bye["bye"] == 2, format!("no bye: {bye}"));
        line.say(r#"{"bye":true}"#)?;
        let reason = line.close_reason();
        sessions.fetch_sub(1, Ordering::SeqCst);
        line.ask(reason.starts_with("1001"), reason);
        while line.hear_text().is_ok() {}
        Ok(())
    });
    let (_manager, handle, mut watch) =
        open(recipe(GOODBYE, "point", &server.url(), Variables(&[])));
    watch.ready().await;
    for _ in 0..2 {
        handle.rotate().await.unwrap();
        watch.rotated().await;
        watch.ready().await;
    }
    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(server.sockets(), 3);
}
