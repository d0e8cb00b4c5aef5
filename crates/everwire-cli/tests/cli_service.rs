//! The commands that query a running service, in both output formats, with a real service and a
//! real peer.

mod service_support;

use std::{io::Write as _, process::Stdio};

use everwire::testing::Peer;
use serde_json::{Value, json};
use service_support::{
    Running,
    cli::{ask, command, done},
    http::{Client, Service},
    sse::Sse,
    stderr, stdout,
};

/// The same with `--json`: the one object that it prints.
#[track_caller]
fn object(service: &Client, args: &[&str]) -> Value {
    let printed = done(service, &[args, &["--json"]].concat());
    assert_eq!(printed.lines().count(), 1, "{printed}");
    serde_json::from_str(&printed).unwrap()
}

#[track_caller]
fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

/// A name that is up, one that the peer refuses, one that the operating system refuses, and one
/// that waits for a command.
fn keys(peer: &Peer) -> String {
    format!(
        "[defaults]\nreconnect = {{ min = '1h', initial = '1h', max = '1h' }}\n\
         [connections.up]\nurls = ['{}', 'ws://127.0.0.1:1/']\nsubprotocols = ['a', 'b']\n\
         [connections.busy]\nurl = '{}'\n\
         [connections.down]\nurl = 'ws://127.0.0.1:1/'\n\
         [connections.idle]\nurl = '{}'\nenabled = false\n",
        peer.url("/echo?subprotocol=second"),
        peer.url("/status/503?body=deploying"),
        peer.url("/sink"),
    )
}

fn service(test: &str, peer: &Peer) -> Service {
    let service = Service::start(test, &keys(peer));
    service.wait_for("up", "ready", |status| status["ready"] == true);
    service.wait_for_state("busy", "backoff");
    service.wait_for_state("down", "backoff");
    service
}

#[test]
fn why_a_name_is_up_or_down_is_told() {
    let peer = Peer::spawn_thread().unwrap();
    let service = service("cli-why", &peer);
    let told = done(&service, &["why", "busy"]);
    has(
        &told,
        &[
            " ago): lost\n",
            "  connecting attempt=0",
            "  error kind=handshake_status",
            "deploying",
            "status=503",
            "phase=upgrade",
            " took=(tcp ",
            "  retrying cause=",
            "\nbusy has been in backoff for ",
            "\ndecided by the rule: backoff",
            "\nnext dial in ",
        ],
    );
    let retry_at = service.status("busy")["retry_at"].clone();
    has(&told, &[retry_at.as_str().unwrap()]);
    let story = object(&service, &["why", "busy"]);
    assert_eq!(story["retry_at"], retry_at);
    assert_eq!(story["attempts"][0]["events"][1]["status"], 503);
    assert_eq!(
        story,
        service.get("/v1/connections/busy/why").json(),
        "as the API has it"
    );

    let told = done(&service, &["why", "up"]);
    has(
        &told,
        &[
            " ago): up\n",
            "  opened ",
            " took=(tcp ",
            " ms, upgrade ",
            "\nup has been open for ",
        ],
    );
    assert!(!told.contains("next dial"), "{told}");

    // Who closed, and with which reason.
    done(&service, &["close", "up", "--reason", "lunch"]);
    service.wait_for_state("up", "closed");
    let told = done(&service, &["why", "up"]);
    has(
        &told,
        &[": closed\n", "  closed by=us", "reason=lunch", "code=1000"],
    );

    let nobody = ask(&service, &["why", "nobody"]);
    assert_eq!(nobody.status.code(), Some(1), "{nobody:?}");
    has(
        &stderr(&nobody),
        &["there is no connection named \"nobody\""],
    );
}

#[test]
fn a_probe_tells_of_each_url_and_leaves_the_socket_alone() {
    let peer = Peer::spawn_thread().unwrap();
    let service = service("cli-probe", &peer);
    let before = service.status("up");
    let told = done(&service, &["probe", "up"]);
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    has(
        lines[0],
        &[
            &format!(
                "{}  ok  peer {}",
                peer.url("/echo?subprotocol=second"),
                peer.addr()
            ),
            "  subprotocol b  tcp ",
            " ms, upgrade ",
        ],
    );
    has(
        lines[1],
        &["ws://127.0.0.1:1/  failed  refused: ", "  tcp "],
    );
    let probes = object(&service, &["probe", "up"])["probes"].clone();
    assert_eq!(
        (&probes[0]["ok"], &probes[1]["error"]["kind"]),
        (&json!(true), &json!("refused"))
    );
    let after = service.status("up");
    for key in ["incarnation", "since", "sent", "last_error", "last_close"] {
        assert_eq!(after[key], before[key], "{key}");
    }

    for (args, told) in [
        (&["probe", "busy"][..], "failed  handshake_status 503: "),
        (&["probe", "busy", "--json"], "\"status\":503"),
    ] {
        let output = ask(&service, args);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        has(&stdout(&output), &[told, "deploying"]);
        has(&stderr(&output), &["no URL of busy works"]);
    }
    assert_eq!(service.status("busy")["attempt"], 1, "a backoff goes on");
    let nobody = ask(&service, &["probe", "nobody"]);
    assert_eq!(nobody.status.code(), Some(1), "{nobody:?}");
}

