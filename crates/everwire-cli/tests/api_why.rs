//! The reason why a name is down, and what was done about it.

mod service_support;

use std::{
    io::Read,
    net::{SocketAddr, TcpListener},
    thread,
};

use everwire::testing::{How, Peer, Script};
use serde_json::{Value, json};
use service_support::{cli::done, http::Service};

fn why(service: &Service, name: &str) -> Value {
    let answer = service.get(&format!("/v1/connections/{name}/why"));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn types(attempt: &Value) -> Vec<&str> {
    let events = attempt["events"].as_array().unwrap().iter();
    events
        .map(|event| event["type"].as_str().unwrap())
        .collect()
}

#[test]
fn why_tells_the_last_attempts_the_rule_and_the_time_of_the_next() {
    let service = Service::start(
        "why-refused",
        "[connections.a]\nurl = 'ws://127.0.0.1:1/'\nreconnect = { initial = '1ms', min = '1ms', max = '1ms' }\n\
         [connections.b]\nurl = 'ws://127.0.0.1:1/'\nreconnect = { initial = '1h', min = '1h', max = '1h' }\n",
    );
    service.wait_for("a", "ten attempts", |status| {
        status["attempt"].as_u64() > Some(10)
    });
    let told = why(&service, "a");
    let attempts = told["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 8, "{told:#}");
    assert!(attempts[0]["at"].as_str() > attempts[7]["at"].as_str());
    assert_eq!(types(&attempts[7]), ["connecting", "error", "retrying"]);

    service.wait_for_state("b", "backoff");
    let told = why(&service, "b");
    assert_eq!(
        (&told["state"], &told["rule"], &told["last_error"]["kind"]),
        (&json!("backoff"), &json!("backoff"), &json!("refused")),
        "{told:#}"
    );
    assert_eq!(told["retry_at"], service.status("b")["retry_at"]);
    assert!(told["retry_at"].is_string());
    let attempt = &told["attempts"][0];
    assert_eq!(attempt["outcome"], "lost");
    assert!(attempt["events"][1]["after_ms"].is_number());
    assert_eq!(attempt["events"][2]["rule"], "backoff");

    service
        .get("/v1/connections/nobody/why")
        .problem(404, "nobody");
}

#[test]
fn why_tells_what_is_being_done_before_a_dial() {
    // It accepts connections, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/open", silent.local_addr().unwrap());
    let service = Service::start(
        "why-prepare",
        &format!(
            "[connections.a]\nurl = '${{socket}}'\n\
             prepare = [{{ http = {{ method = 'POST', url = '{url}?key=s3cret' }}, capture = {{ socket = '/url' }}, within = '1m' }}]\n"
        ),
    );
    let preparing = json!(format!("POST {url}"));
    service.wait_for("a", "a call", |status| status["preparing"] == preparing);
    let told = why(&service, "a");
    assert_eq!(told["preparing"], preparing, "{told:#}");
    assert_eq!(told["state"], "connecting");
    assert!(!told.to_string().contains("s3cret"), "{told:#}");
}

/// A server that disconnects after the greeting.
fn no_tls() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let _bytes = client.read(&mut [0; 1024]);
        }
    });
    addr
}

