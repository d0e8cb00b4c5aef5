//! Autobahn with the production actor: every case must pass.
//!
//! Sections 1 to 10, 12.1, 13.1 and 13.7 always; all 517 cases by `tests/all.sh autobahn_all`.

mod support;

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use everwire::{
    ConnectionSettings, Delivery, EventKind, Events, Manager, Message, Pattern, Settings,
    config::{Compression, Heartbeat, Reconnect},
    hub::SubscriptionGuard,
};
use futures::StreamExt as _;
use serde::Deserialize;
use support::{Server, TestDir, autobahn};
use tokio::time::timeout;

const AGENT: &str = "everwire";
/// Sections 1 to 10 of Autobahn
/// Testsuite 25.10.1, and the permessage-deflate cases that differ in negotiation.
const CORE: &str = r#"["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*", "12.1.*", "13.1.*", "13.7.*"]"#;
const CORE_CASES: u32 = 301 + 3 * 18;
const ALL: &str = r#"["*"]"#;
const ALL_CASES: u32 = 517;
/// The longest case sends 16 MiB and expects the echo.
const LARGE: usize = 64 << 20;
/// Slower cases are printed, to show where the time goes.
const SLOW: Duration = Duration::from_secs(5);
const PER_CASE: Duration = Duration::from_secs(180);

#[derive(Deserialize)]
struct Verdict {
    behavior: String,
    #[serde(rename = "behaviorClose")]
    behavior_close: String,
}

impl Verdict {
    fn is_good(&self) -> bool {
        [&self.behavior, &self.behavior_close]
            .iter()
            .all(|verdict| ["OK", "INFORMATIONAL"].contains(&verdict.as_str()))
    }
}

#[tokio::test]
async fn every_case_of_sections_1_to_10_and_of_three_with_compression_is_good() {
    run(CORE, CORE_CASES).await;
}

#[tokio::test]
#[ignore = "takes a quarter of an hour: tests/all.sh autobahn_all"]
async fn every_case_is_good() {
    run(ALL, ALL_CASES).await;
}

async fn run(cases: &str, expected: u32) {
    let out = TestDir::new("autobahn");
    let server = autobahn(out.path(), cases);
    let manager = Manager::spawn(Settings::default()).unwrap();

    let count = converse(&manager, &server, "/getCaseCount").await;
    let count: u32 = count
        .as_ref()
        .and_then(Message::as_text)
        .and_then(|text| text.parse().ok())
        .expect("the number of cases");
    assert_eq!(count, expected);
    for case in 1..=count {
        let start = Instant::now();
        converse(
            &manager,
            &server,
            &format!("/runCase?case={case}&agent={AGENT}"),
        )
        .await;
        if start.elapsed() > SLOW {
            println!("case {case} of {count} took {:?}", start.elapsed());
        }
    }
    converse(&manager, &server, &format!("/updateReports?agent={AGENT}")).await;

    check(&verdicts(out.path()), expected);
}

/// Opens a socket that echoes all messages until the server closes it; returns the first message.
async fn converse(manager: &Manager, server: &Server, target: &str) -> Option<Message> {
    let mut events = manager.subscribe(Pattern::new("case").unwrap(), Delivery::default());
    let echo = echo(manager);
    let _case = manager.open("case", settings(&server.url(target))).unwrap();
    let first = timeout(PER_CASE, first_message(&mut events)).await;
    let first = first.unwrap_or_else(|_| panic!("{target} has not ended within {PER_CASE:?}"));
    drop(echo);
    manager.remove("case").await.unwrap();
    first
}

/// Answers in the name's own turn: the suite expects the echo even if the very next frame is a
/// violation.
fn echo(manager: &Manager) -> SubscriptionGuard {
    let (registry, pattern) = (manager.clone(), Pattern::new("case").unwrap());
    manager.on_event(pattern, move |update| {
        if let Some((_, message)) = update.message()
            && let Some(case) = registry.find("case")
        {
            // Some cases close while we still answer; then sending is rejected.
            let _refused = case.send(message.clone());
        }
    })
}

/// Reads until the socket has ended.
async fn first_message(events: &mut Events) -> Option<Message> {
    let mut first = None;
    while let Some(update) = events.next().await {
        match update.kind() {
            Some(EventKind::Message(message)) => {
                first.get_or_insert_with(|| message.clone());
            }
            Some(EventKind::Failed(_)) => break,
            _ => {}
        }
    }
    first
}

fn settings(url: &str) -> ConnectionSettings {
    let mut settings = ConnectionSettings::new(url).unwrap();
    settings.reconnect = Reconnect::Never;
    settings.heartbeat = Heartbeat::Off;
    settings.max_message = LARGE;
    settings.max_frame = LARGE;
    let mut compression = Compression::default();
    compression.min_size = 1;
    settings.compression = Some(compression);
    settings.outbox.messages = 4096;
    settings.outbox.bytes = LARGE;
    settings
}

fn verdicts(out: &Path) -> BTreeMap<String, Verdict> {
    let text = std::fs::read(out.join("index.json")).expect("the suite's index.json");
    let mut agents: BTreeMap<String, BTreeMap<String, Verdict>> =
        serde_json::from_slice(&text).unwrap();
    agents.remove(AGENT).expect("our agent's verdicts")
}

fn check(verdicts: &BTreeMap<String, Verdict>, expected: u32) {
    let mut counts = BTreeMap::<&str, u32>::new();
    for verdict in verdicts.values() {
        *counts.entry(&verdict.behavior).or_default() += 1;
    }
    println!(
        "autobahn: {} of {expected} cases, by behavior: {counts:?}",
        verdicts.len()
    );
    let bad: Vec<String> = verdicts
        .iter()
        .filter(|(_, verdict)| !verdict.is_good())
        .map(|(case, verdict)| {
            format!(
                "{case}: {}, close {}",
                verdict.behavior, verdict.behavior_close
            )
        })
        .collect();
    assert!(bad.is_empty(), "{} bad cases: {bad:#?}", bad.len());
    assert_eq!(verdicts.len(), expected as usize);
    for case in ["6.4.3", "6.4.4", "12.1.1", "13.7.18"] {
        assert!(verdicts.contains_key(case), "{case} was not run");
    }
}
