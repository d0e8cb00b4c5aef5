//! Captures that outlive the process: each manager here stands for one process, and the server
//! outlives them all.

use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use everwire::{ConnectionSettings, Delivery, Manager, Pattern, Update, core::Cursor, hub::Kinds};

use super::{
    Variables,
    peer::{Gone, Line, Server},
    recipe,
    support::{
        SOON, TestDir, poll_until,
        rig::{Watch, at_hand, manager_at},
    },
};

const RECIPE: &str = r#"
[connections.session]
url = "URL"
capture = { seq = { value = "/s", keep = true } }
open_script = [
  { if = 'session', send = '{"op":6,"session":"${session}","seq":${default(seq, null)}}', expect = '/t == "RESUMED"' },
  { if = '!session', send = '{"op":2}', expect = '/t == "READY"', capture = { session = { value = "/session", keep = true } } },
]
rules = [{ when = '/op == 9', clear = ["session", "seq"], do = "reconnect" }]
# quick
"#;

/// The same configuration without the session.
const FORGETFUL: &str = r#"
[connections.session]
url = "URL"
capture = { seq = { value = "/s", keep = true } }
open_script = [{ send = '{"op":7,"seq":${default(seq, null)}}', expect = '/t == "HELLO"' }]
# quick
"#;

fn settings(text: &str, server: &Server) -> ConnectionSettings {
    recipe(text, "session", &server.url(), Variables(&[]))
}

/// Starts a process, and watches its events.
fn live(dir: &Path, settings: ConnectionSettings) -> (Manager, Watch) {
    let manager = manager_at(dir);
    let watch = Watch::new(&manager, "*");
    manager.open("session", settings).unwrap();
    (manager, watch)
}

/// The first request on each socket of a server.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<String>>>);

