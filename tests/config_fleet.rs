//! Fleets and folders.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "config/memory.rs"]
mod memory;

use std::time::{Duration, Instant};

use everwire::config::{Diagnostics, Settings};
use memory::Memory;

fn names(settings: &Settings) -> Vec<&str> {
    settings
        .connections
        .keys()
        .map(|name| name.as_str())
        .collect()
}

fn url(settings: &Settings, name: &str) -> String {
    settings.connections[name].url.to_string()
}

fn only_message(result: Result<Settings, Diagnostics>) -> String {
    let errors = result.unwrap_err();
    assert_eq!(errors.count(), 1, "{errors}");
    errors.iter().next().unwrap().message.clone()
}

#[test]
fn a_range_expands_in_every_string() {
    let settings = Memory::default()
        .read(
            "[fleet.f]\nrange = [9, 11]\nname = 'cp-{i:04}'\nurl = 'wss://h/{name}?{i}'\ntags = ['t{i}']\n\
             connect_timeout = '{i}s'\nheaders = { X = '{i}' }\non_open = ['{\"id\":{i},\"x\":{y}}', { text = '$${i}' }]",
        )
        .unwrap();
    assert_eq!(names(&settings), ["cp-0009", "cp-0010", "cp-0011"]);
    let last = &settings.connections["cp-0011"];
    assert_eq!(last.url.to_string(), "wss://h/cp-0011?11");
    assert_eq!(last.tags, ["t11"]);
    assert_eq!(last.connect_timeout, Duration::from_secs(11));
    assert_eq!(last.headers[0].1.expose().to_string(), "11");
    assert_eq!(
        format!("{:?}", last.on_open),
        "[Text({\"id\":11,\"x\":{y}}), Text(${i})]"
    );
}

#[test]
fn names_come_from_a_list_or_a_file() {
    let source = Memory::default().with_file("n.txt", "# names\r\na\r\n\r\n  b  \r\n");
    for keys in ["names = ['a', 'b']", "names_file = 'n.txt'"] {
        let settings = source
            .read(&format!(
                "[fleet.f]\n{keys}\nurl = 'wss://h/{{name}}/{{i}}'"
            ))
            .unwrap();
        assert_eq!(names(&settings), ["a", "b"]);
        assert_eq!(url(&settings, "b"), "wss://h/b/2");
    }
    let settings = source
        .read("[fleet.f]\nnames = ['a']\nname = 'x.{name}'\nurl = 'wss://h/{name}'")
        .unwrap();
    assert_eq!(
        (names(&settings), url(&settings, "x.a")),
        (vec!["x.a"], "wss://h/a".into())
    );
}

#[test]
fn rows_come_from_a_csv_file() {
    let source = Memory::default().with_file(
        "r.csv",
        "id,host,greeting\n# comment\n1, a.example ,\"say \"\"hi\"\", you\"\n2,b.example,${HOME}\n",
    );
    let settings = source
        .read("[fleet.f]\nrows_file = 'r.csv'\nname = 'c-{id}'\nurl = 'wss://{host}/{name}'\non_open = ['{greeting}']")
        .unwrap();
    assert_eq!(names(&settings), ["c-1", "c-2"]);
    assert_eq!(url(&settings, "c-1"), "wss://a.example/c-1");
    assert_eq!(
        format!("{:?}", settings.connections["c-1"].on_open),
        "[Text(say \"hi\", you)]"
    );
    // Text from a file is never taken for a variable.
    assert_eq!(
        format!("{:?}", settings.connections["c-2"].on_open),
        "[Text(${HOME})]"
    );
}

#[test]
fn a_token_may_choose_a_variable_or_a_file() {
    let source = Memory::default().with_variable("TOKEN_2", "x");
    let settings = source
        .read("[fleet.f]\nrange = [2, 2]\nname = 'n{i}'\nurl = 'wss://h'\nheaders = { A = '${TOKEN_{i}}', B = '${file:k/{i}}' }")
        .unwrap();
    let headers: Vec<_> = settings.connections["n2"]
        .headers
        .iter()
        .map(|(_, value)| value.to_string())
        .collect();
    assert_eq!(headers, ["${TOKEN_2}", "${file:k/2}"]);
}

