use std::time::{Duration, Instant};

use actix::System;
use awc::{Client, ClientResponse, http::StatusCode};
use everwire::{
    ConnectionSettings, Manager, Pattern, Settings, State,
    config::{Reconnect, Template},
    testing::Peer,
};
use serde_json::{Value, json};

use super::*;
use crate::service::rules::Rules;

const SOON: Duration = Duration::from_secs(15);

/// A manager with its HTTP service.
struct Rig {
    manager: Manager,
    server: Server,
    url: String,
}

impl Rig {
    fn new() -> Self {
        let settings = Settings::default();
        let manager = Manager::start(settings.clone()).unwrap();
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = AppState::new(
            manager.clone(),
            settings.service.clone(),
            Rules::of(&settings),
            None,
        );
        let server = start(listener, web::Data::new(state), Serves::Everything, None).unwrap();
        Self {
            manager,
            server,
            url,
        }
    }

    /// A name that is never dialled.
    fn idle(&self, name: &str, tags: &[&str]) {
        let mut settings = ConnectionSettings::new("ws://127.0.0.1:1/").unwrap();
        settings.enabled = false;
        settings.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        self.manager.open(name, settings).unwrap();
    }

    async fn get(&self, path: &str) -> (StatusCode, String, Value) {
        let request = Client::default().get(format!("{}{path}", self.url));
        let request = request.timeout(SOON);
        parts(request.send().await.unwrap()).await
    }

    /// Puts or deletes a subscription of `stuck`.
    async fn change(&self, method: &str, key: &str) -> (StatusCode, String, Value) {
        let url = format!("{}/v1/connections/stuck/subscriptions/{key}", self.url);
        let request = Client::default().request(method.parse().unwrap(), url);
        parts(request.timeout(SOON).send().await.unwrap()).await
    }

    /// The names in the answer to a list, and its cursor.
    async fn names(&self, query: &str) -> (Vec<String>, Value) {
        let (status, _, page) = self.get(&format!("/v1/connections?{query}")).await;
        assert_eq!(status, 200, "{page}");
        let names = page["connections"].as_array().unwrap().iter();
        let names = names.map(|status| status["name"].as_str().unwrap().to_owned());
        (names.collect(), page["next_cursor"].clone())
    }

    async fn end(self) {
        self.manager.shutdown(Duration::from_secs(5)).await;
        self.server.stop().await;
    }
}

async fn parts<S>(mut response: ClientResponse<S>) -> (StatusCode, String, Value)
where
    S: futures::Stream<Item = Result<bytes::Bytes, awc::error::PayloadError>> + Unpin,
{
    let content_type = response.headers().get("content-type");
    let content_type = content_type
        .map_or("", |value| value.to_str().unwrap())
        .to_owned();
    let body = response.body().await.unwrap();
    let body = if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&body).unwrap()
    };
    (response.status(), content_type, body)
}

fn in_system(test: impl Future<Output = ()>) {
    System::new().block_on(test);
}

/// Asserts that an answer is a problem with this status and text.
fn assert_problem(
    (status, content_type, body): (StatusCode, String, Value),
    code: u16,
    detail: &str,
) {
    assert_eq!(
        (status.as_u16(), &*content_type),
        (code, "application/problem+json"),
        "{body}"
    );
    assert_eq!(body["status"], code);
    assert_eq!(body["type"], "about:blank");
    assert_eq!(
        body["title"],
        StatusCode::from_u16(code)
            .unwrap()
            .canonical_reason()
            .unwrap()
    );
    assert!(body["detail"].as_str().unwrap().contains(detail), "{body}");
}

#[test]
fn the_process_says_that_it_is_alive() {
    in_system(async {
        let rig = Rig::new();
        let (status, content_type, body) = rig.get("/healthz").await;
        assert_eq!((status.as_u16(), &*content_type), (200, "application/json"));
        assert_eq!(body, json!({ "status": "ok" }));
        let head = Client::default()
            .head(format!("{}/healthz", rig.url))
            .send()
            .await;
        let (status, _, body) = parts(head.unwrap()).await;
        assert_eq!((status.as_u16(), body), (200, Value::Null));
        rig.end().await;
    });
}