impl Asked {
    fn note(&self, line: &mut Line) -> Result<String, Gone> {
        let asked = line.hear_text()?;
        self.0.lock().unwrap().push(asked.clone());
        Ok(asked)
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn a_session_is_resumed_by_the_next_process_and_a_cleared_one_is_not() {
    let asked = Asked::default();
    let heard = asked.clone();
    let server = Server::start(move |line| {
        heard.note(line)?;
        match line.number {
            0 => {
                line.say(r#"{"t":"READY","session":"a\"b","s":1}"#)?;
                // Larger than a float can hold exactly.
                line.say(r#"{"s":9007199254740993}"#)?;
            }
            1 => {
                line.say(r#"{"t":"RESUMED","s":9007199254740994}"#)?;
                line.say(r#"{"op":9}"#)?;
            }
            2 => line.say(r#"{"t":"READY","session":"c"}"#)?,
            _ => line.say(r#"{"t":"RESUMED"}"#)?,
        }
        line.until_gone()
    });
    let dir = TestDir::new("dialogue-kept");
    for (text, sockets) in [
        (r#"{"s":9007199254740993}"#, 1),
        (r#"{"t":"READY","session":"c"}"#, 3),
    ] {
        let (manager, mut watch) = live(dir.path(), settings(RECIPE, &server));
        watch.text(text).await;
        assert_eq!(server.sockets(), sockets);
        manager.shutdown(SOON).await;
    }
    let (manager, mut watch) = live(dir.path(), settings(RECIPE, &server));
    watch.ready().await;
    manager.shutdown(SOON).await;
    assert_eq!(
        asked.all(),
        [
            r#"{"op":2}"#,
            r#"{"op":6,"session":"a\"b","seq":9007199254740993}"#,
            r#"{"op":2}"#,
            r#"{"op":6,"session":"c","seq":null}"#,
        ]
    );
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_not_kept_any_more_is_forgotten_and_what_is_is_carried_over() {
    let asked = Asked::default();
    let heard = asked.clone();
    let server = Server::start(move |line| {
        let said = heard.note(line)?;
        line.say(match &said[6..7] {
            "2" => r#"{"t":"READY","session":"a","s":5}"#,
            "6" => r#"{"t":"RESUMED"}"#,
            _ => r#"{"t":"HELLO"}"#,
        })?;
        line.until_gone()
    });
    let dir = TestDir::new("dialogue-kept");
    let (first, mut watch) = live(dir.path(), settings(RECIPE, &server));
    watch.ready().await;
    first.shutdown(SOON).await;

    // Across a restart, and back by other settings in the same process.
    let (second, mut watch) = live(dir.path(), settings(FORGETFUL, &server));
    watch.ready().await;
    second
        .configure("session", settings(RECIPE, &server))
        .await
        .unwrap();
    watch.rotated().await;
    second.shutdown(SOON).await;
    assert_eq!(
        asked.all(),
        [r#"{"op":2}"#, r#"{"op":7,"seq":5}"#, r#"{"op":2}"#],
        "the session was forgotten, the number was not"
    );
}

#[tokio::test]
async fn a_name_that_is_removed_leaves_nothing() {
    let asked = Asked::default();
    let heard = asked.clone();
    let server = Server::start(move |line| {
        heard.note(line)?;
        line.say(r#"{"t":"READY","session":"a","s":5}"#)?;
        line.until_gone()
    });
    let dir = TestDir::new("dialogue-kept");
    let (first, mut watch) = live(dir.path(), settings(RECIPE, &server));
    watch.ready().await;
    assert!(first.written().await);
    first.remove("session").await.unwrap();
    first.shutdown(SOON).await;
    let (second, mut watch) = live(dir.path(), settings(RECIPE, &server));
    watch.ready().await;
    second.shutdown(SOON).await;
    assert_eq!(asked.all(), [r#"{"op":2}"#, r#"{"op":2}"#]);
}

/// The last number in the durable history.
fn last_stored(manager: &Manager) -> Option<u64> {
    let kinds = Kinds::none().with("message").unwrap();
    let delivery = Delivery::default().events(100_000).kinds(kinds);
    let mut events = manager.resume(Pattern::all(), delivery, Some(Cursor::default()));
    let number = |update: Update| {
        let (_, message) = update.message()?;
        let json: serde_json::Value = serde_json::from_str(message.as_text().unwrap()).unwrap();
        json["s"].as_u64()
    };
    at_hand(&mut events).into_iter().filter_map(number).last()
}

/// A copy of the state directory of a running process, as a kill would leave it.
fn copy_of(state_dir: &Path) -> TestDir {
    let copy = TestDir::new("dialogue-copy");
    for file in ["store.db", "store.db-wal"] {
        fs::copy(state_dir.join(file), copy.path().join(file)).unwrap();
    }
    copy
}

#[tokio::test]
async fn a_number_is_stored_with_its_message_or_behind_it_at_any_instant() {
    let ended = Arc::new(AtomicBool::new(false));
    let ends = Arc::clone(&ended);
    let server = Server::start(move |line| {
        line.hear_text()?;
        line.say(r#"{"t":"READY","session":"a"}"#)?;
        for number in 1.. {
            line.say(format!(r#"{{"s":{number}}}"#))?;
            if ends.load(Ordering::Relaxed) {
                break;
            }
            thread::sleep(Duration::from_micros(300));
        }
        line.until_gone()
    });
    let asked = Asked::default();
    let heard = asked.clone();
    let next = Server::start(move |line| {
        heard.note(line)?;
        line.say(r#"{"t":"RESUMED"}"#)?;
        line.until_gone()
    });
    let dir = TestDir::new("dialogue-kept");
    let with_history = |server: &Server| {
        let mut settings = settings(RECIPE, server);
        settings.history.durable = true;
        settings.history.messages = 100_000;
        settings.history.bytes = 16 << 20;
        settings
    };
    let (first, mut watch) = live(dir.path(), with_history(&server));
    watch.ready().await;
    let mut copies = Vec::new();
    for n in 0..12 {
        // At various moments over some seconds: captures are stored once a second.
        tokio::time::sleep(Duration::from_millis(150 + 37 * n)).await;
        copies.push(copy_of(dir.path()));
    }
    ended.store(true, Ordering::Relaxed);
    first.shutdown(SOON).await;

    let mut last = 0;
    for copy in &copies {
        let (second, mut watch) = live(copy.path(), with_history(&next));
        watch.ready().await;
        let stored = last_stored(&second).unwrap_or_default();
        let asked = asked.all().pop().unwrap();
        let json: serde_json::Value = serde_json::from_str(&asked).unwrap();
        let kept = json["seq"].as_u64().unwrap_or_default();
        assert!(kept <= stored, "{kept} was stored before {stored}");
        assert!(kept >= last, "{kept} behind {last}");
        last = kept;
        second.shutdown(SOON).await;
    }
    assert!(last > 100, "only {last} was kept");
    poll_until("the end of the server's sockets", SOON, || {
        next.has_ended(copies.len() - 1)
    })
    .await;
}
