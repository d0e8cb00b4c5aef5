//! Names that share their `prepare` steps.

use std::sync::{Mutex, mpsc};

use super::*;

/// Waits until three names ask for the shared value: the later ones wait for the call of the first.
async fn all_ask(manager: &Manager) {
    for name in ["a", "b", "c"] {
        let handle = manager.find(name).unwrap();
        wait_for("a name that asks", async || {
            let status = handle.status().await.unwrap();
            status.preparing.ok_or(status.state)
        })
        .await;
    }
}

/// A server whose answers wait for a permit. It answers with `{"token":"t-0"}` and so on.
fn held(status: &'static str, headers: &'static [&'static str]) -> (Http, mpsc::Sender<()>) {
    let (let_go, held) = mpsc::channel();
    let held = Mutex::new(held);
    let http = Http::start(move |request, stream| {
        // Without a sender it does not wait.
        let _may = held.lock().unwrap().recv();
        let body = format!(r#"{{"token":"t-{}"}}"#, request.number);
        respond(stream, status, headers, &body)
    });
    (http, let_go)
}

/// Names `a` to `c` with these keys, which share `[prepare.login]`.
fn three(keep: &str, keys: &str, http: &str, ws: &str) -> (Manager, Watch) {
    let names: String = ["a", "b", "c"]
        .map(|name| format!("[connections.{name}]\n{QUICK}{keys}\nprepare = \"login\"\n"))
        .concat();
    let text = format!(
        "[prepare.login]\nkeep = \"{keep}\"\nsteps = [{{ http = {{ url = \"HTTP/\" }}, capture = {{ token = \"/token\" }} }}]\n{names}"
    );
    let settings = all(&text, http, ws);
    let manager = one_arbiter();
    let watch = Watch::new(&manager, "*");
    for (name, settings) in settings.connections {
        manager.open(name, settings).unwrap();
    }
    (manager, watch)
}

#[tokio::test]
async fn names_share_one_call_as_long_as_its_result_is_kept() {
    let http = tokens();
    let server = Server::start(|line| {
        line.say(format!("at {}", line.path))?;
        line.until_gone()
    });
    let keys = "url = \"WS${token}\"";
    let (manager, mut watch) = three("1h", keys, &http.url(), &server.url());
    for _ in 0..3 {
        watch.text("at /t-0").await;
    }
    manager.find("a").unwrap().rotate().await.unwrap();
    watch.text("at /t-0").await;
    assert_eq!(http.requests().len(), 1);

    // Without `keep`, only the names that wait at the same time share it.
    let (http, let_go) = held("200 OK", &[]);
    let (manager, mut watch) = three("0s", keys, &http.url(), &server.url());
    all_ask(&manager).await;
    drop(let_go);
    for _ in 0..3 {
        watch.ready().await;
    }
    assert_eq!(http.requests().len(), 1);
    manager.find("a").unwrap().rotate().await.unwrap();
    watch
        .until("a rotation", |update| {
            matches!(update.kind(), Some(EventKind::Rotated(_))).then_some(())
        })
        .await;
    assert_eq!(http.requests().len(), 2);
}

#[tokio::test]
async fn what_a_peer_refuses_is_thrown_away_once() {
    let http = tokens();
    let server = Server::guarded(
        |request| match request.uri().path() {
            "/t-0" => Err(403),
            _ => Ok(None),
        },
        |line| {
            line.say(format!("at {}", line.path))?;
            line.until_gone()
        },
    );
    let (_manager, mut watch) = three("1h", "url = \"WS${token}\"", &http.url(), &server.url());
    for _ in 0..3 {
        watch.text("at /t-1").await;
    }
    assert_eq!(http.requests().len(), 2);
}

#[tokio::test]
async fn a_script_that_fails_with_it_throws_it_away() {
    let http = tokens();
    let server = Server::start(|line| {
        let said = line.hear()?;
        line.say(match said["token"] == "t-0" {
            true => r#"{"error":"expired"}"#,
            false => r#"{"ok":true}"#,
        })?;
        line.until_gone()
    });
    let keys = r#"url = "WS"
open_script = [{ send = '{"token":"${token}"}', expect = "/ok", fail = "/error" }]"#;
    let (_manager, mut watch) = three("1h", keys, &http.url(), &server.url());
    for _ in 0..3 {
        watch.ready().await;
    }
    assert_eq!(http.requests().len(), 2);
}

#[tokio::test]
async fn a_shared_call_that_fails_is_not_repeated_by_each_name() {
    let (http, let_go) = held("503 Service Unavailable", &["Retry-After: 3600"]);
    let server = echo();
    let (manager, mut watch) = three("1h", "url = \"WS${token}\"", &http.url(), &server.url());
    all_ask(&manager).await;
    drop(let_go);
    for _ in 0..3 {
        let retrying = watch
            .until("a retry", |update| match update.kind() {
                Some(EventKind::Retrying(retrying)) => Some(retrying.clone()),
                _ => None,
            })
            .await;
        assert!(
            retrying.rule.to_string().starts_with("retry-after"),
            "{retrying:?}"
        );
        assert!(
            retrying
                .cause
                .to_string()
                .contains("step 1 of [prepare.login]"),
            "{retrying:?}"
        );
    }
    assert_eq!(http.requests().len(), 1);
}
