//! Close frames that cross, and are ignored.
//!
//! Reported: a peer closes with 1008 "bad key", or 4009, at the moment when we close with 1000.
//! Nothing reports its code: the status says `1000`, by us, clean. RFC 6455 §7.1.5: the first
//! received close frame decides.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use everwire::{
    State,
    core::{CloseBy, ClosedReport, SentClose},
    events::Rotated,
    testing::{How, Script},
};
use serde_json::json;

use crate::support::rig::*;

/// A server that sends nothing until our close frame arrives, and then closes as if it had not seen
/// it.
fn crossing(code: Option<u16>, reason: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            // In its own thread: during a rotation there are two at a time.
            thread::spawn(move || cross(stream, code, reason));
        }
    });
    url
}

fn cross(mut stream: TcpStream, code: Option<u16>, reason: &str) -> Option<()> {
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .ok()?;
    accept(&mut stream)?;
    let mut first = [0];
    stream.read_exact(&mut first).ok()?;
    // No other frame is expected here.
    assert_eq!(first, [0x88]);
    close(&mut stream, code, reason)?;
    let _rest = stream.read(&mut [0; 200]);
    Some(())
}

fn close(stream: &mut TcpStream, code: Option<u16>, reason: &str) -> Option<()> {
    let mut body = code.map_or_else(Vec::new, |code| code.to_be_bytes().to_vec());
    body.extend_from_slice(reason.as_bytes());
    stream.write_all(&[0x88, body.len() as u8]).ok()?;
    stream.write_all(&body).ok()
}

/// Answers the handshake of RFC 6455 §4.2.
fn accept(stream: &mut TcpStream) -> Option<()> {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        request.push(byte[0]);
    }
    let request = String::from_utf8(request).ok()?;
    let key = request.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key")
            .then(|| value.trim())
    })?;
    let accept = actix_http::ws::hash_key(key.as_bytes());
    let accept = std::str::from_utf8(&accept).ok()?;
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).ok()
}

/// Closes a name by hand, with 1000 "done". Returns the close in the event and in the status.
async fn close_into(code: Option<u16>, reason: &'static str) -> (ClosedReport, serde_json::Value) {
    let mut rig = Rig::new();
    let settings = quick(crossing(code, reason));
    let feed = rig.manager.open("feed", settings).unwrap();
    rig.watch.ready().await;
    feed.close(1000, "done").await.unwrap();
    let report = rig.watch.closed().await;
    wait_for_state(&feed, State::Closed).await;
    let status = serde_json::to_value(feed.status().await.unwrap()).unwrap();
    let event = rig
        .watch
        .seen()
        .iter()
        .find(|event| event.contains(r#""type":"closed""#));
    let event: serde_json::Value = serde_json::from_str(event.unwrap()).unwrap();
    for key in ["code", "reason", "clean", "by", "sent"] {
        assert_eq!(event[key], status["last_close"][key], "{key}: {event}");
    }
    assert_eq!(event["at"], status["last_close"]["at"], "{status}");
    (report, status["last_close"].clone())
}

#[tokio::test]
async fn a_close_frame_that_crosses_ours_is_told_and_ours_beside_it() {
    for (code, reason) in [(1008, "bad key"), (4009, ""), (1011, "out of memory")] {
        let (report, last) = close_into(Some(code), reason).await;
        let sent = json!({ "code": 1000, "reason": "done" });
        assert_eq!(
            (&last["code"], &last["reason"]),
            (&json!(code), &json!(reason))
        );
        assert_eq!((&last["by"], &last["sent"]), (&json!("peer"), &sent));
        assert!(report.clean, "close frames went both ways");
        assert_eq!(report.by, CloseBy::Peer);
    }
}

#[tokio::test]
async fn an_answer_to_our_close_leaves_it_ours() {
    let sent = Some(SentClose {
        code: 1000,
        reason: "done".into(),
    });
    for (code, reason, told) in [
        (Some(1000), "", (1000, "done")),
        (Some(1000), "bye", (1000, "bye")),
        // The received frame decides, even without a code.
        (None, "", (1005, "")),
    ] {
        let (report, _) = close_into(code, reason).await;
        assert_eq!((report.code, &*report.reason), told);
        assert_eq!((report.clean, report.by), (true, CloseBy::Us));
        assert_eq!(report.sent, sent);
    }
}

#[tokio::test]
async fn what_we_answered_to_the_peers_close_is_told_as_well() {
    let mut rig = Rig::new();
    let feed = rig.open_once(Script::echo().close(Some(4001), "go"));
    let report = rig.watch.closed().await;
    assert_eq!(
        (report.code, &*report.reason, report.by),
        (4001, "go", CloseBy::Peer)
    );
    assert_eq!(report.sent.map(|sent| sent.code), Some(4001));
    rig.watch.ready().await;
    rig.peer.kick("/once", How::Fin);
    let report = rig.watch.closed().await;
    assert_eq!((report.code, report.sent), (1006, None));
    wait_for("the end in the status", async || {
        let last = feed.status().await.unwrap().last_close.unwrap();
        if last.code == 1006 { Ok(()) } else { Err(last) }
    })
    .await;
}

#[tokio::test]
async fn a_close_frame_that_crosses_a_drain_is_told() {
    let mut rig = Rig::new();
    let settings = quick(crossing(Some(1008), "bad key"));
    rig.manager.open("feed", settings).unwrap();
    rig.watch.ready().await;
    let mut watch = Watch::new(&rig.manager, "feed");
    let drained = tokio::join!(rig.manager.shutdown(Duration::from_secs(5)), watch.closed());
    let report = drained.1;
    assert_eq!(
        (report.code, &*report.reason, report.by),
        (1008, "bad key", CloseBy::Peer)
    );
    assert_eq!(report.sent.map(|sent| sent.code), Some(1001));
}

#[tokio::test]
async fn a_close_frame_that_crosses_a_rotation_is_told() {
    let mut rig = Rig::new();
    let settings = quick(crossing(Some(4009), "evicted"));
    let feed = rig.manager.open("feed", settings).unwrap();
    rig.watch.ready().await;
    feed.rotate().await.unwrap();
    let Rotated { old, .. } = rig.watch.rotated().await;
    assert_eq!(
        (old.code, &*old.reason, old.by),
        (4009, "evicted", CloseBy::Peer)
    );
    assert_eq!(old.sent.map(|sent| sent.code), Some(1001));
    // It may not have sent everything.
    assert!(!old.clean);
}

/// A server that does not answer our close frame on its first connection, and then closes its
/// second one.
fn evicting(code: u16, reason: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    thread::spawn(move || -> Option<()> {
        let (mut old, _) = listener.accept().ok()?;
        accept(&mut old)?;
        let (mut successor, _) = listener.accept().ok()?;
        accept(&mut successor)?;
        old.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
        old.read_exact(&mut [0]).ok()?;
        close(&mut successor, Some(code), reason)?;
        let _rest = successor.read(&mut [0; 200]);
        Some(())
    });
    url
}

#[tokio::test]
async fn a_successor_that_is_closed_before_it_serves_tells_the_peers_code() {
    let mut rig = Rig::new();
    let mut settings = quick(evicting(4009, "evicted"));
    settings.close_timeout = ms(500);
    let feed = rig.manager.open("feed", settings).unwrap();
    rig.watch.ready().await;
    feed.rotate().await.unwrap();
    let report = rig.watch.closed().await;
    assert_eq!(
        (report.code, &*report.reason, report.by),
        (4009, "evicted", CloseBy::Peer)
    );
}