#[test]
fn a_fleet_inherits_and_a_connection_changes_single_keys_of_it() {
    let settings = Memory::default()
        .read(
            "[defaults]\ntags = ['d']\nclose_code = 4001\n[groups.g]\ntags = ['g']\nconnect_timeout = '1s'\n\
             [fleet.f]\nrange = [1, 3]\nname = 'n{i}'\nurl = 'wss://h/{i}'\ngroup = 'g'\nclose_code = 4002\n\
             [connections.n2]\ntags = ['{i}']\nclose_code = 4003\n",
        )
        .unwrap();
    assert_eq!(names(&settings), ["n1", "n2", "n3"]);
    let (one, two) = (&settings.connections["n1"], &settings.connections["n2"]);
    assert_eq!((one.tags[0].as_str(), one.close_code), ("g", 4002));
    assert_eq!((two.tags[0].as_str(), two.close_code), ("{i}", 4003));
    assert_eq!(
        (url(&settings, "n2"), two.connect_timeout),
        ("wss://h/2".into(), Duration::from_secs(1))
    );
}

#[test]
fn what_is_wrong_with_a_fleet_is_told() {
    let source = Memory::default()
        .with_file("two.csv", "a,a\n1,2\n")
        .with_file("ragged.csv", "name,b\nx\n")
        .with_file("empty.csv", "")
        .with_file("bad.txt", "ok\nnot ok\n");
    for (keys, message) in [
        ("", "the fleet has no names"),
        ("range = [1, 2]", "the fleet `f` has no `name`"),
        ("range = [2, 1]\nname = 'n{i}'", "the range is empty"),
        (
            "range = [-1, 1]\nname = 'n{i}'",
            "a number of a range is negative",
        ),
        (
            "range = [1, 1000001]\nname = 'n{i}'",
            "the range has 1000001 names",
        ),
        (
            "range = [0, 9223372036854775807]\nname = 'n{i}'",
            "the range has 9223372036854775808 names",
        ),
        (
            "range = [1]\nname = 'n{i}'",
            "expected the first and the last number, as in [1, 1000], found an array",
        ),
        ("range = [1, 2]\nname = 'n'", "the name `n` comes twice"),
        (
            "range = [1, 2]\nnames = ['a']\nname = 'n{i}'",
            "`range` and `names` exclude each other",
        ),
        ("names = ['a', 'a']", "the name `a` comes twice"),
        (
            "names = ['a b']",
            "invalid connection name `a b`: ' ' at position 1 is outside the alphabet A-Z a-z 0-9 . _ : -",
        ),
        (
            "names_file = 'none.txt'",
            "the file `none.txt` cannot be read: entity not found",
        ),
        (
            "names_file = 'bad.txt'",
            "invalid connection name `not ok`: ' ' at position 3 is outside the alphabet A-Z a-z 0-9 . _ : -",
        ),
        (
            "rows_file = 'none.csv'",
            "the file `none.csv` cannot be read: entity not found",
        ),
        (
            "rows_file = 'two.csv'\nname = '{a}'",
            "the column `a` comes twice",
        ),
        (
            "rows_file = 'ragged.csv'",
            "the row has 1 values, but there are 2 columns",
        ),
        ("rows_file = 'empty.csv'", "the file has no columns"),
        ("names = ['a']\nwatch = 1", "unknown key `watch`"),
        (
            "names = ['a']\nspread = 'x'",
            "expected a list of texts, which the names share, found the string \"x\"",
        ),
        (
            "names = ['a']\nurls = ['wss://{name}']",
            "`url` and `urls` exclude each other",
        ),
    ] {
        let result = source.read(&format!("[fleet.f]\nurl = 'wss://h'\n{keys}"));
        assert_eq!(only_message(result), message, "{keys}");
    }
}

