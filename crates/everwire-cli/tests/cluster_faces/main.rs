//! What the command line, the metrics and the page say of a cluster: two nodes with a real server of NATS.

#[expect(dead_code, reason = "only the tests of the page use all of it")]
#[path = "../browser/driver.rs"]
mod driver;
#[expect(dead_code, reason = "only the tests of the bridge use all of it")]
#[path = "../../../everwire-nats/tests/nats_server/support/server.rs"]
mod nats_server;
mod nodes;
#[path = "../service_support/mod.rs"]
mod service_support;

use std::{collections::BTreeSet, fs, path::Path, process::Stdio};

use driver::Browser;
use everwire::testing::Peer;
use nats_server::Server;
use serde_json::{Value, json};
use service_support::{
    cli::{ask, command, done},
    http::Service,
    stderr, stdout,
};

use self::nodes::{NAMES, all_is_held, cluster, node, until};

#[test]
fn a_cluster_is_seen_from_the_command_line_in_metrics_and_on_the_page() {
    let peer = Peer::spawn_thread().unwrap();
    let mut server = Server::start("faces");
    let [a, b] = ["a", "b"].map(|name| node(name, &peer, &server));
    all_is_held(&[&a, &b]);

    let nodes = done(&b, &["nodes"]);
    let mut lines = nodes.lines();
    let head = lines.next().unwrap();
    assert!(
        head.starts_with("NODE         STATE  SHARDS  WEIGHT  LABELS     RENEWED"),
        "{nodes}"
    );
    for begin in [
        "a            ready       8       1  region=eu  ",
        "b (answers)  ready       8       1  region=eu  ",
    ] {
        let line = lines.next().unwrap_or_default();
        assert!(
            line.starts_with(begin) && line.ends_with("s ago"),
            "{nodes}"
        );
    }
    assert_eq!(lines.next(), None, "nothing is wrong: {nodes}");
    let json: Value = serde_json::from_str(&done(&b, &["nodes", "--json"])).unwrap();
    assert_eq!((&json["node"], &json["free"]), (&json!("b"), &json!(0)));
    let part = a.get("/v1/status").json()["cluster"].clone();
    assert_eq!(
        (&part["node"], &part["phase"]),
        (&json!("a"), &json!("ready"))
    );
    assert!(part["lease_seconds"].as_f64() > Some(1.0), "{part}");

    names_are_where_all_nodes_say(&a, &b);
    metrics_are_documented(&a);
    let page = Browser::open("cluster-faces", &b.url("/"));
    is_drained_while_the_page_looks_on(&a, &b, &page);

    // The log is away, then the lease has run out.
    server.kill();
    until("the log is told to be away", || {
        done(&b, &["nodes"]).contains("\nthe log cannot be read: ")
    });
    assert!(metric(&b, "everwire_cluster_log_up") == Some(0.0));
    page.wait("document.querySelector('#cluster').dataset.link === 'down'");
    until("the lease has run out", || {
        cluster(&b)["ended"]["code"] == "cluster_lease_lapsed"
    });
    assert_eq!(metric(&b, "everwire_lease_seconds"), Some(0.0));
    let nodes = done(&b, &["nodes"]);
    assert!(
        nodes.contains("\nthe node that answers last lost all: the lease ran out"),
        "{nodes}"
    );
    assert!(nodes.contains(" (cluster_lease_lapsed, "), "{nodes}");
    page.wait("document.querySelector('#cluster [data-node=b]').dataset.word === 'reading'");
    let place = done(&b, &["where", "n-1"]);
    let nobody = "state    nobody holds shard ";
    assert!(
        place.contains("node     none\n") && place.contains(nobody),
        "{place}"
    );
    // Nobody can be asked, either.
    let why = ask(&b, &["why", "n-1"]);
    assert_eq!(why.status.code(), Some(1));
    assert!(
        stderr(&why).contains(nobody.trim_start_matches("state    ")),
        "{}",
        stderr(&why)
    );
    page.wait("/last lost all: the lease ran out/.test(document.querySelector('#cluster .remarks').textContent)");
    page.size(1280, 800);
    page.screenshot("cluster-log-away");
    server.restart();
    page.wait("document.querySelector('#cluster').dataset.link === 'up'");
}

