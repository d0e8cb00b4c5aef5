//! Interfaces that show different causes for one name.
//!
//! Reported: while `why` knew of close code 4003, `ls`, the page and the metrics each showed a
//! different error, usually an older one. All of them now read the status's `cause`.

use everwire::testing::{Peer, Script};
use serde_json::{Value, json};

use crate::service_support::{cli::done, http::Service};

fn start(test: &str) -> Service {
    Service::start(
        &format!("field-same-cause-{test}"),
        "allow_urls = ['ws://127.0.0.1:*']",
    )
}

/// A name that was refused with 503, and then gave up when its next socket was closed with 4003.
fn given_up(service: &Service, peer: &Peer) -> Value {
    let scripts = [
        Script::status(503),
        Script::sink().close(Some(4003), "not allowed"),
    ];
    peer.script_each("/feed", scripts);
    let settings = json!({
        "url": peer.url("/feed"),
        "reconnect": { "min": "1ms", "initial": "1ms", "max": "1ms", "give_up_on": ["close:4003"] },
    });
    service.put("feed", &settings);
    service.wait_for_state("feed", "failed")
}

#[test]
fn all_faces_show_the_cause_of_the_present_state() {
    let peer = Peer::spawn_thread().unwrap();
    let service = start("failed");
    let status = given_up(&service, &peer);
    let text = "the peer closed: 4003 \"not allowed\"";
    assert_eq!(status["cause"]["text"], text, "{status}");

    let list = service.get("/v1/connections?match=feed").json();
    assert_eq!(list["connections"][0]["cause"], status["cause"]);
    let why = service.get("/v1/connections/feed/why").json();
    assert_eq!(
        (&why["cause"], &why["rule"]),
        (&status["cause"], &status["cause"]["rule"]),
        "{why:#}"
    );
    for args in [&["ls"][..], &["status", "feed"], &["why", "feed"]] {
        let told = done(&service, args);
        assert!(told.contains(text), "{args:?}: {told}");
    }
    let listed = done(&service, &["ls"]);
    assert!(!listed.contains("503"), "{listed}");

    let schema = service.get("/openapi.json").json();
    let schema = &schema["components"]["schemas"];
    for of in ["Status", "Why"] {
        assert!(schema[of]["properties"]["cause"].is_object(), "{of}");
    }
    let members = schema["StateCause"]["properties"].as_object().unwrap();
    let members: Vec<_> = members.keys().map(String::as_str).collect();
    assert_eq!(members, ["at", "kind", "rule", "text"]);
}

#[test]
fn a_reconnect_is_counted_alike_in_the_status_the_metrics_and_the_commands() {
    let peer = Peer::spawn_thread().unwrap();
    let service = start("reconnects");
    service.put("steady", &json!({ "url": peer.url("/echo") }));
    service.wait_for_state("steady", "open");
    let status = given_up(&service, &peer);
    assert_eq!(status["reconnects"], 1, "{status}");
    let metrics = service.get("/metrics").body;
    let counted: Vec<_> = metrics
        .lines()
        .filter(|line| line.starts_with("everwire_reconnects_total{"))
        .collect();
    // No dial followed the loss on which it gave up.
    let expected = "everwire_reconnects_total{name=\"feed\",cause=\"handshake_status\"} 1";
    assert_eq!(counted, [expected]);
    for (name, line) in [("steady", "reconnects    0"), ("feed", "reconnects    1")] {
        let told = done(&service, &["status", name]);
        assert!(told.contains(line), "{told}");
    }
}

#[test]
fn a_name_that_is_up_shows_no_rule_and_one_that_was_closed_by_hand_says_so() {
    let peer = Peer::spawn_thread().unwrap();
    let service = start("up");
    peer.script_each("/feed", [Script::status(503), Script::echo()]);
    service.put("feed", &json!({ "url": peer.url("/feed") }));
    service.wait_for_state("feed", "open");
    let why = service.get("/v1/connections/feed/why").json();
    assert_eq!(
        (&why["cause"], &why["rule"]),
        (&Value::Null, &Value::Null),
        "{why:#}"
    );
    let told = done(&service, &["why", "feed"]);
    assert!(!told.contains("decided by"), "{told}");
    service.post("/v1/connections/feed/close", "");
    service.wait_for_state("feed", "closed");
    let told = done(&service, &["ls"]);
    assert!(told.contains("closed by hand"), "{told}");
}
