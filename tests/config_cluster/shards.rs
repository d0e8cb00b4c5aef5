//! Which key of a name decides its shard.

use everwire::config::{Changes, DialPolicy, explain, shard_key};

use super::{NODE, settings};

const TABLES: &str = "
    [rates.site]
    messages = 5
    [rates.local]
    messages = 5
    per_node = true
    [prepare.login]
    steps = [{ http = { url = 'https://h/' } }]
    [prepare.alone]
    per_node = true
    steps = [{ http = { url = 'https://h/' } }]
    [connections.a]
    url = 'wss://h'
";

/// The text that decides the shard of `a` with these keys.
fn key(keys: &str) -> String {
    let settings = settings(&format!("{NODE}{TABLES}{keys}"));
    let (name, settings) = settings.connections.first_key_value().unwrap();
    shard_key(name, settings).into_owned()
}

#[test]
fn a_shared_key_decides_the_shard_of_all_its_names() {
    for (keys, expected) in [
        ("", "a"),
        ("rate = { messages = 1 }", "a"),
        ("rate = 'local'", "a"),
        ("prepare = 'alone'", "a"),
        ("prepare = [{ http = { url = 'https://h/' } }]", "a"),
        ("rate = 'site'", "rates.site"),
        ("rate = ['local', 'site']", "rates.site"),
        ("prepare = 'login'", "prepare.login"),
        ("prepare = 'login'\nrate = 'local'", "prepare.login"),
        ("prepare = 'alone'\nrate = 'site'", "rates.site"),
        (
            "open_script = [{ send = 'x', rate = 'site' }]",
            "rates.site",
        ),
        (
            "periodic = [{ send = 'x', every = '1s', rate = 'site' }]",
            "rates.site",
        ),
        (
            "subscribe = { on = 'x ${item}', rate = 'site' }\nrate = 'site'",
            "rates.site",
        ),
    ] {
        assert_eq!(key(keys), expected, "{keys}");
    }
}

/// What has no cluster may share as much as it likes.
#[test]
fn without_a_cluster_a_name_may_share_several_keys_in_any_places() {
    let text = format!(
        "{TABLES}rate = 'site'\nprepare = 'login'\nplace.region = 'eu'\n[connections.b]\nurl = 'wss://h'\nrate = 'site'"
    );
    let settings = settings(&text);
    let (name, of_name) = settings.connections.first_key_value().unwrap();
    assert_eq!(shard_key(name, of_name), "prepare.login");
    let json = br#"{"url": "wss://h", "rate": "site"}"#;
    settings
        .inherited
        .connection(json, &DialPolicy::Any)
        .unwrap();
}

/// The API cannot bring a name that no shard can have.
#[test]
fn a_name_from_the_api_is_checked_against_those_of_the_file() {
    let text =
        format!("{NODE}{TABLES}rate = 'site'\nplace.region = 'eu'\n[rates.other]\nmessages = 1");
    let inherited = settings(&text).inherited;
    let read = |keys: &str| {
        let json = format!(r#"{{"url": "wss://h", {keys}}}"#);
        inherited.connection(json.as_bytes(), &DialPolicy::Any)
    };
    for keys in [
        r#""rate": "site", "place": {"region": "eu"}"#,
        r#""rate": ["site", "local"], "place": {"region": "eu"}"#,
        r#""rate": "other""#,
        r#""place": {"region": "us"}"#,
    ] {
        read(keys).unwrap_or_else(|error| panic!("{keys}\n{error:?}"));
    }
    for (keys, pointer, message) in [
        (
            r#""rate": ["site", "other"]"#,
            "/rate",
            "in a cluster a name cannot share both `rates.other` and `rates.site`",
        ),
        (
            r#""rate": "site""#,
            "",
            "names that share `rates.site` have different places: `region=eu` and none",
        ),
        (
            r#""rate": "site", "place": {"region": "us"}"#,
            "/place",
            "names that share `rates.site` have different places: `region=eu` and `region=us`",
        ),
    ] {
        let told = read(keys).unwrap_err();
        let everwire::config::InvalidJson::Keys { errors, omitted: 0 } = told else {
            panic!("{told:?}");
        };
        let told: Vec<_> = errors
            .iter()
            .map(|error| (&*error.pointer, &*error.message))
            .collect();
        assert_eq!(told, [(pointer, message)]);
    }
}

/// A name's place can be changed for all names that share a key, in one file.
#[test]
fn names_that_share_a_key_may_have_one_place() {
    settings(&format!(
        "{NODE}{TABLES}rate = 'site'\nplace.region = 'eu'\n[connections.b]\nurl = 'wss://h'\nrate = 'site'\nplace.region = 'eu'\n\
         [connections.c]\nurl = 'wss://h'\nrate = 'local'\nplace.region = 'us'"
    ));
}

/// 64 places of 512 shards fill the table of a cluster.
#[test]
fn as_many_places_as_fit_are_taken() {
    let mut text = NODE.to_owned() + "cluster.shards = 512\n";
    for at in 1..64 {
        text += &format!("[connections.n{at}]\nurl = 'wss://h'\nplace.at = '{at}'\n");
    }
    settings(&text);
    let text = text.replace("512", "513");
    let told = super::Memory::default().read(&text).unwrap_err();
    let told: Vec<_> = told.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "<toml>:3:18: there are 64 different places, that of names without one among them\n    | cluster.shards = 513\n    \
          help: write at most 63, or at most 512 shards: all places have 32768 together\n"
        ]
    );
    let text = text.replace("513", "1") + "[connections.n64]\nurl = 'wss://h'\nplace.at = '64'\n";
    let told = super::Memory::default().read(&text).unwrap_err();
    assert!(
        told.to_string().contains("there are 65 different places"),
        "{told}"
    );
}

/// A table of this kind with keys, and a connection that shares it.
fn sharing(table: &str, key: &str) -> everwire::Settings {
    settings(&format!(
        "{table}\n[connections.a]\nurl = 'wss://h'\n{key} = 'k'"
    ))
}

#[test]
fn a_reload_tells_whether_each_node_has_its_own() {
    let steps = "[prepare.k]\nsteps = [{ http = { url = 'https://h/' } }]\n";
    for (table, key) in [("[rates.k]\nmessages = 5\n", "rate"), (steps, "prepare")] {
        let one = |per_node| sharing(&format!("{table}per_node = {per_node}"), key);
        let (old, new) = (one(false), one(true));
        let changes = Changes::between(&old.connections["a"], &new.connections["a"]);
        assert_eq!(changes.keys, [key]);
        assert!(sharing(table, key).connections == old.connections);
    }
}

#[test]
fn it_is_explained_whether_each_node_has_its_own() {
    let steps = "[prepare.k]\nsteps = [{ http = { url = 'https://h/' } }]\n";
    for (table, key, told) in [
        (
            "[rates.k]\nmessages = 5\n",
            "rate",
            "shared with all names of the rate k on the same node",
        ),
        (
            steps,
            "prepare",
            "that is done once for all with prepare = \"k\" on the same node",
        ),
    ] {
        let explained = |per_node| {
            let settings = sharing(&format!("{table}per_node = {per_node}"), key);
            format!("{:?}", explain(&settings.connections)).replace('\\', "")
        };
        assert!(explained(true).contains(told), "{}", explained(true));
        assert!(!explained(false).contains("on the same node"));
    }
}
