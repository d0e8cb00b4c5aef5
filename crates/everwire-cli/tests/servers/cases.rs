//! The servers, and the conversation with each.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;

use crate::{
    server::Start,
    stage::{Case, Refusal, Stage},
    subscriptions::{Asked, Refused, Subscriptions},
    support::{installed, root},
};

pub fn ocpp() -> Case {
    Case {
        file: "ocpp",
        variables: &[("OCPP_PASSWORD", "s3cret")],
        names: &["cp-0001", "cp-0002", "cp-0003"],
        server: Start {
            port: 9000,
            command: |_| {
                let mut command = Command::new(installed("bridge/python/bin/python"));
                command
                    .arg(script("ocpp_central.py"))
                    .args(["9000", "s3cret"]);
                command
            },
        },
        talk: talk_ocpp,
        subscriptions: Subscriptions::default(),
        refusal: Some(Refusal {
            state: "backoff",
            text: "401",
        }),
    }
}

fn talk_ocpp(stage: &mut Stage) {
    for name in ["cp-0001", "cp-0002", "cp-0003"] {
        stage.message(name, |text| text.contains("TriggerMessage"));
        stage.message(name, |text| text.contains("GetConfiguration"));
        let call = json!([2, "mine", "DataTransfer", { "vendorId": "everwire" }]);
        let answer = stage.request(name, &call);
        assert_eq!(answer[1], "mine", "{answer}");
        // The requested heartbeat has arrived.
        assert_ne!(answer[2]["data"], "0 heartbeats", "{answer}");
        let refused = stage.refused(name, &json!([2, "mine", "Nonsense", {}]));
        assert_eq!((&refused[0], &refused[1]), (&json!(4), &json!("mine")));
    }
    // The server closes a socket for less, and another one follows.
    let said = stage.server.said();
    for rule in ["twice", "two calls", "before the boot"] {
        assert!(!said.contains(rule), "{said}");
    }
}

pub fn graphql_ws() -> Case {
    Case {
        file: "graphql-ws",
        variables: &[("GQL_TOKEN", "s3cret")],
        names: &["graphql"],
        server: Start {
            port: 4000,
            command: |_| node(&["graphql-ws", "s3cret"]),
        },
        talk: talk_graphql,
        subscriptions: Subscriptions {
            of_file: &["btc"],
            added: Some(Asked {
                key: "eth",
                body: r#"{"item":{"query":"subscription { trades(symbol: \"ETH\") { symbol price } }"}}"#,
            }),
            refused: Some(Refused {
                asked: Asked {
                    key: "none",
                    body: r#"{"item":{"query":"subscription { nonsense }"}}"#,
                },
                text: "Cannot query field",
            }),
        },
        refusal: Some(Refusal {
            state: "failed",
            text: "4403",
        }),
    }
}