#[test]
fn an_error_that_all_share_is_told_once() {
    let defaults = "[defaults]\nurl = 'http://h'\nidle_timeout = '1'\n[fleet.f]\nrange = [1, 8000]\nname = 'n{i}'";
    let errors = Memory::default().read(defaults).unwrap_err();
    assert_eq!(errors.count(), 2, "{errors}");
    let template = "[fleet.f]\nrange = [1, 8000]\nname = 'n{i}'\nurl = 'wss://h:{i}0'";
    let errors = Memory::default().read(template).unwrap_err();
    assert_eq!(errors.iter().count(), 5, "{errors}");
    assert_eq!(errors.count(), 8000 - 6553, "{errors}");
}

#[test]
fn a_name_is_given_once() {
    let fleet = "[fleet.f]\nnames = ['a', 'b']\nurl = 'wss://h'\n";
    let read = |text: &str| only_message(Memory::default().read(text));
    assert_eq!(
        read(&format!("{fleet}[connections.b]\nurl = 'wss://h'")),
        "the name `b` comes twice"
    );
    assert_eq!(
        read(&format!(
            "{fleet}[fleet.g]\nrange = [1, 1]\nname = 'a'\nurl = 'wss://h'"
        )),
        "the name `a` comes twice"
    );
    assert_eq!(
        read("[connections.a]\nurl = 'wss://h'\n[connections.a]\n"),
        "`a` is written twice"
    );
    assert_eq!(
        read("[service.hosts]\n'A.example' = {}\n'a.example' = {}"),
        "the name `a.example` comes twice"
    );
}

#[test]
fn the_files_of_a_folder_are_one_configuration() {
    let source = Memory::default()
        .with_file("d/1.toml", "schema_version = 1\n[service]\nworkers = 1\nlog.level = 'warn'\n[defaults]\nclose_code = 4000")
        .with_file("d/2.toml", "schema_version = 1\n[service]\nlog.messages = true\n[connections.a]\nurl = 'wss://h'\non_open = ['${file:t}']")
        .with_file("d/3.toml", "[connections.b]\nurl = 'wss://h'")
        .with_file("d/ignored.txt", "no toml");
    let settings = Settings::load_with("d", &source).unwrap();
    assert_eq!(names(&settings), ["a", "b"]);
    assert_eq!(settings.connections["b"].close_code, 4000);
    assert_eq!(settings.service.workers, 1);
    assert!(settings.service.log.messages);
}

#[test]
fn a_name_or_a_key_in_two_files_is_told() {
    let source = Memory::default()
        .with_file(
            "d/1.toml",
            "service.workers = 1\n[connections.a]\nurl = 'wss://h'",
        )
        .with_file(
            "d/2.toml",
            "service.workers = 2\n[connections.a]\nurl = 'wss://h'",
        );
    let errors = Settings::load_with("d", &source).unwrap_err();
    let told: Vec<_> = errors
        .iter()
        .map(|error| (error.file.as_str(), error.line, error.message.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("d/2.toml", 1, "`workers` is set in two files"),
            ("d/2.toml", 2, "`a` is set in two files")
        ]
    );
    let related = errors.iter().next().unwrap().related.as_ref().unwrap();
    assert_eq!(
        (related.file.as_str(), related.line, related.column),
        ("d/1.toml", 1, 9)
    );
}

#[test]
fn what_cannot_be_read_is_told() {
    let source = Memory::default().with_file("d/x.txt", "");
    for (path, message) in [
        (
            "none.toml",
            "the configuration cannot be read: entity not found",
        ),
        (
            "d",
            "the configuration cannot be read: the folder has no *.toml file",
        ),
    ] {
        assert_eq!(only_message(Settings::load_with(path, &source)), message);
    }
}

#[test]
fn thousands_of_names_load_at_once() {
    let text = "[defaults]\nheaders = { A = 'x', B = 'y' }\n[groups.g]\ntags = ['x']\n[fleet.f]\nrange = [1, 8000]\n\
                name = 'cp-{i:05}'\nurl = 'wss://h{i}.example.com/ocpp/{name}'\ngroup = 'g'\non_open = ['{\"id\":{i}}']";
    let started = Instant::now();
    let settings = Memory::default().read(text).unwrap();
    assert_eq!(settings.connections.len(), 8000);
    // A debug build needs a tenth of this.
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
}
