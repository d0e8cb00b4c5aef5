use std::{
    io::Write,
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    time::{Duration, Instant},
};

use super::*;
use crate::{
    core::Phase,
    settings::{AuthEncoding, BasicAuth, Part, Secret, Template},
    transport::tcp::{self, Local},
};

async fn fails(address: SocketAddr) -> Cause {
    dial_to(address).await.unwrap_err()
}

fn assert_is(cause: &Cause, kind: &str, text: &str) {
    assert_eq!(cause.kind(), kind, "{cause}");
    assert!(cause.text().contains(text), "{cause}");
}

fn refused(status: u16, retry_after: Option<u64>, text: &str) -> Cause {
    Cause::HandshakeStatus {
        status,
        retry_after: retry_after.map(Duration::from_secs),
        text: text.into(),
    }
}

#[actix_rt::test]
async fn a_refusal_that_repeats_what_it_was_sent_is_told_without_our_secrets() {
    let echo = answer(|request| {
        let length = request.len();
        let head = format!("HTTP/1.1 401 Unauthorized\r\nContent-Length: {length}\r\n\r\n");
        [head.as_bytes(), request.as_bytes()].concat()
    });
    let variable = |value: &str| Part::Env {
        name: "X".into(),
        value: Secret::new(value),
    };
    let mut settings = settings("ws", echo);
    let base = Part::Literal(format!("ws://{echo}/?key=").into());
    settings.url = Template::from_parts([base, variable("s3cret query")]);
    settings.headers = vec![
        (
            "X-Variable".into(),
            Template::from_parts([variable("s3cret-variable")]).into(),
        ),
        ("X-Token".into(), "Bearer s3cret-token".into()),
        ("User-Agent".into(), "a browser".into()),
    ];
    settings.basic_auth = Some(BasicAuth {
        user: "me".into(),
        password: "s3cret".into(),
        encoding: AuthEncoding::Utf8,
    });
    let text = dial_with(&settings).await.unwrap_err().text().into_owned();
    for secret in ["s3cret", "czNjcmV0", "query"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    for kept in [
        "key=***",
        "user-agent: a browser",
        "x-token: ***",
        "authorization: ***",
    ] {
        assert!(
            text.to_lowercase().contains(kept),
            "{kept} is not in {text}"
        );
    }
}

#[actix_rt::test]
async fn a_refusal_tells_its_status_wish_and_words() {
    for (answer, cause) in [
        (
            "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
            refused(401, None, ""),
        ),
        (
            "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 17\r\nContent-Length: 10\r\n\r\nslow\r\ndownNOT THIS",
            refused(429, Some(17), "slow down"),
        ),
        (
            "HTTP/1.1 503 Service Unavailable\r\nretry-after: 9999999\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nout\r\n9\r\n of order\r\n0\r\n\r\n",
            refused(503, Some(3600), "out of order"),
        ),
        (
            "HTTP/1.1 500 Oops\r\nRetry-After: soon\r\n\r\nto the end",
            refused(500, None, "to the end"),
        ),
        (
            "HTTP/1.0 502 Bad Gateway\r\n\r\nan old proxy",
            refused(502, None, "an old proxy"),
        ),
        (
            "HTTP/1.1 303 See Other\r\nLocation: wss://b.example/\r\nContent-Length: 4\r\n\r\ngone",
            refused(303, None, "location: wss://b.example/ gone"),
        ),
        (
            "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            refused(200, None, "hi"),
        ),
        (
            "HTTP/1.1 403 Forbidden\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x08x",
            refused(403, None, ""),
        ),
    ] {
        assert_eq!(fails(answer_and_close(answer)).await, cause);
    }
}

#[actix_rt::test]
async fn a_refusal_whose_body_does_not_come_is_told_soon_with_what_came() {
    for length in ["Content-Length: 100\r\n", ""] {
        let address = answer(move |_| format!("HTTP/1.1 503 No\r\n{length}\r\nhalf").into());
        let start = Instant::now();
        assert_eq!(fails(address).await, refused(503, None, "half"));
        assert!(start.elapsed() < LONG / 2);
    }
}

#[actix_rt::test]
async fn a_refusal_keeps_no_more_than_a_kibibyte_of_words() {
    let address = answer(|_| {
        let body = "x".repeat(1 << 20);
        format!(
            "HTTP/1.1 503 No\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into()
    });
    let kept = format!("{}…", "x".repeat(1024));
    assert_eq!(fails(address).await, refused(503, None, &kept));
}

#[actix_rt::test]
async fn a_refusal_at_the_deadline_is_a_refusal() {
    let address = answer(|_| b"HTTP/1.1 503 No\r\nContent-Length: 100\r\n\r\nhalf".to_vec());
    let mut settings = settings("ws", address);
    settings.connect_timeout = Duration::from_millis(100);
    let cause = dial_with(&settings).await.unwrap_err();
    assert_eq!(cause, refused(503, None, "half"));
}

#[actix_rt::test]
async fn an_answer_that_does_not_prove_an_upgrade_is_invalid() {
    type Make = fn(&str) -> String;
    fn accepted(request: &str) -> String {
        String::from_utf8(accept(request, "", b"")).unwrap()
    }
    let cases: [(Make, &str); 8] = [
        (
            |r| accepted(r).replace("Accept: ", "Accept: A"),
            "does not match the key",
        ),
        (
            |r| accepted(r).replace("Sec-WebSocket-Accept", "X"),
            "no Sec-WebSocket-Accept",
        ),
        (
            |r| accepted(r).replace("Upgrade: WebSocket\r\n", ""),
            "Upgrade header",
        ),
        (
            |r| accepted(r).replace("WebSocket\r\n", "websocket2\r\n"),
            "Upgrade header",
        ),
        (
            |r| accepted(r).replace("Connection: keep-alive, Upgrade\r\n", ""),
            "no Connection header",
        ),
        (
            |r| accepted(r).replace("keep-alive, Upgrade", "close"),
            "Connection header",
        ),
        (
            |r| accepted(r).replace("HTTP/1.1", "HTTP/1.0"),
            "not in HTTP/1.1",
        ),
        (|_| "SSH-2.0-OpenSSH_9.9\r\n\r\n".into(), "not valid HTTP"),
    ];
    for (make, text) in cases {
        let cause = fails(answer(move |request| make(request).into())).await;
        assert_is(&cause, "handshake_invalid", text);
    }
}

#[actix_rt::test]
async fn an_extension_that_was_not_offered_is_refused() {
    let more = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let address = answer(|request| accept(request, more, b""));
    assert_is(&fails(address).await, "extension", "permessage-deflate");
    let empty = answer(|request| accept(request, "Sec-WebSocket-Extensions: \r\n", b""));
    assert!(dial_to(empty).await.is_ok());
}

#[actix_rt::test]
async fn a_subprotocol_must_be_one_of_those_that_were_offered() {
    for (offered, answered, text) in [
        (&[][..], "a", "not offered"),
        (&["a", "b"], "c", "not offered"),
        (&["a", "b"], "A", "not offered"),
        (&["a", "b"], "a, b", "more than one"),
        (
            &["a", "b"],
            "a\r\nSec-WebSocket-Protocol: b",
            "more than one",
        ),
        (&["a", "b"], "", "none of the subprotocols"),
    ] {
        let address = answer(move |request| {
            accept(
                request,
                &format!("Sec-WebSocket-Protocol: {answered}\r\n"),
                b"",
            )
        });
        let mut settings = settings("ws", address);
        settings.subprotocols = offered.iter().map(|s| (*s).into()).collect();
        let cause = dial_with(&settings).await.unwrap_err();
        assert_is(&cause, "subprotocol", text);
    }
}

#[actix_rt::test]
async fn a_connection_that_ends_before_or_within_the_answer_says_so() {
    let cause = fails(answer_and_close("")).await;
    assert_is(
        &cause,
        "handshake_invalid",
        "closed the connection before answering",
    );
    let cause = fails(answer_and_close("HTTP/1.1 101 Switching Prot")).await;
    assert_is(&cause, "handshake_invalid", "in the middle of its answer");
}

#[actix_rt::test]
async fn a_reset_within_the_answer_is_a_reset() {
    let address = serve(|mut tcp| {
        read_head(&mut tcp);
        tcp.write_all(b"HTTP/1.1 101 Switch").unwrap();
        let linger = Some(Duration::ZERO);
        socket2::SockRef::from(&tcp).set_linger(linger).unwrap();
    });
    assert_is(&fails(address).await, "reset", "connection reset");
}

#[actix_rt::test]
async fn an_answer_without_end_is_cut_off() {
    let address = serve(|mut tcp| {
        read_head(&mut tcp);
        let _ = tcp.write_all(b"HTTP/1.1 101 Switching Protocols\r\n");
        while tcp.write_all(&[b'x'; 1000]).is_ok() {}
    });
    assert_is(
        &fails(address).await,
        "handshake_invalid",
        "longer than 32768 bytes",
    );
    let interim = serve(|mut tcp| {
        read_head(&mut tcp);
        while tcp.write_all(b"HTTP/1.1 103 Early Hints\r\n\r\n").is_ok() {}
    });
    assert_is(
        &fails(interim).await,
        "handshake_invalid",
        "longer than 32768 bytes",
    );
    let headers = answer(|_| {
        let lines = "a: b\r\n".repeat(200);
        format!("HTTP/1.1 101 S\r\n{lines}\r\n").into()
    });
    assert_is(
        &fails(headers).await,
        "handshake_invalid",
        "too many headers",
    );
}

#[actix_rt::test]
async fn nobody_listening_is_a_refusal() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let cause = fails(address).await;
    assert_eq!(
        cause,
        Cause::Refused(format!("{address}: connection refused"))
    );
}

#[actix_rt::test]
async fn a_host_that_does_not_resolve_is_a_dns_failure() {
    let settings = ConnectionSettings::new("ws://nothing.invalid/").unwrap();
    let cause = dial_with(&settings).await.unwrap_err();
    assert_is(&cause, "dns", "\"nothing.invalid\" cannot be resolved");
}

#[actix_rt::test]
async fn a_source_address_that_cannot_be_used_says_so() {
    let mut settings = settings("ws", SocketAddr::from(([127, 0, 0, 1], 9)));
    settings.source_address = Some([192, 0, 2, 1].into());
    let cause = dial_with(&settings).await.unwrap_err();
    assert_is(&cause, "tcp", "source_address 192.0.2.1: ");
    settings.source_address = Some("::1".parse().unwrap());
    let cause = dial_with(&settings).await.unwrap_err();
    assert_is(&cause, "unreachable", "source_address's family");
}

/// Dials with a timeout that is short enough for a quick test, and long enough to reach the phase
/// on a busy machine.
pub(super) async fn times_out(mut settings: ConnectionSettings) -> Cause {
    settings.connect_timeout = Duration::from_millis(500);
    let start = Instant::now();
    let cause = dial_with(&settings).await.unwrap_err();
    assert!(start.elapsed() >= settings.connect_timeout);
    assert!(start.elapsed() < LONG);
    cause
}

/// A server that reads everything and sends nothing.
pub(super) fn silent() -> SocketAddr {
    serve(|mut tcp| {
        tcp.set_read_timeout(Some(LONG)).unwrap();
        while matches!(tcp.read(&mut [0; 1000]), Ok(1..)) {}
    })
}

#[actix_rt::test]
async fn a_server_that_never_answers_the_upgrade_times_out_there() {
    let cause = times_out(settings("ws", silent())).await;
    assert_eq!(cause, Cause::ConnectTimeout(Phase::Upgrade));
}

#[actix_rt::test]
async fn a_host_that_drops_the_first_packet_times_out_in_tcp() {
    let (address, _full) = black_hole();
    let cause = times_out(settings("ws", address)).await;
    assert_eq!(cause, Cause::ConnectTimeout(Phase::Tcp));
}

#[actix_rt::test]
async fn a_silent_address_costs_a_quarter_of_a_second() {
    let (hole, _full) = black_hole();
    let alive = answer(|_| Vec::new());
    let start = Instant::now();
    let within = tokio::time::Instant::now() + LONG;
    let tcp = tcp::connect(&[hole, alive], Local::default(), within).await;
    assert_eq!(tcp.unwrap().1, alive);
    let took = start.elapsed();
    assert!(
        took >= Duration::from_millis(250) && took < LONG / 4,
        "{took:?}"
    );
}

#[actix_rt::test]
async fn a_refusal_starts_the_next_address_at_once_and_says_more_than_silence() {
    let dead = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let alive = answer(|_| Vec::new());
    let many: Vec<_> = [vec![dead; 100], vec![alive]].concat();
    let start = Instant::now();
    let within = tokio::time::Instant::now() + LONG;
    let tcp = tcp::connect(&many, Local::default(), within).await;
    assert_eq!(tcp.unwrap().1, alive);
    assert!(start.elapsed() < LONG / 4, "100 delays would be 25 s");

    let (hole, _full) = black_hole();
    for order in [[dead, hole], [hole, dead]] {
        let soon = tokio::time::Instant::now() + Duration::from_millis(600);
        let tcp = tcp::connect(&order, Local::default(), soon).await;
        assert_eq!(tcp.unwrap_err().kind(), "refused");
    }
}

#[actix_rt::test]
async fn a_silent_address_does_not_hide_another_that_answers_later() {
    let (hole, _full) = black_hole();
    let dead = SocketAddr::from(([127, 0, 0, 1], 9));
    let alive = answer(|_| Vec::new());
    let within = tokio::time::Instant::now() + LONG;
    let tcp = tcp::connect(&[hole, dead, hole, alive], Local::default(), within).await;
    assert_eq!(tcp.unwrap().1, alive);
}

/// A listener whose backlog is full: the kernel drops further SYNs.
fn black_hole() -> (SocketAddr, (TcpListener, Vec<TcpStream>)) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any.into()).unwrap();
    socket.listen(0).unwrap();
    let listener: TcpListener = socket.into();
    let address = listener.local_addr().unwrap();
    let patience = Duration::from_millis(100);
    let mut waiting = Vec::new();
    while let Ok(tcp) = TcpStream::connect_timeout(&address, patience) {
        waiting.push(tcp);
        assert!(waiting.len() < 100, "the backlog never fills");
    }
    (address, (listener, waiting))
}

#[actix_rt::test]
async fn a_missing_secret_is_told_before_anything_is_dialled() {
    let mut settings = settings("ws", SocketAddr::from(([127, 0, 0, 1], 9)));
    let missing = Template::from_parts([Part::File(PathBuf::from("/nowhere/token"))]);
    settings.headers = vec![("X-Token".into(), missing.into())];
    let cause = dial_with(&settings).await.unwrap_err();
    assert_is(
        &cause,
        "secret_missing",
        "/nowhere/token cannot be read: no such file",
    );
}
