//! Disturbs a client's server, and measures how long the client is without it.

use std::{fmt, process::Command, thread, time::Duration};

use serde_json::{Value, json};

use crate::{
    driver::{Driver, Way, now},
    program::{Program, Start, free_port},
    service_support::http::Service,
    support::TestDir,
};

/// How much later than the direct client the bridged one may be back.
const LATER: u64 = 1000;
/// A busy machine may delay one of the two: the number of attempts for each disturbance.
const TRIES: usize = 3;
/// The timeout for events that must happen eventually.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a server is down: clients fail to reach it more than once.
const DOWN: Duration = Duration::from_millis(1200);
/// How long a server stays frozen after its clients have noticed: their next attempts have begun.
const FROZEN: Duration = Duration::from_millis(800);
/// Clients with a heartbeat have noticed by then that it is frozen.
const NOTICED: Duration = Duration::from_secs(4);

/// A client library with its server.
pub struct Case {
    pub name: &'static str,
    pub client: Command,
    pub server: Start,
    /// The path that the client requests at the server.
    pub path: &'static str,
    /// The path that the connection requests at the server.
    pub upstream: &'static str,
    /// The client appends this to the URL of the bridge.
    pub appended: &'static str,
    /// Keys of the connection.
    pub keys: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disturbance {
    /// By SIGTERM: it may send a close reason.
    Restarted,
    /// By SIGKILL.
    Killed,
    /// Until its clients have noticed.
    Frozen,
    /// The connection gets another socket; the server is not touched.
    Rotated,
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Restarted => "restarted",
            Self::Killed => "killed",
            Self::Frozen => "frozen",
            Self::Rotated => "rotated",
        })
    }
}

/// The times of a disturbance, in milliseconds since the epoch.
#[derive(Clone, Copy, Debug)]
struct Done {
    /// The beginning.
    begun: u64,
    /// From this time on nobody answers: answers to later questions count.
    from: u64,
    /// The server is back.
    back: u64,
}

/// The effect on a client.
struct Outcome {
    /// From the return of the server to the first answer.
    back: u64,
    /// From the disturbance until the client noticed, and the reason.
    noticed: Option<(u64, String)>,
}

impl Case {
    /// Panics with the client and the failed step.
    pub fn run(self) {
        let dir = TestDir::new("bridge");
        let (port, folder, server) = (free_port(), dir.path().to_owned(), self.server);
        let log = dir.path().join("server.log");
        let server = Program::start(move || server(&folder, port), port, log);
        let test = format!("bridge-{port}");
        let service = Service::start(&test, "allow_urls = ['ws://127.0.0.1:*']");
        let mut settings = json!({
            "url": format!("ws://127.0.0.1:{port}{}", self.upstream),
            "heartbeat": { "interval": "1s", "timeout": "1s" },
        });
        let members = settings.as_object_mut().unwrap();
        members.extend(self.keys.as_object().unwrap().clone());
        let put = service.put(NAME, &settings);
        assert_eq!(put.status, 201, "{put:?}");
        service.wait_for_state(NAME, "open");
        let direct = format!("ws://127.0.0.1:{port}{}", self.path);
        let bridged = format!(
            "ws://{}/v1/connections/{NAME}/raw{}",
            service.listen, self.appended
        );
        let driver = Driver::start(self.client, &direct, &bridged);
        let mut stage = Stage {
            client: self.name,
            driver,
            server,
            service,
        };
        for way in [Way::Direct, Way::Bridged] {
            stage.answer("at the start", way, 0);
        }
        use Disturbance::*;
        for disturbance in [Rotated, Restarted, Killed, Frozen] {
            stage.show(disturbance);
        }
    }
}

const NAME: &str = "upstream";

struct Stage {
    client: &'static str,
    driver: Driver,
    server: Program,
    service: Service,
}

impl Stage {
    /// Repeats the disturbance until the bridge is as good, and prints both times.
    fn show(&mut self, disturbance: Disturbance) {
        let mut worse = Vec::new();
        while worse.len() < TRIES {
            let done = self.disturb(disturbance);
            let direct = self.outcome(disturbance, Way::Direct, done);
            let bridged = self.outcome(disturbance, Way::Bridged, done);
            println!(
                "| {} | {disturbance} | {:.2} s | {:.2} s | {:+.2} s | {direct} | {bridged} |",
                self.client,
                seconds(direct.back),
                seconds(bridged.back),
                seconds(bridged.back) - seconds(direct.back),
            );
            match disturbance.judge(&direct, &bridged) {
                Ok(()) => return,
                Err(why) => worse.push(why),
            }
        }
        let (client, tail) = (self.client, self.driver.tail(Way::Bridged));
        panic!("{client}, {disturbance}: through the bridge {worse:#?}; {tail}");
    }

