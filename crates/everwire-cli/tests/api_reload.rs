//! The configuration is read again: some settings change, and others stay.

mod service_support;

use std::{fs, path::PathBuf};

use everwire::testing::Peer;
use serde_json::{Value, json};
use service_support::http::{JSON, Service};

/// The file of a service that [`Service::start`] has started, with other keys.
fn rewrite(test: &str, keys: &str) -> PathBuf {
    Service::configure(test, keys)
}

fn connection(name: &str, url: &str, keys: &str) -> String {
    format!("[connections.{name}]\nurl = '{url}'\n{keys}\n")
}

fn incarnation(service: &Service, name: &str) -> u64 {
    let status = service.wait_for_state(name, "open");
    status["incarnation"].as_u64().unwrap()
}

#[test]
fn a_reload_changes_what_differs_and_nothing_else() {
    let peer = Peer::spawn_thread().unwrap();
    let (echo, test) = (peer.url("/echo"), "reload-plan");
    let before = ["same", "tagged", "moved", "gone"].map(|name| connection(name, &echo, ""));
    let service = Service::start(test, &before.concat());
    let [same, tagged, moved, _] =
        ["same", "tagged", "moved", "gone"].map(|name| incarnation(&service, name));

    let after = [
        connection("same", &echo, ""),
        connection("tagged", &echo, "tags = ['t']\nidle_timeout = '1h'"),
        connection("moved", &echo, "headers = { X-Version = '2' }"),
        connection("new", &echo, ""),
    ];
    rewrite(test, &format!("drain_timeout = '9s'\n{}", after.concat()));
    let expected = |done: bool| {
        json!({
            "done": done,
            "untouched": ["same"],
            "applied": [{ "name": "tagged", "keys": ["tags", "idle_timeout"] }],
            "rotated": [{ "name": "moved", "keys": ["headers"] }],
            "added": ["new"],
            "removed": ["gone"],
            "service": [],
            "restart": ["drain_timeout"],
            "failed": [],
        })
    };
    let plan = service.post("/v1/reload?plan=true", "");
    assert_eq!((plan.status, plan.json()), (200, expected(false)));
    assert_eq!(service.status("tagged")["tags"], json!([]));
    assert_eq!(service.get("/v1/connections/new").status, 404);

    let done = service.post("/v1/reload", "");
    assert_eq!((done.status, done.json()), (200, expected(true)));
    incarnation(&service, "new");
    assert_eq!(service.get("/v1/connections/gone").status, 404);
    assert_eq!(service.status("tagged")["tags"], json!(["t"]));
    service.wait_for("moved", "another socket", |status| {
        status["incarnation"].as_u64() > Some(moved) && status["state"] == "open"
    });
    assert_eq!(incarnation(&service, "same"), same);
    assert_eq!(incarnation(&service, "tagged"), tagged);

    let again = service.post("/v1/reload?plan=false", "").json();
    let untouched = json!(["moved", "new", "same", "tagged"]);
    assert_eq!(
        (&again["untouched"], &again["restart"]),
        (&untouched, &json!(["drain_timeout"]))
    );
}

