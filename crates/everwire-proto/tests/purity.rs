//! This crate uses no actor, runtime, clock, file, environment or global random number.
//! `clippy.toml` forbids such calls and types; this test reads the text, so that no dependency can
//! provide them under another name.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A map with random hash seeds, so that no peer can choose colliding keys. It is the one
/// exception, allowed where a peer chooses the keys and no decision depends on their order.
const SEEDED: &str = "HashMap";

/// The files that may have one.
const MAY_SEED: [&str; 6] = [
    "core/sequence.rs",
    "core/overlap/numbers.rs",
    "dialogue/subscriptions/ears.rs",
    "dialogue/subscriptions/keys.rs",
    "dialogue/subscriptions/on_socket.rs",
    "dialogue/subscriptions/routes.rs",
];

/// Names that the pure crate must not use. `Instant` as a type is allowed: its values are
/// arguments.
const IMPURE: [&str; 34] = [
    "actix",
    "tokio",
    "awc",
    "mio::",
    "socket2",
    "rustls",
    "async fn",
    ".await",
    "Instant::now",
    "SystemTime",
    "Timestamp::now",
    "Zoned::now",
    "std::env",
    "std::fs",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "std::thread",
    "std::process",
    "fs::read",
    "env::var",
    "env::vars",
    "rand::rng",
    "rand::random",
    "thread_rng",
    "parking_lot",
    "Mutex",
    "thread_local!",
    "static mut",
    SEEDED,
    "HashSet",
    "RwLock",
    "RandomState",
];

#[test]
fn the_crate_is_pure() {
    let mut found = Vec::new();
    let mut files = 0;
    for path in rust_files("src") {
        files += 1;
        let code = production_code(&fs::read_to_string(&path).unwrap());
        for word in IMPURE {
            if word == SEEDED && MAY_SEED.iter().any(|file| path.ends_with(file)) {
                continue;
            }
            if let Some(line) = code.iter().find(|line| has(line, word)) {
                found.push(format!("{}: {word:?} in {:?}", path.display(), line.trim()));
            }
        }
    }
    assert!(files >= 80, "only {files} files were found");
    assert!(found.is_empty(), "impure: {found:#?}");
}

#[test]
fn the_scan_sees_what_it_looks_for() {
    let code = "use std::fs;\n// tokio in a comment\nfn f() { let now = Instant::now(); } // tokio\n\
                #[cfg(test)]\nmod tests {\n    use tokio::test;\n}\n";
    let code = production_code(code);
    let seen = |word: &str| code.iter().any(|line| line.contains(word));
    assert!(seen("std::fs") && seen("Instant::now"));
    assert!(!seen("tokio"));
    assert!(has("a.await?", ".await") && !has("a.awaited()", ".await"));
}

/// Whether a line has a word that no letter follows: `.awaited()` is not `.await`.
fn has(line: &str, word: &str) -> bool {
    let mut ends = line.match_indices(word).map(|(at, _)| at + word.len());
    ends.any(|end| !line[end..].starts_with(|next: char| next.is_ascii_alphabetic()))
}

/// The lines without comments, up to the tests.
fn production_code(text: &str) -> Vec<String> {
    text.lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .map(|line| line.split("//").next().unwrap_or_default().to_owned())
        .collect()
}

/// All Rust files below a folder, without tests.
fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            match path.extension() {
                _ if name.starts_with("tests") => {}
                None => folders.push(path),
                Some(extension) if extension == "rs" => files.push(path),
                Some(_) => {}
            }
        }
    }
    files
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
