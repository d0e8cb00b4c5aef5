//! The service knows no more of the library than its users do.

use std::{
    fs,
    path::{Path, PathBuf},
};

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
