//! Tokens among the subprotocols.
//!
//! Reported: the API servers of Kubernetes and AppSync accept a token as one of the subprotocols.
//! `subprotocols` allowed no variables, so the token stood in the file, and everywhere the settings
//! are shown.

use std::fs;

use everwire::{
    ConnectionSettings, EventKind, Settings,
    config::{Inherited, Part, Secret, Template},
    testing::{Script, Subprotocol},
};

use crate::support::{TestDir, rig::*};

const PREFIX: &str = "base64url.bearer.authorization.k8s.io.";

/// `PREFIX` and a variable with this value.
fn token(value: &str) -> Template {
    let variable = Part::Env {
        name: "TOKEN".into(),
        value: Secret::new(value),
    };
    Template::from_parts([Part::Literal(PREFIX.into()), variable])
}

fn offer(settings: &mut ConnectionSettings) {
    settings.subprotocols = vec!["v4.channel.k8s.io".into(), token("s3cret").into()];
}

/// The subprotocols that the peer was offered at each dial.
fn offered(rig: &Rig) -> Vec<Vec<String>> {
    let dials = rig.peer.connections();
    let requests = dials.iter().filter_map(|dial| dial.request.as_ref());
    requests
        .map(|request| request.subprotocols().map(str::to_owned).collect())
        .collect()
}

#[tokio::test]
async fn a_token_is_offered_and_shown_by_its_name() {
    for (choice, spoken) in [
        (Subprotocol::First, "v4.channel.k8s.io".to_owned()),
        (Subprotocol::Second, format!("{PREFIX}${{TOKEN}}")),
    ] {
        let mut rig = Rig::new();
        rig.peer.script("/k8s", Script::echo().subprotocol(choice));
        let feed = rig.open_with("/k8s", offer);
        let opened = rig.watch.until("opened", |update| match update.kind() {
            Some(EventKind::Opened(opened)) => Some(opened.subprotocol.clone()),
            _ => None,
        });
        assert_eq!(opened.await.as_deref(), Some(&*spoken));
        let status = feed.status().await.unwrap();
        assert_eq!(status.subprotocol.as_deref(), Some(&*spoken));
        assert_eq!(
            offered(&rig),
            [["v4.channel.k8s.io".to_owned(), format!("{PREFIX}s3cret")]]
        );
        let settings = rig.manager.settings("feed").unwrap();
        let masked = everwire::config::masked(&settings);
        let shown = [
            "v4.channel.k8s.io".to_owned(),
            format!("{PREFIX}${{TOKEN}}"),
        ];
        assert_eq!(masked["subprotocols"], serde_json::json!(shown));
        let probed = rig.manager.probe("feed").await.unwrap();
        let all = format!("{:?} {status:?} {settings:?} {probed:?}", rig.watch.seen());
        assert!(!all.contains("s3cret"), "{all}");
    }
}

#[tokio::test]
async fn a_server_that_repeats_the_token_does_not_get_it_told() {
    for choice in [
        Subprotocol::None,
        Subprotocol::Named("s3cret".into()),
        Subprotocol::Named(format!("{PREFIX}s3cret2")),
    ] {
        let mut rig = Rig::new();
        rig.peer.script("/k8s", Script::echo().subprotocol(choice));
        rig.open_with("/k8s", offer);
        let cause = rig.watch.error().await;
        assert_eq!(cause.kind(), "subprotocol");
        assert!(!cause.text().contains("s3cret"), "{cause}");
    }
    let mut rig = Rig::new();
    let refusal = Script::status(401).body("bad token s3cret");
    rig.peer.script("/k8s", refusal);
    rig.open_with("/k8s", offer);
    let cause = rig.watch.error().await;
    assert!(cause.text().ends_with("bad token ***"), "{cause}");
}

