//! `core/` and `wire/` know no actor, runtime, clock, file, environment or global random number; the service knows no more
//! of the library than its users do.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What the pure parts must not name. `Instant` as a type is fine: its values are arguments.
const IMPURE: [&str; 26] = [
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
    "std::net",
    "std::thread",
    "std::process",
    "fs::read",
    "env::var",
    "rand::rng",
    "rand::random",
    "thread_rng",
    "parking_lot",
    "Mutex",
    "thread_local!",
    "static mut",
];

#[test]
fn core_and_wire_are_pure() {
    let mut found = Vec::new();
    let mut files = 0;
    for folder in ["src/core", "src/wire"] {
        for path in rust_files(folder) {
            files += 1;
            let code = production_code(&fs::read_to_string(&path).unwrap());
            for word in IMPURE {
                if let Some(line) = code.iter().find(|line| line.contains(word)) {
                    found.push(format!("{}: {word:?} in {:?}", path.display(), line.trim()));
                }
            }
        }
    }
    assert!(
        files >= 15,
        "only {files} files of the pure parts were found"
    );
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
    let shell =
        production_code(&fs::read_to_string(root().join("src/connection/driver.rs")).unwrap());
    assert!(shell.iter().any(|line| line.contains("clock::now")));
}

#[test]
fn the_service_and_the_command_line_are_no_part_of_the_library() {
    // They are modules of the program's crate, so the compiler holds them to the library's public API.
    let modules = |file: &str| -> Vec<String> {
        let code = production_code(&fs::read_to_string(root().join(file)).unwrap());
        let named = code.iter().filter_map(|line| {
            let name = line.trim_start_matches("pub ").strip_prefix("mod ")?;
            Some(name.trim_end_matches(';').to_owned())
        });
        named.collect()
    };
    let (library, binary) = (
        modules("src/lib.rs"),
        modules("crates/everwire-cli/src/main.rs"),
    );
    assert!(library.contains(&"manager".to_owned()), "{library:?}");
    for outer in ["service", "cli"] {
        assert!(binary.contains(&outer.to_owned()), "{binary:?}");
        assert!(!library.contains(&outer.to_owned()), "{library:?}");
        let files = rust_files(&format!("crates/everwire-cli/src/{outer}"));
        assert!(!files.is_empty(), "{outer} was not found");
        for path in files {
            let code = production_code(&fs::read_to_string(&path).unwrap());
            let around = code
                .iter()
                .find(|line| line.contains("#[path") || line.contains("include!("));
            assert_eq!(around, None, "{}", path.display());
        }
    }
}

/// The lines without comments, up to the tests.
fn production_code(text: &str) -> Vec<String> {
    text.lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .map(|line| line.split("//").next().unwrap_or_default().to_owned())
        .collect()
}

/// All Rust files below a folder that are no tests.
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
