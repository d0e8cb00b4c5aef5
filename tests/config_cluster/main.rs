//! `[cluster]`, `place` and `per_node`: the settings from the keys, and the messages for wrong ones.

#[path = "../config/memory.rs"]
mod memory;
mod shards;
#[path = "../config_nats/told.rs"]
mod told;

use std::{collections::BTreeMap, path::Path, time::Duration};

use everwire::config::{
    Base, ClusterSettings, DialPolicy, Labels, LeaseGuard, LeaseSettings, Plan, Settings,
    WithoutLease,
};
use memory::Memory;

/// A cluster of which only this is needed.
const NODE: &str = "nats.servers = ['nats://h']\ncluster.node = 'a'\n";

fn settings(text: &str) -> Settings {
    let read = Memory::default().read(text);
    read.unwrap_or_else(|errors| panic!("{text}\n{errors}"))
}

/// The settings of a node with these keys.
fn cluster(keys: &str) -> ClusterSettings {
    let text = format!("nats.servers = ['nats://h']\n[cluster]\nnode = 'a'\n{keys}");
    settings(&text).cluster.unwrap()
}

fn labels<const N: usize>(labels: [(&str, &str); N]) -> Labels {
    labels.into_iter().collect()
}

#[test]
fn without_the_table_there_is_no_cluster() {
    assert_eq!(settings("").cluster, None);
}

#[test]
fn a_node_of_little_has_the_defaults_and_its_bridge_may_have_nothing_to_bridge() {
    let settings = settings(NODE);
    let nats = settings.nats.unwrap();
    assert_eq!((&nats.inbound, &nats.outbound), (&None, &None));
    let found = settings.cluster.unwrap();
    assert_eq!(found, ClusterSettings::new("a"));
    let seconds = Duration::from_secs;
    assert_eq!((&*found.node, found.shards), ("a", 256));
    assert_eq!(
        (found.lease.lease(), found.lease.margin()),
        (seconds(30), seconds(2))
    );
    assert_eq!(found.lease_guard, LeaseGuard::None);
    assert_eq!(found.without_lease, WithoutLease::Close);
    assert_eq!((found.moves, found.move_timeout), (50, seconds(30)));
    assert_eq!(found.labels, Labels::default());
    assert_eq!((found.weight, found.replicas), (1, 1));
}

#[test]
fn each_key_is_read() {
    let found = cluster(
        "shards = 16384\nlease = '1m'\nmargin = '5s'\nlease_guard = 'none'\nwithout_lease = 'close'\nmoves = '7/s'\n\
         move_timeout = '2s'\nlabels = { region = 'eu', disk = 'ssd' }\nweight = 1000\nreplicas = 5\n",
    );
    let seconds = Duration::from_secs;
    assert_eq!(found.shards, 16_384);
    assert_eq!(
        found.lease,
        LeaseSettings::new(seconds(60), seconds(5)).unwrap()
    );
    assert_eq!((found.moves, found.move_timeout), (7, seconds(2)));
    assert_eq!(found.labels, labels([("disk", "ssd"), ("region", "eu")]));
    assert_eq!((found.weight, found.replicas), (1000, 5));
    let named = |node: &str| format!("nats.servers = ['nats://h']\ncluster.node = '{node}'");
    for node in ["eu-1.example:9", "A_b", &"n".repeat(128)] {
        let found = settings(&named(node)).cluster.unwrap();
        assert_eq!(&*found.node, node);
    }
}

#[test]
fn moves_are_names_in_a_second() {
    for (text, names) in [
        ("1/s", 1),
        ("300/m", 5),
        ("3/2s", 1),
        ("60/m", 1),
        ("5/100ms", 50),
        ("4294967295/1ms", u32::MAX),
    ] {
        assert_eq!(cluster(&format!("moves = '{text}'")).moves, names, "{text}");
    }
}

#[test]
fn a_lease_that_is_just_long_enough_is_taken() {
    for (lease, margin) in [("18s", "2s"), ("15002ms", "1ms"), ("1h", "20m")] {
        cluster(&format!("lease = '{lease}'\nmargin = '{margin}'"));
    }
}

#[test]
fn places_are_merged_over_the_layers_and_an_empty_label_is_removed() {
    let text = "
        [defaults]
        place = { region = 'eu', disk = 'ssd' }
        [groups.g]
        place.region = 'us'
        [connections.a]
        url = 'wss://h'
        [connections.b]
        url = 'wss://h'
        group = 'g'
        place.rack = '7'
        [connections.c]
        url = 'wss://h'
        place = { region = '', disk = '' }
        [fleet.f]
        rows_file = 'rows.csv'
        name = 'f-{region}'
        url = 'wss://h'
        place = { region = '{region}' }
    ";
    let memory = Memory::default().with_file("rows.csv", "region\nasia\n");
    let settings = memory
        .read(text)
        .unwrap_or_else(|errors| panic!("{errors}"));
    let place = |name: &str| settings.connections[name].place.to_string();
    assert_eq!(place("a"), "disk=ssd,region=eu");
    assert_eq!(place("b"), "disk=ssd,rack=7,region=us");
    assert_eq!(place("c"), "");
    assert_eq!(place("f-asia"), "disk=ssd,region=asia");
}

