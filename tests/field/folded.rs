//! Responses with headers folded over several lines, as old servers and some proxies write them.
//! Reported: such a 101 and such a 429 were "not valid HTTP", and the `Retry-After` of the 429 was
//! lost. RFC 9112 §5.2: a fold stands for spaces.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use everwire::{
    config::{Proxy, ProxyUrl},
    core::{Cause, Rule},
    testing::{Script, Subprotocol},
};

use super::support::rig::*;

#[tokio::test]
async fn a_folded_101_opens() {
    let mut rig = Rig::new();
    let script = Script::echo()
        .header("X-Note", "one\r\n two\r\n\tthree")
        .header("Set-Cookie", "\r\n a=b")
        .subprotocol(Subprotocol::Named("\r\n\tv1.feed".into()));
    rig.peer.script("/folded", script);
    let feed = rig.open_with("/folded", |settings| {
        settings.subprotocols = vec!["v1.feed".into()];
    });
    rig.echoes(&feed, "through").await;
    let status = feed.status().await.unwrap();
    assert_eq!(status.subprotocol.as_deref(), Some("v1.feed"));
}

#[tokio::test]
async fn a_folded_refusal_keeps_its_status_its_wish_and_its_words() {
    for header in [
        ("Retry-After", "\r\n 7"),
        ("Retry-After", "7\r\n "),
        ("X-Note", "a\r\n  b\r\nRetry-After: 7"),
    ] {
        let mut rig = Rig::new();
        let refusal = Script::status(429)
            .header(header.0, header.1)
            .header("X-After", "c\r\n d")
            .body("slow down");
        rig.peer.script("/busy", refusal);
        let _feed = rig.open("/busy");
        let Cause::HandshakeStatus {
            status,
            retry_after,
            text,
        } = rig.watch.error().await
        else {
            panic!("{header:?} was no refusal");
        };
        let wait = Duration::from_secs(7);
        assert_eq!((status, retry_after), (429, Some(wait)), "{header:?}");
        assert_eq!(text, "slow down", "{header:?}");
        assert_eq!(rig.watch.retrying().await.rule, Rule::RetryAfter(wait));
    }
}

#[tokio::test]
async fn a_proxys_folded_answer_opens_the_tunnel_or_says_what_it_asks_for() {
    let mut rig = Rig::new();
    let to = rig.peer.addr();
    let opens = proxy(
        to,
        "HTTP/1.1 200 Connection\r\nVia: 1.1 one,\r\n 1.1 two\r\n\r\n",
    );
    let feed = rig.open_with("/echo", |settings| through(settings, opens));
    rig.echoes(&feed, "through").await;

    let mut rig = Rig::new();
    let asks = proxy(
        to,
        "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic\r\n\trealm=\"here\"\r\nContent-Length: 0\r\n\r\n",
    );
    let _feed = rig.open_with("/echo", |settings| through(settings, asks));
    let cause = rig.watch.error().await;
    assert_eq!(cause.kind(), "proxy");
    assert!(cause.text().contains("407 Who"), "{cause}");
    assert!(cause.text().contains("realm=\"here\""), "{cause}");
}

fn through(settings: &mut everwire::ConnectionSettings, proxy: SocketAddr) {
    settings.proxy = Some(Proxy::Url(
        ProxyUrl::new(&format!("http://{proxy}")).unwrap(),
    ));
}

/// A proxy with the same answer for each CONNECT, which then forwards.
fn proxy(to: SocketAddr, answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || serve(client, to, answer));
        }
    });
    address
}

fn serve(mut client: TcpStream, to: SocketAddr, answer: &str) -> std::io::Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    // In small pieces: a fold may be cut anywhere.
    for piece in answer.as_bytes().chunks(1) {
        client.write_all(piece)?;
        thread::sleep(Duration::from_millis(1));
    }
    let mut peer = TcpStream::connect(to)?;
    let (mut from_client, mut to_peer) = (client.try_clone()?, peer.try_clone()?);
    thread::spawn(move || std::io::copy(&mut from_client, &mut to_peer));
    std::io::copy(&mut peer, &mut client).map(drop)
}
