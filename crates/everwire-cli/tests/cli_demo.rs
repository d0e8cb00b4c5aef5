//! The demo without a terminal.

mod service_support;

use std::{collections::BTreeSet, fs};

use serde_json::Value;
use service_support::{Running, root, run, stdout};

#[test]
fn in_a_pipe_it_writes_lines_and_ends_by_itself() {
    let output = run(&["demo", "--for", "4s"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = stdout(&output);
    for part in [
        "the page is at http://127.0.0.1:",
        "--- 14 names: ",
        "echo         open",
        "denied-401   failed",
        "gave up: status 401",
        "next dial in ",
        "status 429",
        "busy-503",
        "connect_timeout",
        "refused",
        "closed 1000",
    ] {
        assert!(text.contains(part), "{part:?} is missing in {text}");
    }
    assert!(!text.contains('\x1b'), "no colours in a pipe: {text:?}");
}

#[test]
fn its_events_can_be_read_by_programs() {
    let output = run(&["demo", "--json", "--for", "2s"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let mut kinds = BTreeSet::new();
    for line in stdout(&output).lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert!(
            event["name"].is_string() && event["seq"].is_u64() && event["at"].is_string(),
            "{line}"
        );
        kinds.insert(event["type"].as_str().unwrap().to_owned());
    }
    for kind in [
        "connecting",
        "opened",
        "ready",
        "closed",
        "error",
        "retrying",
        "failed",
    ] {
        assert!(kinds.contains(kind), "{kind} is missing in {kinds:?}");
    }
}

#[test]
fn ctrl_c_ends_it_in_order() {
    let mut demo = Running::start(&["demo"]);
    demo.line("a name that is up", |line| {
        line.contains("echo") && line.ends_with("ready")
    });
    demo.signal("INT");
    let (status, lines, stderr) = demo.end();
    assert_eq!((status.code(), &*stderr), (Some(0), ""), "{lines:#?}");
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("denied-401   failed")),
        "the names come last: {lines:#?}"
    );
}

#[test]
fn two_demos_run_side_by_side() {
    let addresses: BTreeSet<_> = [Running::start(&["demo"]), Running::start(&["demo"])]
        .iter_mut()
        .map(|demo| {
            demo.line("the page's address", |line| {
                line.starts_with("the page is at")
            })
        })
        .collect();
    assert_eq!(addresses.len(), 2, "{addresses:?}");
}

#[test]
fn its_configuration_is_the_one_that_people_read() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let own = read("crates/everwire-cli/src/cli/demo/demo.toml");
    assert_eq!(own, read("config/demo.toml"));
}
