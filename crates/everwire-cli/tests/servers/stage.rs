//! The disturbances of each server, and the events of its connections.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

use crate::{
    server::{Server, Start},
    service_support::{Running, everwire, http::Client, run, stderr, stdout},
    subscriptions::Subscriptions,
    support::{child, root},
    tail::Tail,
};

/// For something that should happen soon, on a machine that starts many servers at once.
pub const PATIENCE: Duration = Duration::from_secs(45);
/// How long a server is down.
const DOWN: Duration = Duration::from_secs(1);
/// How long a server is frozen.
const FROZEN: Duration = Duration::from_secs(30);
/// Longer than each of the servers waits for a sign of life.
const QUIET: Duration = Duration::from_secs(12);

/// A configuration of `examples/dialogue/`, and its server.
#[derive(Clone)]
pub struct Case {
    /// The file, without its extension.
    pub file: &'static str,
    /// Its environment variables.
    pub variables: &'static [(&'static str, &'static str)],
    /// Its connections.
    pub names: &'static [&'static str],
    pub server: Start,
    /// Talks to the server, and panics if the result is wrong.
    pub talk: fn(&mut Stage),
    pub subscriptions: Subscriptions,
    /// The reported refusal if the variables are wrong.
    pub refusal: Option<Refusal>,
}

#[derive(Clone, Copy)]
pub struct Refusal {
    pub state: &'static str,
    pub text: &'static str,
}

/// A service that runs the file, and the server.
pub struct Stage {
    case: Case,
    pub server: Server,
    file: PathBuf,
    service: Running,
    pub client: Client,
    pub tail: Tail,
    begun: Instant,
}

impl Case {
    /// Panics with the failed step. `test` is the name of the test.
    pub fn run(self, test: &str) {
        match child::dir() {
            None => print!("{}", child::in_a_network_of_its_own(test)),
            Some(dir) => self.run_in(&dir),
        }
    }

    fn run_in(self, dir: &Path) {
        let begun = Instant::now();
        let server = Server::start(self.server.clone(), dir);
        // The service keeps its state beside it.
        let file = dir.join(format!("{}.toml", self.file));
        let example = format!("examples/dialogue/{}.toml", self.file);
        fs::copy(root().join(&example), &file).unwrap_or_else(|error| panic!("{example}: {error}"));
        self.is_refused(&file);
        let (service, client) = self.service(&file, false);
        let tail = Tail::start(&client);
        let mut stage = Stage {
            case: self,
            server,
            file,
            service,
            client,
            tail,
            begun,
        };
        stage.is_up();
        stage.restart();
        stage.stays_up();
        stage.freeze();
        stage.end();
    }

    fn service(&self, file: &PathBuf, wrong: bool) -> (Running, Client) {
        let mut command = everwire(&["run"]);
        command.arg(file);
        for (name, value) in self.variables {
            command.env(name, if wrong { "wrong" } else { value });
        }
        let mut service = Running::spawn(command);
        let up = service.event("everwire is up", None);
        let client = Client::plain(up["listen"].as_str().unwrap());
        (service, client)
    }

    /// A server that accepted everybody would prove nothing.
    fn is_refused(&self, file: &PathBuf) {
        let Some(refusal) = self.refusal else { return };
        let (service, client) = self.service(file, true);
        for name in self.names {
            client.wait_for(name, refusal.state, |status| {
                status["state"] == refusal.state && status.to_string().contains(refusal.text)
            });
        }
        service.signal("TERM");
        assert_eq!(service.end().0.code(), Some(0));
    }
}

impl Stage {
    fn is_up(&mut self) {
        for name in self.case.names {
            self.client.wait_for_state(name, "open");
            self.case.subscriptions.add(&self.client, name);
        }
        self.talk();
        self.tell("up, and spoken to");
    }

    fn restart(&mut self) {
        self.tail.mark();
        self.server.end();
        for name in self.case.names {
            self.tail.event(name, "retrying", PATIENCE, |_| true);
        }
        thread::sleep(DOWN);
        self.server.start_again();
        let blind = self.is_back();
        self.tell(&format!("restarted, and spoken to; blind for {blind:?}"));
    }

    /// A server that gets no heartbeats or answers from us closes the socket.
    fn stays_up(&mut self) {
        self.tail.mark();
        thread::sleep(QUIET);
        let losses = self.tail.losses();
        assert!(losses.is_empty(), "{losses:?}");
    }

