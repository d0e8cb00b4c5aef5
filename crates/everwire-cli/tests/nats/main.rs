//! The program with a bridge to a real server of NATS.

mod client;
mod kills;
#[expect(dead_code, reason = "only the tests of the bridge use all of it")]
#[path = "../../../everwire-nats/tests/nats_server/support/server.rs"]
mod nats_server;
#[path = "../service_support/mod.rs"]
mod service_support;

use client::Client;
use everwire::testing::Peer;
use nats_server::{Server, until};
use serde_json::{Value, json};
use service_support::{cli::done, http::Service};

const PASSWORD: &str = "pl4nted-password";

fn server(test: &str) -> Server {
    let config = format!(
        "jetstream {{ store_dir: \"FOLDER/jetstream\" }}\n\
         authorization {{ users: [ {{ user: bridge, password: \"{PASSWORD}\" }} ] }}"
    );
    let server = Server::start_with(test, &config);
    std::fs::write(server.folder().join("password"), PASSWORD).unwrap();
    server
}

/// `[nats]` for a server, in both directions.
fn nats(server: &Server) -> String {
    let (url, folder) = (server.url(), server.folder().display());
    format!(
        "[nats]\nservers = ['{url}']\nuser = 'bridge'\npassword = '${{file:{folder}/password}}'\nin = {{}}\nout = {{}}\n"
    )
}

fn client(server: &Server) -> Client {
    Client::connect(&server.url(), "bridge", PASSWORD)
}

fn status(service: &Service) -> Value {
    service.get("/v1/status").json()["nats"].clone()
}

fn connected(service: &Service) {
    until("the bridge is connected", || {
        status(service)["server"].is_string()
    });
}

#[test]
fn messages_are_published_and_sent_and_shown_and_no_secret_is_told() {
    let peer = Peer::spawn_thread().unwrap();
    let mut server = server("program");
    let keys = format!(
        "[connections.echo]\nurl = '{}'\n{}",
        peer.url("/echo"),
        nats(&server)
    );
    let service = Service::start("nats-program", &keys);
    connected(&service);
    let mut client = client(&server);
    client.subscribe("everwire.in.>");
    let answer = client.request("everwire.out.echo", "hello");
    assert_eq!(
        (&answer["fate"], &answer["stream"], &answer["name"]),
        (&json!("confirmed"), &json!("EVERWIRE_OUT"), &json!("echo")),
        "{answer}"
    );
    assert_eq!(
        service.post("/v1/connections/echo/send", "again").status,
        200
    );
    let again = loop {
        let message = client.next();
        if message.text == "again" {
            break message;
        }
    };
    assert_eq!(again.subject, "everwire.in.echo");
    for header in ["Nats-Msg-Id: echo/", "Everwire-Previous: "] {
        assert!(again.headers.contains(header), "{again:?}");
    }
    until("both are counted", || {
        let nats = status(&service);
        (&nats["inbound"]["published"], &nats["outbound"]["sent"]) == (&json!(2), &json!(1))
    });
    let mut told = vec![service.get("/metrics").body, service.get("/v1/status").body];
    for line in [
        "everwire_nats_up 1",
        "everwire_nats_published_total 2",
        "everwire_nats_sent_total 1",
        "everwire_nats_pending 0",
        "everwire_nats_spool_messages 0",
    ] {
        assert!(
            told[0].lines().any(|told| told == line),
            "{line} is not in {}",
            told[0]
        );
    }

    // The server stops, and comes back with another password.
    server.kill();
    until("it is told", || {
        status(&service)["error"]["code"] == "nats_unreachable"
    });
    assert_eq!(
        service.post("/v1/connections/echo/send", "waits").status,
        200
    );
    until("it waits", || status(&service)["inbound"]["pending"] == 1);
    let why = done(&service, &["why", "echo"]);
    let line = why
        .lines()
        .find(|line| line.contains("nats: "))
        .unwrap_or_default();
    assert!(line.contains("1 message not published yet"), "{why}");
    assert!(line.contains("no NATS server answers: "), "{why}");
    assert!(
        service
            .get("/metrics")
            .body
            .contains("\neverwire_nats_up 0\n")
    );
    server.reconfigure("authorization { users: [ { user: bridge, password: other } ] }");
    server.restart();
    until("it is refused", || {
        status(&service)["error"]["code"] == "nats_credentials"
    });
    told.extend([
        why,
        done(&service, &["status", "echo"]),
        service.get("/v1/status").body,
    ]);
    told.extend([
        service.get("/").body,
        service.get("/v1/connections/echo/why").body,
    ]);
    let log = service.end();
    assert!(
        log.contains("the NATS servers refuse the credentials"),
        "{log}"
    );
    told.push(log);
    for text in told {
        assert!(!text.is_empty() && !text.contains("pl4nted"), "{text}");
    }
}

#[test]
fn what_waits_when_it_is_ended_is_published_after_the_next_start() {
    let peer = Peer::spawn_thread().unwrap();
    let mut server = server("ended");
    let keys = format!(
        "[connections.echo]\nurl = '{}'\n{}",
        peer.url("/echo"),
        nats(&server)
    );
    let service = Service::start("nats-ended", &keys);
    connected(&service);
    server.stop();
    for number in 0..50 {
        let body = number.to_string();
        assert_eq!(service.post("/v1/connections/echo/send", &body).status, 200);
    }
    until("they wait", || status(&service)["inbound"]["pending"] == 50);
    let log = service.end();
    assert!(log.contains("the bridge to NATS has ended"), "{log}");
    server.restart();
    let mut client = client(&server);
    client.subscribe("everwire.in.>");
    let service = Service::start("nats-ended", &keys);
    for number in 0..50 {
        assert_eq!(client.next().text, number.to_string());
    }
    until("none waits", || status(&service)["inbound"]["pending"] == 0);
    service.end();
}
