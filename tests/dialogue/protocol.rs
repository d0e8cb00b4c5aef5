//! A protocol in code: a login with a challenge, a JSON heartbeat, a warning that causes a
//! rotation, and failures.

use std::{
    any::Any,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use everwire::{
    ConnectionSettings, Fate, Heartbeat, Manager, Message, Reconnect,
    config::RateSettings,
    core::Cause,
    dialogue::{
        Conversation, Cx, Deliver, Ping, Protocol, ProtocolFactory, TimerId, TurnId, signer,
    },
    language::HashAlgorithm,
    manager::OpenError,
};
use serde_json::{Value, json};

use super::{
    Variables, answered, holds_no_secret,
    peer::{Gone, Line, Server},
    recipe,
    support::{
        SOON, poll_until,
        rig::{Watch, one_arbiter, quick, wait_for},
    },
};

const KEY: &str = "a key that nobody may see";
const LOGIN: TimerId = TimerId(1);
const SIGNED: TurnId = TurnId(1);

/// An exchange's protocol.
#[derive(Debug, Default)]
struct Exchange {
    challenge: Option<String>,
    pings: u64,
    /// The number of received messages, on any socket.
    ticks: u64,
}

impl Protocol for Exchange {
    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.challenge = None;
        cx.hide(KEY);
        cx.step("the challenge");
        cx.set_timer(LOGIN, Duration::from_millis(300));
    }

    fn message(&mut self, message: &Message, cx: &mut Cx<'_>) -> Deliver {
        let text = message.as_text().unwrap_or_default();
        let said: Value = serde_json::from_str(text).unwrap_or_default();
        match said["op"].as_str() {
            Some("challenge") => {
                self.challenge = said["nonce"].as_str().map(str::to_owned);
                cx.step("the answer to the login");
                cx.compose(SIGNED);
                Deliver::Own
            }
            Some("in") => {
                cx.cancel_timer(LOGIN);
                cx.send(json!({"op": "subscribe", "to": "trades"}).to_string());
                cx.ready();
                Deliver::Own
            }
            Some("out") => {
                let text = format!("the login was refused: {}", cx.shown(message));
                match said["for"].as_str() {
                    Some("ever") => cx.give_up(text),
                    _ => cx.refused(text),
                }
                Deliver::Own
            }
            Some("leave") => {
                cx.rotate();
                Deliver::No
            }
            Some("pong") if said["number"] == json!(self.pings) => Deliver::Pong,
            Some("how many") => {
                cx.answer(json!({"op": "ticks", "ticks": self.ticks}).to_string());
                Deliver::No
            }
            Some("break") => panic!("a fault of the author's, with {KEY}"),
            _ => {
                self.ticks += 1;
                Deliver::Yes
            }
        }
    }

    fn compose(&mut self, _: TurnId, cx: &mut Cx<'_>) -> Option<Message> {
        let challenge = self.challenge.as_ref()?;
        let sign = sign(challenge);
        let name = cx.name();
        let login = json!({"op": "login", "name": name, "sign": sign, "key": KEY});
        Some(login.to_string().into())
    }

    fn timer(&mut self, _: TimerId, cx: &mut Cx<'_>) {
        cx.timed_out("the login was not answered in 300 ms");
    }

    fn ping(&mut self, _: &mut Cx<'_>) -> Ping {
        self.pings += 1;
        Ping::Text(json!({"op": "ping", "number": self.pings}).to_string())
    }

    fn matches_pongs(&self) -> bool {
        true
    }

    fn has_goodbye(&self) -> bool {
        true
    }

    fn goodbye(&mut self, cx: &mut Cx<'_>) {
        cx.send(json!({"op": "logout"}).to_string());
        cx.close();
    }

    fn adopt(&mut self, before: Box<dyn Protocol>) {
        if let Ok(before) = (before as Box<dyn Any>).downcast::<Self>() {
            self.ticks += before.ticks;
        }
    }
}

fn sign(challenge: &str) -> String {
    let mac = signer().hmac(HashAlgorithm::Sha256, KEY.as_bytes(), challenge.as_bytes());
    mac.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Settings with that protocol, and the number of its instances.
fn settings(url: &str) -> (ConnectionSettings, Arc<AtomicUsize>) {
    let mut settings = quick(url);
    if let Reconnect::Backoff(backoff) = &mut settings.reconnect {
        backoff.max = Duration::from_millis(50);
    }
    settings.heartbeat = Heartbeat::Text {
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(10),
        ping: String::new(),
        pong: String::new(),
        fence: false,
        deliver: false,
    };
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    settings.protocol = Some(ProtocolFactory::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
        Exchange::default()
    }));
    (settings, made)
}

