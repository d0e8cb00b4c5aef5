//! A separate file system for a test: the test binary runs again as a child in a mount namespace.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::tempdir;

const DISK: &str = "EVERWIRE_NATS_DISK";

/// The disk, in the child.
pub fn mounted() -> Option<PathBuf> {
    std::env::var_os(DISK).map(PathBuf::from)
}

/// Runs the test of this name again, on a disk of this many megabytes.
pub fn run(test: &str, megabytes: usize) {
    let folder = tempdir(&test[..20]);
    let mount = format!("mount -t tmpfs -o size={megabytes}m none \"$0\" && exec \"$@\"");
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", &mount])
        .arg(&folder)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(DISK, &folder)
        .stdin(Stdio::null())
        .output()
        .expect("unshare, of util-linux");
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(
        output.status.success(),
        "with a disk of its own, which takes user namespaces or root: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Sets the size of the disk.
pub fn grow(disk: &Path, megabytes: usize) {
    let options = format!("remount,size={megabytes}m");
    let mount = Command::new("mount")
        .args(["-o", &options])
        .arg(disk)
        .status();
    assert!(mount.unwrap().success());
}

pub fn block_on(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(test);
}
