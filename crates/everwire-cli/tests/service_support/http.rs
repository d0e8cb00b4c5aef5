//! Manual requests, so that the test controls each header.

use std::{
    io::{Read, Write},
    net::TcpStream,
    ops::Deref,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};
use serde_json::Value;

use super::{Running, SOON, everwire, file, ways::ask_http2};

/// A running service, with the methods of its client.
pub struct Service {
    pub running: Running,
    client: Client,
    /// The metrics, if they have their own address.
    pub metrics: Option<Client>,
}

/// A client of the service.
#[derive(Clone)]
pub struct Client {
    pub listen: String,
    tls: Option<Arc<ClientConfig>>,
}

impl Deref for Service {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: String,
}

/// Headers of a request.
pub type Headers<'a> = &'a [(&'a str, &'a str)];

pub const JSON: (&str, &str) = ("Content-Type", "application/json");

impl Service {
    /// Starts the program; `keys` are TOML, those of `[service]` first.
    pub fn start(test: &str, keys: &str) -> Self {
        Self::start_with(test, keys, None)
    }

    pub fn start_with(test: &str, keys: &str, tls: Option<Arc<ClientConfig>>) -> Self {
        Self::start_in(test, keys, tls, &[])
    }

    /// The same, with this environment.
    pub fn start_in(
        test: &str,
        keys: &str,
        tls: Option<Arc<ClientConfig>>,
        environment: &[(&str, &str)],
    ) -> Self {
        let path = Self::configure(test, keys);
        let mut command = everwire(&["run", path.to_str().unwrap()]);
        command.envs(environment.iter().copied());
        let mut running = Running::spawn(command);
        let up = running.event("everwire is up", None);
        let client = |listen: &str| Client {
            listen: listen.to_owned(),
            tls: tls.clone(),
        };
        Self {
            running,
            client: client(up["listen"].as_str().unwrap()),
            metrics: up["metrics"].as_str().map(client),
        }
    }

    /// Writes the configuration of a test's service, for its start or a reload.
    pub fn configure(test: &str, keys: &str) -> PathBuf {
        let text = format!(
            "[service]\nlisten = '127.0.0.1:0'\nlog = {{ level = 'trace', format = 'json' }}\n{keys}\n"
        );
        file(test, &text)
    }

    /// Kills it without any notice.
    pub fn kill(self) {
        self.running.signal("KILL");
        let (status, ..) = self.running.end();
        assert_eq!(status.code(), None, "{status}");
    }

    /// Ends it. Returns its output.
    pub fn end(self) -> String {
        self.running.signal("TERM");
        let (status, lines, stderr) = self.running.end();
        assert_eq!(status.code(), Some(0), "{stderr}\n{lines:#?}");
        lines.join("\n") + &stderr
    }
}

impl Client {
    /// A client for this address, without TLS.
    pub fn plain(listen: &str) -> Self {
        Self {
            listen: listen.to_owned(),
            tls: None,
        }
    }

    /// A client for this address, with this TLS.
    pub fn over_tls(listen: &str, config: Arc<ClientConfig>) -> Self {
        Self {
            listen: listen.to_owned(),
            tls: Some(config),
        }
    }

    /// Sends a request with these headers and no others but `Host`, `Content-Length` and `Connection`.
    ///
    /// Over HTTP/2, `Host` is sent as `:authority`, and there is neither of the others.
    pub fn ask(&self, method: &str, target: &str, headers: Headers<'_>, body: &[u8]) -> Answer {
        if let Some(config) = self.http2() {
            let is_host = |(name, _): &&(&str, &str)| *name == "Host";
            let authority = headers.iter().find(is_host);
            let authority = authority.map_or(&*self.listen, |(_, host)| host);
            let others = headers.iter().filter(|header| !is_host(header));
            let others: Vec<_> = others.copied().collect();
            let asked = (method, Some(authority), target);
            return ask_http2(&self.listen, config, asked, &others, body);
        }
        let has_host = headers.iter().any(|(name, _)| *name == "Host");
        let mut head = format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n");
        if !has_host {
            head.push_str(&format!("Host: {}\r\n", self.listen));
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        self.raw(&[head.as_bytes(), b"\r\n", body].concat())
    }

    /// Sends these bytes, and reads to the end.
    pub fn raw(&self, request: &[u8]) -> Answer {
        let tcp = TcpStream::connect(&self.listen).unwrap();
        tcp.set_read_timeout(Some(SOON)).unwrap();
        match &self.tls {
            None => exchange(tcp, request).unwrap(),
            Some(config) => exchange(over_tls(tcp, config), request).unwrap(),
        }
    }

    /// The URL of a path of the service.
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.listen)
    }

    /// The client's TLS, if it offers HTTP/2.
    pub fn http2(&self) -> Option<&Arc<ClientConfig>> {
        let tls = self.tls.as_ref();
        tls.filter(|config| config.alpn_protocols.iter().any(|name| name == b"h2"))
    }

    pub fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, &[], b"")
    }

    pub fn post(&self, target: &str, body: &str) -> Answer {
        self.ask("POST", target, &[], body.as_bytes())
    }

    pub fn delete(&self, target: &str) -> Answer {
        self.ask("DELETE", target, &[], b"")
    }

    /// Puts settings.
    pub fn put(&self, name: &str, settings: &Value) -> Answer {
        let target = format!("/v1/connections/{name}");
        self.ask("PUT", &target, &[JSON], settings.to_string().as_bytes())
    }

    /// The status of a name.
    pub fn status(&self, name: &str) -> Value {
        let answer = self.get(&format!("/v1/connections/{name}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Waits for a matching status of a name.
    pub fn wait_for(&self, name: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + SOON;
        loop {
            let status = self.status(name);
            if fits(&status) {
                return status;
            }
            assert!(Instant::now() < until, "{what}: {status}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn wait_for_state(&self, name: &str, state: &str) -> Value {
        self.wait_for(name, state, |status| status["state"] == state)
    }
}

/// A request over TLS that may fail.
pub fn try_over_tls(
    listen: &str,
    config: &Arc<ClientConfig>,
    request: &[u8],
) -> std::io::Result<Answer> {
    let tcp = TcpStream::connect(listen)?;
    tcp.set_read_timeout(Some(SOON))?;
    exchange(over_tls(tcp, config), request)
}

pub fn over_tls(
    tcp: TcpStream,
    config: &Arc<ClientConfig>,
) -> StreamOwned<ClientConnection, TcpStream> {
    let name = ServerName::try_from("localhost").unwrap();
    StreamOwned::new(
        ClientConnection::new(Arc::clone(config), name).unwrap(),
        tcp,
    )
}

fn exchange(mut stream: impl Read + Write, request: &[u8]) -> std::io::Result<Answer> {
    // A server that refuses a long body need not read it all.
    let written = stream.write_all(request);
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    if answer.is_empty() {
        written?;
        read?;
    }
    Answer::read(&String::from_utf8(answer).unwrap())
}

impl Answer {
    /// Parses an answer.
    pub fn read(answer: &str) -> std::io::Result<Self> {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Ok(Self {
            status: status.ok_or(std::io::ErrorKind::InvalidData)?,
            head: head.to_owned(),
            body: body.to_owned(),
        })
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (given, value) = line.split_once(": ")?;
            given.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// Asserts that it is a problem with this status and this text. Returns the problem.
    #[track_caller]
    pub fn problem(&self, status: u16, part: &str) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        let problem = self.json();
        assert_eq!(problem["status"], status, "{problem}");
        assert!(self.body.contains(part), "{part:?} is not in {problem}");
        problem
    }
}
