//! The code is layered, and no layer uses a higher one: a folder of a crate's sources names only
//! items of lower folders, in its crate or in a lower one, and the files of a folder do not name
//! each other in a cycle.
//!
//! An edge goes from the file that names an item, in `use` or in a path, to the file that defines
//! it. A parent's `mod` and `pub use` are not edges, and tests are ignored. `allowed.txt` lists the
//! remaining violations. It may only shrink: an unnecessary entry fails the test, too, and
//! `EVERWIRE_BLESS=1` deletes it. (`EVERWIRE_BLESS=grow` writes the present state, for merging work
//! that began before.)

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    env, fmt, fs,
    path::Path,
    sync::OnceLock,
};

use super::{
    names::{self, Edge, Reading},
    tree::{self, BRIDGE, CLUSTER, Crate, LIBRARY, PROGRAM, PROTO, WORKSPACE},
};

/// The crates, lowest first; in each the folders and top-level files of its sources, lowest first.
const FLOORS: [(Crate, &[&str]); WORKSPACE.len()] = [
    (
        PROTO,
        &[
            "proto:wire",
            "proto:decode",
            "proto:language",
            "proto:settings",
            "proto:core",
            "proto:dialogue",
            "proto:placement",
            "proto:lib",
        ],
    ),
    (
        LIBRARY,
        &[
            "chance",
            "clock",
            "panics",
            "signer",
            "memory",
            "stored",
            "events",
            "settings",
            "store",
            "secret_store",
            "transport",
            "hub",
            "persistence",
            "connection",
            "manager",
            "config",
            "testing",
            "lib",
        ],
    ),
    (
        BRIDGE,
        &[
            "nats:ack",
            "nats:subject",
            "nats:lanes",
            "nats:queue",
            "nats:header",
            "nats:spool",
            "nats:error",
            "nats:part",
            "nats:report",
            "nats:status",
            "nats:stream",
            "nats:connection",
            "nats:link",
            "nats:inbound",
            "nats:outbound",
            "nats:bridge",
            "nats:lib",
        ],
    ),
    (
        CLUSTER,
        &[
            "cluster:clocks",
            "cluster:state_file",
            "cluster:event",
            "cluster:order",
            "cluster:seen",
            "cluster:codes",
            "cluster:status",
            "cluster:requests",
            "cluster:log",
            "cluster:runtime",
            "cluster:cluster",
            "cluster:lib",
        ],
    ),
    (PROGRAM, &["terminal", "service", "cli", "main"]),
];

/// The folders of `connection/`, lowest first.
const ROOMS: [&str; 14] = [
    "error",
    "request",
    "subscription",
    "arbiter",
    "status",
    "outbox",
    "dialer",
    "context",
    "state",
    "socket",
    "session",
    "rotation",
    "driver",
    "actor",
];

const ALLOWED: &str = "tests/source/allowed.txt";

#[test]
fn nothing_looks_up_and_nothing_runs_in_a_circle() {
    let reading = reading();
    let found = Breaches::of(&reading.edges);
    let allowed = Breaches::parse(&fs::read_to_string(root().join(ALLOWED)).unwrap());
    if found == allowed {
        return;
    }
    let bless = env::var("EVERWIRE_BLESS").unwrap_or_default();
    if bless == "grow" || (!bless.is_empty() && found.is_within(&allowed)) {
        fs::write(root().join(ALLOWED), found.to_string()).unwrap();
        return;
    }
    panic!("{}", complaint(&found, &allowed, &reading.edges));
}

#[test]
fn every_folder_has_its_floor_and_every_floor_its_folder() {
    assert_eq!(FLOORS.map(|(of, _)| of), WORKSPACE);
    for (of, floors) in FLOORS {
        let known: BTreeSet<String> = floors.iter().map(ToString::to_string).collect();
        let keys: Vec<String> = tree::read(of)
            .keys()
            .map(|file| format!("{}{file}", of.prefix))
            .collect();
        let found: BTreeSet<String> = keys.iter().map(|file| folder(file).to_owned()).collect();
        assert_eq!(found, known, "{}", of.sources);
    }
}

