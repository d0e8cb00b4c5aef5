//! No dependency needs a newer Rust than we promise to support.

use std::process::Command;

use serde_json::Value;

#[test]
fn no_dependency_needs_a_newer_rust_than_we_do() {
    // Only this platform: packages of others may be missing.
    let platform = text(Command::new("rustc").arg("-vV"));
    let platform = platform
        .lines()
        .find_map(|line| line.strip_prefix("host: "));
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--all-features",
    ]);
    cargo.args(["--filter-platform", platform.unwrap()]);
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    let metadata: Value = serde_json::from_str(&text(&mut cargo)).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "only {} packages", packages.len());
    let newer = newer(packages, env!("CARGO_PKG_RUST_VERSION"));
    assert!(newer.is_empty(), "{newer:#?}");
}

#[test]
fn a_dependency_that_needs_a_newer_rust_is_told() {
    let packages = serde_json::json!([
        { "name": "old", "version": "1.0.0", "rust_version": "1.9" },
        { "name": "same", "version": "1.0.0", "rust_version": "1.91.0" },
        { "name": "silent", "version": "1.0.0", "rust_version": null },
        { "name": "new", "version": "2.1.0", "rust_version": "1.91.1" },
    ]);
    let told = newer(packages.as_array().unwrap(), "1.91");
    assert_eq!(told, ["new 2.1.0 needs Rust 1.91.1, and we promise 1.91"]);
}

fn newer(packages: &[Value], ours: &str) -> Vec<String> {
    let newer = packages.iter().filter_map(|package| {
        let needed = package["rust_version"].as_str()?;
        (numbers(needed) > numbers(ours)).then(|| {
            let word = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
            format!(
                "{} {} needs Rust {needed}, and we promise {ours}",
                word("name"),
                word("version")
            )
        })
    });
    newer.collect()
}

/// Major, minor and patch; missing parts are 0.
fn numbers(version: &str) -> [u32; 3] {
    let mut parts = version.split('.').map(|part| part.parse().unwrap());
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

fn text(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}
