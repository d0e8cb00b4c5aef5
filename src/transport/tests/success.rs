use std::{
    cell::Cell,
    future::poll_fn,
    io::{Read, Write},
    pin::Pin,
    sync::mpsc,
};

use futures::future::join_all;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::*;
use crate::{
    settings::{AuthEncoding, BasicAuth, Heartbeat, Opening, Part, Template},
    transport::Stream,
};

async fn write(stream: &mut Stream, bytes: &[u8]) {
    let n = poll_fn(|cx| Pin::new(&mut *stream).poll_write(cx, bytes)).await;
    assert_eq!(n.unwrap(), bytes.len());
    poll_fn(|cx| Pin::new(&mut *stream).poll_flush(cx))
        .await
        .unwrap();
}

async fn read(stream: &mut Stream) -> Vec<u8> {
    let mut space = [0; 64];
    let mut buf = ReadBuf::new(&mut space);
    poll_fn(|cx| Pin::new(&mut *stream).poll_read(cx, &mut buf))
        .await
        .unwrap();
    buf.filled().to_vec()
}

/// Asserts that the opened stream leads to a server that echoes 4 bytes.
pub(super) async fn assert_echoes(stream: &mut Stream) {
    write(stream, b"ping").await;
    assert_eq!(read(stream).await, b"ping");
}

pub(super) fn echo(io: &mut (impl Read + Write)) {
    let mut four = [0; 4];
    while io.read_exact(&mut four).is_ok() {
        io.write_all(&four).unwrap();
    }
}

#[actix_rt::test]
async fn an_unusual_101_is_read_as_well_as_a_usual_one() {
    let many = "X-Trace: 1\r\n".repeat(40);
    for more in [
        many.as_str(),
        "Content-Length: 0\r\n",
        "Server: s\r\nDate: d\r\n",
    ] {
        let more = format!("{more}Sec-WebSocket-Protocol: b\r\n");
        let address = serve(move |mut tcp| {
            let request = read_head(&mut tcp);
            tcp.write_all(&accept(&request, &more, b"\x81\x02hi"))
                .unwrap();
            echo(&mut tcp);
        });
        let mut own = settings("ws", address);
        own.subprotocols = vec!["a".into(), "b".into()];
        let mut opened = dial_with(&own).await.unwrap();
        assert_eq!(&opened.leftover[..], b"\x81\x02hi");
        assert_eq!(opened.subprotocol.as_deref(), Some("b"));
        assert_echoes(&mut opened.stream).await;
    }
}

#[actix_rt::test]
async fn the_bare_stream_comes_out_with_what_was_glued_to_the_answer() {
    let address = serve(|mut tcp| {
        let request = read_head(&mut tcp);
        tcp.write_all(&accept(&request, "", b"\x81\x02hi\x81"))
            .unwrap();
        echo(&mut tcp);
    });
    let mut opened = dial_to(address).await.unwrap();
    assert!(matches!(opened.stream, Stream::Tcp(_)));
    assert_eq!(&opened.leftover[..], b"\x81\x02hi\x81");
    assert_eq!(opened.peer, address);
    assert_eq!(opened.subprotocol, None);
    assert!(opened.stream.tcp().unwrap().get_ref().nodelay().unwrap());
    let timings = opened.timings;
    assert!(timings.tcp.is_some() && timings.upgrade.is_some());
    assert!(timings.dns.is_none() && timings.tls.is_none());
    assert_echoes(&mut opened.stream).await;
}

#[actix_rt::test]
async fn the_kernel_probes_where_the_heartbeat_would_not_come_first() {
    let address = serve(|mut tcp| {
        let request = read_head(&mut tcp);
        tcp.write_all(&accept(&request, "", b"")).unwrap();
    });
    let every = |seconds| Heartbeat::Protocol {
        interval: Duration::from_secs(seconds),
        timeout: Duration::from_secs(20),
    };
    for (heartbeat, probed) in [
        (Heartbeat::Off, true),
        (every(60), true),
        (every(59), false),
        (Heartbeat::default(), false),
    ] {
        let mut settings = settings("ws", address);
        settings.heartbeat = heartbeat;
        let opened = dial_with(&settings).await.unwrap();
        let socket = socket2::SockRef::from(opened.stream.tcp().unwrap().get_ref());
        assert_eq!(socket.keepalive().unwrap(), probed, "{settings:?}");
    }
}

#[actix_rt::test]
async fn an_answer_in_single_bytes_is_an_answer() {
    let address = serve(|mut tcp| {
        tcp.set_nodelay(true).unwrap();
        let request = read_head(&mut tcp);
        for byte in accept(&request, "", b"") {
            tcp.write_all(&[byte]).unwrap();
        }
        echo(&mut tcp);
    });
    let mut opened = dial_to(address).await.unwrap();
    assert!(opened.leftover.is_empty());
    assert_echoes(&mut opened.stream).await;
}

#[actix_rt::test]
async fn interim_answers_before_the_upgrade_are_skipped() {
    let address = answer(|request| {
        let mut all =
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".to_vec();
        all.extend(accept(request, "", b"x"));
        all
    });
    assert_eq!(&dial_to(address).await.unwrap().leftover[..], b"x");
}