#[test]
fn each_room_of_a_connection_names_only_the_rooms_below_it() {
    let room = |file: &str| {
        let (room, _) = file.strip_prefix("connection/")?.split_once(['/', '.'])?;
        // The parent only connects the parts.
        (room != "mod").then(|| {
            let found = ROOMS.iter().position(|known| *known == room);
            found.unwrap_or_else(|| panic!("connection/{room} has no place among {ROOMS:?}"))
        })
    };
    let edges = reading().edges.iter();
    let upward: Vec<&Edge> = edges
        .filter(|edge| matches!((room(&edge.from), room(&edge.to)), (Some(from), Some(to)) if from < to))
        .collect();
    assert!(upward.is_empty(), "{upward:#?}");
    assert!(
        reading()
            .edges
            .iter()
            .any(|edge| room(&edge.from).is_some())
    );
}

#[test]
fn every_path_of_ours_leads_to_an_item() {
    let reading = reading();
    assert!(reading.lost.is_empty(), "{:#?}", reading.lost);
    // Well-known edges of the code, which the test must find.
    for (from, to, item) in [
        ("service/state.rs", "manager/registry.rs", "Manager"),
        (
            "connection/driver/effects.rs",
            "proto:core/lifecycle/state.rs",
            "Effect",
        ),
        ("config/keys/rate.rs", "config/read/table.rs", "table"),
        ("connection/driver/mod.rs", "clock.rs", "now"),
    ] {
        let seen = |edge: &Edge| {
            (edge.from.as_str(), edge.to.as_str(), edge.item.as_str()) == (from, to, item)
        };
        assert!(
            reading.edges.iter().any(seen),
            "{from} names {item} of {to}"
        );
    }
}

/// The present source, read once.
fn reading() -> &'static Reading {
    static READING: OnceLock<Reading> = OnceLock::new();
    READING.get_or_init(|| names::read(&tree::workspace()))
}

/// Upward edges, and cycles.
#[derive(Debug, Default, PartialEq)]
struct Breaches {
    /// From a file to a file on a higher floor.
    upward: BTreeSet<(String, String)>,
    /// Files of one folder that all lead to each other.
    circles: BTreeSet<Vec<String>>,
}

impl Breaches {
    fn of(edges: &BTreeSet<Edge>) -> Self {
        let mut found = Self::default();
        let mut folders: BTreeMap<&str, Graph<'_>> = BTreeMap::new();
        for edge in edges {
            let (from, to) = (folder(&edge.from), folder(&edge.to));
            if from == to {
                let graph = folders.entry(from).or_default();
                graph.entry(&edge.from).or_default().insert(&edge.to);
            } else if floor(from) < floor(to) {
                found.upward.insert((edge.from.clone(), edge.to.clone()));
            }
        }
        for graph in folders.values() {
            found.circles.extend(circles(graph));
        }
        found
    }

    /// Reads what [`Display`](fmt::Display) writes.
    fn parse(text: &str) -> Self {
        let mut allowed = Self::default();
        let mut circle: Vec<String> = Vec::new();
        for line in text.lines().chain(["end"]) {
            if let Some(file) = line.strip_prefix("    ") {
                circle.push(file.to_owned());
                continue;
            }
            if !circle.is_empty() {
                allowed.circles.insert(std::mem::take(&mut circle));
            }
            if let Some((from, to)) = line.split_once(" -> ") {
                allowed.upward.insert((from.to_owned(), to.to_owned()));
            } else {
                let known = ["circle", "end", ""].contains(&line) || line.starts_with('#');
                assert!(
                    known,
                    "{ALLOWED}: {line:?} is neither an arrow nor a circle"
                );
            }
        }
        allowed
    }

    /// Whether there is no new breach.
    fn is_within(&self, allowed: &Self) -> bool {
        let known = |circle: &Vec<String>| {
            let holds = |outer: &Vec<String>| circle.iter().all(|file| outer.contains(file));
            allowed.circles.iter().any(holds)
        };
        self.upward.is_subset(&allowed.upward) && self.circles.iter().all(known)
    }
}