#[test]
fn the_status_of_one_has_the_shape_of_the_contract() {
    in_system(async {
        let peer = Peer::start().await.unwrap();
        let rig = Rig::new();
        let settings = ConnectionSettings::new(peer.url("/echo")).unwrap();
        let feed = rig.manager.open("feed", settings).unwrap();
        let until = Instant::now() + SOON;
        while feed.status().await.unwrap().state != State::Open {
            assert!(Instant::now() < until, "not open in time");
            actix_rt::task::yield_now().await;
        }
        let (status, _, body) = rig.get("/v1/connections/feed").await;
        assert_eq!(status, 200);
        assert_eq!(
            (&body["name"], &body["state"], &body["ready_state"]),
            (&json!("feed"), &json!("open"), &json!(1))
        );
        for key in [
            "ready",
            "url",
            "subprotocol",
            "tags",
            "since",
            "epoch",
            "incarnation",
            "attempt",
            "retry_at",
            "cause",
            "reconnects",
            "last_error",
            "last_close",
            "rtt_ms",
            "sent",
            "received",
            "outbox",
            "sessions",
            "subscribers",
        ] {
            assert!(body.get(key).is_some(), "{key} is missing: {body}");
        }
        rig.end().await;
        peer.stop().await;
    });
}

#[test]
fn a_list_is_cut_into_pages_in_the_order_of_names() {
    in_system(async {
        let rig = Rig::new();
        for name in ["b", "a", "d", "c", "e"] {
            rig.idle(name, &[]);
        }
        let (first, cursor) = rig.names("limit=2").await;
        assert_eq!(
            (first, &cursor),
            (vec!["a".into(), "b".into()], &json!("b"))
        );
        // Changes of names on earlier pages shift nothing.
        rig.manager.remove("b").await.unwrap();
        rig.idle("a2", &[]);
        let (second, cursor) = rig.names("limit=2&cursor=b").await;
        assert_eq!(
            (second, &cursor),
            (vec!["c".into(), "d".into()], &json!("d"))
        );
        let (third, cursor) = rig.names("limit=2&cursor=d").await;
        assert_eq!((third, cursor), (vec!["e".into()], Value::Null));
        let (all, cursor) = rig.names("limit=5").await;
        assert_eq!((all.len(), cursor), (5, Value::Null));
        rig.end().await;
    });
}

#[test]
fn a_list_is_filtered_by_pattern_tag_and_state() {
    in_system(async {
        let rig = Rig::new();
        rig.idle("x.1", &["red"]);
        rig.idle("x.2", &["blue", "red"]);
        rig.idle("y.1", &["blue"]);
        let mut settings = ConnectionSettings::new("ws://127.0.0.1:1/").unwrap();
        settings.reconnect = Reconnect::Never;
        let failed = rig.manager.open("z.1", settings).unwrap();
        let until = Instant::now() + SOON;
        while failed.status().await.unwrap().state != State::Failed {
            assert!(Instant::now() < until, "not failed in time");
            actix_rt::task::yield_now().await;
        }
        for (query, names) in [
            ("match=x.*", vec!["x.1", "x.2"]),
            ("tag=red", vec!["x.1", "x.2"]),
            ("tag=blue&match=y*", vec!["y.1"]),
            ("state=failed", vec!["z.1"]),
            ("state=idle&tag=blue", vec!["x.2", "y.1"]),
            ("state=failed,idle", vec!["x.1", "x.2", "y.1", "z.1"]),
            ("state=idle&limit=1&cursor=x.2", vec!["y.1"]),
            ("match=nobody", vec![]),
        ] {
            assert_eq!(rig.names(query).await.0, names, "{query}");
        }
        // After the last idle name there is only one that does not match.
        assert_eq!(
            rig.names("state=idle&limit=1&cursor=x.2").await.1,
            Value::Null
        );
        rig.end().await;
    });
}

#[test]
fn what_is_wrong_is_told_as_a_problem() {
    in_system(async {
        let rig = Rig::new();
        assert_problem(
            rig.get("/v1/connections/nobody").await,
            404,
            "no connection named \"nobody\"",
        );
        assert_problem(
            rig.get("/v1/connections/nobody/config").await,
            404,
            "nobody",
        );
        assert_problem(rig.get("/v2").await, 404, "no such path");
        assert_problem(rig.get("/v1/connections?limit=0").await, 400, "1 to 1000");
        assert_problem(
            rig.get("/v1/connections?colour=red").await,
            400,
            "unknown parameter",
        );
        let post = Client::default()
            .post(format!("{}/healthz", rig.url))
            .send()
            .await
            .unwrap();
        assert_eq!(post.headers().get("allow").unwrap(), "GET, HEAD");
        assert_problem(parts(post).await, 405, "POST is not allowed here");
        rig.end().await;
    });
}

