//! Servers that compress on their own, or send several messages in one: HTX's market data,
//! Discord's transport compression, SignalR's records.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use everwire::{
    ConnectionSettings, Message,
    connection::{SessionSettings, session::Heard},
    core::ClosedReport,
    decode::ZLIB_WINDOW,
    memory::MemoryUse,
};

use super::{
    Variables, answered, catch_up,
    compressed::{ZlibStream, gzip},
    open,
    peer::{Gone, Line, Server},
    recipe,
    support::{
        SOON, poll_until,
        rig::{Watch, wait_for},
    },
};

/// `recipes/htx.toml` without its subscriptions.
const HTX: &str = r#"
[connections.htx]
url = "URL"
decode = "gzip"
heartbeat = "none"
idle_timeout = "15s"
rules = [{ when = 'exists(/ping)', send = '{"pong":${/ping}}', deliver = false }]
# quick
"#;

/// The parts of `recipes/discord.toml` that a compressed socket needs.
const DISCORD: &str = r#"
[connections.discord]
url = "URL"
decode = "zlib-stream"
close_code = 4900
capture = { seq = "/s" }
open_script = [
  { expect = '/op == 10', capture = { beat = "/d/heartbeat_interval" } },
  { if = 'session', send = '{"op":6,"d":{"session_id":"${session}","seq":${seq}}}', expect = '/op == 0 && /t == "RESUMED"' },
  { if = '!session', send = '{"op":2,"d":{"token":"token"}}', expect = '/op == 0 && /t == "READY"', capture = { session = "/d/session_id" } },
]
# quick
[connections.discord.heartbeat]
kind = "text"
from = "open"
interval = "${beat}ms"
timeout = "${beat}ms"
ping = '{"op":1,"d":${default(seq, null)}}'
pong = { when = '/op == 11' }
"#;

fn name(keys: &str, url: &str) -> ConnectionSettings {
    let text = format!("[connections.name]\nurl = \"URL\"\n# quick\n{keys}\n");
    recipe(&text, "name", url, Variables(&[]))
}

