//! Autobahn's sections 1 to 10 against the production actor: every case must be good.

mod support;

use std::{collections::BTreeMap, path::Path, time::Duration};

use everwire::{
    ConnectionSettings, Delivery, Event, Events, Manager, Message, Pattern, Settings,
    config::{Heartbeat, Reconnect},
    hub::SubscriptionGuard,
};
use futures::StreamExt as _;
use serde::Deserialize;
use support::{Server, TestDir, autobahn};
use tokio::time::timeout;

const AGENT: &str = "everwire";
/// Sections 1 to 10 of Autobahn|Testsuite 25.10.1.
const CASES: u32 = 301;
/// The longest case sends 16 MiB and wants them back.
const LARGE: usize = 64 << 20;
const PER_CASE: Duration = Duration::from_secs(60);

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
async fn every_case_of_sections_1_to_10_is_good() {
    let out = TestDir::new("autobahn");
    let server = autobahn(out.path());
    let manager = Manager::spawn(Settings::default()).unwrap();

    let count = converse(&manager, &server, "/getCaseCount").await;
    let count: u32 = count
        .as_ref()
        .and_then(Message::as_text)
        .and_then(|text| text.parse().ok())
        .expect("the number of cases");
    assert_eq!(count, CASES);
    for case in 1..=count {
        converse(
            &manager,
            &server,
            &format!("/runCase?case={case}&agent={AGENT}"),
        )
        .await;
    }
    converse(&manager, &server, &format!("/updateReports?agent={AGENT}")).await;

    check(&verdicts(out.path()));
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

/// Answers in the name's own turn: the suite wants the echo of a message although the very next frame is a violation.
fn echo(manager: &Manager) -> SubscriptionGuard {
    let (registry, pattern) = (manager.clone(), Pattern::new("case").unwrap());
    manager.on_event(pattern, move |event| {
        if let Event::Message(_, message) = event
            && let Some(case) = registry.find("case")
        {
            // Some cases close while we still answer; then the door is shut.
            let _refused = case.send(message.clone());
        }
    })
}

/// Reads until the socket has ended.
async fn first_message(events: &mut Events) -> Option<Message> {
    let mut first = None;
    while let Some(event) = events.next().await {
        match event {
            Event::Message(_, message) => first = first.or(Some(message)),
            Event::Failed(..) => break,
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

fn check(verdicts: &BTreeMap<String, Verdict>) {
    let mut counts = BTreeMap::<&str, u32>::new();
    for verdict in verdicts.values() {
        *counts.entry(&verdict.behavior).or_default() += 1;
    }
    println!(
        "autobahn: {} of {CASES} cases, by behavior: {counts:?}",
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
    assert_eq!(verdicts.len(), CASES as usize);
    for case in ["6.4.3", "6.4.4"] {
        assert!(verdicts.contains_key(case), "{case} was not run");
    }
}