    /// Performs the disturbance, and ends it.
    fn disturb(&mut self, disturbance: Disturbance) -> Done {
        match disturbance {
            Disturbance::Restarted => self.restart("TERM"),
            Disturbance::Killed => self.restart("KILL"),
            Disturbance::Frozen => self.freeze(),
            Disturbance::Rotated => self.rotate(),
        }
    }

    fn restart(&mut self, signal: &str) -> Done {
        let begun = now();
        self.server.end(signal);
        let from = now();
        thread::sleep(DOWN);
        self.server.start_again();
        let back = now();
        Done { begun, from, back }
    }

    fn freeze(&mut self) -> Done {
        let begun = now();
        self.server.signal("STOP");
        let from = now();
        let mut have_noticed = |ways: &[Way], time| {
            self.driver.wait(time, |driver| {
                let mut ways = ways.iter();
                ways.all(|way| driver.down(*way, begun).is_some())
                    .then_some(())
            })
        };
        // Without the bridge, a client without a heartbeat never notices.
        let _noticed = have_noticed(&[Way::Direct, Way::Bridged], NOTICED);
        let noticed = have_noticed(&[Way::Bridged], PATIENCE);
        thread::sleep(FROZEN);
        let back = now();
        self.server.signal("CONT");
        assert!(
            noticed.is_some(),
            "{}, frozen: through the bridge it never learns of it",
            self.client
        );
        Done { begun, from, back }
    }

    fn rotate(&mut self) -> Done {
        let begun = now();
        let before = self.service.status(NAME)["incarnation"].clone();
        // Some servers close an idle socket, so it is not always open.
        let is_asked = self.driver.wait(PATIENCE, |_| {
            let rotated = self.service.post("/v1/rotate?match=*", "");
            (rotated.json()["changed"] == 1).then_some(())
        });
        assert!(is_asked.is_some(), "{}: it is never open", self.client);
        self.service.wait_for(NAME, "another socket", |status| {
            status["incarnation"] != before
        });
        let from = now();
        Done {
            begun,
            from,
            back: from,
        }
    }

    fn outcome(&mut self, disturbance: Disturbance, way: Way, done: Done) -> Outcome {
        let at = self.answer(&disturbance.to_string(), way, done.from);
        let noticed = self.driver.down(way, done.begun);
        Outcome {
            back: at.saturating_sub(done.back),
            noticed: noticed.map(|(at, why)| (at - done.begun, why)),
        }
    }

    /// When a question that was sent after that time was answered.
    fn answer(&mut self, step: &str, way: Way, from: u64) -> u64 {
        let answer = self
            .driver
            .wait(PATIENCE, |driver| driver.answered(way, from));
        answer.unwrap_or_else(|| {
            let (client, tail) = (self.client, self.driver.tail(way));
            panic!("{client}, {step}: {way:?} gets no answer any more; {tail}")
        })
    }
}

impl Disturbance {
    /// How a client is worse off through the bridge.
    fn judge(self, direct: &Outcome, bridged: &Outcome) -> Result<(), String> {
        if bridged.back > direct.back + LATER {
            return Err("it is back later".to_owned());
        }
        match (self, &bridged.noticed) {
            (Self::Rotated, Some((_, why))) => Err(format!("it was down: {why}")),
            (Self::Restarted | Self::Killed | Self::Frozen, None) => {
                Err("it was never down".to_owned())
            }
            // Libraries that hide the code report something else.
            (Self::Killed, Some((_, why)))
                if why.starts_with(|first: char| first.is_ascii_digit())
                    && !why.starts_with("1012 ") =>
            {
                Err(format!("the code is not 1012: {why}"))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.noticed {
            None => f.write_str("not"),
            Some((after, why)) => write!(f, "{:.2} s: {why}", seconds(*after)),
        }
    }
}

fn seconds(ms: u64) -> f64 {
    Duration::from_millis(ms).as_secs_f64()
}