#[test]
fn an_invalid_file_changes_nothing_and_says_all_that_is_wrong() {
    let test = "reload-invalid";
    let idle = connection("a", "ws://127.0.0.1:1/", "enabled = false");
    let service = Service::start(test, &idle);
    rewrite(
        test,
        "[connections.a]\nurl = 'http://x'\nhearbeat = 1\n[connections.b]\nurl = 'ws://127.0.0.1:1/'",
    );
    for target in ["/v1/reload", "/v1/reload?plan=true"] {
        let problem = service.post(target, "").problem(422, "nothing was changed");
        let errors = problem["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 2, "{problem}");
        assert!(errors.iter().all(|error| error["line"].is_u64()));
    }
    assert_eq!(service.get("/v1/connections/b").status, 404);
    assert_eq!(service.status("a")["url"], "ws://127.0.0.1:1/");
    for wrong in ["plan=yes", "plan=true&plan=true", "plna=true"] {
        assert_eq!(service.post(&format!("/v1/reload?{wrong}"), "").status, 400);
    }
}

#[test]
fn what_the_api_created_and_what_was_closed_by_hand_survives_reload_and_restart() {
    let peer = Peer::spawn_thread().unwrap();
    let test = "reload-survives";
    let keys = format!(
        "allow_urls = ['ws://127.0.0.1:*']\n{}",
        connection("mine", &peer.url("/echo"), "")
    );
    let service = Service::start(test, &keys);
    let url = peer.url("/echo");
    let secret = service.ask("PUT", "/v1/secrets/key", &[], b"s3cret");
    assert_eq!(secret.status, 201, "{secret:?}");
    let settings = json!({ "url": url, "tags": ["api"], "headers": { "X-Key": "${secret:key}" } });
    assert_eq!(service.put("theirs", &settings).status, 201);
    assert_eq!(service.put("short", &settings).status, 201);
    service.wait_for_state("theirs", "open");
    service.wait_for_state("mine", "open");
    let closed = service.ask("POST", "/v1/connections/mine/close", &[JSON], b"{}");
    assert_eq!(closed.status, 202, "{closed:?}");
    service.wait_for_state("mine", "closed");

    let reloaded = service.post("/v1/reload", "").json();
    assert_eq!(
        reloaded["untouched"],
        json!(["mine", "short", "theirs"]),
        "{reloaded}"
    );
    assert_eq!(service.status("mine")["state"], "closed");
    assert_eq!(service.delete("/v1/connections/short").status, 204);
    assert!(!service.end().contains("s3cret"));

    let service = Service::start(test, &keys);
    let theirs = service.wait_for_state("theirs", "open");
    assert_eq!(theirs["tags"], json!(["api"]));
    assert_eq!(service.status("mine")["state"], "closed");
    assert_eq!(service.get("/v1/connections/short").status, 404);

    // The file takes the name over and owns it from then on.
    rewrite(
        test,
        &format!("{keys}\n{}", connection("theirs", &url, "tags = ['file']")),
    );
    let reloaded = service.post("/v1/reload", "").json();
    assert_eq!(reloaded["rotated"][0]["name"], "theirs", "{reloaded}");
    assert_eq!(service.status("theirs")["tags"], json!(["file"]));
    service.put("theirs", &settings).problem(409, "file owns");
    rewrite(test, &keys);
    let reloaded = service.post("/v1/reload", "").json();
    assert_eq!(reloaded["removed"], json!(["theirs"]), "{reloaded}");
    assert!(!service.end().contains("s3cret"));
}

#[test]
fn what_was_answered_is_on_disk_whatever_happens_next() {
    let test = "reload-killed";
    let keys = format!(
        "allow_urls = ['ws://127.0.0.1:*']\n{}",
        connection("mine", "ws://127.0.0.1:1", "")
    );
    let settings = json!({ "url": "ws://127.0.0.1:1/${secret:key}" });
    let lives = |act: &dyn Fn(&Service)| {
        let service = Service::start(test, &keys);
        act(&service);
        service.kill();
    };
    lives(&|service| {
        let put = service.ask("PUT", "/v1/secrets/key", &[], b"s3cret");
        assert_eq!(put.status, 201, "{put:?}");
    });
    lives(&|service| assert_eq!(service.put("theirs", &settings).status, 201));
    lives(&|service| {
        assert_eq!(service.status("theirs")["url"], settings["url"]);
        // The secret is there: the dial reaches the network.
        service.wait_for("theirs", "a dial", |status| {
            status["last_error"]["kind"] == "refused"
        });
        assert_eq!(
            service.post("/v1/close?match=mine", "{}").json()["changed"],
            1
        );
    });
    lives(&|service| {
        assert_eq!(service.status("mine")["state"], "closed");
        assert_eq!(service.delete("/v1/connections/theirs").status, 204);
    });
    lives(&|service| {
        assert_eq!(service.get("/v1/connections/theirs").status, 404);
        assert_eq!(service.post("/v1/connections/mine/connect", "").status, 202);
    });
    lives(&|service| assert_ne!(service.status("mine")["state"], "closed"));
}

#[test]
fn tokens_and_what_the_api_may_dial_change_with_a_reload() {
    let test = "reload-access";
    let token = |secret: &str| {
        format!(
            "[[service.tokens]]\nname = 'all'\nsecret = '{secret}'\n[[service.tokens]]\nname = 'some'\nsecret = 'n4rrow'\nnames = 'acme-*'"
        )
    };
    let service = Service::start(test, &token("first"));
    let post = |secret: &str| {
        let bearer = format!("Bearer {secret}");
        service.ask("POST", "/v1/reload", &[("Authorization", &bearer)], b"")
    };
    post("n4rrow").problem(403, "concerns all names");
    rewrite(
        test,
        &format!("allow_urls = ['ws://127.0.0.1:*']\n{}", token("second")),
    );
    let reloaded = post("first").json();
    assert_eq!(reloaded["service"], json!(["tokens", "allow_urls"]));
    post("first").problem(401, "unknown token");
    let put = service.ask(
        "PUT",
        "/v1/connections/a",
        &[JSON, ("Authorization", "Bearer second")],
        br#"{ "url": "ws://127.0.0.1:1/", "enabled": false }"#,
    );
    assert_eq!(put.status, 201, "{put:?}");

    // Access without tokens keeps its protection.
    rewrite(test, "workers = 1\nmetrics = { listen = '127.0.0.1:0' }");
    let reloaded = post("second").json();
    assert_eq!(
        (&reloaded["service"], &reloaded["restart"]),
        (
            &json!(["allow_urls"]),
            &json!(["workers", "tokens", "metrics"])
        ),
        "{reloaded}"
    );
    post("nobody").problem(401, "unknown token");
}

#[test]
fn enabled_is_an_order_when_it_changes() {
    let peer = Peer::spawn_thread().unwrap();
    let test = "reload-enabled";
    let written =
        |enabled: bool| connection("a", &peer.url("/echo"), &format!("enabled = {enabled}"));
    let service = Service::start(test, &written(false));
    assert_eq!(service.status("a")["state"], "idle");
    rewrite(test, &written(true));
    service.post("/v1/reload", "");
    service.wait_for_state("a", "open");
    rewrite(test, &written(false));
    let reloaded: Value = service.post("/v1/reload", "").json();
    assert_eq!(reloaded["applied"][0]["keys"], json!(["enabled"]));
    service.wait_for_state("a", "closed");
}

#[test]
fn a_hangup_and_a_changed_file_have_it_read_again() {
    let test = "reload-triggers";
    let idle = |name: &str| connection(name, "ws://127.0.0.1:1/", "enabled = false");
    let mut service = Service::start(test, &format!("watch = true\n{}", idle("a")));
    let path = rewrite(test, &format!("watch = true\n{}", idle("b")));
    let told = service.running.event("configuration reloaded", None);
    assert_eq!(
        (&told["trigger"], &told["added"], &told["removed"]),
        (&json!("watch"), &json!(1), &json!(1))
    );

    // Editors replace files like this.
    let draft = path.with_extension("new");
    fs::write(&draft, "nonsense").unwrap();
    fs::rename(&draft, &path).unwrap();
    service.running.event(
        "the configuration is invalid, and nothing was changed",
        None,
    );
    assert_eq!(service.status("b")["state"], "idle");
    service.end();

    let test = "reload-hangup";
    let mut service = Service::start(test, &idle("a"));
    rewrite(test, &idle("b"));
    service.running.signal("HUP");
    let told = service.running.event("configuration reloaded", None);
    assert_eq!(told["trigger"], "SIGHUP");
    assert_eq!(service.status("b")["state"], "idle");
    service.end();
}