fn talk_graphql(stage: &mut Stage) {
    for (key, symbol) in [("btc", "BTC"), ("eth", "ETH")] {
        let symbol = format!(r#""symbol":"{symbol}""#);
        stage.message_of("graphql", key, |text| text.contains(&symbol));
    }
    let query = json!({ "id": "mine", "type": "subscribe", "payload": { "query": "{ version }" } });
    let answer = stage.request("graphql", &query);
    assert_eq!(
        answer,
        json!({ "id": "mine", "type": "next", "payload": { "data": { "version": 1 } } })
    );
    let wrong =
        json!({ "id": "mine", "type": "subscribe", "payload": { "query": "{ nonsense }" } });
    assert_eq!(stage.refused("graphql", &wrong)["type"], "error");
}

pub fn socket_io() -> Case {
    Case {
        file: "socket-io",
        variables: &[("IO_TOKEN", "s3cret")],
        names: &["io"],
        server: Start {
            port: 3000,
            command: |_| node(&["socket.io", "s3cret"]),
        },
        talk: |stage| {
            for room in ["lobby", "bar"] {
                stage.send("io", &format!(r#"42["say","{room}","hello, {room}"]"#));
                let said = format!(r#"42["said","hello, {room}"]"#);
                stage.message("io", |text| text == said);
            }
        },
        subscriptions: Subscriptions {
            of_file: &["lobby"],
            added: Some(Asked {
                key: "bar",
                body: "",
            }),
            refused: None,
        },
        refusal: Some(Refusal {
            state: "failed",
            text: "not authorized",
        }),
    }
}

pub fn ganache() -> Case {
    Case {
        file: "ganache",
        variables: &[],
        names: &["eth"],
        server: Start {
            port: 8545,
            command: |_| {
                let mut command = Command::new("node");
                let program = "bridge/node/node_modules/ganache/dist/node/cli.js";
                command
                    .arg(installed(program))
                    .args(["--server.host", "127.0.0.1", "--server.port", "8545"])
                    .args(["--wallet.totalAccounts", "1", "--logging.quiet"]);
                command
            },
        },
        talk: talk_ganache,
        subscriptions: Subscriptions {
            of_file: &["heads", "logs"],
            added: Some(Asked {
                key: "pending",
                body: r#"{"item":["newPendingTransactions"]}"#,
            }),
            refused: Some(Refused {
                asked: Asked {
                    key: "none",
                    body: r#"{"item":["nonsense"]}"#,
                },
                text: "nonsense",
            }),
        },
        refusal: None,
    }
}

fn talk_ganache(stage: &mut Stage) {
    let call =
        |method: &str| json!({ "jsonrpc": "2.0", "id": "mine", "method": method, "params": [] });
    stage.request("eth", &call("evm_mine"));
    let number = stage.request("eth", &call("eth_blockNumber"));
    assert_eq!(number["id"], "mine", "{number}");
    let head = format!(r#""number":{}"#, number["result"]);
    stage.message_of("eth", "heads", |text| text.contains(&head));
    let refused = stage.refused("eth", &call("eth_nonsense"));
    assert_eq!(refused["id"], "mine", "{refused}");
}

pub fn nats() -> Case {
    Case {
        file: "nats",
        variables: &[("NATS_PASSWORD", "s3cret")],
        names: &["nats"],
        server: Start {
            port: 8443,
            command: |_| {
                let mut command = Command::new(program("/usr/sbin/nats-server"));
                command
                    .arg("-c")
                    .arg(script("nats.conf"))
                    .env("NATS_PASSWORD", "s3cret");
                command
            },
        },
        talk: |stage| {
            for subject in ["orders.new", "trades.new"] {
                let head = format!("MSG {subject} ");
                stage.send("nats", &format!("PUB {subject} 10\r\n{subject}\r\n"));
                stage.message("nats", |text| text.starts_with(&head));
                stage.message("nats", |text| text == subject);
            }
        },
        subscriptions: Subscriptions {
            of_file: &["orders.>"],
            added: Some(Asked {
                key: "trades.*",
                body: "",
            }),
            refused: Some(Refused {
                asked: Asked {
                    key: "secret.x",
                    body: "",
                },
                text: "Permissions Violation",
            }),
        },
        refusal: Some(Refusal {
            state: "failed",
            text: "Authorization Violation",
        }),
    }
}

pub fn stomp() -> Case {
    Case {
        file: "stomp",
        variables: &[("STOMP_PASSCODE", "guest")],
        names: &["stomp"],
        server: Start {
            port: 15674,
            command: |dir| {
                let mut command = Command::new("bash");
                command.arg(script("rabbitmq.sh")).arg(dir);
                command
            },
        },
        talk: |stage| {
            for topic in ["orders", "trades"] {
                let frame = format!("SEND\ndestination:/topic/{topic}\n\nhello, {topic}\0");
                let body = format!("\n\nhello, {topic}\0");
                stage.send("stomp", &frame);
                stage.message("stomp", |text| {
                    text.starts_with("MESSAGE\n") && text.contains(&body)
                });
            }
        },
        subscriptions: Subscriptions {
            of_file: &["orders"],
            added: Some(Asked {
                key: "trades",
                body: r#"{"item":"/topic/trades"}"#,
            }),
            refused: None,
        },
        refusal: Some(Refusal {
            state: "failed",
            text: "Access refused",
        }),
    }
}

pub fn jupyter() -> Case {
    Case {
        file: "jupyter",
        variables: &[("JUPYTER_TOKEN", "s3cret")],
        names: &["kernel"],
        server: Start {
            port: 8888,
            command: |dir| {
                let mut command = Command::new(installed("jupyter/bin/python"));
                command
                    .args(["-m", "jupyter_server", "--no-browser", "--allow-root"])
                    .args([
                        "--ip=127.0.0.1",
                        "--port=8888",
                        "--ServerApp.port_retries=0",
                    ])
                    .env("JUPYTER_TOKEN", "s3cret")
                    .env("JUPYTER_RUNTIME_DIR", dir.join("runtime"));
                command
            },
        },
        talk: talk_jupyter,
        subscriptions: Subscriptions::default(),
        refusal: Some(Refusal {
            state: "failed",
            text: "403",
        }),
    }
}

fn talk_jupyter(stage: &mut Stage) {
    let header = json!({
        "msg_id": "mine", "msg_type": "execute_request", "username": "me", "session": "everwire", "version": "5.4",
    });
    let run = |code: &str| {
        let content = json!({ "code": code, "silent": false });
        json!({ "channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content })
    };
    let answer = stage.request("kernel", &run("print('six by seven is', 6 * 7)"));
    assert_eq!(answer["parent_header"]["msg_id"], "mine", "{answer}");
    stage.message("kernel", |text| {
        text.contains("\"iopub\"") && text.contains(r"six by seven is 42\n")
    });
    let refused = stage.refused("kernel", &run("nonsense"));
    assert_eq!(refused["content"]["ename"], "NameError", "{refused}");
}

pub fn devtools() -> Case {
    Case {
        file: "devtools",
        variables: &[],
        names: &["page"],
        server: Start {
            port: 9222,
            command: |dir| {
                let mut command = Command::new("chromium");
                command
                    .args([
                        "--headless=new",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-dev-shm-usage",
                    ])
                    .args([
                        "--no-first-run",
                        "--disable-background-networking",
                        "--disable-sync",
                    ])
                    .arg(format!("--user-data-dir={}", dir.join("profile").display()))
                    .args(["--remote-debugging-port=9222", "about:blank"]);
                command
            },
        },
        talk: talk_devtools,
        subscriptions: Subscriptions {
            of_file: &["Runtime", "Page"],
            added: Some(Asked {
                key: "DOM",
                body: "",
            }),
            refused: Some(Refused {
                asked: Asked {
                    key: "Nonsense",
                    body: "",
                },
                text: "wasn't found",
            }),
        },
        refusal: None,
    }
}

fn talk_devtools(stage: &mut Stage) {
    let run = |code: &str| json!({ "id": 7, "method": "Runtime.evaluate", "params": { "expression": code, "returnByValue": true } });
    let answer = stage.request("page", &run("console.log('hello'), 6 * 7"));
    let said = json!({ "id": 7, "result": { "result": { "type": "number", "value": 42, "description": "42" } } });
    assert_eq!(answer, said);
    stage.message("page", |text| {
        text.contains("Runtime.consoleAPICalled") && text.contains("hello")
    });
    let refused = stage.refused("page", &json!({ "id": 7, "method": "Runtime.nonsense" }));
    assert_eq!(refused["id"], 7, "{refused}");
}

/// A server of Node.
fn node(arguments: &[&str]) -> Command {
    let mut command = Command::new("node");
    command
        .env("NODE_PATH", installed("bridge/node/node_modules"))
        .arg(script("servers.mjs"))
        .args(arguments);
    command
}

fn script(file: &str) -> PathBuf {
    root().join("tests/servers/dialogue").join(file)
}

/// Debian's path is not in every user's PATH.
fn program(path: &'static str) -> &'static str {
    match Path::new(path).exists() {
        true => path,
        false => path.rsplit('/').next().unwrap(),
    }
}