fn open(server: &Server) -> (Manager, everwire::Handle, Watch, Arc<AtomicUsize>) {
    let manager = one_arbiter();
    let watch = Watch::new(&manager, "*");
    let (settings, made) = settings(&server.url());
    let handle = manager.open("name", settings).unwrap();
    (manager, handle, watch, made)
}

/// The exchange's side of the login.
fn challenge(line: &mut Line) -> Result<(), Gone> {
    let nonce = format!("nonce {}", line.number);
    line.say(json!({"op": "challenge", "nonce": nonce}).to_string())?;
    let said = line.hear()?;
    line.ask(said["op"] == "login", format!("no login: {said}"));
    line.ask(said["sign"] == sign(&nonce), format!("signature: {said}"));
    Ok(())
}

fn login(line: &mut Line) -> Result<(), Gone> {
    challenge(line)?;
    line.say(r#"{"op":"in"}"#)?;
    let said = line.hear()?;
    line.ask(said["op"] == "subscribe", format!("subscribe: {said}"));
    Ok(())
}

/// Echoes messages of the outbox, and answers pings, until the client disconnects.
fn serve(line: &mut Line) -> Result<(), Gone> {
    loop {
        let text = line.hear_text()?;
        match serde_json::from_str::<Value>(&text) {
            Ok(said) if said["op"] == "ping" => {
                line.say(json!({"op": "pong", "number": said["number"]}).to_string())?;
            }
            _ => line.say(text)?,
        }
    }
}

#[tokio::test]
async fn a_name_is_ready_when_its_protocol_says_so_and_its_outbox_follows() {
    let server = Server::start(|line| {
        login(line)?;
        let said = line.hear_text()?;
        line.ask(said == "early", format!("of the outbox: {said}"));
        serve(line)
    });
    let manager = one_arbiter();
    let mut watch = Watch::new(&manager, "*");
    let (settings, made) = settings(&server.url());
    let handle = manager.open("name", settings).unwrap();
    let receipt = handle.send("early").unwrap();
    watch.ready().await;
    assert_eq!(receipt.fate(Fate::Written).await, Fate::Written);
    answered(&handle).await;
    handle.send("late").unwrap();
    watch.text("late").await;
    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(made.load(Ordering::SeqCst), 1);
    assert!(!watch.seen().iter().any(|told| told.contains("pong")));
    holds_no_secret(&watch, KEY);
}

#[tokio::test]
async fn a_login_that_is_cut_or_not_answered_is_made_again_by_the_same_protocol() {
    let server = Server::start(|line| match line.number {
        0 => Err(line.cut()),
        1 => {
            challenge(line)?;
            Err(line.cut())
        }
        2 => {
            challenge(line)?;
            let reason = line.close_reason();
            line.ask(reason.contains("script_timeout"), reason.clone());
            Err(Gone)
        }
        _ => {
            login(line)?;
            serve(line)
        }
    });
    let (_manager, handle, mut watch, made) = open(&server);
    watch
        .until("the timeout", |update| {
            let error = update.kind().map(|kind| format!("{kind:?}"));
            error.filter(|error| error.contains("the login was not answered in 300 ms"))
        })
        .await;
    watch.ready().await;
    answered(&handle).await;
    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(made.load(Ordering::SeqCst), 1);
    let told = watch.seen();
    assert_eq!(
        told.iter()
            .filter(|told| told.contains(r#""type":"ready""#))
            .count(),
        1
    );
}

#[tokio::test]
async fn a_refusal_is_tried_again_and_one_for_ever_is_final() {
    let server = Server::start(|line| {
        challenge(line)?;
        let how = ["now", "ever"][line.number.min(1)];
        line.say(json!({"op": "out", "for": how, "key": KEY}).to_string())?;
        line.until_gone()
    });
    let (_manager, handle, mut watch, _) = open(&server);
    watch.failed().await;
    assert_eq!(server.sockets(), 2);
    let status = serde_json::to_string(&handle.status().await.unwrap()).unwrap();
    assert!(
        status.contains("script_refused") && status.contains("the login was refused"),
        "{status}"
    );
    assert!(status.contains("***"), "{status}");
    assert!(!status.contains(KEY), "{status}");
    let told = watch.seen();
    assert!(!told.iter().any(|told| told.contains(r#""type":"ready""#)));
    holds_no_secret_in_reports(&watch);
}

/// Messages of the peer go to subscribers unchanged; our own reports must not contain the key.
fn holds_no_secret_in_reports(watch: &Watch) {
    for told in watch.seen() {
        assert!(
            told.contains(r#""type":"message""#) || !told.contains(KEY),
            "{told}"
        );
    }
}

#[tokio::test]
async fn at_a_warning_the_successor_logs_in_and_goes_on_with_what_was_learned() {
    let server = Server::start(|line| {
        login(line)?;
        if line.number == 0 {
            line.say("one")?;
            line.say("two")?;
            line.say(r#"{"op":"leave"}"#)?;
            return line.until_gone();
        }
        let number = line.number;
        let asked = line.hear_text()?;
        line.ask(asked == "go on", format!("{number}: {asked}"));
        line.say(r#"{"op":"how many"}"#)?;
        let said = line.hear()?;
        line.ask(said["ticks"] == 2, format!("ticks: {said}"));
        line.say("counted")?;
        serve(line)
    });
    let (_manager, handle, mut watch, made) = open(&server);
    watch.ready().await;
    watch.rotated().await;
    handle.send("go on").unwrap();
    watch.text("counted").await;
    assert_eq!(made.load(Ordering::SeqCst), 2);
    // The old socket sends its goodbye: the exchange does not check for it.
    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(handle.status().await.unwrap().state.as_str(), "open");
}

#[tokio::test]
async fn a_panic_of_a_protocol_costs_its_name_a_socket_and_no_other_name_anything() {
    let server = Server::start(|line| {
        login(line)?;
        match (line.path.as_str(), line.number) {
            ("/broken", 0 | 1) => {
                line.say(r#"{"op":"break"}"#)?;
                let reason = line.close_reason();
                line.ask(reason.ends_with(" panic"), reason.clone());
                Err(Gone)
            }
            _ => serve(line),
        }
    });
    let manager = one_arbiter();
    let (sound, _) = settings(&format!("{}sound", server.url()));
    let (broken, made) = settings(&format!("{}broken", server.url()));
    // The first socket of the server belongs to this name.
    let mut watch = Watch::new(&manager, "broken");
    let handle = manager.open("broken", broken).unwrap();
    let cause = watch
        .until("a panic", |update| match update.kind() {
            Some(everwire::EventKind::Error(report)) => Some(report.cause.clone()),
            _ => None,
        })
        .await;
    assert_eq!(
        cause,
        Cause::Panic("a fault of the author's, with ***".to_owned())
    );
    let mut others = Watch::new(&manager, "sound");
    let other = manager.open("sound", sound).unwrap();
    others.ready().await;
    watch.ready().await;
    poll_until("a protocol of its own", SOON, || {
        made.load(Ordering::SeqCst) >= 2
    })
    .await;
    other.send("still here").unwrap();
    others.text("still here").await;
    wait_for("the name is back", async || {
        let status = handle.status().await.unwrap();
        match status.state.as_str() {
            "open" => Ok(()),
            other => Err(other),
        }
    })
    .await;
    assert_eq!(server.faults(), Vec::<String>::new());
    assert!(
        !others
            .seen()
            .iter()
            .any(|told| told.contains(r#""type":"closed""#)),
        "{:?}",
        others.seen()
    );
}

#[tokio::test]
async fn a_goodbye_is_said_behind_the_outbox_and_what_it_waits_for_is_shown() {
    let server = Server::start(|line| {
        let go_on = line.path == "/go";
        line.say(r#"{"op":"challenge","nonce":"n"}"#)?;
        line.hear()?;
        if !go_on {
            return line.until_gone();
        }
        line.say(r#"{"op":"in"}"#)?;
        line.hear()?;
        let last = line.hear_text()?;
        line.ask(last == "last", format!("the outbox: {last}"));
        let said = line.hear()?;
        line.ask(said["op"] == "logout", format!("the goodbye: {said}"));
        let reason = line.close_reason();
        line.ask(reason.starts_with("1000"), reason.clone());
        Ok(())
    });
    let manager = one_arbiter();
    let mut watch = Watch::new(&manager, "*");
    let (mut silent, _) = settings(&server.url());
    silent.protocol = Some(ProtocolFactory::new(|| Patient));
    let silent = manager.open("silent", silent).unwrap();
    wait_for("the step", async || {
        let status = silent.status().await.unwrap();
        let status = serde_json::to_value(&status).unwrap();
        let step = &status["step"];
        match step["expect"] == "somebody to speak" && step["script"] == "protocol" {
            true => Ok(()),
            false => Err(status.to_string()),
        }
    })
    .await;
    let (settings, _) = settings(&format!("{}go", server.url()));
    let handle = manager.open("name", settings).unwrap();
    watch.ready().await;
    handle.send("last").unwrap();
    handle.close(1000, "").await.unwrap();
    watch.closed().await;
    poll_until("the server's end", SOON, || server.has_ended(0)).await;
    assert_eq!(server.faults(), Vec::<String>::new());
}

/// Waits, and sends nothing.
#[derive(Debug)]
struct Patient;

impl Protocol for Patient {
    fn opened(&mut self, cx: &mut Cx<'_>) {
        cx.step("somebody to speak");
    }

    fn message(&mut self, _: &Message, _: &mut Cx<'_>) -> Deliver {
        Deliver::Yes
    }
}

#[tokio::test]
async fn a_declared_dialogue_runs_as_a_protocol() {
    let server = Server::start(|line| {
        let said = line.hear()?;
        line.ask(said == json!({"op": "login", "id": 1}), said.to_string());
        line.say(r#"{"op":"in"}"#)?;
        if line.number == 0 {
            line.say(r#"{"op":"leave"}"#)?;
        }
        loop {
            let said = line.hear()?;
            match said["op"].as_str() {
                Some("ping") => line.say(json!({"op": "pong", "id": said["id"]}).to_string())?,
                Some("logout") => return line.until_gone(),
                _ => line.say(said.to_string())?,
            }
        }
    });
    let text = r#"
[connections.name]
url = "URL"
# quick
heartbeat = { kind = "text", ping = '{"op":"ping","id":${id}}', pong = { when = '/op == "pong" && /id == id' }, interval = "1s", timeout = "10s" }
open_script = [{ send = '{"op":"login","id":${id}}', expect = '/op == "in"' }]
close_script = [{ send = '{"op":"logout"}' }]
rules = [{ when = '/op == "leave"', do = "rotate", deliver = false }]
"#;
    let mut settings = recipe(text, "name", &server.url(), Variables(&[]));
    let dialogue = settings.dialogue.take().unwrap();
    let led = Arc::clone(&dialogue);
    settings.protocol = Some(ProtocolFactory::new(move || {
        Conversation::new(Arc::clone(&led))
    }));
    let manager = one_arbiter();
    let mut watch = Watch::new(&manager, "*");
    let both = ConnectionSettings {
        dialogue: Some(dialogue),
        ..settings.clone()
    };
    let refused = manager.open("both", both.clone());
    assert!(matches!(refused, Err(OpenError::TwoConversations(_))));
    let handle = manager.open("name", settings).unwrap();
    watch.ready().await;
    watch.rotated().await;
    answered(&handle).await;
    handle.send(r#"{"op":"hello"}"#).unwrap();
    watch.text(r#"{"op":"hello"}"#).await;
    let refused = manager.configure("name", both).await.unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("either a dialogue or a protocol"),
        "{refused}"
    );
    assert_eq!(server.sockets(), 2);
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn another_protocol_comes_with_another_socket_and_its_messages_in_their_turn() {
    let server = Server::start(|line| match line.number {
        0 => {
            login(line)?;
            line.until_gone()
        }
        _ => {
            for number in 0..3 {
                let said = line.hear_text()?;
                line.ask(said == number.to_string(), said.clone());
            }
            let said = line.hear_text()?;
            line.ask(said == "of the outbox", said);
            line.say("seen")?;
            line.until_gone()
        }
    });
    let manager = one_arbiter();
    let mut watch = Watch::new(&manager, "*");
    let (mut settings, made) = settings(&server.url());
    let handle = manager.open("name", settings.clone()).unwrap();
    watch.ready().await;
    // Each message waits for its turn.
    let per = Duration::from_millis(20);
    settings.rate = vec![RateSettings::new(NonZeroU32::MIN, per)];
    settings.protocol = Some(ProtocolFactory::new(|| Counting));
    settings.heartbeat = Heartbeat::Off;
    let applied = manager.configure("name", settings).await.unwrap();
    assert!(applied.reconnect);
    watch.rotated().await;
    handle.send("of the outbox").unwrap();
    watch.text("seen").await;
    assert_eq!(server.sockets(), 2);
    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(made.load(Ordering::SeqCst), 1);
}

/// Sends three numbers, and is ready.
#[derive(Debug)]
struct Counting;

impl Protocol for Counting {
    fn opened(&mut self, cx: &mut Cx<'_>) {
        (0..3).for_each(|number| cx.send(number.to_string()));
        cx.ready();
    }

    fn message(&mut self, _: &Message, _: &mut Cx<'_>) -> Deliver {
        Deliver::Yes
    }
}
