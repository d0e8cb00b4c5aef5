//! Streams with a wrong configuration are reported, and not changed.

use std::{collections::BTreeMap, time::Duration};

use crate::support::{
    Names, Server,
    faults::{not_made, start, trouble, up},
    read::{all, numbers, published, texts},
    settings, until_async,
};
use async_nats::jetstream::{self, stream::Config};
use everwire::{Pattern, config::NatsOutSettings};

#[tokio::test]
async fn a_server_without_jetstream_is_told_and_mended() {
    let mut server = Server::start_with("off", "");
    let names = Names::open(&["a"]).await;
    let mut both = settings(&server);
    both.outbound = Some(NatsOutSettings::new(Pattern::all()));
    let (bridge, log) = start(&names, both, &server);
    let text = trouble(&bridge, "nats_no_jetstream").await;
    assert!(
        text.starts_with("JetStream is off for this account: "),
        "{text}"
    );
    until_async("both directions say so", async || {
        log.has("nats.in carries nothing: JetStream is off")
            && log.has("nats.out carries nothing: JetStream is off")
    })
    .await;
    for number in numbers(10) {
        names.say("a", &number);
    }
    server.reconfigure("jetstream { store_dir: \"FOLDER/jetstream\" }");
    server.restart();
    published(&bridge, 10).await;
    up(&bridge).await;
    assert_eq!(
        texts(&all(&server, "EVERWIRE_IN").await)["everwire.in.a"],
        numbers(10)
    );
}

#[tokio::test]
async fn a_stream_that_is_not_ours_is_told_and_left_alone() {
    let server = Server::start("other");
    let context = jetstream::new(server.client().await);
    let theirs = Config {
        name: "EVERWIRE_IN".into(),
        subjects: vec!["orders.>".into(), "everwire.in.a".into()],
        ..Config::default()
    };
    context.create_stream(theirs.clone()).await.unwrap();
    let names = Names::open(&["a"]).await;
    let (bridge, _) = start(&names, settings(&server), &server);
    let text = trouble(&bridge, "nats_other_stream").await;
    assert_eq!(
        text,
        "the stream EVERWIRE_IN does not take everwire.in.>: it takes orders.>, everwire.in.a"
    );
    names.say("a", "0");
    let info = context
        .get_stream("EVERWIRE_IN")
        .await
        .unwrap()
        .get_info()
        .await
        .unwrap();
    assert_eq!(
        (info.config.subjects, info.state.messages),
        (theirs.subjects, 0)
    );
    // It is deleted, and the bridge creates its own.
    context.delete_stream("EVERWIRE_IN").await.unwrap();
    published(&bridge, 1).await;
    assert_eq!(
        texts(&all(&server, "EVERWIRE_IN").await)["everwire.in.a"],
        numbers(1)
    );
}

#[tokio::test]
async fn subjects_of_another_stream_are_told() {
    let server = Server::start("overlap");
    let context = jetstream::new(server.client().await);
    let theirs = Config {
        name: "ALL".into(),
        subjects: vec!["everwire.>".into()],
        ..Config::default()
    };
    context.create_stream(theirs).await.unwrap();
    let names = Names::open(&["a"]).await;
    let (bridge, _) = start(&names, settings(&server), &server);
    not_made(&bridge, "subjects overlap with an existing stream").await;
    names.say("a", "0");
    until_async("it waits", async || bridge.status().inbound.pending == 1).await;
    context.delete_stream("ALL").await.unwrap();
    published(&bridge, 1).await;
}

#[tokio::test]
async fn other_limits_are_told_and_not_changed() {
    let server = Server::start("limits");
    let context = jetstream::new(server.client().await);
    let theirs = Config {
        name: "EVERWIRE_IN".into(),
        subjects: vec!["everwire.in.>".into()],
        max_bytes: 5_000_000,
        max_age: Duration::from_secs(3600),
        duplicate_window: Duration::from_secs(7),
        ..Config::default()
    };
    let mut stream = context.create_stream(theirs).await.unwrap();
    let names = Names::open(&["a"]).await;
    let (bridge, log) = start(&names, settings(&server), &server);
    up(&bridge).await;
    let differences = [
        "max_bytes of the stream EVERWIRE_IN is 5000000 bytes, and not 1073741824 bytes as the settings say",
        "max_age of the stream EVERWIRE_IN is 3600s, and not no limit as the settings say",
        "duplicate_window of the stream EVERWIRE_IN is 7s, and not 30s as the settings say",
    ];
    assert_eq!(bridge.status().differences, differences);
    assert!(log.has(differences[0]), "{:?}", log.lines());
    names.say("a", "0");
    published(&bridge, 1).await;
    let config = stream.info().await.unwrap().config.clone();
    assert_eq!(
        (config.max_bytes, config.duplicate_window),
        (5_000_000, Duration::from_secs(7))
    );
}

#[tokio::test]
async fn a_stream_that_is_deleted_is_made_again_and_goes_on() {
    let server = Server::start("deleted");
    let context = jetstream::new(server.client().await);
    let names = Names::open(&["a"]).await;
    let (bridge, log) = start(&names, settings(&server), &server);
    names.say("a", "0");
    published(&bridge, 1).await;
    context.delete_stream("EVERWIRE_IN").await.unwrap();
    for number in ["1", "2", "3"] {
        names.say("a", number);
    }
    published(&bridge, 4).await;
    let read = all(&server, "EVERWIRE_IN").await;
    let texts: Vec<_> = read.iter().map(|message| &*message.text).collect();
    assert_eq!(texts, ["1", "2", "3"]);
    assert!(
        log.has("nobody takes messages for the stream EVERWIRE_IN"),
        "{:?}",
        log.lines()
    );
}