#[test]
fn a_page_of_another_host_gets_no_answer() {
    in_system(async {
        let rig = Rig::new();
        rig.idle("feed", &[]);
        for path in [
            "/healthz",
            "/v1/connections",
            "/v1/connections/feed",
            "/nowhere",
        ] {
            let request = Client::default().get(format!("{}{path}", rig.url));
            let response = request
                .insert_header(("Host", "rebound.example:9180"))
                .send()
                .await;
            assert_problem(parts(response.unwrap()).await, 403, "Host");
        }
        let request = Client::default().get(format!("{}/healthz", rig.url));
        let response = request.insert_header(("Host", "localhost:1")).send().await;
        assert_eq!(response.unwrap().status(), 200);
        rig.end().await;
    });
}

#[test]
fn settings_are_shown_without_their_secrets() {
    in_system(async {
        let rig = Rig::new();
        let mut settings = ConnectionSettings::new("ws://127.0.0.1:1/").unwrap();
        settings.enabled = false;
        settings.headers.push((
            "Authorization".into(),
            Template::literal("Bearer sesame").into(),
        ));
        rig.manager.open("feed", settings).unwrap();
        let (status, _, body) = rig.get("/v1/connections/feed/config").await;
        assert_eq!(status, 200);
        assert_eq!(body["headers"]["Authorization"], "***");
        assert!(!body.to_string().contains("sesame"), "{body}");
        rig.end().await;
    });
}

#[test]
fn connections_that_do_not_answer_are_told() {
    in_system(async {
        let rig = Rig::new();
        rig.idle("stuck", &[]);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = std::sync::Mutex::new(held);
        // A callback that blocks its arbiter until it is released.
        let _guard = rig.manager.on_event(Pattern::all(), move |_| {
            let _released = held.lock().unwrap().recv();
        });
        let handle = rig.manager.find("stuck").unwrap();
        let connect = actix::spawn(async move { handle.connect(None).await });
        let until = Instant::now() + SOON;
        let refused = loop {
            let answer = rig.get("/v1/connections/stuck").await;
            if answer.0 != StatusCode::OK {
                break answer;
            }
            assert!(Instant::now() < until, "it answers all the time");
        };
        assert_problem(refused, 503, "the connections do not answer");
        drop(release);
        connect.await.unwrap().unwrap();
        rig.end().await;
    });
}

/// A subscription for a connection that does not answer: the answer is true, then and later.
#[test]
fn a_subscription_is_not_held_unless_the_answer_says_so() {
    const FILE: &str = "[connections.stuck]\nurl = 'ws://127.0.0.1:1/'\nenabled = false\nsubscribe = { on = '${item}' }";
    in_system(async {
        let rig = Rig::new();
        let mut settings = Settings::from_toml(FILE).unwrap();
        let stuck = settings.connections.remove("stuck").unwrap();
        let handle = rig.manager.open("stuck", stuck).unwrap();
        assert_eq!(rig.change("PUT", "old").await.0, 201);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = std::sync::Mutex::new(held);
        let guard = rig.manager.on_event(Pattern::all(), move |_| {
            let _released = held.lock().unwrap().recv();
        });
        let connecting = handle.clone();
        let connect = actix::spawn(async move { connecting.connect(None).await });
        while rig.get("/v1/connections/stuck").await.0 == StatusCode::OK {}
        let put = rig.change("PUT", "new").await;
        assert_problem(put, 503, "\"new\" is not held");
        let again = rig.change("PUT", "old").await;
        assert_problem(again, 503, "\"old\" is held as before");
        drop(release);
        connect.await.unwrap().unwrap();
        drop(guard);
        let keys = async || {
            let all = handle.subscriptions().await.unwrap();
            all.iter()
                .map(|one| one.key.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(keys().await, ["old"]);
        assert_eq!(rig.change("DELETE", "new").await.0, 404);
        assert_eq!(rig.change("PUT", "new").await.0, 201);
        assert_eq!(keys().await, ["old", "new"]);
        rig.end().await;
    });
}
