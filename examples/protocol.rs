//! An exchange's protocol in code: a login that signs a challenge, a subscription, a heartbeat in
//! the exchange's own JSON, and a warning after which a second socket takes over.
//!
//! `cargo run --example protocol` runs it against an exchange on loopback, which ends the first
//! socket without a close frame, and sends a warning on the second one. `cargo test --example
//! protocol` tests the protocol without a socket.

use std::{
    error::Error,
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use everwire::{
    ConnectionSettings, Delivery, EventKind, Heartbeat, Manager, Message, Pattern, Settings,
    dialogue::{Cx, Deliver, Ping, Protocol, ProtocolFactory, TimerId, TurnId},
    language::{HashAlgorithm, Secret, Signer},
};
use futures::StreamExt;
use serde_json::{Value, json};
use tungstenite::WebSocket;

/// The socket is replaced if the login is not finished by then.
const LOGIN: TimerId = TimerId(1);
const LOGIN_WITHIN: Duration = Duration::from_secs(5);

/// The turn in which the login is signed.
const SIGNED: TurnId = TurnId(1);

/// Logs in, and receives trades.
#[derive(Debug)]
struct Exchange {
    key: Secret,
    channel: &'static str,
    /// The challenge of this socket.
    nonce: Option<String>,
    /// The number of the last ping.
    ping: u64,
}

impl Exchange {
    fn new(key: &str, channel: &'static str) -> Self {
        Self {
            key: Secret::new(key),
            channel,
            nonce: None,
            ping: 0,
        }
    }
}

impl Protocol for Exchange {
    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.nonce = None;
        cx.step("the challenge");
        cx.set_timer(LOGIN, LOGIN_WITHIN);
    }

    fn message(&mut self, message: &Message, cx: &mut Cx<'_>) -> Deliver {
        let said = message.as_text().map(serde_json::from_str::<Value>);
        let Some(Ok(said)) = said else {
            return Deliver::Yes;
        };
        match said["op"].as_str() {
            Some("challenge") => {
                self.nonce = said["nonce"].as_str().map(str::to_owned);
                cx.step("the answer to the login");
                // It is signed in its turn, because the text contains the time and a rate may delay
                // it.
                cx.compose(SIGNED);
                Deliver::Own
            }
            Some("login") if said["ok"] == true => {
                cx.cancel_timer(LOGIN);
                let subscribe = json!({"op": "subscribe", "channel": self.channel});
                cx.send(subscribe.to_string());
                cx.ready();
                Deliver::Own
            }
            Some("login") => {
                let text = format!("the login was refused: {}", cx.shown(message));
                match said["code"].as_str() {
                    Some("unknown_key") => cx.give_up(text),
                    _ => cx.refused(text),
                }
                Deliver::Own
            }
            Some("closing_soon") => {
                cx.rotate();
                Deliver::No
            }
            Some("pong") if said["number"] == self.ping => Deliver::Pong,
            _ => Deliver::Yes,
        }
    }

    fn compose(&mut self, _: TurnId, cx: &mut Cx<'_>) -> Option<Message> {
        let (nonce, time) = (self.nonce.as_ref()?, cx.wall().as_secs());
        let sign = sign(cx.signer(), self.key.expose(), nonce, time);
        // The exchange may repeat the signature, so it is hidden in logs.
        cx.hide(&sign);
        let login = json!({"op": "login", "time": time, "sign": sign});
        Some(login.to_string().into())
    }

    fn timer(&mut self, _: TimerId, cx: &mut Cx<'_>) {
        cx.timed_out(format!("not logged in after {LOGIN_WITHIN:?}"));
    }

    fn ping(&mut self, _: &mut Cx<'_>) -> Ping {
        self.ping += 1;
        Ping::Text(json!({"op": "ping", "number": self.ping}).to_string())
    }

    fn matches_pongs(&self) -> bool {
        true
    }
}

/// The signed text: the nonce, and the time in seconds.
fn sign(signer: &dyn Signer, key: &str, nonce: &str, time: u64) -> String {
    let text = format!("{nonce}.{time}");
    let mac = signer.hmac(HashAlgorithm::Sha256, key.as_bytes(), text.as_bytes());
    mac.iter().map(|byte| format!("{byte:02x}")).collect()
}

