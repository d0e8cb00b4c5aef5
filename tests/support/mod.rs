//! Shared by integration tests: foreign servers, a private CA, and waiting with a deadline.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod child;
pub mod heard;
pub mod rig;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// For something that should happen at once, on a busy machine.
pub const SOON: Duration = Duration::from_secs(15);

/// Checks every few milliseconds until `condition` holds, and panics with `what` after `deadline`.
pub async fn poll_until(what: &str, deadline: Duration, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + deadline;
    while !condition() {
        assert!(
            Instant::now() < until,
            "not seen within {deadline:?}: {what}"
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A folder below cargo's temporary folder for tests; removed on drop, unless the test panics.
pub struct TestDir(PathBuf);

impl TestDir {
    pub fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let unique = format!("{name}-{}-{count}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(unique);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        if !thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// An unknown CA, with a server certificate for `localhost` and 127.0.0.1, and a client
/// certificate.
pub struct PrivateCa {
    pub ca_file: PathBuf,
    pub ca_key_file: PathBuf,
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
    pub client_cert_file: PathBuf,
    pub client_key_file: PathBuf,
}

impl PrivateCa {
    /// The common name of the authority: the default of `rcgen`.
    pub const NAME: &str = "rcgen self signed cert";

    pub fn new(dir: &Path) -> Self {
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_key = KeyPair::generate().unwrap();
        let ca_cert = ca.self_signed(&ca_key).unwrap();
        let ca_key_pem = ca_key.serialize_pem();
        let issuer = Issuer::new(ca, ca_key);

        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let key = KeyPair::generate().unwrap();
        let cert = CertificateParams::new(names)
            .unwrap()
            .signed_by(&key, &issuer)
            .unwrap();

        let client_key = KeyPair::generate().unwrap();
        let mut client = CertificateParams::new(vec!["client.example".to_owned()]).unwrap();
        // Python verifies strictly (RFC 5280 §4.2.1.1).
        client
            .distinguished_name
            .push(DnType::CommonName, "a client");
        client.use_authority_key_identifier_extension = true;
        let client = client.signed_by(&client_key, &issuer).unwrap();

        let write = |name: &str, pem: String| {
            let path = dir.join(name);
            fs::write(&path, pem).unwrap();
            path
        };
        Self {
            ca_file: write("ca.pem", ca_cert.pem()),
            ca_key_file: write("ca.key", ca_key_pem),
            cert_file: write("cert.pem", cert.pem()),
            key_file: write("key.pem", key.serialize_pem()),
            client_cert_file: write("client.pem", client.pem()),
            client_key_file: write("client.key", client_key.serialize_pem()),
        }
    }
}

/// Servers that others wrote; they behave equally by path, see `tests/servers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    Python,
    Node,
}

impl Foreign {
    pub const ALL: [Self; 2] = [Self::Python, Self::Node];

    /// Starts the server; with a CA it serves `wss` too.
    pub fn start(self, tls: Option<&PrivateCa>) -> Server {
        let files = tls.map(|tls| [&tls.cert_file, &tls.key_file]);
        self.start_with(files.iter().flatten().copied(), None)
    }

    /// The same, and `wss` requires a client certificate of the CA.
    pub fn start_asking(self, tls: &PrivateCa) -> Server {
        self.start_with([&tls.cert_file, &tls.key_file, &tls.ca_file], None)
    }

    /// The same, and each message to `/record/NAME` becomes a line of this file: name, space, text.
    pub fn start_recording(self, record: &Path) -> Server {
        self.start_with([], Some(record))
    }

    /// A client of the service that takes instructions; see `crates/everwire-cli/tests/clients`.
    pub fn client(self) -> Command {
        match self {
            Self::Python => self.script("crates/everwire-cli/tests/clients/client.py"),
            Self::Node => self.script("crates/everwire-cli/tests/clients/client.mjs"),
        }
    }

    /// Runs a file with the installed dependencies.
    pub fn script(self, file: &str) -> Command {
        let mut command = match self {
            Self::Python => Command::new(installed("python/bin/python")),
            Self::Node => {
                let mut command = Command::new("node");
                command.env("NODE_PATH", installed("node/node_modules"));
                command
            }
        };
        command.arg(root().join(file));
        command
    }

    fn start_with<'a>(
        self,
        files: impl IntoIterator<Item = &'a PathBuf>,
        record: Option<&Path>,
    ) -> Server {
        let mut command = match self {
            Self::Python => self.script("tests/servers/python/server.py"),
            Self::Node => self.script("tests/servers/node/server.mjs"),
        };
        command.args(files);
        command.envs(record.map(|record| ("RECORD", record)));
        Server::spawn(command)
    }
}

/// Starts a proxy that others wrote; its requests are appended to `seen`.
pub fn proxy(tls: &PrivateCa, seen: &Path) -> Server {
    let mut command = Command::new(installed("python/bin/python"));
    command
        .arg(root().join("tests/servers/python/proxy.py"))
        .args([&tls.cert_file, &tls.key_file])
        .arg(seen);
    Server::spawn(command)
}

/// Starts Autobahn's fuzzing server for these cases, a JSON list of patterns; `index.json` is
/// written to `out`.
pub fn autobahn(out: &Path, cases: &str) -> Server {
    installed("autobahn/installed");
    let mut command = Command::new("bash");
    command
        .arg(root().join("tests/autobahn.sh"))
        .arg("serve")
        .arg(out)
        .arg(cases);
    Server::spawn(command)
}

/// A server process. On drop it is asked to end, and killed if necessary.
pub struct Server {
    child: Child,
    ws: u16,
    wss: Option<u16>,
    auth: Option<u16>,
}

impl Server {
    /// The `ws://` URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("ws://127.0.0.1:{}{path}", self.ws)
    }

    /// The `wss://` URL of a path, for a server with a CA.
    pub fn tls_url(&self, path: &str) -> String {
        let port = self.wss.expect("the server was started without a CA");
        format!("wss://localhost:{port}{path}")
    }

    /// The port without TLS.
    pub fn port(&self) -> u16 {
        self.ws
    }

    /// The port with TLS.
    pub fn tls_port(&self) -> u16 {
        self.wss.expect("the server was started without a CA")
    }

    /// The port of a proxy that requires a user and a password.
    pub fn auth_port(&self) -> u16 {
        self.auth.expect("this is no proxy")
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let (line, first) = mpsc::channel();
        // The rest is read too, so that the server never blocks on its output.
        thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            let mut text = String::new();
            let _ = stdout.read_line(&mut text);
            let _ = line.send(text);
            let _ = stdout.read_to_end(&mut Vec::new());
        });
        let mut server = Self {
            child,
            ws: 0,
            wss: None,
            auth: None,
        };
        let ready = first
            .recv_timeout(Duration::from_secs(60))
            .expect("the server is not ready");
        let ports: serde_json::Value = serde_json::from_str(&ready)
            .unwrap_or_else(|error| panic!("{command:?} said {ready:?}: {error}"));
        let port = |key: &str| {
            ports[key]
                .as_u64()
                .and_then(|port| u16::try_from(port).ok())
        };
        server.ws = port("ws").expect("the server's port");
        server.wss = port("wss");
        server.auth = port("auth");
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let until = Instant::now() + Duration::from_secs(2);
        while Instant::now() < until {
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The root folder of the repository.
pub fn root() -> &'static Path {
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    folders
        .find(|folder| folder.join("tests/all.sh").exists())
        .expect("the tests are run in the repository")
}

/// A path in the test environment that `tests/all.sh` installs. A test fails if it is missing, and
/// never skips.
pub fn installed(path: &str) -> PathBuf {
    let env = std::env::var_os("EVERWIRE_TEST_ENV");
    let dir = env.map_or_else(|| root().join(".test-env"), PathBuf::from);
    let path = dir.join(path);
    assert!(
        path.exists(),
        "{} is missing: run tests/all.sh, or tests/all.sh install",
        path.display()
    );
    path
}