#[actix_rt::test]
async fn the_request_says_what_the_settings_say() {
    let (told, requests) = mpsc::channel();
    let told = std::sync::Mutex::new(told);
    let address = answer(move |request| {
        told.lock().unwrap().send(request.to_owned()).unwrap();
        accept(request, "Sec-WebSocket-Protocol: b\r\n", b"")
    });
    let dir = ScratchDir::new("request");
    let token = Part::File(dir.write("token", "s3cret\n"));
    let token = Template::from_parts([Part::Literal("t=".into()), token]);
    let mut settings = settings("ws", address);
    settings.headers = vec![
        ("Origin".into(), "https://x.example".into()),
        ("X-Token".into(), token.clone().into()),
        ("X-Two".into(), "1".into()),
        ("X-Two".into(), "2".into()),
    ];
    settings.basic_auth = Some(BasicAuth {
        user: "Aladdin".into(),
        password: "open sesame".into(),
        encoding: AuthEncoding::Utf8,
    });
    settings.subprotocols = vec!["a".into(), "b".into()];
    settings.on_open = vec![Opening::Text(token.clone())];
    let opened = dial_with(&settings).await.unwrap();
    assert_eq!(opened.subprotocol.as_deref(), Some("b"));
    assert_eq!(opened.secrets.render(&token).unwrap().expose(), "t=s3cret");

    let request = requests.recv_timeout(LONG).unwrap();
    assert!(
        request.starts_with("GET /feed?a=1 HTTP/1.1\r\n"),
        "{request}"
    );
    let expected = [
        ("Host", address.to_string()),
        ("Upgrade", "websocket".into()),
        ("Connection", "Upgrade".into()),
        ("Sec-WebSocket-Version", "13".into()),
        ("Sec-WebSocket-Protocol", "a, b".into()),
        ("Origin", "https://x.example".into()),
        ("X-Token", "t=s3cret".into()),
        ("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==".into()),
        (
            "User-Agent",
            concat!("everwire/", env!("CARGO_PKG_VERSION")).into(),
        ),
    ];
    for (name, value) in expected {
        let line = format!("\r\n{name}: {value}\r\n");
        assert!(request.contains(&line), "{name}: {request}");
    }
    let two: Vec<_> = request
        .lines()
        .filter(|line| line.starts_with("X-Two: "))
        .collect();
    assert_eq!(two, ["X-Two: 1", "X-Two: 2"]);
    for absent in [
        "Accept-Encoding",
        "Sec-WebSocket-Extensions",
        "Content-Length",
    ] {
        assert_eq!(header(&request, absent), None);
    }
}

#[actix_rt::test]
async fn a_host_name_is_resolved_and_the_source_address_is_used() {
    let (told, peers) = mpsc::channel();
    let told = std::sync::Mutex::new(told);
    let address = serve(move |mut tcp| {
        told.lock()
            .unwrap()
            .send(tcp.peer_addr().unwrap().ip())
            .unwrap();
        let request = read_head(&mut tcp);
        tcp.write_all(&accept(&request, "", b"")).unwrap();
        echo(&mut tcp);
    });
    let url = format!("ws://localhost:{}/", address.port());
    let mut settings = ConnectionSettings::new(url).unwrap();
    settings.source_address = Some([127, 0, 0, 2].into());
    let opened = dial_with(&settings).await.unwrap();
    assert!(opened.timings.dns.is_some());
    assert_eq!(
        peers.recv_timeout(LONG).unwrap(),
        settings.source_address.unwrap()
    );
}

#[actix_rt::test]
async fn three_hundred_dials_at_once_all_open_and_stay_open() {
    let address = serve(|mut tcp| {
        let request = read_head(&mut tcp);
        tcp.write_all(&accept(&request, "", b"")).unwrap();
        echo(&mut tcp);
    });
    let opened = join_all((0..300).map(|_| dial_to(address))).await;
    let mut opened: Vec<_> = opened.into_iter().map(Result::unwrap).collect();
    for opened in &mut opened {
        assert_echoes(&mut opened.stream).await;
    }
}

#[actix_rt::test]
async fn dropping_the_dial_closes_the_socket() {
    let (told, ends) = mpsc::channel();
    let told = std::sync::Mutex::new(told);
    let (ready, reached) = tokio::sync::oneshot::channel();
    let ready = std::sync::Mutex::new(Cell::new(Some(ready)));
    let address = serve(move |mut tcp| {
        read_head(&mut tcp);
        ready.lock().unwrap().take().unwrap().send(()).unwrap();
        tcp.set_read_timeout(Some(LONG)).unwrap();
        let end = matches!(tcp.read(&mut [0; 1]), Ok(0));
        told.lock().unwrap().send(end).unwrap();
    });
    let settings = settings("ws", address);
    let mut dialling = Box::pin(dial_with(&settings));
    tokio::select! {
        _ = &mut dialling => panic!("nobody answered"),
        reached = reached => reached.unwrap(),
    }
    drop(dialling);
    assert!(ends.recv_timeout(LONG).unwrap());
}