/// Pings as HTX does, and expects an answer to each before the next, with a tick after each.
fn play_htx(line: &mut Line, pings: u64) -> Result<(), Gone> {
    for n in 0..pings {
        let ping = 1_492_420_473_027 + n;
        line.say_bytes(gzip(format!(r#"{{"ping":{ping}}}"#).as_bytes()))?;
        line.say_bytes(gzip(format!(r#"{{"ch":"trade","n":{n}}}"#).as_bytes()))?;
        let said = line.hear_text()?;
        line.ask(said == format!(r#"{{"pong":{ping}}}"#), said);
    }
    line.say_bytes(gzip(br#"{"ch":"done"}"#))
}

#[tokio::test]
async fn pings_within_gzip_are_answered_and_told_to_nobody() {
    let server = Server::start(|line| {
        play_htx(line, 5)?;
        line.until_gone()
    });
    let (_manager, handle, mut watch) = open(recipe(HTX, "htx", &server.url(), Variables(&[])));
    for n in 0..5 {
        let tick = format!(r#"{{"ch":"trade","n":{n}}}"#);
        assert_eq!(watch.message().await, Message::text(tick));
    }
    watch.text(r#"{"ch":"done"}"#).await;
    assert_eq!(server.faults(), Vec::<String>::new());
    assert!(watch.seen().iter().all(|event| !event.contains("ping")));
    assert_eq!(handle.status().await.unwrap().state.as_str(), "open");
}

#[tokio::test]
async fn it_is_read_on_each_socket_wherever_the_last_one_was_cut() {
    let server = Server::start(|line| {
        let ping = gzip(br#"{"ping":7}"#);
        match line.number {
            // The cut is before everything, after a ping, or after its answer.
            0 => Err(line.cut()),
            1 => {
                line.say_bytes(ping)?;
                Err(line.cut())
            }
            2 => {
                line.say_bytes(ping)?;
                line.hear_text()?;
                Err(line.cut())
            }
            _ => {
                play_htx(line, 2)?;
                line.until_gone()
            }
        }
    });
    let settings = recipe(HTX, "htx", &server.url(), Variables(&[]));
    let (_manager, _handle, mut watch) = open(settings);
    watch.text(r#"{"ch":"done"}"#).await;
    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(server.sockets(), 4);
}

#[tokio::test]
async fn what_is_no_gzip_is_a_loss_that_says_so() {
    let bomb = gzip(&vec![b'x'; 70_000]);
    let cut = gzip(b"a message that is cut")[..20].to_vec();
    let bomb_len = bomb.len();
    for (message, code, text) in [
        (
            b"{\"ping\":1}".to_vec(),
            1007,
            "a binary message of 10 bytes is not gzip data".to_owned(),
        ),
        (
            cut,
            1007,
            "the gzip data in a message of 20 bytes end too early".into(),
        ),
        (
            bomb,
            1009,
            format!(
                "the gzip data in a message of {bomb_len} bytes decompress to more than 65536 bytes, which is max_message"
            ),
        ),
    ] {
        let reason = format!("{code} {text}");
        let server = Server::start(move |line| {
            if line.number > 0 {
                return line.until_gone();
            }
            line.say_bytes(gzip(b"fine"))?;
            line.say_bytes(message.clone())?;
            line.say_bytes(gzip(b"late"))?;
            let said = line.close_reason();
            line.ask(reason.starts_with(&said) && said.len() > 40, said);
            Ok(())
        });
        let keys = "decode = \"gzip\"\nmax_message = \"64KiB\"";
        let (_manager, handle, mut watch) = open(name(keys, &server.url()));
        watch.text("fine").await;
        let cause = watch.error().await;
        assert_eq!((cause.kind(), &*cause.text()), ("decode", &*text));
        poll_until("another socket", SOON, || server.sockets() > 1).await;
        poll_until("the close frame", SOON, || server.has_ended(0)).await;
        assert_eq!(server.faults(), Vec::<String>::new());
        let last = handle.status().await.unwrap().last_error.unwrap();
        assert_eq!(last.cause.kind(), "decode");
        assert!(watch.seen().iter().all(|event| !event.contains("late")));
    }
}

/// Sends in one zlib stream, and receives everything but heartbeats.
struct Gateway<'a> {
    line: &'a mut Line,
    stream: ZlibStream,
}

impl Gateway<'_> {
    fn say(&mut self, text: &str) -> Result<(), Gone> {
        let message = self.stream.compress(text);
        self.line.say_bytes(message)
    }

    /// Splits a text into messages of this size.
    fn say_in_pieces(&mut self, text: &str, size: usize) -> Result<(), Gone> {
        let message = self.stream.compress(text);
        let mut pieces = message.chunks(size);
        pieces.try_for_each(|piece| self.line.say_bytes(piece))
    }

    fn hear(&mut self) -> Result<serde_json::Value, Gone> {
        loop {
            let said = self.line.hear()?;
            if said["op"] != 1 {
                return Ok(said);
            }
            self.say(r#"{"op":11}"#)?;
        }
    }

    fn until_gone(&mut self) -> Result<(), Gone> {
        loop {
            self.hear()?;
        }
    }
}

#[tokio::test]
async fn one_stream_of_a_socket_carries_login_heartbeats_and_a_resume() {
    let server = Server::start(|line| {
        let number = line.number;
        let stream = ZlibStream::new();
        let mut gateway = Gateway { line, stream };
        gateway.say_in_pieces(
            r#"{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":1000}}"#,
            9,
        )?;
        let said = gateway.hear()?;
        if number == 0 {
            gateway
                .line
                .ask(said["op"] == 2, format!("no login: {said}"));
            gateway.say(r#"{"t":"READY","s":1,"op":0,"d":{"session_id":"abc"}}"#)?;
            gateway.say_in_pieces(r#"{"t":"MESSAGE_CREATE","s":2,"op":0,"d":{}}"#, 1)?;
            return Err(gateway.line.close(4000));
        }
        let resumes = said["op"] == 6 && said["d"]["session_id"] == "abc" && said["d"]["seq"] == 2;
        gateway.line.ask(resumes, format!("no resume: {said}"));
        gateway.say(r#"{"t":"RESUMED","s":3,"op":0,"d":{}}"#)?;
        gateway.until_gone()
    });
    let settings = recipe(DISCORD, "discord", &server.url(), Variables(&[]));
    let (manager, handle, mut watch) = open(settings);
    watch.ready().await;
    watch
        .text(r#"{"t":"MESSAGE_CREATE","s":2,"op":0,"d":{}}"#)
        .await;
    watch.ready().await;
    answered(&handle).await;
    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(server.sockets(), 2);
    // No message is half received: this is the inflate window of the serving socket.
    let window = manager.memory_usage().reassembly;
    assert!((ZLIB_WINDOW..2 * ZLIB_WINDOW).contains(&window), "{window}");
    manager.remove("name").await.unwrap();
    assert_eq!(manager.memory_usage().reassembly, 0);
}

#[tokio::test]
async fn a_successor_has_a_stream_of_its_own_beside_that_of_the_old_socket() {
    let server = Server::start(|line| {
        let number = line.number;
        let stream = ZlibStream::new();
        let mut gateway = Gateway { line, stream };
        for n in 0.. {
            gateway.say(&format!(r#"{{"socket":{number},"n":{n}}}"#))?;
            let said = gateway.line.hear_text()?;
            gateway.line.ask(said == format!("{n}"), said);
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    });
    let keys = r#"
decode = "zlib-stream"
rules = [{ when = 'exists(/n)', send = '${/n}' }]
"#;
    let (_manager, handle, mut watch) = open(name(keys, &server.url()));
    watch.text(r#"{"socket":0,"n":3}"#).await;
    for socket in 1..4 {
        handle.rotate().await.unwrap();
        watch.rotated().await;
        watch.text(&format!(r#"{{"socket":{socket},"n":9}}"#)).await;
    }
    assert_eq!(server.faults(), Vec::<String>::new());
    let told = watch.seen();
    assert!(
        told.iter()
            .all(|event| !event.contains(r#""cause":"decode""#))
    );
}

/// The number of records in one message.
const RECORDS: usize = 30_000;

/// The number of answers that a server received.
fn count_answers(line: &mut Line, until: Instant) -> Result<usize, Gone> {
    let mut count = 0;
    while Instant::now() < until {
        let said = line.hear_text()?;
        line.ask(said == format!(r#"{{"pong":{count}}}"#), said);
        count += 1;
    }
    Ok(count)
}

#[tokio::test]
async fn thirty_thousand_records_that_ask_for_an_answer_each_get_a_hundred_a_second() {
    let counted = Arc::new(AtomicBool::new(false));
    let is_counted = Arc::clone(&counted);
    let server = Server::start(move |line| {
        let records: String = (0..RECORDS)
            .map(|n| format!("{{\"ping\":{n}}}\u{1e}"))
            .collect();
        let begun = Instant::now();
        line.say(records)?;
        let count = count_answers(line, begun + Duration::from_millis(2500))?;
        // A hundred at once, then a hundred a second; the answers are in order.
        line.ask((201..=400).contains(&count), format!("{count} answers"));
        is_counted.store(true, Ordering::Release);
        line.until_gone()
    });
    let keys = r#"
decode = { split = "\u001e" }
rules = [{ when = 'exists(/ping)', send = '{"pong":${/ping}}', deliver = false }]
"#;
    let echo = Server::start(|line| {
        loop {
            let said = line.hear_text()?;
            line.say(said)?;
        }
    });
    let (manager, handle, mut watch) = open(name(keys, &server.url()));
    watch.ready().await;
    // Another name on the same arbiter must be served meanwhile.
    let other = manager.open("other", name("", &echo.url())).unwrap();
    let mut others = Watch::new(&manager, "other");
    wait_for("the other name", async || {
        let status = other.status().await.unwrap();
        (status.state.as_str() == "open")
            .then_some(())
            .ok_or(status.state)
    })
    .await;
    let waiting = || manager.memory_usage().reassembly;
    wait_for("the records", async || {
        (waiting() >= RECORDS * 10).then_some(()).ok_or(waiting())
    })
    .await;
    let mut n = 0;
    while !counted.load(Ordering::Acquire) {
        other.send(format!("{n}")).unwrap();
        others.text(&format!("{n}")).await;
        // It did not wait for the flood.
        let waiting = waiting();
        assert!(waiting >= RECORDS * 10, "{waiting} bytes after {n} echoes");
        assert!(waiting <= 2 << 20, "{waiting} bytes");
        n += 1;
    }
    assert!(n > 0, "the server had counted before the other name was up");
    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(handle.status().await.unwrap().state.as_str(), "open");
    catch_up(&handle, &mut watch).await;
    manager.remove("name").await.unwrap();
    assert_eq!(manager.memory_usage().reassembly, 0);
}

/// Without a clock: each echo shows how many records are left. Their answers would take five
/// minutes.
#[tokio::test]
async fn a_flood_that_is_made_of_one_message_keeps_no_other_name_from_its_turn() {
    const ECHOES: usize = 300;
    let server = Server::start(|line| {
        let records: String = (0..RECORDS)
            .map(|n| format!("{{\"ping\":{n}}}\u{1e}"))
            .collect();
        line.say(records)?;
        line.until_gone()
    });
    let echo = Server::start(|line| {
        loop {
            let said = line.hear_text()?;
            line.say(said)?;
        }
    });
    let keys = r#"
decode = { split = "\u001e" }
rules = [{ when = 'exists(/ping)', send = '{"pong":${/ping}}' }]
"#;
    let (manager, _handle, mut watch) = open(name(keys, &server.url()));
    let others: Vec<_> = (0..3)
        .map(|n| {
            let handle = manager.open(format!("other{n}"), name("", &echo.url()));
            let watch = Watch::new(&manager, &format!("other{n}"));
            (handle.unwrap(), watch)
        })
        .collect();
    // The flood has begun, and each record so far caused an answer.
    watch.text("{\"ping\":0}").await;
    let waiting = || manager.memory_usage().reassembly;
    assert!(waiting() >= RECORDS * 10, "{}", waiting());
    for (other, mut heard) in others {
        for n in 0..ECHOES {
            other.send(format!("{n}")).unwrap();
            heard.text(&format!("{n}")).await;
            assert!(waiting() >= RECORDS * 10, "{} after {n} echoes", waiting());
        }
    }
    manager.remove("name").await.unwrap();
    assert_eq!(waiting(), 0);
}

#[tokio::test]
async fn what_was_not_looked_at_when_the_server_goes_is_told_and_not_why_it_is_lost() {
    let server = Server::start(|line| {
        if line.number > 0 {
            return line.until_gone();
        }
        let pings: String = (0..1000).map(|n| format!("{{\"ping\":{n}}}\n")).collect();
        line.say(pings)?;
        // More than a hundred: the others wait, and reading stops.
        for _ in 0..120 {
            line.hear_text()?;
        }
        Err(line.cut())
    });
    let keys = r#"
decode = { split = "\n" }
rules = [{ when = 'exists(/ping)', send = '{"pong":${/ping}}' }]
"#;
    let (_manager, _handle, mut watch) = open(name(keys, &server.url()));
    let cause = watch.error().await;
    assert!(matches!(cause.kind(), "reset" | "eof"), "{cause}");
    watch.ready().await;
    let told = watch.seen().iter().filter(|event| event.contains("ping"));
    // Some were answered and 128 waited. The socket is gone, so the others get no answer.
    assert_eq!(told.count(), 1000);
}

#[tokio::test]
async fn a_successor_is_held_to_a_hundred_answers_a_second_too() {
    const RECORDS: usize = 300;
    let server = Server::start(|line| {
        if line.number == 0 {
            line.say("ready\n")?;
            return line.until_gone();
        }
        let pings: String = (0..RECORDS)
            .map(|n| format!("{{\"ping\":{n}}}\n"))
            .collect();
        // The script passes after all of them.
        line.say(pings + "ready")?;
        for n in 0..RECORDS {
            let said = line.hear_text()?;
            line.ask(said == format!(r#"{{"pong":{n}}}"#), said);
        }
        line.until_gone()
    });
    let keys = r#"
decode = { split = "\n" }
open_script = [{ expect = 'message == "ready"' }]
rules = [{ when = 'exists(/ping)', send = '{"pong":${/ping}}', deliver = false }]
"#;
    let (_manager, handle, mut watch) = open(name(keys, &server.url()));
    watch.ready().await;
    let begun = Instant::now();
    handle.rotate().await.unwrap();
    watch.rotated().await;
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(server.sockets(), 2, "the first successor has served");
}

#[tokio::test]
async fn where_there_is_no_memory_for_what_waits_the_socket_is_lost() {
    let server = Server::start(|line| {
        line.hear_text()?;
        line.say("one\ntwo\nthree")?;
        line.until_gone()
    });
    let keys = r#"decode = { split = "\n" }"#;
    let (manager, handle, mut watch) = open(name(keys, &server.url()));
    watch.ready().await;
    handle.send("go").unwrap();
    watch.text("three").await;
    let mut others = manager.charge(MemoryUse::Bodies);
    others.set(manager.memory_usage().limit);
    // The server answers only the first message of a socket.
    handle.rotate().await.unwrap();
    watch.rotated().await;
    handle.send("go").unwrap();
    let cause = watch.error().await;
    assert_eq!(cause.kind(), "memory", "{cause}");
}

#[tokio::test]
async fn records_of_a_message_are_told_in_order_before_the_close_frame_behind_them() {
    let server = Server::start(|line| {
        if line.number > 0 {
            return line.until_gone();
        }
        let records: String = (0..5000).map(|n| format!("{n}\n\n")).collect();
        line.say_bytes(gzip(records.as_bytes()))?;
        line.say_bytes(gzip(b"last"))?;
        Err(line.close(4001))
    });
    let keys = "decode = [\"gzip\", { split = \"\\n\" }]";
    let (_manager, _handle, mut watch) = open(name(keys, &server.url()));
    for n in 0..5000 {
        assert_eq!(watch.message().await, Message::text(n.to_string()));
    }
    assert_eq!(watch.message().await, Message::text("last"));
    let closed: ClosedReport = watch.closed().await;
    assert_eq!((closed.code, closed.clean), (4001, true));
}

#[tokio::test]
async fn a_session_hears_the_messages_as_they_came() {
    let server = Server::start(|line| {
        line.say_bytes(gzip(b"hello"))?;
        line.until_gone()
    });
    let (_manager, handle, mut watch) = open(name("decode = \"gzip\"", &server.url()));
    watch.text("hello").await;
    let session = handle.open_session(SessionSettings::default()).await;
    let (_sender, mut receiver) = session.unwrap().split();
    let heard = receiver.heard().await;
    assert_eq!(heard, Heard::Message(Message::binary(gzip(b"hello"))));
}