const KEY: &str = "the key of an account";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut settings = ConnectionSettings::new(format!("ws://{}/", listener.local_addr()?))?;
    thread::spawn(move || exchange(&listener));

    settings.protocol = Some(ProtocolFactory::new(|| Exchange::new(KEY, "trades")));
    settings.heartbeat = Heartbeat::Text {
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(5),
        // The protocol makes the pings, and recognises their answers.
        ping: String::new(),
        pong: String::new(),
        fence: false,
        deliver: false,
    };

    let manager = Manager::spawn(Settings::default())?;
    let mut events = manager.subscribe(Pattern::all(), Delivery::default());
    manager.open("account", settings)?;
    while let Some(update) = events.next().await {
        match update.kind() {
            Some(EventKind::Ready) => println!("logged in"),
            Some(EventKind::Message(message)) => {
                let said: Value = serde_json::from_str(message.as_text().unwrap_or_default())?;
                if said["op"] == "trade" {
                    println!("trade: {}", said["price"]);
                }
                if said["last"] == true {
                    break;
                }
            }
            Some(EventKind::Error(report)) => println!("lost: {}", report.cause),
            Some(EventKind::Retrying(retrying)) => println!("next dial in {:.0?}", retrying.delay),
            Some(EventKind::Rotated(_)) => println!("another socket has taken over"),
            _ => {}
        }
    }
    manager.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

/// An exchange on loopback. The first socket ends without a close frame, the second one with a
/// warning.
fn exchange(listener: &TcpListener) {
    for (number, stream) in listener.incoming().map_while(Result::ok).enumerate() {
        thread::spawn(move || {
            if let Err(error) = trade(number, stream) {
                println!("exchange: socket {number} is over: {error}");
            }
        });
    }
}

fn trade(number: usize, stream: TcpStream) -> Result<(), Box<dyn Error>> {
    let mut socket = tungstenite::accept(stream)?;
    let nonce = format!("nonce-{number}");
    say(&mut socket, &json!({"op": "challenge", "nonce": nonce}))?;
    let login = hear(&mut socket)?;
    let time = login["time"].as_u64().unwrap_or_default();
    let expected = sign(everwire::dialogue::signer(), KEY, &nonce, time);
    if login["sign"] != expected {
        return say(&mut socket, &json!({"op": "login", "code": "signature"}));
    }
    say(&mut socket, &json!({"op": "login", "ok": true}))?;
    hear(&mut socket)?;
    let price = 100 + number;
    let is_last = number == 2;
    let trade = json!({"op": "trade", "price": price, "last": is_last});
    say(&mut socket, &trade)?;
    match number {
        // The socket is dropped, so the connection ends without a close frame.
        0 => return Ok(()),
        1 => say(&mut socket, &json!({"op": "closing_soon"}))?,
        _ => {}
    }
    loop {
        let said = hear(&mut socket)?;
        if said["op"] == "ping" {
            say(
                &mut socket,
                &json!({"op": "pong", "number": said["number"]}),
            )?;
        }
    }
}

fn say(socket: &mut WebSocket<TcpStream>, message: &Value) -> Result<(), Box<dyn Error>> {
    Ok(socket.send(tungstenite::Message::text(message.to_string()))?)
}

fn hear(socket: &mut WebSocket<TcpStream>) -> Result<Value, Box<dyn Error>> {
    loop {
        if let tungstenite::Message::Text(text) = socket.read()? {
            return Ok(serde_json::from_str(&text)?);
        }
    }
}

/// Tests without a socket, a clock or a wait.
#[cfg(test)]
mod tests {
    use std::time::Instant;

    use everwire::{
        core::Cause,
        dialogue::{Done, Rehearsal, signer},
    };

    use super::*;

    const CHALLENGE: &str = r#"{"op":"challenge","nonce":"n"}"#;
    const WELCOME: &str = r#"{"op":"login","ok":true}"#;

