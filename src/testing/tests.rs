//! The peer, tested with a client that shares no code with it: a raw socket for the handshake, then
//! tungstenite.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use tungstenite::{Message as Wire, WebSocket, protocol::Role};

use super::*;

const SOON: Duration = Duration::from_secs(10);

/// Requests an upgrade. Returns the answer's head, and the socket.
fn ask(peer: &Peer, target: &str, headers: &str) -> (String, TcpStream) {
    ask_at(peer.addr(), target, headers)
}

fn ask_at(addr: SocketAddr, target: &str, headers: &str) -> (String, TcpStream) {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.set_nodelay(true).unwrap();
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {addr}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
        head.push(byte[0]);
    }
    (String::from_utf8(head).unwrap(), stream)
}

fn connect(peer: &Peer, target: &str) -> WebSocket<TcpStream> {
    let (head, stream) = ask(peer, target, "");
    assert!(head.starts_with("HTTP/1.1 101 "), "{target}: {head}");
    assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    WebSocket::from_raw_socket(stream, Role::Client, None)
}

/// The code of the Close frame that comes next; 0 if it is empty.
fn close_code(socket: &mut WebSocket<TcpStream>) -> u16 {
    loop {
        match socket.read().unwrap() {
            Wire::Close(frame) => return frame.map_or(0, |frame| frame.code.into()),
            Wire::Text(_) | Wire::Binary(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn thread_peer() -> Peer {
    Peer::spawn_thread().unwrap()
}

#[tokio::test]
async fn an_echo_sends_back_every_kind_and_size_and_logs_them() {
    let peer = thread_peer();
    let mut socket = connect(&peer, "/echo");
    for size in [0, 1, 125, 126, 65_535, 65_536, 3 << 20] {
        let message = Wire::binary(vec![7; size]);
        socket.send(message.clone()).unwrap();
        assert_eq!(socket.read().unwrap(), message);
    }
    socket.send(Wire::text("é")).unwrap();
    assert_eq!(socket.read().unwrap(), Wire::text("é"));
    socket.send(Wire::Ping("p".into())).unwrap();
    assert_eq!(socket.read().unwrap(), Wire::Pong("p".into()));
    socket.close(None).unwrap();
    while socket.read().is_ok() {}
    drop(socket);
    let log = peer
        .wait_for("/echo", SOON, |log| log.end.is_some())
        .await
        .unwrap();
    assert_eq!(
        (log.ended(), log.message_count, log.ping_count),
        (Some(Ended::ByClient), 8, 1)
    );
    assert_eq!(log.texts(), ["é"]);
    assert_eq!(
        log.close,
        Some(ClientClose {
            code: None,
            reason: String::new()
        })
    );
    peer.wait_until("all gone", SOON, |peer| peer.open_count() == 0)
        .await
        .unwrap();
}

#[test]
fn many_messages_in_one_write_come_back_in_order() {
    let peer = thread_peer();
    let mut socket = connect(&peer, "/echo");
    for n in 0..5000 {
        socket.write(Wire::text(n.to_string())).unwrap();
    }
    socket.flush().unwrap();
    for n in 0..5000 {
        assert_eq!(socket.read().unwrap(), Wire::text(n.to_string()));
    }
    let log = &peer.connections()[0];
    assert_eq!((log.messages.len(), log.message_count), (1000, 5000));
}

#[test]
fn the_text_heartbeat_answers_ping_with_pong() {
    let peer = thread_peer();
    let mut socket = connect(&peer, "/heartbeat");
    for (sent, back) in [("ping", "pong"), ("pings", "pings")] {
        socket.send(Wire::text(sent)).unwrap();
        assert_eq!(socket.read().unwrap(), Wire::text(back));
    }
}

#[test]
fn feeds_fragments_and_floods_arrive_whole() {
    let peer = thread_peer();
    let mut feed = connect(&peer, "/feed?every=1ms&count=3");
    for n in 1..=3 {
        assert_eq!(feed.read().unwrap(), Wire::text(format!("{{\"t\":{n}}}")));
    }
    let mut fragments = connect(&peer, "/fragments?piece=2");
    fragments.send(Wire::text("abcde")).unwrap();
    assert_eq!(fragments.read().unwrap(), Wire::text("abcde"));
    let mut flood = connect(&peer, "/flood?size=5&count=100000");
    for _ in 0..100_000 {
        assert_eq!(flood.read().unwrap(), Wire::text("xxxxx"));
    }
    let mut pings = connect(&peer, "/ping-flood?count=3");
    assert_eq!(pings.read().unwrap(), Wire::Ping("flood".into()));
}

#[test]
fn refusals_carry_their_status_headers_and_body() {
    let peer = thread_peer();
    let (head, mut stream) = ask(&peer, "/status/429?retry_after=2&body=later", "");
    assert!(
        head.starts_with("HTTP/1.1 429 Too Many Requests\r\n"),
        "{head}"
    );
    assert!(head.contains("Retry-After: 2\r\n"), "{head}");
    let mut body = String::new();
    stream.read_to_string(&mut body).unwrap();
    assert_eq!(body, "later");
    let (head, _) = ask(&peer, "/status/301?location=ws://x/", "");
    assert!(head.contains("\r\nLocation: ws://x/\r\n"), "{head}");
    assert!(ask(&peer, "/nowhere", "").0.starts_with("HTTP/1.1 404 "));
    peer.script("/busy", Script::status(503).header("Retry-After", "7"));
    assert!(ask(&peer, "/busy", "").0.contains("Retry-After: 7\r\n"));
}

#[test]
fn the_answer_can_be_wrong() {
    let peer = thread_peer();
    assert!(
        !ask(&peer, "/wrong-accept", "")
            .0
            .contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    );
    let offers = "Sec-WebSocket-Protocol: a, b\r\n";
    let named = |target| {
        let head = ask(&peer, target, offers).0;
        let line = head
            .lines()
            .find_map(|line| line.strip_prefix("Sec-WebSocket-Protocol: "));
        line.map(str::to_owned)
    };
    assert_eq!(named("/echo").as_deref(), Some("a"));
    assert_eq!(named("/echo?subprotocol=second").as_deref(), Some("b"));
    assert_eq!(named("/echo?subprotocol=z").as_deref(), Some("z"));
    assert_eq!(named("/echo?subprotocol=none"), None);
    let head = ask(&peer, "/echo?extension=permessage-deflate", "").0;
    assert!(
        head.contains("Sec-WebSocket-Extensions: permessage-deflate\r\n"),
        "{head}"
    );
}

#[tokio::test]
async fn a_close_of_the_peer_has_its_code_and_counts_as_answered() {
    let peer = thread_peer();
    for code in [1000, 1001, 1012] {
        let mut socket = connect(&peer, &format!("/close?code={code}&reason=because"));
        assert_eq!(close_code(&mut socket), code);
        assert!(socket.read().is_err());
    }
    let mut after_two = connect(&peer, "/close?messages=2&code=1001");
    after_two.send(Wire::text("1")).unwrap();
    assert_eq!(after_two.read().unwrap(), Wire::text("1"));
    after_two.send(Wire::text("2")).unwrap();
    assert_eq!(close_code(&mut after_two), 1001);
    assert_eq!(close_code(&mut connect(&peer, "/close-empty")), 0);
    let answered = |peer: &Peer| {
        let logs = peer.connections_at("/close");
        logs.len() == 4
            && logs[..3]
                .iter()
                .all(|log| log.ended() == Some(Ended::ByPeer))
    };
    peer.wait_until("three answers", SOON, answered)
        .await
        .unwrap();
}

#[test]
fn tcp_ends_in_both_ways_even_inside_a_frame() {
    let peer = thread_peer();
    let end = |target: &str| {
        let (head, mut stream) = ask(&peer, target, "");
        let mut rest = Vec::new();
        let end = stream
            .read_to_end(&mut rest)
            .map(|_| ())
            .map_err(|error| error.kind());
        (head.is_empty(), rest, end)
    };
    let torn = b"\x82\x04\x00\x01".to_vec();
    assert_eq!(end("/drop?how=fin"), (false, vec![], Ok(())));
    assert_eq!(
        end("/drop?how=reset"),
        (false, vec![], Err(ErrorKind::ConnectionReset))
    );
    assert_eq!(end("/torn?how=fin"), (false, torn.clone(), Ok(())));
    assert_eq!(
        end("/torn?how=reset"),
        (false, torn, Err(ErrorKind::ConnectionReset))
    );
    assert_eq!(end("/hang-up"), (true, vec![], Ok(())));
    peer.at_accept(Some(How::Fin));
    assert_eq!(end("/echo"), (true, vec![], Ok(())));
}

#[tokio::test]
async fn silence_leaves_tcp_open() {
    let peer = thread_peer();
    let nothing_comes = |mut stream: TcpStream| {
        stream
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        stream.read(&mut [0]).unwrap_err().kind() == ErrorKind::WouldBlock
    };
    let mut socket = connect(&peer, "/silent?messages=1");
    socket.send(Wire::text("a")).unwrap();
    assert_eq!(socket.read().unwrap(), Wire::text("a"));
    socket.send(Wire::Ping("b".into())).unwrap();
    assert!(nothing_comes(socket.get_ref().try_clone().unwrap()));
    let mut never = TcpStream::connect(peer.addr()).unwrap();
    never.write_all(b"GET /never HTTP/1.1\r\n\r\n").unwrap();
    assert!(nothing_comes(never.try_clone().unwrap()));
    let frozen = |peer: &Peer| peer.connections().iter().filter(|log| log.frozen).count();
    peer.wait_until("two silent connections", SOON, |peer| frozen(peer) == 2)
        .await
        .unwrap();
    assert_eq!(peer.kick_all(How::Reset), 2);
    assert_eq!(
        never.read(&mut [0]).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
}

#[test]
fn raw_bytes_and_a_large_announcement_go_out_as_they_are() {
    let peer = thread_peer();
    let (_, mut stream) = ask(&peer, "/announce", "");
    let mut header = [0; 10];
    stream.read_exact(&mut header).unwrap();
    assert_eq!(header, [0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0]);
    let (_, mut stream) = ask(&peer, "/raw?hex=c200", "");
    let mut bytes = [0; 2];
    stream.read_exact(&mut bytes).unwrap();
    assert_eq!(bytes, [0xC2, 0]);
    let (_, mut stream) = ask(&peer, "/announce?pour=1000000", "");
    let mut poured = vec![0; 10 + 1_000_000];
    stream.read_exact(&mut poured).unwrap();
}

#[tokio::test]
async fn the_code_that_a_client_answers_a_violation_with_is_seen() {
    let peer = thread_peer();
    let mut socket = connect(&peer, "/raw?hex=c200");
    assert!(socket.read().is_err());
    let frame = tungstenite::protocol::CloseFrame {
        code: 1002.into(),
        reason: "rsv".into(),
    };
    socket.close(Some(frame)).unwrap();
    let log = peer
        .wait_for("/raw", SOON, |log| log.close.is_some())
        .await
        .unwrap();
    assert_eq!(
        log.close,
        Some(ClientClose {
            code: Some(1002),
            reason: "rsv".into()
        })
    );
}

#[tokio::test]
async fn a_client_that_breaks_the_protocol_is_told_and_logged() {
    let peer = thread_peer();
    let (_, mut stream) = ask(&peer, "/echo", "");
    stream.write_all(b"\x81\x01a").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(answer[..4], [0x88, 2 + 23, 0x03, 0xEA], "{answer:?}");
    let log = peer
        .wait_for("/echo", SOON, |log| log.end.is_some())
        .await
        .unwrap();
    assert_eq!(
        log.ended(),
        Some(Ended::Violation("the frame is not masked"))
    );
}

#[test]
fn a_slow_reader_pushes_back() {
    let peer = thread_peer();
    let mut socket = connect(&peer, "/slow?rate=1000");
    socket
        .get_ref()
        .set_write_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let error = socket.send(Wire::binary(vec![0; 16 << 20])).unwrap_err();
    assert!(
        matches!(&error, tungstenite::Error::Io(error) if error.kind() == ErrorKind::WouldBlock),
        "{error}"
    );
}

#[test]
fn a_client_that_does_not_read_stops_the_echo_instead_of_growing_it() {
    let peer = thread_peer();
    let mut socket = connect(&peer, "/echo");
    socket
        .get_ref()
        .set_write_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let block = Wire::binary(vec![0; 64 << 10]);
    let stuck = (0..4096).find(|_| socket.send(block.clone()).is_err());
    assert!(stuck.is_some(), "256 MiB were taken");
}

#[tokio::test]
async fn scripts_come_one_after_the_other_and_may_answer_by_a_function() {
    let peer = Peer::start().await.unwrap();
    let login = Script::reply_with(|message| match message.as_text() {
        Some("login") => vec!["welcome".into(), "ready".into()],
        _ => vec![],
    });
    peer.script_each("/x", [Script::status(503), login.send("hello")]);
    let addr = peer.addr();
    let refused = tokio::task::spawn_blocking(move || ask_at(addr, "/x", "").0)
        .await
        .unwrap();
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    for _ in 0..2 {
        let texts = tokio::task::spawn_blocking(move || log_in(addr))
            .await
            .unwrap();
        assert_eq!(texts, ["hello", "welcome", "ready"]);
    }
}

fn log_in(addr: SocketAddr) -> Vec<String> {
    let mut socket = WebSocket::from_raw_socket(ask_at(addr, "/x", "").1, Role::Client, None);
    socket.send(Wire::text("login")).unwrap();
    (0..3).map(|_| socket.read().unwrap().to_string()).collect()
}

#[tokio::test]
async fn an_outage_refuses_and_ends_by_itself_on_the_same_port() {
    let peer = thread_peer();
    let mut sockets: Vec<_> = (0..20).map(|_| connect(&peer, "/echo")).collect();
    peer.wait_open(20, SOON).await.unwrap();
    peer.outage(How::Reset, Duration::from_millis(150))
        .await
        .unwrap();
    let refused = TcpStream::connect(peer.addr()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    assert!(sockets.iter_mut().all(|socket| socket.read().is_err()));
    peer.wait_open(0, SOON).await.unwrap();
    let until = Instant::now() + SOON;
    while TcpStream::connect(peer.addr()).is_err() {
        assert!(Instant::now() < until, "the peer does not come back");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    connect(&peer, "/echo");
    peer.stop_listening().await.unwrap();
    peer.stop_listening().await.unwrap();
    assert!(TcpStream::connect(peer.addr()).is_err());
    peer.resume().await.unwrap();
    peer.resume().await.unwrap();
    connect(&peer, "/echo");
}

#[tokio::test]
async fn messages_and_kicks_from_outside_reach_the_path_they_name() {
    let peer = thread_peer();
    let (mut a, mut b) = (connect(&peer, "/echo"), connect(&peer, "/sink"));
    peer.wait_open(2, SOON).await.unwrap();
    assert_eq!(peer.send("/sink", "news"), 1);
    assert_eq!(b.read().unwrap(), Wire::text("news"));
    assert_eq!(peer.kick("/echo", How::Close(1012)), 1);
    assert_eq!(close_code(&mut a), 1012);
    assert_eq!(peer.send("/nobody", "news"), 0);
}

#[tokio::test]
async fn what_does_not_come_is_an_error_in_time() {
    let peer = thread_peer();
    let missing = peer
        .wait_for("/echo", Duration::from_millis(20), |_| true)
        .await
        .unwrap_err();
    assert_eq!(
        missing.to_string(),
        "not seen within 20ms: a connection to /echo as described; 0 accepted, 0 open"
    );
}

#[tokio::test]
async fn a_stopped_or_dropped_peer_lets_go_of_port_and_sockets() {
    let peer = Peer::start().await.unwrap();
    let addr = peer.addr();
    peer.stop().await;
    assert!(TcpStream::connect(addr).is_err());
    let peer = thread_peer();
    let mut socket = connect(&peer, "/echo");
    drop(peer);
    assert!(socket.read().is_err());
}