#[tokio::test]
async fn a_token_file_is_read_again_for_each_dial() {
    let dir = TestDir::new("subprotocols");
    let path = dir.path().join("token");
    fs::write(&path, "first\n").unwrap();
    let mut rig = Rig::new();
    let refused = Script::status(401);
    rig.peer.script_each("/k8s", [refused, Script::echo()]);
    let template = [Part::Literal(PREFIX.into()), Part::File(path.clone())];
    let _feed = rig.open_with("/k8s", |settings| {
        settings.subprotocols = vec![Template::from_parts(template).into()];
        with_backoff(settings, always(ms(300)));
    });
    rig.watch.retrying().await;
    fs::write(&path, "second\n").unwrap();
    rig.watch.ready().await;
    let expected = ["first", "second"].map(|token| vec![format!("{PREFIX}{token}")]);
    assert_eq!(offered(&rig), expected);
}

#[tokio::test]
async fn what_cannot_be_offered_is_told_without_its_value() {
    for (subprotocols, why) in [
        (vec![token("s3 cret").into()], "invalid subprotocol"),
        (
            vec![token("s3cret").into(), token("s3cret").into()],
            "is offered twice",
        ),
    ] {
        let mut rig = Rig::new();
        rig.open_with("/echo", |settings| settings.subprotocols = subprotocols);
        let cause = rig.watch.error().await;
        assert_eq!(cause.kind(), "invalid_request");
        let text = cause.text();
        assert!(text.contains(why) && text.contains("${TOKEN}"), "{text}");
        assert!(!text.contains("cret"), "{text}");
    }
}

#[tokio::test]
async fn a_token_does_not_follow_a_redirect_to_another_host() {
    let mut rig = Rig::new();
    let other = everwire::testing::Peer::spawn_thread().unwrap();
    let away = Script::status(307).header("Location", &other.url("/echo"));
    rig.peer.script("/away", away);
    rig.open_with("/away", offer);
    rig.watch.ready().await;
    let dials = other.connections();
    let request = dials[0].request.as_ref().unwrap();
    assert_eq!(
        request.subprotocols().collect::<Vec<_>>(),
        ["v4.channel.k8s.io"]
    );
}

#[test]
fn variables_are_expanded_and_checked_in_a_file() {
    let read = |keys: &str| {
        let text = format!("{keys}\n[connections.feed]\nurl = 'ws://h/'\n");
        Settings::from_toml(&text).map_err(|wrong| wrong.to_string())
    };
    let settings = read(
        "[defaults]\nsubprotocols = ['a', 'b.${file:token}', 'c.${secret:id}', 'd.${PATH_OF_NONE}']",
    );
    let text = settings.unwrap_err();
    assert!(text.contains("`PATH_OF_NONE` is not set"), "{text}");
    let settings =
        read("[defaults]\nsubprotocols = ['a', 'b.${file:token}', 'c.${secret:id}']").unwrap();
    let feed = settings.connections.values().next().unwrap();
    assert_eq!(feed.secret_ids().collect::<Vec<_>>(), ["id"]);
    assert!(feed.subprotocols[1].to_string().starts_with("b.${file:"));
    // Neither the token's file nor its stored secret is sent to a URL that a user of the API
    // chooses.
    let json = br#"{"url": "ws://h/"}"#;
    let inherit =
        |inherited: &Inherited| inherited.connection(json, &everwire::config::DialPolicy::Any);
    assert_eq!(inherit(&settings.inherited).unwrap().subprotocols, ["a"]);
    let own = br#"{"url": "ws://h/", "subprotocols": ["x.${secret:id}"]}"#;
    let own = settings
        .inherited
        .connection(own, &everwire::config::DialPolicy::Any);
    assert_eq!(
        everwire::config::masked(&own.unwrap())["subprotocols"][0],
        "x.${secret:id}"
    );
    let file = br#"{"url": "ws://h/", "subprotocols": ["x.${file:token}"]}"#;
    let refused = settings
        .inherited
        .connection(file, &everwire::config::DialPolicy::Any);
    assert!(refused.is_err());
    for (wrong, why) in [
        ("'a b.${secret:id}'", "invalid subprotocol"),
        ("'x.${secret:id}', 'x.${secret:id}'", "comes twice"),
        ("'x.${secret:id'", "is not closed"),
    ] {
        let text = read(&format!("[defaults]\nsubprotocols = [{wrong}]")).unwrap_err();
        assert!(text.contains(why), "{wrong}: {text}");
    }
}
