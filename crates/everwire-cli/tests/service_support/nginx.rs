//! nginx in front of a service, as described in `docs/reverse_proxy.md`.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::service_support::SOON;

const DOCUMENT: &str = include_str!("../../../../docs/reverse_proxy.md");

/// How it forwards requests.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Whether the service sees the `Host` that the browser sent, or the one of its own address.
    pub passes_host: bool,
    /// The prefix, without a slash at its end.
    pub prefix: &'static str,
    /// Whether the service sees the prefix.
    pub passes_prefix: bool,
}

/// A port for nginx, which does not accept 0.
pub fn unused_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A running nginx; killed on drop.
pub struct Nginx {
    child: Child,
}

impl Nginx {
    /// Listens on this port of the loopback address, with this certificate and key if there are
    /// any, for a service at `upstream`.
    pub fn start(
        dir: &Path,
        port: u16,
        upstream: &str,
        manner: Manner,
        tls: Option<(&Path, &Path)>,
    ) -> Self {
        let folder = dir.display();
        let listen = match tls {
            None => format!("listen 127.0.0.1:{port};"),
            Some((cert, key)) => format!(
                "listen 127.0.0.1:{port} ssl http2; ssl_certificate {}; ssl_certificate_key {};",
                cert.display(),
                key.display()
            ),
        };
        let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("{kind}_temp_path {folder}/{kind};\n"))
            .collect();
        let [map, location] = snippets();
        let mut location = location
            .replace("/everwire/", &format!("{}/", manner.prefix))
            .replace("127.0.0.1:9180", upstream);
        if !manner.passes_host {
            location = location.replace("proxy_set_header Host $http_host;", "");
        }
        if manner.passes_prefix {
            location = location.replace(&format!("{upstream}/;"), &format!("{upstream};"));
        }
        let config = format!(
            "daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\n\
             http {{\naccess_log off;\n{temp}{map}\nserver {{\n{listen}\n{location}\n}}\n}}\n"
        );
        let path: PathBuf = dir.join("nginx.conf");
        fs::write(&path, config).unwrap();
        let child = Command::new(program())
            .arg("-p")
            .arg(dir)
            .arg("-c")
            .arg(&path)
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx is needed; tests/all.sh installs it");
        let nginx = Self { child };
        let until = Instant::now() + SOON;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "nginx does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        nginx
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// Debian's path is not in every user's PATH.
fn program() -> &'static str {
    match Path::new("/usr/sbin/nginx").exists() {
        true => "/usr/sbin/nginx",
        false => "nginx",
    }
}

/// The blocks `http` and `server` from the document.
fn snippets() -> [String; 2] {
    let parts = DOCUMENT.split("```nginx\n").skip(1);
    let parts = parts.map(|part| part.split("```").next().unwrap().to_owned());
    parts.collect::<Vec<_>>().try_into().unwrap()
}
