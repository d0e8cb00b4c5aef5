//! The files that deploy the service, and its messages to systemd.
#![cfg(unix)]

mod service_support;

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    time::Duration,
};

use everwire::config::{Settings, Source};
use serde_json::{Value, json};
use service_support::{Running, SOON, everwire, file, root};

/// The configuration file of the package.
const CONFIG: &str = "/etc/everwire/everwire.toml";

fn read(path: &str) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The keys of a unit by `Section.Key`; the last value of repeated keys.
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
    assert_eq!(
        unit["Service.ExecStart"],
        format!("everwire run {CONFIG}"),
        "systemd finds it in /usr/local/bin and in /usr/bin"
    );
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
    // The path of a socket must be short, and an abstract socket has no path.
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

#[test]
fn the_configuration_of_the_package_dials_nothing_and_keeps_state_where_the_unit_may_write() {
    let unit = unit(&read("config/systemd/everwire.service"));
    let text = read("packaging/everwire.toml");
    let settings = Settings::load_with(CONFIG, &Pod(text.clone()));
    let settings = settings.unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    assert!(settings.connections.is_empty() && settings.warnings.is_empty());
    let service = settings.service;
    assert!(service.listen.ip().is_loopback() && service.tokens.is_empty());
    let state = Path::new("/var/lib").join(&unit["Service.StateDirectory"]);
    assert_eq!(service.state_dir, state);
    assert_eq!(unit["Service.WorkingDirectory"], state.to_str().unwrap());

    // Its commented example is valid without the comment marks.
    let example = text
        .lines()
        .skip_while(|line| *line != "# [connections.example]");
    let example = example.take_while(|line| !line.is_empty());
    let example: Vec<&str> = example
        .map(|line| line.strip_prefix("# ").unwrap())
        .collect();
    assert_eq!(example.len(), 4, "{example:?}");
    let text = format!("{text}\n{}\n", example.join("\n"));
    let settings = Settings::load_with(CONFIG, &Pod(text));
    let settings = settings.unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    assert_eq!(settings.connections["example"].headers.len(), 1);
}

/// The pod of the manifest.
struct Pod(String);

impl Source for Pod {
    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        match path.to_str() {
            Some(CONFIG) => Ok(self.0.clone()),
            Some("/etc/everwire-token/token") => Ok("s3cret".into()),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn list(&self, _: &Path) -> io::Result<Option<Vec<PathBuf>>> {
        Ok(None)
    }
}

/// The documents of a manifest, by kind.
fn manifest(text: &str) -> BTreeMap<String, Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
    let by_kind = documents.into_iter().map(|document| {
        let kind = document["kind"].as_str().unwrap().to_owned();
        (kind, document)
    });
    by_kind.collect()
}

/// The item of a list with this name.
fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let found = list
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not in {list}"))
}

#[test]
fn the_kubernetes_manifest_probes_what_is_there_and_holds_a_valid_configuration() {
    let manifest = manifest(&read("config/kubernetes/everwire.yaml"));
    let kinds: Vec<_> = manifest.keys().collect();
    assert_eq!(kinds, ["ConfigMap", "Service", "StatefulSet"]);
    let toml = manifest["ConfigMap"]["data"]["everwire.toml"]
        .as_str()
        .unwrap();
    let settings = Settings::load_with("/etc/everwire/everwire.toml", &Pod(toml.to_owned()));
    let settings = settings.unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    let service = &settings.service;
    assert!(service.watch && service.listen.ip().is_unspecified());

    let set = &manifest["StatefulSet"]["spec"];
    assert_eq!(set["replicas"], 1);
    let pod = &set["template"]["spec"];
    let grace = Duration::from_secs(pod["terminationGracePeriodSeconds"].as_u64().unwrap());
    assert!(grace > service.drain_timeout);
    let container = named(&pod["containers"], "everwire");
    assert_eq!(
        container["args"],
        json!(["run", "/etc/everwire/everwire.toml"])
    );
    let port = named(&container["ports"], "http");
    assert_eq!(port["containerPort"], service.listen.port());
    for (probe, path) in [("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
        assert_eq!(
            container[probe]["httpGet"],
            json!({ "path": path, "port": "http" })
        );
    }
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);

    // All mounts exist, and only the state is writable.
    let mounts = &container["volumeMounts"];
    assert_eq!(
        named(mounts, "state")["mountPath"],
        service.state_dir.to_str().unwrap()
    );
    assert_eq!(named(mounts, "state")["readOnly"], Value::Null);
    let volume = named(&pod["volumes"], "config");
    assert_eq!(volume["configMap"], manifest["ConfigMap"]["metadata"]);
    assert_eq!(named(mounts, "config")["mountPath"], "/etc/everwire");
    assert_eq!(named(mounts, "token")["mountPath"], "/etc/everwire-token");
    named(&pod["volumes"], "token");
    assert_eq!(set["volumeClaimTemplates"][0]["metadata"]["name"], "state");

    // The service selects the pod.
    let labels = &set["template"]["metadata"]["labels"];
    assert_eq!(set["selector"]["matchLabels"], *labels);
    let front = &manifest["Service"];
    assert_eq!(front["spec"]["selector"], *labels);
    assert_eq!(named(&front["spec"]["ports"], "http")["targetPort"], "http");
    assert_eq!(set["serviceName"], front["metadata"]["name"]);
}