#[test]
fn a_reload_is_planned_and_done() {
    let peer = Peer::spawn_thread().unwrap();
    let test = "cli-reload";
    let connection = |name: &str, more: &str| {
        format!(
            "[connections.{name}]\nurl = '{}'\n{more}\n",
            peer.url("/echo")
        )
    };
    let first: String = [
        connection("same", ""),
        connection("live", "tags = ['a']"),
        connection("other", "headers = { A = 'b' }"),
        connection("gone", ""),
    ]
    .concat();
    let service = Service::start(test, &first);
    for name in ["same", "live", "other", "gone"] {
        service.wait_for(name, "ready", |status| status["ready"] == true);
    }
    let incarnation = |name: &str| service.status(name)["incarnation"].clone();
    let before = incarnation("same");
    let second: String = [
        connection("same", ""),
        connection("live", "tags = ['b']"),
        connection("other", "headers = { A = 'c' }"),
        connection("new", "enabled = false"),
    ]
    .concat();
    Service::configure(test, &second);

    let plan = "untouched 1\napplied   1\n  live: tags\nrotated   1\n  other: headers\nadded     1\n  new\nremoved   1\n  gone\nfailed    0\n";
    assert_eq!(done(&service, &["reload", "--plan"]), plan);
    let planned = object(&service, &["reload", "--plan"]);
    assert_eq!(
        (&planned["done"], &planned["removed"]),
        (&json!(false), &json!(["gone"]))
    );
    assert_eq!(
        service.status("gone")["state"],
        "open",
        "it was only a plan"
    );

    assert_eq!(done(&service, &["reload"]), plan);
    assert_eq!(service.get("/v1/connections/gone").status, 404);
    assert_eq!(service.status("new")["state"], "idle");
    assert_eq!(incarnation("same"), before);
    assert_eq!(
        done(&service, &["reload"]).lines().next(),
        Some("untouched 4")
    );
    assert_eq!(object(&service, &["reload"])["done"], true);

    Service::configure(test, "[connections.broken]\nurl = 'http://x'");
    for args in [
        &["reload"][..],
        &["reload", "--plan"],
        &["reload", "--json"],
    ] {
        let output = ask(&service, args);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        has(&stderr(&output), &["must be ws or wss", ":5:7:"]);
    }
    assert_eq!(service.status("same")["state"], "open");
}

#[test]
fn names_are_rotated_closed_connected_and_retried() {
    let peer = Peer::spawn_thread().unwrap();
    let service = service("cli-orders", &peer);
    let incarnation = service.status("up")["incarnation"].as_u64();
    assert_eq!(
        done(&service, &["rotate", "up"]),
        "rotate: 1 of 1 connection\n"
    );
    service.wait_for("up", "another socket", |status| {
        status["incarnation"].as_u64() > incarnation && status["ready"] == true
    });
    // A name that is not up cannot be rotated.
    assert_eq!(
        object(&service, &["rotate", "idle"]),
        json!({ "matched": 1, "changed": 0 })
    );

    let attempts = |name: &str| service.status(name)["attempt"].as_u64();
    let before = attempts("down");
    assert_eq!(
        done(&service, &["retry", "*"]),
        "retry: 2 of 4 connections\n"
    );
    service.wait_for("down", "another attempt", |status| {
        status["attempt"].as_u64() > before && status["state"] == "backoff"
    });
    let before = attempts("down");
    assert_eq!(
        object(&service, &["retry", "down"]),
        json!({ "matched": 1, "changed": 1 })
    );
    service.wait_for("down", "another attempt", |status| {
        status["attempt"].as_u64() > before
    });

    assert_eq!(
        object(&service, &["close", "up,down"]),
        json!({ "matched": 2, "changed": 2 })
    );
    service.wait_for_state("up", "closed");
    service.wait_for_state("down", "closed");
    assert_eq!(
        done(&service, &["close", "up"]),
        "close: 0 of 1 connection\n"
    );
    assert_eq!(
        done(&service, &["connect", "up,idle"]),
        "connect: 2 of 2 connections\n"
    );
    service.wait_for_state("up", "open");
    service.wait_for_state("idle", "open");
    assert_eq!(
        object(&service, &["connect", "up"]),
        json!({ "matched": 1, "changed": 0 })
    );
}

