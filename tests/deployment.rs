//! The files that run the service elsewhere, and what systemd is told.
#![cfg(all(unix, feature = "service"))]

mod service_support;

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    time::Duration,
};

use everwire::config::{Settings, Source};
use service_support::{Running, SOON, everwire, file};

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The keys of a unit by `Section.Key`; of one that comes twice the last value.
fn unit(text: &str) -> BTreeMap<String, String> {
    let (mut section, mut keys) = (String::new(), BTreeMap::new());
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
        } else if let Some(name) = line.strip_prefix('[') {
            section = name.strip_suffix(']').unwrap().to_owned();
        } else {
            let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("{line:?}"));
            keys.insert(format!("{section}.{key}"), value.to_owned());
        }
    }
    keys
}

fn seconds(value: &str) -> u64 {
    value.strip_suffix('s').unwrap().parse().unwrap()
}

#[test]
fn the_systemd_unit_is_told_of_readiness_is_watched_and_leaves_time_to_drain() {
    let unit = unit(&read("config/systemd/everwire.service"));
    assert_eq!(unit["Service.Type"], "notify");
    assert!(unit["Service.ExecStart"].contains("everwire run "));
    assert!(unit["Service.ExecReload"].contains("-HUP"));
    assert!(seconds(&unit["Service.WatchdogSec"]) > 0);
    let drain = Settings::default().service.drain_timeout;
    assert!(Duration::from_secs(seconds(&unit["Service.TimeoutStopSec"])) > drain);
    for (key, value) in [
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("CapabilityBoundingSet", ""),
        ("MemoryDenyWriteExecute", "yes"),
    ] {
        assert_eq!(unit[&format!("Service.{key}")], value, "{key}");
    }
    assert_eq!(unit["Install.WantedBy"], "multi-user.target");
}

#[test]
fn systemd_is_told_that_the_service_is_up_lives_and_ends() {
    let path = file(
        "systemd",
        "[service]\nlisten = '127.0.0.1:0'\nlog = { format = 'json' }\n\
         [connections.a]\nurl = 'ws://127.0.0.1:1/'\nenabled = false\n",
    );
    // The path of a socket is short; an abstract one would be no path at all.
    let folder = std::env::temp_dir().join(format!("everwire-notify-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let address = folder.join("notify");
    let socket = UnixDatagram::bind(&address).unwrap();
    socket.set_read_timeout(Some(SOON)).unwrap();
    let mut command = everwire(&["run", path.to_str().unwrap()]);
    command
        .env("NOTIFY_SOCKET", &address)
        .env("WATCHDOG_USEC", "100000")
        .env_remove("WATCHDOG_PID");
    let running = Running::spawn(command);
    let told = || {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).trim().to_owned()
    };
    assert_eq!(told(), "READY=1");
    assert_eq!([told(), told(), told()], ["WATCHDOG=1"; 3]);
    running.signal("TERM");
    while told() != "STOPPING=1" {}
    let (status, lines, stderr) = running.end();
    assert_eq!(status.code(), Some(0), "{stderr}\n{lines:#?}");
    fs::remove_dir_all(folder).unwrap();
}

/// What the pod of the manifest would find.
struct Pod(String);

impl Source for Pod {
    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        match path.to_str() {
            Some("/etc/everwire/everwire.toml") => Ok(self.0.clone()),
            Some("/etc/everwire-token/token") => Ok("s3cret".into()),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn list(&self, _: &Path) -> io::Result<Option<Vec<PathBuf>>> {
        Ok(None)
    }
}

/// The block of lines that are indented deeper than the line that is `key`.
fn block(text: &str, key: &str) -> String {
    let mut lines = text.lines().skip_while(|line| line.trim() != key);
    let indent = |line: &str| line.len() - line.trim_start().len();
    let outer = indent(lines.next().unwrap_or_else(|| panic!("{key} is missing")));
    lines
        .take_while(|line| line.trim().is_empty() || indent(line) > outer)
        .map(|line| format!("{}\n", line.trim_start()))
        .collect()
}

#[test]
fn the_kubernetes_manifest_probes_what_is_there_and_holds_a_valid_configuration() {
    let manifest = read("config/kubernetes/everwire.yaml");
    assert!(!manifest.contains('\t'));
    let documents: Vec<_> = manifest.split("\n---\n").collect();
    assert_eq!(documents.len(), 3);
    let toml = block(documents[0], "everwire.toml: |");
    let settings = Settings::load_with("/etc/everwire/everwire.toml", &Pod(toml));
    let settings = settings.unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    assert_eq!(settings.service.listen.port(), 9180);
    assert!(settings.service.watch);

    let set = documents[2];
    assert!(set.contains("kind: StatefulSet") && set.contains("replicas: 1\n"));
    assert!(block(set, "livenessProbe:").contains("path: /healthz\n"));
    assert!(block(set, "readinessProbe:").contains("path: /readyz\n"));
    assert!(set.contains("containerPort: 9180\n"));
    assert!(set.contains(r#"args: ["run", "/etc/everwire/everwire.toml"]"#));
    let state_dir = format!("mountPath: {}\n", settings.service.state_dir.display());
    assert!(set.contains(&state_dir));
    let grace = set.lines().find_map(|line| {
        let seconds = line
            .trim()
            .strip_prefix("terminationGracePeriodSeconds: ")?;
        seconds.parse().ok().map(Duration::from_secs)
    });
    assert!(grace.unwrap() > settings.service.drain_timeout);
}
