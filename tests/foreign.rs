//! The same conversations with foreign servers: Python's `websockets` and Node's `ws`.

mod support;

use everwire::{
    ConnectionSettings, EventKind, Fate, Handle, Manager, Message,
    config::{GiveUpRule, Heartbeat},
    core::{Cause, Rule},
};
use support::{Foreign, PrivateCa, Server, TestDir, rig::*};

/// A foreign server, and one name that talks to it.
struct Talk {
    server: Server,
    manager: Manager,
    watch: Watch,
}

impl Talk {
    fn with(foreign: Foreign) -> Self {
        Self::over(foreign.start(None))
    }

    fn over(server: Server) -> Self {
        let manager = one_arbiter();
        let watch = Watch::new(&manager, "feed");
        Self {
            server,
            manager,
            watch,
        }
    }

    fn open(&self, path: &str, change: impl FnOnce(&mut ConnectionSettings)) -> Handle {
        let mut settings = quick(self.server.url(path));
        settings.heartbeat = Heartbeat::Protocol {
            interval: ms(50),
            timeout: ms(10_000),
        };
        change(&mut settings);
        self.manager.open("feed", settings).unwrap()
    }
}

async fn echoes_text_and_binary_of_every_size(foreign: Foreign) {
    let mut talk = Talk::with(foreign);
    let feed = talk.open("/echo", |_| {});
    talk.watch.ready().await;
    for size in [0, 1, 125, 126, 64 << 10, 1 << 20] {
        let text: String = "é1".repeat(size).chars().take(size).collect();
        let bytes: Vec<u8> = (0..size).map(|at| at as u8).collect();
        for message in [Message::text(text), Message::binary(bytes)] {
            let receipt = feed.send(message.clone()).unwrap();
            let echo = talk.watch.message().await;
            assert!(echo == message, "{size} bytes came back different");
            assert_eq!(receipt.fate(Fate::Confirmed).await, Fate::Confirmed);
        }
    }
    let status = feed.status().await.unwrap();
    assert_eq!(status.sent, status.received);
    assert_eq!((status.sent.messages, status.incarnation), (12, 1));
    feed.close(1000, "done").await.unwrap();
    let report = talk.watch.closed().await;
    assert_eq!((report.code, report.clean), (1000, true));
}

async fn hears_a_feed_in_order(foreign: Foreign) {
    let mut talk = Talk::with(foreign);
    let feed = talk.open("/feed", |_| {});
    for tick in 1..=20 {
        let message = talk.watch.message().await;
        assert_eq!(message, Message::text(format!(r#"{{"t":{tick}}}"#)));
    }
    feed.close(1000, "").await.unwrap();
    assert!(talk.watch.closed().await.clean);
}

async fn joins_fragments(foreign: Foreign) {
    let mut talk = Talk::with(foreign);
    let feed = talk.open("/fragmented", |_| {});
    let greeting = [
        Message::text("one zwei trois é"),
        Message::binary(vec![0, 1, 2, 3, 255]),
    ];
    for expected in greeting {
        assert_eq!(talk.watch.message().await, expected);
    }
    for message in [
        Message::text("in two pieces"),
        Message::binary(vec![9; 70_000]),
    ] {
        feed.send(message.clone()).unwrap();
        assert!(talk.watch.message().await == message);
    }
}

async fn hears_every_close_code_and_comes_back(foreign: Foreign) {
    let mut talk = Talk::with(foreign);
    for code in [1000, 1001, 1011, 1012, 3000, 4999] {
        let feed = talk.open(&format!("/close/{code}"), |_| {});
        talk.watch.ready().await;
        feed.send("close, please").unwrap();
        let Cause::Closed(frame) = talk.watch.retrying().await.cause else {
            panic!("not closed by the server");
        };
        assert_eq!((frame.code, &*frame.reason), (Some(code), "as you asked"));
        talk.watch.ready().await;
        let last = feed.status().await.unwrap().last_close.unwrap();
        assert_eq!((last.code, last.clean), (code, true));
        talk.manager.remove("feed").await.unwrap();
    }
}

async fn agrees_on_a_subprotocol(foreign: Foreign) {
    let mut talk = Talk::with(foreign);
    let feed = talk.open("/subprotocol", |settings| {
        settings.subprotocols = vec!["v2.feed".into(), "v1.feed".into()];
    });
    talk.watch.ready().await;
    let chosen = feed.status().await.unwrap().subprotocol;
    assert_eq!(chosen.as_deref(), Some("v1.feed"));
    feed.send("agreed").unwrap();
    talk.watch.text("agreed").await;
}

async fn is_told_of_a_refusal(foreign: Foreign) {
    let mut talk = Talk::with(foreign);
    let feed = talk.open("/reject-401", |settings| {
        with_backoff(settings, |backoff| {
            backoff.give_up_on = vec![GiveUpRule::Status(401..=401)];
        });
    });
    let failed = talk.watch.failed().await;
    assert_eq!(failed.cause.status(), Some(401));
    assert!(matches!(failed.rule, Rule::GiveUpOn(_)));
    assert!(feed.send("no").is_err());
}

async fn talks_over_tls_with_a_private_ca(foreign: Foreign) {
    let dir = TestDir::new("foreign-tls");
    let ca = PrivateCa::new(dir.path());
    let mut talk = Talk::over(foreign.start(Some(&ca)));
    let mut settings = quick(talk.server.tls_url("/echo"));
    settings.tls.ca_file = Some(ca.ca_file.clone());
    let feed = talk.manager.open("feed", settings).unwrap();
    let tls = talk
        .watch
        .until("opened", |update| match update.kind() {
            Some(EventKind::Opened(opened)) => Some(opened.timings.tls),
            _ => None,
        })
        .await;
    assert!(tls.is_some(), "no TLS handshake was timed");
    for message in [Message::text("secret"), Message::binary(vec![7; 1 << 20])] {
        feed.send(message.clone()).unwrap();
        assert!(talk.watch.message().await == message);
    }
    feed.close(1000, "").await.unwrap();
    assert!(talk.watch.closed().await.clean);
}

/// Each conversation with each server.
macro_rules! with_each_server {
    ($($conversation:ident),+ $(,)?) => {
        mod python {
            $(#[tokio::test]
            async fn $conversation() {
                super::$conversation(super::Foreign::Python).await;
            })+
        }
        mod node {
            $(#[tokio::test]
            async fn $conversation() {
                super::$conversation(super::Foreign::Node).await;
            })+
        }
    };
}

with_each_server! {
    echoes_text_and_binary_of_every_size,
    hears_a_feed_in_order,
    joins_fragments,
    hears_every_close_code_and_comes_back,
    agrees_on_a_subprotocol,
    is_told_of_a_refusal,
    talks_over_tls_with_a_private_ca,
}
