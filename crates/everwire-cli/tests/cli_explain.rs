//! `everwire explain`: the meaning and the remedy of an error code.

mod service_support;

use serde_json::Value as Json;
use service_support::{run, stderr, stdout};

#[test]
fn a_code_is_explained_in_each_place_where_it_stands() {
    let told = stdout(&run(&["explain", "closed"]));
    let [loss, problem] = told.split("\n\n").collect::<Vec<_>>()[..] else {
        panic!("{told}");
    };
    assert!(
        loss.starts_with("closed (cause of a loss)\n  meaning  The server closed"),
        "{loss}"
    );
    assert!(loss.contains("\n  remedy   Look the code up"), "{loss}");
    assert!(
        problem.starts_with("closed (reason of a problem)\n"),
        "{problem}"
    );
}

#[test]
fn all_codes_are_listed_without_one() {
    let output = run(&["explain", "--json"]);
    let all: Vec<Json> = serde_json::from_str(&stdout(&output)).unwrap();
    let members = ["code", "place", "meaning", "remedy"];
    assert!(all.len() > 60, "{}", all.len());
    for entry in &all {
        assert!(
            members.iter().all(|member| entry[member].is_string()),
            "{entry}"
        );
    }
    assert!(all.iter().any(|entry| entry["code"] == "store_outage"));
}

#[test]
fn a_code_that_is_one_letter_off_is_told_with_what_is_right() {
    let output = run(&["explain", "pong_timeuot"]);
    assert_eq!(output.status.code(), Some(2));
    let told = stderr(&output);
    assert!(told.contains("invalid value 'pong_timeuot'"), "{told}");
    assert!(told.contains("'pong_timeout'"), "{told}");
}