    fn rehearsal() -> Rehearsal<'static> {
        let factory = ProtocolFactory::new(|| Exchange::new("key", "trades"));
        let mut rehearsal = Rehearsal::new(factory, signer(), Instant::now());
        rehearsal = rehearsal.at(Duration::from_secs(1_700_000_000));
        rehearsal.open();
        rehearsal
    }

    /// The expected answer to the challenge.
    fn login() -> Done {
        let sign = sign(signer(), "key", "n", 1_700_000_000);
        let login = json!({"op": "login", "time": 1_700_000_000_u64, "sign": sign});
        Done::Sent(login.to_string().into())
    }

    fn subscribe() -> Done {
        Done::Sent(r#"{"channel":"trades","op":"subscribe"}"#.into())
    }

    #[test]
    fn it_signs_the_challenge_and_is_ready_behind_its_subscription() {
        let mut rehearsal = rehearsal();
        assert_eq!(rehearsal.step(), Some("the challenge"));
        assert_eq!(rehearsal.hear(CHALLENGE), Deliver::Own);
        assert_eq!(rehearsal.done(), [login()]);
        assert_eq!(rehearsal.step(), Some("the answer to the login"));
        assert!(!rehearsal.is_ready());
        assert_eq!(rehearsal.hear(WELCOME), Deliver::Own);
        assert_eq!(rehearsal.done(), [subscribe(), Done::Ready]);
        // The login is over, so its timer has stopped.
        rehearsal.wait(Duration::from_secs(60));
        assert_eq!(rehearsal.done(), []);
        assert_eq!(rehearsal.hear(r#"{"op":"trade"}"#), Deliver::Yes);
    }

    #[test]
    fn a_login_that_is_not_answered_costs_the_socket_and_the_next_begins_anew() {
        let mut rehearsal = rehearsal();
        rehearsal.hear(CHALLENGE);
        rehearsal.wait(LOGIN_WITHIN);
        let done = rehearsal.done();
        assert!(
            matches!(&*done, [_, Done::Lost(Cause::ScriptTimeout(_))]),
            "{done:?}"
        );
        rehearsal.open();
        assert_eq!(rehearsal.step(), Some("the challenge"));
    }

    #[test]
    fn only_an_unknown_key_is_final_and_no_signature_is_shown() {
        let mut refused = rehearsal();
        refused.hear(CHALLENGE);
        let Some(Done::Sent(said)) = refused.done().pop() else {
            panic!("no login");
        };
        let said: Value = serde_json::from_str(said.as_text().unwrap()).unwrap();
        let sign = said["sign"].as_str().unwrap();
        let refusal = json!({"op": "login", "code": "signature", "yours": sign});
        refused.hear(refusal.to_string());
        let done = refused.done();
        let [Done::Lost(cause)] = &*done else {
            panic!("{done:?}");
        };
        assert!(cause.text().contains("***"), "{cause}");
        assert!(!cause.text().contains(sign), "{cause}");

        let mut unknown = rehearsal();
        unknown.hear(r#"{"op":"login","code":"unknown_key"}"#);
        let done = unknown.done();
        assert!(matches!(&*done, [Done::Failed(_)]), "{done:?}");
    }

    #[test]
    fn a_warning_asks_for_a_successor_which_logs_in_itself() {
        let mut first = rehearsal();
        first.hear(CHALLENGE);
        first.hear(WELCOME);
        first.done();
        assert_eq!(first.hear(r#"{"op":"closing_soon"}"#), Deliver::No);
        assert_eq!(first.done(), [Done::Rotates { url: None }]);
        let mut second = first.successor();
        second.open();
        second.hear(CHALLENGE);
        second.hear(WELCOME);
        first.take_over(second);
        assert_eq!(first.done(), [login(), subscribe(), Done::Ready]);
    }

    #[test]
    fn a_pong_answers_the_last_ping_alone() {
        let mut rehearsal = rehearsal();
        assert_eq!(
            rehearsal.ping().as_deref(),
            Some(r#"{"number":1,"op":"ping"}"#)
        );
        rehearsal.ping();
        assert_eq!(rehearsal.hear(r#"{"op":"pong","number":1}"#), Deliver::Yes);
        assert_eq!(rehearsal.hear(r#"{"op":"pong","number":2}"#), Deliver::Pong);
    }
}