    fn freeze(&mut self) {
        self.tail.mark();
        let begun = Instant::now();
        self.server.freeze();
        let mut causes = Vec::new();
        for name in self.case.names {
            let left = FROZEN.saturating_sub(begun.elapsed());
            let lost = self.tail.event(name, "retrying", left, |_| true);
            causes.push(lost["cause"].as_str().unwrap().to_owned());
        }
        let noticed = begun.elapsed();
        self.rehearse();
        thread::sleep(FROZEN.saturating_sub(begun.elapsed()));
        self.server.thaw();
        let blind = self.is_back();
        assert!(blind >= FROZEN, "a gap of {blind:?} was told");
        causes.dedup();
        self.tell(&format!(
            "frozen, noticed after {noticed:.1?} by {causes:?}, and spoken to; blind for {blind:?}"
        ));
    }

    /// Rehearses the file with a generated peer, too, while there is time.
    fn rehearse(&self) {
        let output = run(&["rehearse", "--json", self.file.to_str().unwrap()]);
        let report: Value = serde_json::from_str(&stdout(&output)).unwrap_or_default();
        let counts = [&report["failed"], &report["not_inverted"]];
        let is_whole = report["passed"].as_u64() > Some(0) && counts == [0, 0];
        assert!(is_whole, "{} {}", report, stderr(&output));
    }

    /// Waits until all names are ready after the mark, each has reported its gap, and they can be
    /// used. Returns the shortest gap.
    fn is_back(&mut self) -> Duration {
        let mut blind = Duration::MAX;
        for name in self.case.names {
            self.tail.event(name, "ready", PATIENCE, |_| true);
            let is_reconnect = |event: &Value| event["reason"] == "reconnect";
            let gap = self.tail.event(name, "gap", PATIENCE, is_reconnect);
            blind = blind.min(Duration::from_secs_f64(
                gap["blind_ms"].as_f64().unwrap() / 1000.0,
            ));
        }
        self.talk();
        blind
    }

    fn talk(&mut self) {
        for name in self.case.names {
            self.case.subscriptions.are_active(&self.client, name);
        }
        (self.case.talk)(self);
    }

    fn end(self) {
        self.service.signal("TERM");
        let (status, lines, stderr) = self.service.end();
        assert_eq!(status.code(), Some(0), "{stderr}\n{lines:#?}");
    }

    fn tell(&self, what: &str) {
        println!("{:5.1?} {}: {what}", self.begun.elapsed(), self.case.file);
    }

    /// Waits for a matching message of this name.
    pub fn message(&mut self, name: &str, fits: impl Fn(&str) -> bool) {
        self.tail
            .event(name, "message", PATIENCE, |event| fits(&text(event)));
    }

    /// Waits for a matching message of this subscription.
    pub fn message_of(&mut self, name: &str, key: &str, fits: impl Fn(&str) -> bool) {
        let is_it = |event: &Value| event["subscription"] == key && fits(&text(event));
        self.tail.event(name, "message", PATIENCE, is_it);
    }

    /// The answer to a request.
    pub fn request(&self, name: &str, request: &Value) -> Value {
        let target = format!("/v1/connections/{name}/request");
        let answer = self.client.post(&target, &request.to_string());
        assert_eq!(answer.status, 200, "{request}: {answer:?}");
        answer.json()
    }

    /// The server's answer to a request that it refuses.
    pub fn refused(&self, name: &str, request: &Value) -> Value {
        let target = format!("/v1/connections/{name}/request");
        let answer = self.client.post(&target, &request.to_string());
        assert_eq!(answer.status, 502, "{request}: {answer:?}");
        serde_json::from_str(answer.json()["text"].as_str().unwrap()).unwrap()
    }

    /// Sends a message. The server has it when this returns.
    pub fn send(&self, name: &str, text: &str) {
        let target = format!("/v1/connections/{name}/send?wait=written");
        let answer = self.client.post(&target, text);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

/// The text of a message; also of a binary one if it is UTF-8.
fn text(message: &Value) -> String {
    match (message["text"].as_str(), message["base64"].as_str()) {
        (Some(text), _) => text.to_owned(),
        (None, Some(base64)) => {
            let bytes = BASE64_STANDARD.decode(base64).unwrap();
            String::from_utf8(bytes).unwrap_or_default()
        }
        (None, None) => panic!("{message}"),
    }
}
