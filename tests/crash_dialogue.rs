//! kill -9 at any instant of a dialogue: messages that were acknowledged to the server as stored are
//! in the history, and the next process never resumes with a number beyond them.
//!
//! ```text
//! EVERWIRE_ROUNDS=200 cargo test --test crash_dialogue -- --nocapture     more rounds than usual
//! ```

mod support;

use std::{
    collections::BTreeSet,
    net::{TcpListener, TcpStream},
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use everwire::{
    ConnectionSettings, Delivery, Manager, Pattern, Settings, Update, core::Cursor, hub::Kinds,
};
use rand::RngExt as _;
use serde_json::{Value, json};
use support::{
    TestDir,
    child::{self, child},
    rig::{at_hand, manager_at},
};
use tungstenite::{Message, WebSocket, accept};

/// Rounds in an ordinary run.
const ROUNDS: u64 = 12;

/// The environment variables of a child.
const URL: &str = "EVERWIRE_CRASH_URL";

/// One in this many numbers is to be acknowledged.
const ACKNOWLEDGED: u64 = 20;

const RECIPE: &str = r#"
[connections.feed]
url = "URL"
history = { messages = 1000000, bytes = "64MiB", durable = true }
capture = { seq = { value = "/s", keep = true } }
open_script = [{ send = '{"seq":${default(seq, 0)}}', expect = '/hello' }]
rules = [{ when = '/a', send = '{"ack":${/s}}', after = "stored" }]
reconnect = { min = "1ms", initial = "5ms", max = "20ms" }
"#;

fn settings(url: &str) -> ConnectionSettings {
    let settings = Settings::from_toml(&RECIPE.replace("URL", url)).unwrap();
    settings.connections.values().next().unwrap().clone()
}

/// The server's record of all processes.
#[derive(Default)]
struct Seen {
    acknowledged: BTreeSet<u64>,
    /// The numbers with which clients began.
    resumed: Vec<u64>,
}

/// Sends the numbers after the client's last one while it lives, and notes the acknowledgements.
fn serve(stream: TcpStream, seen: &Mutex<Seen>) -> Option<()> {
    let mut socket = accept(stream).ok()?;
    let first = loop {
        if let Message::Text(text) = socket.read().ok()? {
            let json: Value = serde_json::from_str(&text).unwrap();
            break json["seq"].as_u64().unwrap();
        }
    };
    seen.lock().unwrap().resumed.push(first);
    socket.send(Message::text(r#"{"hello":true}"#)).ok()?;
    socket.get_ref().set_nonblocking(true).unwrap();
    for number in first + 1.. {
        let is_to_be = number % ACKNOWLEDGED == 0;
        let text = json!({ "s": number, "a": is_to_be }).to_string();
        said(socket.send(Message::text(text)))?;
        hear(&mut socket, seen)?;
        thread::sleep(Duration::from_micros(100));
    }
    None
}

/// Whether the client is still there.
fn said(result: Result<(), tungstenite::Error>) -> Option<()> {
    match result {
        Ok(()) => Some(()),
        // The rest goes out with the next write, if the kernel does not accept everything at once.
        Err(tungstenite::Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
            Some(())
        }
        Err(_) => None,
    }
}

fn hear(socket: &mut WebSocket<TcpStream>, seen: &Mutex<Seen>) -> Option<()> {
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => {
                let json: Value = serde_json::from_str(&text).unwrap();
                let number = json["ack"].as_u64().unwrap();
                seen.lock().unwrap().acknowledged.insert(number);
            }
            Ok(_) => {}
            Err(tungstenite::Error::Io(error))
                if error.kind() == std::io::ErrorKind::WouldBlock =>
            {
                return Some(());
            }
            Err(_) => return None,
        }
    }
}

/// Starts a server of these numbers.
fn start(seen: &Arc<Mutex<Seen>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let seen = Arc::clone(seen);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let seen = Arc::clone(&seen);
            thread::spawn(move || serve(stream, &seen));
        }
    });
    url
}

/// The numbers in the durable history.
async fn stored(dir: &Path, url: &str) -> Vec<u64> {
    let manager = manager_at(dir);
    let mut settings = settings(url);
    settings.enabled = false;
    manager.open("feed", settings).unwrap();
    let kinds = Kinds::none().with("message").unwrap();
    let delivery = Delivery::default().events(1_000_000).kinds(kinds);
    let mut events = manager.resume(Pattern::all(), delivery, Some(Cursor::default()));
    let number = |update: Update| {
        let (_, message) = update.message()?;
        let json: Value = serde_json::from_str(message.as_text().unwrap()).unwrap();
        json["s"].as_u64()
    };
    let numbers = at_hand(&mut events)
        .into_iter()
        .filter_map(number)
        .collect();
    manager.shutdown(support::SOON).await;
    numbers
}

#[tokio::test]
async fn what_was_acknowledged_is_stored_and_a_resume_skips_nothing_whenever_it_is_killed() {
    let rounds = std::env::var("EVERWIRE_ROUNDS").map_or(ROUNDS, |text| text.parse().unwrap());
    let seen = Arc::<Mutex<Seen>>::default();
    let url = start(&seen);
    let dir = TestDir::new("crash-dialogue");
    let mut last = 0;
    for round in 1..=rounds {
        let begun = seen.lock().unwrap().resumed.len();
        let mut life = child("life", dir.path());
        let mut life = life.env(URL, &url).stdout(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        while seen.lock().unwrap().resumed.len() == begun {
            assert!(
                start.elapsed() < support::SOON,
                "round {round} has not begun"
            );
            thread::sleep(Duration::from_millis(1));
        }
        // The duration is random: the test is about the instant of the kill.
        thread::sleep(Duration::from_micros(
            rand::rng().random_range(0..1_500_000),
        ));
        life.kill().unwrap();
        assert_eq!(life.wait().unwrap().signal(), Some(9), "it ended by itself");

        let stored = stored(dir.path(), &url).await;
        let distinct: BTreeSet<u64> = stored.iter().copied().collect();
        let seen = seen.lock().unwrap();
        let lost: Vec<_> = seen.acknowledged.difference(&distinct).collect();
        assert!(
            lost.is_empty(),
            "round {round}: acknowledged and lost: {lost:?}"
        );
        let resumed = seen.resumed[begun];
        assert!(
            resumed <= last,
            "round {round}: {resumed} was kept, and {last} stored"
        );
        last = distinct.last().copied().unwrap_or_default();
        let count = u64::try_from(distinct.len()).unwrap();
        assert_eq!(count, last, "round {round}: a resume has skipped something");
    }
    let seen = seen.lock().unwrap();
    println!(
        "{rounds} rounds: {last} numbers, {} acknowledged, resumed with {:?}",
        seen.acknowledged.len(),
        seen.resumed
    );
    let resumes = seen.resumed.last().copied().unwrap_or_default();
    assert!(resumes > 500, "{:?}", seen.resumed);
    assert!(seen.acknowledged.len() as u64 > 10 * rounds, "too few");
}

#[tokio::test]
#[ignore = "a life of the child that the other test starts"]
async fn life() {
    let mut process = Settings::default();
    process.service.workers = 1;
    process.service.state_dir = child::dir().expect("a directory");
    let manager = Manager::spawn(process).unwrap();
    let url = std::env::var(URL).expect("a URL");
    manager.open("feed", settings(&url)).unwrap();
    std::future::pending::<()>().await;
}
