//! Runs this test binary again as a child process: to be killed, or with its own file system.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::TestDir;

const DIR: &str = "EVERWIRE_CHILD_DIR";

/// The directory of this process, if it is a child.
pub fn dir() -> Option<PathBuf> {
    std::env::var_os(DIR).map(PathBuf::from)
}

/// Runs only the test of this name in a child, which works in `dir`.
pub fn child(test: &str, dir: &Path) -> Command {
    behind(Vec::new(), test, dir)
}

/// The same, started by the command `before`.
fn behind(mut before: Vec<OsString>, test: &str, dir: &Path) -> Command {
    before.push(std::env::current_exe().unwrap().into());
    let mut command = Command::new(&before[0]);
    command
        .args(&before[1..])
        .args(["--exact", test, "--nocapture", "--include-ignored"])
        .arg("--test-threads=1")
        .env(DIR, dir)
        .stdin(Stdio::null());
    command
}

/// Runs the test of this name again in a mount namespace, with its directory on a file system of
/// this many megabytes.
pub fn in_a_file_system_of(megabytes: usize, test: &str) {
    let dir = TestDir::new("small-disk");
    let mount = format!("mount -t tmpfs -o size={megabytes}m none \"$0\" && exec \"$@\"");
    let before = ["unshare", "--map-root-user", "--mount", "sh", "-c", &mount]
        .map(OsStr::new)
        .into_iter()
        .chain([dir.path().as_os_str()])
        .map(OsStr::to_owned)
        .collect();
    run("a file system", before, test, dir.path());
}

/// Runs the test of this name again in its own network namespace: all ports are free, nothing else
/// can be reached, and its child processes end with it. Returns what it printed.
pub fn in_a_network_of_its_own(test: &str) -> String {
    let dir = TestDir::new(test);
    let alone = "ip link set lo up && exec \"$@\"";
    let before = ["unshare", "--map-root-user", "--net", "--pid", "--fork"];
    let before = before.into_iter().chain(["--kill-child", "--mount-proc"]);
    let before = before.chain(["sh", "-c", alone, "sh"]);
    run(
        "a network",
        before.map(OsString::from).collect(),
        test,
        dir.path(),
    )
}

fn run(what: &str, before: Vec<OsString>, test: &str, dir: &Path) -> String {
    let output = behind(before, test, dir).output();
    let output = output.expect("unshare, of util-linux");
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "in {what} of its own, which takes user namespaces or root: {stdout}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    stdout
}