/// A user who may publish for one of two names.
fn users(subject: &str) -> String {
    format!(
        "jetstream {{ store_dir: \"FOLDER/jetstream\" }}\n\
         authorization {{ users: [ {{ user: all, password: all }}, {{ user: bridge, password: b, permissions: {{\n\
           publish: [\"{subject}\", \"everwire.in.b\", \"$JS.API.STREAM.INFO.EVERWIRE_IN\", \
                     \"$JS.API.STREAM.CREATE.EVERWIRE_IN\", \"$JS.API.STREAM.MSG.GET.EVERWIRE_IN\"]\n\
           subscribe: [\"_INBOX.>\"] }} }} ] }}"
    )
}

#[tokio::test]
async fn a_name_whose_subject_is_not_permitted_is_told_and_others_go_on() {
    let mut server = Server::start_with("denied", &users("everwire.in.other"));
    let names = Names::open(&["a", "b"]).await;
    let mut settings = settings(&server);
    settings.user = Some("bridge".into());
    settings.password = Some("b".into());
    let (bridge, log) = start(&names, settings, &server);
    up(&bridge).await;
    for number in numbers(1000) {
        names.say("a", &number);
        names.say("b", &number);
    }
    until_async("the other one is published", async || {
        bridge.status().inbound.published == 1000
    })
    .await;
    let denied = "Permissions Violation for Publish to \"everwire.in.a\"";
    until_async("the name is told", async || {
        let refused = bridge.status().inbound.refused;
        refused.values().any(|text| text == denied) && refused.len() == 1
    })
    .await;
    let status = bridge.status();
    assert!(
        status.server.is_some() && status.error.is_none(),
        "{status:?}"
    );
    let told = log
        .lines()
        .iter()
        .filter(|line| line.contains(denied))
        .count();
    assert_eq!(told, 1, "{:?}", log.lines());
    // The permission is granted.
    server.reconfigure(&users("everwire.in.a"));
    server.restart();
    published(&bridge, 2000).await;
    let client = async_nats::ConnectOptions::with_user_and_password("all".into(), "all".into());
    let client = client.connect(server.url()).await.unwrap();
    let expected =
        ["everwire.in.a", "everwire.in.b"].map(|subject| (subject.to_owned(), numbers(1000)));
    assert_eq!(
        texts(&crate::support::read::all_by(client, "EVERWIRE_IN").await),
        BTreeMap::from(expected)
    );
    assert_eq!(bridge.status().inbound.dropped, BTreeMap::new());
}

#[tokio::test]
async fn a_request_that_is_not_permitted_is_named() {
    let config = users("everwire.in.a").replace("$JS.API.STREAM.CREATE.EVERWIRE_IN", "nothing");
    let server = Server::start_with("request", &config);
    let names = Names::open(&["a"]).await;
    let mut settings = settings(&server);
    settings.user = Some("bridge".into());
    settings.password = Some("b".into());
    let (bridge, _) = start(&names, settings, &server);
    let text = trouble(&bridge, "nats_refused").await;
    assert_eq!(
        text,
        "the NATS server refuses: Permissions Violation for Publish to \"$JS.API.STREAM.CREATE.EVERWIRE_IN\""
    );
}

/// Exactly the permissions that the bridge's document names.
fn documented() -> String {
    let page = include_str!("../../../../docs/nats.md");
    let (_, rest) = page.split_once("\n    permissions: {").unwrap();
    let (block, _) = rest.split_once("\n    }\n").unwrap();
    format!("permissions: {{{block}\n}}")
}

#[tokio::test]
async fn the_documented_permissions_are_enough() {
    let users = format!(
        "jetstream {{ store_dir: \"FOLDER/jetstream\" }}\n\
         no_auth_user: all\n\
         authorization {{ users: [\n\
           {{ user: bridge, password: secret, {} }}\n\
           {{ user: all, password: all }}\n\
         ] }}",
        documented()
    );
    let server = Server::start_with("documented", &users);
    let names = Names::open(&["a"]).await;
    let mut settings = settings(&server);
    settings.user = Some("bridge".into());
    settings.password = Some("secret".into());
    settings.outbound = Some(NatsOutSettings::new(Pattern::all()));
    let (bridge, log) = start(&names, settings, &server);
    up(&bridge).await;
    let client = server.client().await;
    let answer = client.request("everwire.out.a", "x".into()).await.unwrap();
    let answer = std::str::from_utf8(&answer.payload).unwrap().to_owned();
    assert!(answer.contains("\"fate\":\"confirmed\""), "{answer}");
    published(&bridge, 1).await;
    until_async("it has left the queue", async || {
        let context = jetstream::new(server.client().await);
        let mut queue = context.get_stream("EVERWIRE_OUT").await.unwrap();
        queue.info().await.unwrap().state.messages == 0
    })
    .await;
    let lines = log.lines();
    assert!(!log.has("refuse") && !log.has("Permissions"), "{lines:?}");
    bridge.stop(Duration::from_secs(5)).await;
}
