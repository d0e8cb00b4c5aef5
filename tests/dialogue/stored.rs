//! Messages that are acknowledged once they are in durable history.

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

use everwire::{ConnectionSettings, EventKind, Manager};
use serde_json::json;

use super::{
    Variables,
    peer::{Gone, Line, Server},
    recipe,
    support::{
        SOON, TestDir,
        child::{self, in_a_file_system_of},
        poll_until,
        rig::{Watch, manager_at},
    },
};

const RECIPE: &str = r#"
[connections.slack]
url = "URL"
open_script = [{ expect = '/type == "hello"' }]
history = { messages = 100000, bytes = "64MiB", durable = true }
rules = [{ when = 'exists(/envelope_id)', send = '{"envelope_id":"${/envelope_id}"}', after = "stored" }]
# quick
"#;

fn settings(server: &Server) -> ConnectionSettings {
    recipe(RECIPE, "slack", &server.url(), Variables(&[]))
}

fn live(dir: &Path, settings: ConnectionSettings) -> (Manager, Watch) {
    let manager = manager_at(dir);
    let watch = Watch::new(&manager, "*");
    manager.open("slack", settings).unwrap();
    (manager, watch)
}

/// A message that soon fills a disk.
fn envelope(number: u64) -> String {
    json!({ "envelope_id": number.to_string(), "payload": "x".repeat(10_000) }).to_string()
}

/// The number of the next acknowledgement.
fn acknowledged(line: &mut Line) -> Result<u64, Gone> {
    let answer = line.hear()?;
    let number = answer["envelope_id"]
        .as_str()
        .and_then(|id| id.parse().ok());
    line.ask(number.is_some(), format!("no acknowledgement: {answer}"));
    number.ok_or(Gone)
}

#[tokio::test]
async fn envelopes_are_acknowledged_in_order_also_over_a_rotation() {
    let server = Server::start(|line| {
        line.say(r#"{"type":"hello"}"#)?;
        let first = 1000 * line.number as u64;
        for number in first..first + 150 {
            line.say(envelope(number))?;
        }
        for number in first..first + 150 {
            let told = acknowledged(line)?;
            line.ask(told == number, format!("{told} instead of {number}"));
        }
        line.say(format!(r#"{{"done":{}}}"#, line.number))?;
        line.until_gone()
    });
    let dir = TestDir::new("dialogue-stored");
    let (manager, mut watch) = live(dir.path(), settings(&server));
    watch.text(r#"{"done":0}"#).await;
    // The successor receives its own envelopes before it serves.
    manager.find("slack").unwrap().rotate().await.unwrap();
    watch.text(r#"{"done":1}"#).await;
    assert_eq!(server.faults(), Vec::<String>::new());
    manager.shutdown(SOON).await;
}

/// The numbers that a server received so far.
type Told = Arc<Mutex<Vec<u64>>>;

/// Sends envelopes until the file system is full; from then on none is acknowledged. Waits for
/// that.
async fn fill_up(watch: &mut Watch, told: &Told) -> usize {
    let cause = watch
        .until("an error of the store", |update| match update.kind() {
            Some(EventKind::Error(report)) if report.cause.kind() == "store" => {
                Some(report.cause.to_string())
            }
            _ => None,
        })
        .await;
    assert!(cause.contains("no space is left"), "{cause}");
    // A failing store is tried again each second.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let count = told.lock().unwrap().len();
    assert!(count > 20, "only {count} fitted in");
    count
}

/// A server that sends groups of four envelopes with a pause between them, and receives the
/// acknowledgements. On its second socket it waits for a permit and sends one.
fn filling(told: &Told, may_say: &Arc<AtomicBool>) -> Server {
    let (told, may_say) = (Arc::clone(told), Arc::clone(may_say));
    Server::start(move |line| {
        line.say(r#"{"type":"hello"}"#)?;
        if line.number > 0 {
            while !may_say.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(20));
            }
            line.say(r#"{"envelope_id":"9999"}"#)?;
            let number = acknowledged(line)?;
            told.lock().unwrap().push(number);
            return line.until_gone();
        }
        for group in 0.. {
            for number in 4 * group..4 * group + 4 {
                line.say(envelope(number))?;
                thread::sleep(Duration::from_millis(20));
            }
            for _ in 0..4 {
                let number = acknowledged(line)?;
                told.lock().unwrap().push(number);
            }
            if may_say.load(Ordering::SeqCst) {
                return line.until_gone();
            }
        }
        Ok(())
    })
}

#[tokio::test]
async fn while_the_store_fails_nothing_is_acknowledged_and_then_all_is() {
    let Some(dir) = child::dir() else {
        return in_a_file_system_of(
            3,
            "stored::while_the_store_fails_nothing_is_acknowledged_and_then_all_is",
        );
    };
    let ballast = dir.join("ballast");
    fs::write(&ballast, vec![0; 3 << 19]).unwrap();
    let (told, room) = (Told::default(), Arc::<AtomicBool>::default());
    let server = filling(&told, &room);
    let (manager, mut watch) = live(&dir.join("state"), settings(&server));
    let count = fill_up(&mut watch, &told).await;
    assert_eq!(told.lock().unwrap().len(), count, "nothing more");

    // Messages from the failure are stored even if no further message comes.
    room.store(true, Ordering::SeqCst);
    fs::remove_file(&ballast).unwrap();
    let whole = count.next_multiple_of(4);
    poll_until("all acknowledgements", SOON, || {
        told.lock().unwrap().len() == whole
    })
    .await;
    let told = told.lock().unwrap().clone();
    assert_eq!(told, Vec::from_iter(0..whole as u64));
    let errors = watch
        .seen()
        .iter()
        .filter(|event| event.contains("no space"));
    assert_eq!(errors.count(), 1, "told once");
    manager.shutdown(SOON).await;
}

#[tokio::test]
async fn a_message_of_a_lost_socket_is_not_acknowledged_on_the_next() {
    let Some(dir) = child::dir() else {
        return in_a_file_system_of(
            3,
            "stored::a_message_of_a_lost_socket_is_not_acknowledged_on_the_next",
        );
    };
    let ballast = dir.join("ballast");
    fs::write(&ballast, vec![0; 3 << 19]).unwrap();
    let (told, room) = (Told::default(), Arc::<AtomicBool>::default());
    let server = filling(&told, &room);
    let (manager, mut watch) = live(&dir.join("state"), settings(&server));
    let count = fill_up(&mut watch, &told).await;
    let slack = manager.find("slack").unwrap();
    slack.close(1000, "").await.unwrap();
    watch.closed().await;
    slack.connect(None).await.unwrap();
    watch.ready().await;

    fs::remove_file(&ballast).unwrap();
    assert!(manager.written().await);
    room.store(true, Ordering::SeqCst);
    poll_until("the acknowledgement of the new one", SOON, || {
        told.lock().unwrap().len() > count
    })
    .await;
    let told = told.lock().unwrap().clone();
    assert_eq!(told[count..], [9999]);
    assert_eq!(server.faults(), Vec::<String>::new());
    manager.shutdown(SOON).await;
}