#[test]
fn states_are_listed_and_shown_for_persons_and_programs() {
    let peer = Peer::spawn_thread().unwrap();
    let service = service("cli-look", &peer);
    let table = done(&service, &["ls"]);
    let states: Vec<_> = table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().take(2).collect::<Vec<_>>())
        .collect();
    assert_eq!(
        states,
        [
            ["busy", "backoff"],
            ["down", "backoff"],
            ["idle", "idle"],
            ["up", "open"]
        ]
    );
    has(&table, &["503", "next dial in"]);
    let status = done(&service, &["status", "up"]);
    has(
        &status,
        &[
            "state         open for ",
            "subprotocol   b",
            "lives         epoch 1, incarnation 1",
        ],
    );
    let status = object(&service, &["status", "busy"]);
    assert_eq!(status["last_error"]["status"], 503);
    for (args, told) in [
        (&["ls", "--json"][..], 4),
        (&["ls", "--json", "--state", "backoff"], 2),
    ] {
        assert_eq!(done(&service, args).lines().count(), told, "{args:?}");
    }
}

#[test]
fn events_of_a_service_are_followed_while_lines_are_sent_to_it() {
    let peer = Peer::spawn_thread().unwrap();
    let service = service("cli-follow", &peer);
    // From here on all events are received, in any order.
    let (_sse, since) = Sse::started(&service, "/v1/events", &[]);
    let tail = |args: &[&str]| {
        let args = [&["tail", "--since", &since], args].concat();
        Running::spawn(command(&service, &args))
    };
    let mut plain = tail(&["up", "--types", "message,closed"]);
    let mut programs = tail(&["u*", "--json"]);

    let send = |args: &[&str], input: &str| {
        let mut child = command(&service, args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        stdout(&output)
    };
    let sent = send(&["send", "up", "-", "--wait", "confirmed"], "one\ntwo\n");
    assert_eq!(sent, "1 confirmed\n2 confirmed\n");
    let sent = send(&["send", "up", "-", "--wait", "written", "--json"], "three");
    let sent: Value = serde_json::from_str(&sent).unwrap();
    assert_eq!(sent["id"], 3);

    for text in ["one", "two", "three"] {
        plain.line(text, |line| line.ends_with(&format!(" up message {text}")));
        programs.line(text, |line| {
            let event: Value = serde_json::from_str(line).unwrap();
            event["type"] == "message" && event["text"] == text && event["cursor"].is_string()
        });
    }
    done(&service, &["close", "up", "--code", "4001"]);
    plain.line("the close", |line| {
        line.contains(" up closed by=us") && line.contains("code=4001")
    });
    for running in [plain, programs] {
        running.signal("INT");
        let (status, _, stderr) = running.end();
        assert_eq!(status.code(), Some(0), "{stderr}");
    }
}

#[test]
fn the_fate_of_an_earlier_message_is_shown() {
    let peer = Peer::spawn_thread().unwrap();
    let service = service("cli-fate", &peer);
    let sent = object(&service, &["send", "up", "hi", "--wait", "written"]);
    let (id, epoch) = (sent["id"].to_string(), sent["epoch"].to_string());
    for args in [
        &["fate", "up", &id][..],
        &["fate", "up", &id, "--epoch", &epoch],
    ] {
        let told = done(&service, args);
        let fates = ["written", "confirmed"].map(|fate| format!("{id} {fate}\n"));
        assert!(fates.contains(&told), "{told}");
    }
    assert_eq!(object(&service, &["fate", "up", &id])["id"], sent["id"]);
    let never = ask(&service, &["fate", "up", "999"]);
    assert_eq!(never.status.code(), Some(1), "{never:?}");
    has(&stderr(&never), &["never accepted a message", "999"]);
    let other = ask(&service, &["fate", "up", &id, "--epoch", "999"]);
    assert_eq!(other.status.code(), Some(1), "{other:?}");
    has(&stderr(&other), &["forgotten"]);
    let late = [
        "send",
        "down",
        "hi",
        "--wait",
        "written",
        "--timeout",
        "50ms",
    ];
    let late = ask(&service, &late);
    assert_eq!(late.status.code(), Some(1), "{late:?}");
    has(
        &stderr(&late),
        &["it is queued, and `everwire fate down 1` shows"],
    );
}

#[test]
fn what_a_connection_cannot_do_is_a_failure_and_no_wrong_usage() {
    let peer = Peer::spawn_thread().unwrap();
    let service = service("cli-cannot", &peer);
    let refused = ask(&service, &["subscribe", "up", "trades"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    has(&stderr(&refused), &["the connection has no `subscribe`"]);
    // The log, the metrics and the recent events of `why` are everwire's own subscribers.
    assert_eq!(service.status("up")["subscribers"], 0);
    has(&done(&service, &["status", "up"]), &["subscribers   0"]);
}
