//! Nodes of a cluster: processes of the program, with servers of NATS and a peer in processes of
//! their own.

pub mod http;
pub mod node;
pub mod races;
pub mod servers;
pub mod stored;

use std::{
    process::Command,
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

/// The shortest lease that is allowed with this margin.
pub const LEASE: Duration = Duration::from_millis(15_800);
pub const MARGIN: Duration = Duration::from_millis(500);
/// What is promised beyond both until a shard is held again.
pub const TAKES: Duration = Duration::from_secs(2);
/// All that is waited for comes within this time.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// The program: that of the variable `EVERWIRE`, or the release build of the sources here.
///
/// # Panics
///
/// If it cannot be built.
pub fn program() -> &'static str {
    static PROGRAM: OnceLock<String> = OnceLock::new();
    PROGRAM.get_or_init(|| std::env::var("EVERWIRE").unwrap_or_else(|_| built()))
}

fn built() -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let built = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .args(["build", "--release", "--locked", "--workspace"])
        .args(["--bin", "everwire", "--quiet"])
        .current_dir(root)
        .status();
    assert!(built.is_ok_and(|status| status.success()), "no everwire");
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| format!("{root}/target"));
    format!("{target}/release/everwire")
}

/// Waits until it is so, and returns what it is.
///
/// # Panics
///
/// If it takes too long.
#[track_caller]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < PATIENCE, "not in time: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
