//! Unmodified client libraries with their own servers: each connects directly and through the raw
//! bridge, at the same time and in one process. The server is restarted, killed and frozen, and the
//! connection is rotated: the bridged client must be back as soon as the direct one.
//!
//! Both have the same settings: half a second between attempts, and a heartbeat of a second if the
//! library has one.
#![cfg(unix)]

mod driver;
mod program;
#[path = "../service_support/mod.rs"]
mod service_support;
mod stage;
#[path = "../../../../tests/support/mod.rs"]
mod support;

use serde_json::json;

use crate::{
    driver::{node, python},
    program::{
        Program, epmd, free_port, ganache, mosquitto, nats, node_server, ocpp_central, rabbitmq,
    },
    stage::Case,
    support::TestDir,
};

#[test]
fn mqtt_js_over_mosquitto() {
    Case {
        name: "mqtt.js",
        client: node("mqtt.js"),
        server: Box::new(mosquitto),
        path: "/",
        upstream: "/",
        appended: "",
        keys: json!({ "subprotocols": ["mqtt"], "on_open": [{ "base64": MQTT_CONNECT }] }),
    }
    .run();
}

#[test]
fn paho_over_mosquitto() {
    Case {
        name: "paho",
        client: python("paho"),
        server: Box::new(mosquitto),
        path: "/",
        upstream: "/",
        appended: "",
        keys: json!({ "subprotocols": ["mqtt"], "on_open": [{ "base64": MQTT_CONNECT }] }),
    }
    .run();
}

/// CONNECT of MQTT 3.1.1, with a clean session, no keep-alive and no identifier.
const MQTT_CONNECT: &str = "EAwABE1RVFQEAgAAAAA=";

#[test]
fn graphql_ws() {
    Case {
        name: "graphql-ws",
        client: node("graphql-ws"),
        server: Box::new(|_, port| node_server("graphql-ws", port)),
        path: "/graphql",
        upstream: "/graphql",
        appended: "",
        keys: json!({
            "subprotocols": ["graphql-transport-ws"],
            "on_open": ["{\"type\":\"connection_init\"}"],
        }),
    }
    .run();
}

#[test]
fn socket_io() {
    Case {
        name: "socket.io-client",
        client: node("socket.io-client"),
        server: Box::new(|_, port| node_server("socket.io", port)),
        path: "/socket.io",
        upstream: "/socket.io/?EIO=4&transport=websocket",
        appended: "",
        keys: json!({ "on_open": ["40"] }),
    }
    .run();
}

#[test]
fn ethers_over_ganache() {
    Case {
        name: "ethers",
        client: node("ethers"),
        server: Box::new(ganache),
        path: "/",
        upstream: "/",
        appended: "",
        keys: json!({}),
    }
    .run();
}

#[test]
fn ocpp_of_python() {
    Case {
        name: "ocpp (Python)",
        client: python("ocpp"),
        server: Box::new(ocpp_central),
        path: "/charger",
        upstream: "/charger",
        appended: "/charger",
        keys: json!({ "subprotocols": ["ocpp1.6"] }),
    }
    .run();
}

#[test]
fn ocpp_rpc() {
    Case {
        name: "ocpp-rpc",
        client: node("ocpp-rpc"),
        server: Box::new(|_, port| node_server("ocpp-rpc", port)),
        path: "/charger",
        upstream: "/charger",
        appended: "/charger",
        keys: json!({ "subprotocols": ["ocpp1.6"] }),
    }
    .run();
}

#[test]
fn nats_ws() {
    Case {
        name: "nats.ws",
        client: node("nats.ws"),
        server: Box::new(nats),
        path: "/",
        upstream: "/",
        appended: "",
        keys: json!({ "on_open": [{ "base64": "Q09OTkVDVCB7InZlcmJvc2UiOmZhbHNlfQ0K" }] }),
    }
    .run();
}

#[test]
fn stompjs_over_rabbitmq() {
    let (dir, port_mapper) = (TestDir::new("epmd"), free_port());
    let log = dir.path().join("log");
    let _epmd = Program::start(move || epmd(port_mapper), port_mapper, log);
    Case {
        name: "stompjs",
        client: node("stompjs"),
        server: Box::new(move |dir, port| rabbitmq(dir, port, port_mapper)),
        path: "/ws",
        upstream: "/ws",
        appended: "",
        keys: json!({ "subprotocols": ["v12.stomp"] }),
    }
    .run();
}