#[test]
fn why_tells_how_far_a_dial_came_that_failed() {
    let peer = Peer::spawn_thread().unwrap();
    let names = [
        // A label that is too long fails before any DNS query.
        ("dns", format!("ws://{}/", "n".repeat(64)), &["dns"][..]),
        ("tcp", "ws://127.0.0.1:1/".into(), &["tcp"]),
        ("tls", format!("wss://{}", no_tls()), &["tcp", "tls"]),
        ("upgrade", peer.url("/status/503"), &["tcp", "upgrade"]),
        (
            "proxy",
            "ws://127.0.0.1:2/'\nproxy = 'http://127.0.0.1:1".into(),
            &["proxy"],
        ),
    ];
    let mut keys =
        String::from("[defaults]\nreconnect = { min = '1h', initial = '1h', max = '1h' }\n");
    for (phase, url, _) in &names {
        keys.push_str(&format!("[connections.{phase}]\nurl = '{url}'\n"));
    }
    let service = Service::start("why-phases", &keys);
    for (phase, _, steps) in names {
        service.wait_for_state(phase, "backoff");
        let told = why(&service, phase);
        let error = &told["attempts"][0]["events"][1];
        assert_eq!(
            (&error["type"], &error["phase"]),
            (&json!("error"), &json!(phase)),
            "{told:#}"
        );
        for step in ["dns", "proxy", "tcp", "tls", "upgrade"] {
            let took = &error["timings"][format!("{step}_ms")];
            assert_eq!(took.is_number(), steps.contains(&step), "{step}: {error:#}");
        }
    }
    // A failure without a dial has no phases.
    let service = Service::start(
        "why-reset",
        &format!("[connections.a]\nurl = '{}'\n", peer.url("/sink")),
    );
    service.wait_for("a", "ready", |status| status["ready"] == true);
    peer.kick("/sink", How::Reset);
    service.wait_for("a", "a loss", |status| status["incarnation"] != 1);
    let told = why(&service, "a");
    let attempts = told["attempts"].as_array().unwrap().iter();
    let events = attempts.flat_map(|attempt| attempt["events"].as_array().unwrap());
    let errors: Vec<_> = events.filter(|event| event["type"] == "error").collect();
    assert_eq!(errors.len(), 1, "{told:#}");
    assert_eq!(
        (&errors[0]["phase"], &errors[0]["timings"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn why_tells_how_long_each_step_took_and_who_closed() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start(
        "why-up",
        &format!("[connections.a]\nurl = '{}'\n", peer.url("/echo")),
    );
    service.wait_for("a", "ready", |status| status["ready"] == true);
    let told = why(&service, "a");
    let attempt = &told["attempts"][0];
    assert_eq!(types(attempt), ["connecting", "opened", "ready"]);
    assert_eq!(
        (&attempt["outcome"], &told["rule"]),
        (&json!("up"), &Value::Null)
    );
    assert!(attempt["events"][1]["timings"]["tcp_ms"].is_number());

    // All matching names are rotated, and the rotation appears in the recent events.
    let rotated = service.post("/v1/rotate?match=*", "");
    assert_eq!(
        (rotated.status, rotated.json()),
        (200, json!({ "matched": 1, "changed": 1 }))
    );
    service.wait_for("a", "another socket", |status| {
        status["incarnation"].as_u64() > Some(1) && status["ready"] == true
    });
    let told = why(&service, "a");
    let tells_of_it = |attempt: &Value| types(attempt).contains(&"rotated");
    let attempts = told["attempts"].as_array().unwrap();
    assert!(attempts.iter().any(tells_of_it), "{told:#}");

    service.post("/v1/connections/a/close", "");
    service.wait_for_state("a", "closed");
    let told = why(&service, "a");
    let last = told["attempts"][0]["events"].as_array().unwrap();
    let closed = last.iter().find(|event| event["type"] == "closed");
    assert_eq!(closed.unwrap()["by"], "us", "{told:#}");
    assert_eq!(told["attempts"][0]["outcome"], "closed");
}

#[test]
fn a_probe_tells_what_a_dial_comes_to_and_leaves_the_socket_alone() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start(
        "why-probe",
        &format!(
            "[connections.a]\nurls = ['{}', 'ws://127.0.0.1:1/']\n\
             [connections.refused]\nurl = '{}'\nenabled = false\n",
            peer.url("/echo"),
            peer.url("/status/503"),
        ),
    );
    let up = service.wait_for("a", "ready", |status| status["ready"] == true);
    let probed = service.post("/v1/connections/a/probe", "");
    assert_eq!(probed.status, 200, "{probed:?}");
    let probes = &probed.json()["probes"];
    assert_eq!(
        (&probes[0]["ok"], &probes[0]["error"]),
        (&json!(true), &Value::Null)
    );
    assert!(probes[0]["timings"]["upgrade_ms"].is_number(), "{probes}");
    assert_eq!(probes[0]["peer"], peer.addr().to_string());
    assert_eq!(
        (&probes[1]["ok"], &probes[1]["error"]["kind"]),
        (&json!(false), &json!("refused"))
    );
    assert!(probes[1]["timings"]["tcp_ms"].is_number(), "{probes}");
    assert_eq!(probes[1]["timings"]["upgrade_ms"], Value::Null);
    let after = service.status("a");
    for key in ["incarnation", "state", "since", "sent", "last_error"] {
        assert_eq!(after[key], up[key], "{key}");
    }

    let dials = peer.connections_at("/echo");
    let closes = dials.iter().filter_map(|dial| dial.close.as_ref());
    let codes: Vec<_> = closes.map(|close| close.code).collect();
    assert_eq!((dials.len(), &*codes), (2, &[Some(1000)][..]));

    let refused = service.post("/v1/connections/refused/probe", "").json();
    assert_eq!(refused["probes"][0]["error"]["status"], 503, "{refused}");
    assert_eq!(service.status("refused")["state"], "idle");
    service
        .post("/v1/connections/nobody/probe", "")
        .problem(404, "nobody");
}

#[test]
fn while_a_name_opens_its_step_is_told() {
    let peer = Peer::spawn_thread().unwrap();
    peer.script("/slow", Script::sink().send(r#"{"hello":1}"#));
    let service = Service::start(
        "why-opening",
        &format!(
            "[connections.a]\nurl = '{}'\nopen_script = [{{ expect = '/hello' }}, \
             {{ send = '{{\"op\":\"login\",\"key\":\"${{PATH}}\"}}', expect = '/event == \"login\"', within = '1h' }}, {{ send = 'last' }}]\n\
             [connections.b]\nurl = '{}'\n",
            peer.url("/slow"),
            peer.url("/echo"),
        ),
    );
    let status = service.wait_for("a", "its second step", |status| {
        status["step"]["state"] == "listens" && status["step"]["number"] == 2
    });
    assert_eq!(
        (&status["state"], &status["ready"]),
        (&json!("opening"), &json!(false))
    );
    let step = &status["step"];
    let expected = json!({
        "script": "open_script", "number": 2, "steps": 3, "state": "listens",
        "send": r#"{"op":"login","key":"${PATH}"}"#, "expect": r#"/event == "login""#, "met": 0, "count": 1,
        "since": step["since"], "until": step["until"],
    });
    assert_eq!(step, &expected);
    assert!(step["since"].as_str() < step["until"].as_str(), "{step}");
    let told = why(&service, "a");
    assert_eq!(
        (&told["step"]["number"], &told["rule_rate"]),
        (&json!(2), &Value::Null)
    );

    let told = done(&service, &["why", "a"]);
    let line = told
        .lines()
        .find(|line| line.starts_with("opening: "))
        .unwrap_or_else(|| panic!("{told}"));
    assert!(
        line.starts_with(r#"opening: step 2 of 3, {"op":"login","key":"${PATH}"} sent "#)
            && line.contains(r#" ago, waits for /event == "login", "#)
            && line.ends_with(" left"),
        "{line}"
    );
    let told = done(&service, &["status", "a"]);
    assert!(told.contains("\nstep          step 2 of 3, "), "{told}");

    // A name that is up has no cause.
    service.wait_for("b", "ready", |status| status["ready"] == true);
    let told = why(&service, "b");
    assert_eq!(
        (&told["step"], &told["rule_rate"]),
        (&Value::Null, &Value::Null)
    );
    assert!(!done(&service, &["why", "b"]).contains("opening"));
}

#[test]
fn answers_of_rules_that_wait_are_told_as_rule_rate() {
    let peer = Peer::spawn_thread().unwrap();
    peer.script("/asks", Script::sink().message_flood(r#"{"ping":1}"#, 220));
    let service = Service::start(
        "why-rule-rate",
        &format!(
            "[connections.a]\nurl = '{}'\nrules = [{{ when = 'exists(/ping)', send = '{{\"pong\":${{/ping}}}}' }}]\n",
            peer.url("/asks"),
        ),
    );
    let status = service.wait_for("a", "answers that wait", |status| {
        status["rule_rate"]["waiting"].as_u64() > Some(0)
    });
    assert!(
        status["rule_rate"]["waiting"].as_u64() <= Some(120),
        "{status}"
    );
    // A second is enough to ask once more.
    let told = done(&service, &["why", "a"]);
    assert!(
        told.contains("rule_rate: ") && told.contains("of rules wait"),
        "{told}"
    );
    service.wait_for("a", "all answers", |status| {
        status["rule_rate"].is_null() && status["sent"]["messages"] == 220
    });
}
