//! A process with a limit on open files that is too low for its names.
//!
//! Reported: the sockets of the names took all descriptors. The service could accept no client, so
//! nobody could ask it for the cause, and nothing could be stored.

use std::process::Command;

use everwire::testing::Peer;
use serde_json::json;

use crate::service_support::{
    Running,
    http::{Client, Service},
};

const LIMIT: usize = 160;

#[test]
fn dials_leave_descriptors_for_the_api_and_the_store() {
    let peer = Peer::spawn_thread().unwrap();
    let test = "field-few-descriptors";
    let keys = format!(
        "allow_urls = ['ws://127.0.0.1:*']\n[defaults]\nurl = '{}'\nreconnect = {{ initial = '200ms', max = '200ms' }}\n{}",
        peer.url("/echo"),
        (0..LIMIT)
            .map(|n| format!("[connections.n{n}]\n"))
            .collect::<String>()
    );
    let config = Service::configure(test, &keys);
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("ulimit -n {LIMIT} && exec \"$@\""), "sh"])
        .arg(env!("CARGO_BIN_EXE_everwire"))
        .args(["run", config.to_str().unwrap()])
        .env_remove("EVERWIRE_CONFIG");
    let mut running = Running::spawn(command);
    let up = running.event("everwire is up", None);
    let client = Client::plain(up["listen"].as_str().unwrap());
    running.line("a dial that found no descriptor", |line| {
        line.contains("no descriptor is left for a dial")
    });
    // Each of them keeps another client open.
    let held: Vec<_> = (0..16)
        .map(|_| std::net::TcpStream::connect(&client.listen).unwrap())
        .collect();
    assert_eq!(client.get("/healthz").status, 200);
    let durable =
        json!({ "url": peer.url("/echo"), "enabled": false, "outbox": { "durable": true } });
    assert_eq!(client.put("late", &durable).status, 201);
    assert_eq!(client.post("/v1/connections/late/send", "kept").status, 200);
    let listed = client.get("/v1/connections?limit=1000").json();
    let listed = listed["connections"].as_array().unwrap();
    let open = listed
        .iter()
        .filter(|status| status["state"] == "open")
        .count();
    let told = |status: &&serde_json::Value| {
        status["cause"]["text"]
            .as_str()
            .is_some_and(|text| text.contains("no descriptor is left"))
    };
    let waiting = listed.iter().filter(told).count();
    assert!(open > 0 && waiting > 0, "{open} {waiting}");
    drop(held);
}
