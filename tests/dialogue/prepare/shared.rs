//! Names that share what is done before their dials.

use super::*;

/// Names `a` to `c` with these keys, which share what `[prepare.login]` says.
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
    let http = tokens(Duration::from_millis(100));
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

    // Without `keep` only those share it that wait for it.
    let http = tokens(Duration::from_millis(100));
    let (manager, mut watch) = three("0s", keys, &http.url(), &server.url());
    for _ in 0..3 {
        watch.ready().await;
    }
    let calls = http.requests().len();
    assert!(calls < 3, "{calls}");
    manager.find("a").unwrap().rotate().await.unwrap();
    watch
        .until("a rotation", |update| {
            matches!(update.kind(), Some(EventKind::Rotated(_))).then_some(())
        })
        .await;
    assert_eq!(http.requests().len(), calls + 1);
}

#[tokio::test]
async fn what_a_peer_refuses_is_thrown_away_once() {
    let http = tokens(Duration::ZERO);
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
    let http = tokens(Duration::ZERO);
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
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let http = Http::start(move |_, stream| {
        count.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(50));
        respond(
            stream,
            "503 Service Unavailable",
            &["Retry-After: 2"],
            "later",
        )
    });
    let server = echo();
    let (_manager, mut watch) = three("1h", "url = \"WS${token}\"", &http.url(), &server.url());
    let begun = Instant::now();
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
    if begun.elapsed() < Duration::from_secs(2) {
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }
}