/// It is no error in a file without a cluster, where it does nothing.
#[test]
fn a_place_is_shown_as_it_is_written() {
    let settings =
        settings("connections.a = { url = 'wss://h', place = { region = 'eu', is = '$${x}' } }");
    let shown = everwire::config::masked(&settings.connections["a"]);
    assert_eq!(
        shown["place"],
        serde_json::json!({ "is": "$${x}", "region": "eu" })
    );
}

#[test]
fn a_name_from_the_api_may_have_a_place() {
    let inherited = settings("[defaults]\nplace.region = 'eu'").inherited;
    let read = |json: &str| inherited.connection(json.as_bytes(), &DialPolicy::Any);
    let found = read(r#"{"url": "wss://h", "place": {"disk": "ssd"}}"#).unwrap();
    assert_eq!(found.place, labels([("disk", "ssd"), ("region", "eu")]));
    let long = format!(
        r#"{{"url": "wss://h", "place": {{"disk": "{}"}}}}"#,
        "x".repeat(250)
    );
    let told = format!("{:?}", read(&long).unwrap_err());
    assert!(
        told.contains("the labels have 274 bytes") && told.contains("/place"),
        "{told}"
    );
    let told = read(r#"{"url": "wss://h", "cluster": {"node": "a"}}"#).unwrap_err();
    assert!(
        format!("{told:?}").contains("unknown key `cluster`"),
        "{told:?}"
    );
}

#[test]
fn another_place_needs_no_other_socket() {
    let one = |place: &str| {
        settings(&format!(
            "connections.a = {{ url = 'wss://h', place = {{ {place} }} }}"
        ))
        .connections
    };
    let plan = Plan::between(&one(""), &one("region = 'eu'"));
    assert_eq!(plan.applied[0].keys, ["place"]);
    assert!(plan.rotated.is_empty());
}

#[test]
fn a_reload_that_changes_the_cluster_says_that_it_needs_a_restart() {
    let plan = |old: Option<&ClusterSettings>, new: Option<&ClusterSettings>| {
        let none = BTreeMap::new();
        Plan::between(&none, &none).with_cluster(old, new)
    };
    let old = cluster("");
    assert_eq!(plan(None, None), Plan::default());
    assert_eq!(plan(Some(&old), Some(&old.clone())), Plan::default());
    for keys in [
        "shards = 1",
        "lease = '1m'",
        "margin = '1s'",
        "moves = '1/s'",
        "move_timeout = '1s'",
        "labels.a = 'b'",
        "weight = 2",
        "replicas = 3",
    ] {
        let plan = plan(Some(&old), Some(&cluster(keys)));
        assert_eq!(
            (&*plan.restart, &*plan.service),
            (&["cluster"][..], &[][..]),
            "{keys}"
        );
    }
    assert_eq!(plan(None, Some(&old)).restart, ["cluster"]);
    assert_eq!(plan(Some(&old), None).restart, ["cluster"]);
}

#[test]
fn a_program_without_a_bridge_has_no_cluster_either() {
    const BASE: Base = Base::NONE.without_nats("build it with a bridge");
    let told = BASE.from_toml_with(NODE, &Memory::default()).unwrap_err();
    let told: Vec<_> = told
        .iter()
        .map(|error| (error.line, &*error.message))
        .collect();
    let missing = "feature_missing: this program was built without the feature `nats`";
    assert_eq!(told, [(1, missing), (2, missing)]);
}

/// Keys of `[cluster]`, each followed by all their messages.
#[test]
fn each_wrong_cluster_is_told_as_expected() {
    let cases = told::compare(Path::new("tests/config_cluster/wrong.txt"), |keys| {
        format!("nats.servers = ['nats://h']\n{keys}")
    });
    assert!(cases > 40, "{cases}");
}

#[test]
fn a_cluster_without_servers_is_told_where_it_is_written() {
    let told = Memory::default().read("[cluster]\nnode = 'a'").unwrap_err();
    assert_eq!(
        told.to_string(),
        "<toml>:1:1: `cluster` needs `[nats]`, whose servers keep its log\n    | [cluster]\n    help: write [nats] with \
         servers = [\"nats://127.0.0.1:4222\"]; it needs neither `in` nor `out`\n"
    );
    let settings = Memory::default()
        .read("[nats]\nservers = ['nats://h']\nout = {}\n[cluster]\nnode = 'a'")
        .unwrap();
    let told: Vec<_> = settings
        .warnings
        .iter()
        .map(|told| (told.line, &*told.message))
        .collect();
    assert_eq!(
        told,
        [(
            3,
            "`out` is ignored in a cluster: nothing is taken from the queue"
        )]
    );
    // Without a cluster, a bridge needs something to bridge.
    let told = Memory::default()
        .read("nats.servers = ['nats://h']")
        .unwrap_err();
    assert!(
        told.to_string()
            .contains("`nats` has neither `in` nor `out`"),
        "{told}"
    );
}