#[test]
fn a_process_without_a_cluster_says_so_and_its_page_has_no_section() {
    let service = Service::start("faces-alone", "");
    let node = ["nodes"].as_slice();
    for args in [node, &["where", "feed"], &["drain", "a"]] {
        let output = ask(&service, args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(
            stderr(&output).contains("its configuration has no [cluster]"),
            "{args:?}: {}",
            stderr(&output)
        );
    }
    assert!(service.get("/v1/status").json().get("cluster").is_none());
    assert_eq!(metric(&service, "everwire_lease_seconds"), None);
    let page = Browser::open("cluster-none", &service.url("/"));
    page.wait("document.querySelector('#link').dataset.link === 'live'");
    assert_eq!(
        page.run("return document.querySelector('#cluster').hidden"),
        true
    );
    let told = page.log().to_string();
    assert!(!told.contains("v1/cluster"), "no request fails: {told}");
}

/// Each name is on one node, all nodes say which one, and each answers for it.
fn names_are_where_all_nodes_say(a: &Service, b: &Service) {
    let mut holders = BTreeSet::new();
    for name in NAMES {
        let told = [a, b].map(|node| {
            let told = done(node, &["where", name, "--json"]);
            serde_json::from_str::<Value>(&told).unwrap()
        });
        for key in ["shard", "node", "token", "subject"] {
            assert_eq!(told[0][key], told[1][key], "{told:?}");
        }
        assert_eq!(told[0]["subject"], format!("everwire.in.{name}"));
        let holder = told[0]["node"].as_str().unwrap();
        let (here, there) = if holder == "a" { (a, b) } else { (b, a) };
        holders.insert(holder.to_owned());
        here.wait_for_state(name, "open");
        let place = done(here, &["where", name]);
        assert!(
            place.contains(&format!("node     {holder} (answers)\n")),
            "{place}"
        );
        assert!(
            place.contains(&format!("state    on this node, {holder}")),
            "{place}"
        );
        // The other node asks the holder.
        let why = done(there, &["why", name]);
        assert!(why.contains(&format!("{name} has been open for ")), "{why}");
        there.wait_for_state(name, "open");
    }
    assert_eq!(holders.len(), 2, "both have names");
    let unknown = ask(a, &["where", "nobody"]);
    assert!(stderr(&unknown).contains("there is no connection named \"nobody\""));
}

/// `docs/cluster.md` has each metric of a cluster with its type, and no other one.
fn metrics_are_documented(node: &Service) {
    let text = node.get("/metrics").body;
    for line in [
        "everwire_shards{node=\"a\"} 8",
        "everwire_shards{node=\"b\"} 8",
        "everwire_cluster_log_up 1",
    ] {
        assert!(text.lines().any(|told| told == line), "{line}: {text}");
    }
    assert!(metric(node, "everwire_lease_seconds") > Some(1.0));
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cluster.md");
    let page = fs::read_to_string(page).unwrap();
    let rows = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `everwire_"));
    let rows: BTreeSet<(&str, &str)> = rows
        .filter_map(|row| {
            let (name, rest) = row.split_once("` | ")?;
            Some((name.split('{').next()?, rest.split(' ').next()?))
        })
        .collect();
    let types = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE everwire_"));
    let types: Vec<_> = types.filter_map(|line| line.split_once(' ')).collect();
    let served: BTreeSet<_> = types
        .iter()
        .filter(|(name, _)| {
            let words = ["shards", "lease", "moves", "cluster"];
            words.iter().any(|word| name.starts_with(word))
        })
        .map(|(name, kind)| match *kind {
            "counter" => (format!("{name}_total"), *kind),
            _ => ((*name).to_owned(), *kind),
        })
        .collect();
    let rows: BTreeSet<_> = rows
        .into_iter()
        .map(|(name, kind)| (name.to_owned(), kind))
        .collect();
    assert!(served.len() == 5 && served == rows, "{served:?} {rows:?}");
}

/// The value of a metric without labels, or with those in the text.
fn metric(node: &Service, name: &str) -> Option<f64> {
    let text = node.get("/metrics").body;
    let lines = text.lines().filter_map(|line| line.rsplit_once(' '));
    let mut values = lines.filter(|(told, _)| *told == name);
    values.next().map(|(_, value)| value.parse().unwrap())
}

/// The page of `b`, at two widths, while `a` is drained by a command to `b`.
fn is_drained_while_the_page_looks_on(a: &Service, b: &Service, page: &Browser) {
    let bar = |node: &str| {
        format!("document.querySelector('#cluster [data-node={node}] progress').value")
    };
    page.wait("document.querySelector('#cluster')?.hidden === false");
    page.wait(&format!("{} === 8 && {} === 8", bar("a"), bar("b")));
    page.wait("document.querySelectorAll('#rows > [role=row]').length > 0");
    page.screenshot("cluster");
    page.size(390, 844);
    page.screenshot("cluster-narrow");
    let width = page.run("return document.documentElement.scrollWidth");
    assert_eq!(width, 390, "nothing is wider than the page");
    let cut = page.run(
        "return [...document.querySelectorAll('#cluster li > *')].filter((part) => part.scrollWidth > part.clientWidth + 1).map((part) => part.textContent)",
    );
    assert_eq!(cut, json!([]), "nothing is cut off");

    let before = metric(b, "everwire_moves_total{reason=\"drain\"}");
    assert_eq!(before, Some(0.0));
    let mut draining = command(b, &["drain", "a", "--within", "60s"]);
    draining.stdout(Stdio::piped()).stderr(Stdio::piped());
    let draining = draining.spawn().unwrap();
    page.wait("/shards? moves? · a → b [1-8]$/.test(document.querySelector('#cluster .remarks').textContent)");
    page.screenshot("cluster-moving-narrow");
    let drained = draining.wait_with_output().unwrap();
    assert_eq!(drained.status.code(), Some(0), "{drained:?}");
    assert_eq!(stdout(&drained), "a has no shard: it can be stopped\n");
    let progress = stderr(&drained);
    let lines: Vec<_> = progress.lines().collect();
    assert!(!lines.is_empty(), "{progress}");
    for line in lines {
        let left = line
            .strip_prefix("a: ")
            .and_then(|line| line.split_once(" shard"));
        assert!(
            left.is_some_and(|(left, _)| left.parse::<u8>().unwrap() <= 8),
            "{progress}"
        );
    }
    assert_eq!(
        metric(b, "everwire_moves_total{reason=\"drain\"}"),
        Some(8.0)
    );
    page.wait(&format!("{} === 0 && {} === 16", bar("a"), bar("b")));
    page.wait("document.querySelector('#cluster [data-node=a]').dataset.word === 'draining'");
    page.screenshot("cluster-drained-narrow");
    for name in NAMES {
        b.wait_for_state(name, "open");
    }
    let again = done(a, &["drain", "a", "--no-wait"]);
    assert_eq!(again, "a drains\n", "a second time changes nothing");
    let unknown = ask(b, &["drain", "c"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("there is no node \"c\" in the cluster"));
}