impl fmt::Display for Breaches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# What still breaks the rule of tests/source/floors.rs. It may only shrink.\n"
        )?;
        writeln!(f, "# Arrows that run up: {}.", self.upward.len())?;
        for (from, to) in &self.upward {
            writeln!(f, "{from} -> {to}")?;
        }
        writeln!(
            f,
            "\n# Circles: {}. Each file of one leads to all others of it.",
            self.circles.len()
        )?;
        for circle in &self.circles {
            writeln!(f, "circle")?;
            for file in circle {
                writeln!(f, "    {file}")?;
            }
        }
        Ok(())
    }
}

/// Each difference, with the places in the source that cause it.
fn complaint(found: &Breaches, allowed: &Breaches, edges: &BTreeSet<Edge>) -> String {
    let mut lines = Vec::new();
    for (from, to) in found.upward.difference(&allowed.upward) {
        let (low, high) = (folder(from), folder(to));
        lines.push(format!(
            "{low}/ lies below {high}/ and must not name what {high}/ defines:"
        ));
        lines.extend(places(edges, from, to));
    }
    for circle in found.circles.difference(&allowed.circles) {
        let known = |file: &&String| allowed.circles.iter().any(|circle| circle.contains(file));
        let (old, new): (Vec<&String>, Vec<&String>) = circle.iter().partition(known);
        let smaller = allowed
            .circles
            .iter()
            .any(|outer| circle.iter().all(|file| outer.contains(file)));
        // The new files in a cycle; or all, if two cycles have become one.
        let told = if new.is_empty() && !smaller { old } else { new };
        for file in told {
            let mut way = shortest_circle(edges, circle, file);
            lines.push(format!(
                "{file} runs in a circle of {} files, by way of:",
                circle.len()
            ));
            way.push(file.clone());
            for step in way.windows(2) {
                lines.extend(places(edges, &step[0], &step[1]).into_iter().take(1));
            }
        }
    }
    for (from, to) in allowed.upward.difference(&found.upward) {
        lines.push(format!(
            "{from} names nothing of {to} any more: delete the line from {ALLOWED}"
        ));
    }
    let still = |file: &&String| found.circles.iter().any(|circle| circle.contains(file));
    for file in allowed.circles.iter().flatten().filter(|file| !still(file)) {
        lines.push(format!(
            "{file} runs in no circle any more: delete the line from {ALLOWED}"
        ));
    }
    if lines.is_empty() {
        lines.push(format!("a circle has come apart: mend {ALLOWED}"));
    }
    lines.push("EVERWIRE_BLESS=1 deletes what is not needed any more".to_owned());
    lines.join("\n")
}

/// The places where a file names items of another file.
fn places(edges: &BTreeSet<Edge>, from: &str, to: &str) -> Vec<String> {
    let between = edges
        .iter()
        .filter(|edge| edge.from == from && edge.to == to);
    let mut seen = BTreeSet::new();
    between
        .filter(|edge| seen.insert(&edge.item))
        .map(|edge| {
            format!(
                "    {}:{}: names {}, which {} defines",
                path(from),
                edge.line,
                edge.item,
                path(to)
            )
        })
        .collect()
}

type Graph<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// The strongly connected components of more than one file.
fn circles(graph: &Graph<'_>) -> Vec<Vec<String>> {
    let reach: BTreeMap<&str, BTreeSet<&str>> = graph
        .keys()
        .map(|file| (*file, reachable(graph, file)))
        .collect();
    let both = |a: &str, b: &str| {
        reach.get(a).is_some_and(|r| r.contains(b)) && reach.get(b).is_some_and(|r| r.contains(a))
    };
    let mut found: BTreeSet<Vec<String>> = BTreeSet::new();
    for file in graph.keys() {
        let circle: Vec<String> = graph
            .keys()
            .filter(|other| both(file, other))
            .map(|other| (*other).to_owned())
            .collect();
        if circle.len() > 1 {
            found.insert(circle);
        }
    }
    found.into_iter().collect()
}

fn reachable<'a>(graph: &Graph<'a>, start: &str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&str> = graph[start].iter().copied().collect();
    while let Some(file) = next.pop() {
        let Some((file, beyond)) = graph.get_key_value(file) else {
            continue;
        };
        if seen.insert(*file) {
            next.extend(beyond);
        }
    }
    seen
}

