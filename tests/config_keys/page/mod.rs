//! `docs/configuration.md` documents each key as declared, and is written by this test.

mod examples;
mod takes;
mod writer;

use std::{env, fs, path::Path};

use everwire::config::Base;

use self::{examples::Examples, writer::Writer};

const PAGE: &str = "docs/configuration.md";

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The page for these files.
fn page(full: &str, base: &str) -> String {
    // A user of the program sees the program's own defaults.
    let schema = Base::new(base.to_owned().leak()).schema();
    Writer::new(Examples::new(full), schema).page()
}

/// The page for the files of this repository.
fn found() -> String {
    page(
        &read("config/full.toml"),
        &read("crates/everwire-cli/src/service/base.toml"),
    )
}

#[test]
fn the_page_has_the_keys_as_they_are_declared() {
    let found = found();
    if env::var_os("EVERWIRE_BLESS").is_some() {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE), found).unwrap();
        return;
    }
    let listed = read(PAGE);
    let differ = listed
        .lines()
        .zip(found.lines())
        .find(|(listed, found)| listed != found);
    if let Some((listed, found)) = differ {
        panic!("{PAGE} says\n{listed}\nand the keys are\n{found}\nEVERWIRE_BLESS=1 writes it anew");
    }
    assert_eq!(listed.len(), found.len(), "EVERWIRE_BLESS=1 writes it anew");
}

#[test]
fn the_page_knows_types_defaults_and_examples() {
    let page = page(
        "[connections.a]\nurl = 'wss://h'\noutbox = { ttl = '1h', messages = 7 }\nopen_script = [{ send = 'x' }]\n",
        "history = { messages = 77 }",
    );
    for row in [
        // There is no default, so the page shows the file's example.
        "| <a id=\"url\"></a>`url` | text | none, such as `'wss://h'` | The URL to connect to",
        "| <a id=\"enabled\"></a>`enabled` | `true` or `false` | `true` | Whether it is dialled at start. |",
        "| <a id=\"outbox.ttl\"></a>`ttl` | duration | `\"0s\"` | How long a message may wait",
        "| <a id=\"outbox.when_full\"></a>`when_full` | `\"reject\"` or `\"drop_oldest\"` | `\"reject\"` |",
        "| `outbox` | [table](#outbox) |  | How many messages may wait",
        "| <a id=\"outbox.bytes\"></a>`bytes` | size | `\"4MiB\"` |",
        "| <a id=\"source_address\"></a>`source_address` | IP address | none |",
        "| <a id=\"close_code\"></a>`close_code` | 1000 to 1003, 1007 to 1014 or 3000 to 4999 | `1001` |",
        "| <a id=\"service.dial_rate\"></a>`dial_rate` | rate | `\"unlimited\"` |",
        // The program's default.
        "| <a id=\"history.messages\"></a>`messages` | whole number | `77` |",
        // Described once: the steps of the close script are those of the script.
        "`close_script` | list of [tables](#open_script) | `[]` |",
    ] {
        assert!(page.contains(row), "{row}\n{page}");
    }
    // Keys stand in the order of the file, followed by those that the file does not have.
    let at = |key: &str| page.find(&format!("<a id=\"{key}\"></a>")).unwrap();
    assert!(at("outbox.ttl") < at("outbox.messages") && at("outbox.messages") < at("outbox.bytes"));
    assert!(at("url") < at("basic_auth.user"));
}

#[test]
fn each_place_of_the_page_has_an_id_of_its_own() {
    let page = found();
    let rows = page
        .split("<a id=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let headings = headings.map(|line| line.trim_start_matches('#').trim());
    let headings = headings.map(|title| title.replace(['`', '[', ']', '.'], "").to_lowercase());
    let mut ids: Vec<String> = rows.map(str::to_owned).chain(headings).collect();
    assert!(ids.len() > 200, "{ids:?}");
    ids.sort_unstable();
    let twice = ids.windows(2).find(|pair| pair[0] == pair[1]);
    assert_eq!(twice, None);
}