/// The shortest path from a file back to itself, within its cycle.
fn shortest_circle(edges: &BTreeSet<Edge>, circle: &[String], start: &String) -> Vec<String> {
    let mut ways = VecDeque::from([vec![start.clone()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for edge in edges.iter().filter(|edge| Some(&edge.from) == way.last()) {
            if edge.to == *start {
                return way;
            }
            if circle.contains(&edge.to) && seen.insert(&edge.to) {
                let mut longer = way.clone();
                longer.push(edge.to.clone());
                ways.push_back(longer);
            }
        }
    }
    vec![start.clone()]
}

/// The folder directly below the sources of its crate, or a top-level file itself; with the crate's
/// prefix.
fn folder(file: &str) -> &str {
    let prefixes = WORKSPACE.iter().map(|of| of.prefix);
    let prefix = prefixes
        .filter(|prefix| file.starts_with(prefix))
        .max_by_key(|prefix| prefix.len());
    let start = prefix.unwrap_or_default().len();
    let end = file[start..]
        .find('/')
        .map_or(file.len(), |slash| start + slash);
    let folder = &file[..end];
    folder.strip_suffix(".rs").unwrap_or(folder)
}

/// The floor of the crate, then the floor of the folder within the crate.
fn floor(folder: &str) -> (usize, usize) {
    let found = FLOORS.iter().enumerate().find_map(|(height, (_, floors))| {
        let floor = floors.iter().position(|floor| *floor == folder)?;
        Some((height, floor))
    });
    found.unwrap_or_else(|| panic!("{folder} has no floor: give it one in tests/source/floors.rs"))
}

/// The path of a file, relative to the repository.
fn path(file: &str) -> String {
    let (height, _) = floor(folder(file));
    let (of, _) = FLOORS[height];
    format!("{}/{}", of.sources, &file[of.prefix.len()..])
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn an_arrow_upward_and_a_circle_are_told_with_their_places() {
    let edge = |from: &str, to: &str, line, item: &str| Edge {
        from: from.to_owned(),
        to: to.to_owned(),
        line,
        item: item.to_owned(),
    };
    let edges = BTreeSet::from([
        edge("transport/a.rs", "config/b.rs", 3, "Settings"),
        edge("config/b.rs", "transport/a.rs", 4, "Cause"),
        edge("hub/a.rs", "hub/b.rs", 5, "B"),
        edge("hub/b.rs", "hub/c.rs", 6, "C"),
        edge("hub/c.rs", "hub/a.rs", 7, "A"),
        edge("hub/c.rs", "hub/leaf.rs", 8, "Leaf"),
    ]);
    let found = Breaches::of(&edges);
    assert_eq!(Breaches::parse(&found.to_string()), found);
    let told = complaint(&found, &Breaches::default(), &edges);
    for line in [
        "transport/ lies below config/ and must not name what config/ defines:",
        "    src/transport/a.rs:3: names Settings, which src/config/b.rs defines",
        "hub/a.rs runs in a circle of 3 files, by way of:",
        "    src/hub/a.rs:5: names B, which src/hub/b.rs defines",
        "    src/hub/c.rs:7: names A, which src/hub/a.rs defines",
    ] {
        assert!(told.lines().any(|told| told == line), "{line:?} in {told}");
    }
    assert!(!told.contains("leaf.rs"), "{told}");
    assert!(!found.is_within(&Breaches::default()));

    // If a cycle loses a file, only that file is reported.
    let mut larger = Breaches::of(&edges);
    larger.circles = BTreeSet::from([["a", "b", "c", "d"]
        .map(|file| format!("hub/{file}.rs"))
        .to_vec()]);
    let told = complaint(&found, &larger, &edges);
    assert!(
        told.starts_with("hub/d.rs runs in no circle any more"),
        "{told}"
    );

    // An unnecessary entry is reported, too, and may be deleted.
    let clean = Breaches::default();
    assert!(clean.is_within(&found));
    let told = complaint(&clean, &found, &BTreeSet::new());
    assert!(
        told.contains("transport/a.rs names nothing of config/b.rs any more"),
        "{told}"
    );
    assert!(
        told.contains("hub/b.rs runs in no circle any more"),
        "{told}"
    );
}
