//! The content of a refusal. Reported: a `Retry-After` with a date was measured by our clock, which
//! the server did not mean if its clock differs; and a refusal's reason was cut off if its body
//! came a moment after its head.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    thread,
    time::Duration,
};

use everwire::{
    core::{Cause, Rule},
    testing::Script,
};

use super::support::rig::*;

#[tokio::test]
async fn a_date_to_come_back_at_is_measured_by_the_servers_own_clock() {
    // A clock decades behind ours, and one ahead of it.
    for (date, wish) in [
        (
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:44 GMT",
        ),
        (
            "Fri, 01 Jan 2100 00:00:00 GMT",
            "Fri, 01 Jan 2100 00:00:07 GMT",
        ),
    ] {
        let mut rig = Rig::new();
        let busy = Script::status(503)
            .header("Date", date)
            .header("Retry-After", wish);
        rig.peer.script("/busy", busy);
        let _feed = rig.open("/busy");
        let expected = Rule::RetryAfter(Duration::from_secs(7));
        assert_eq!(rig.watch.retrying().await.rule, expected, "{date}");
    }
}

#[tokio::test]
async fn without_a_date_of_the_servers_ours_is_what_there_is() {
    for date in [None, Some("no date")] {
        let mut rig = Rig::new();
        let mut busy = Script::status(503).header("Retry-After", "Fri, 01 Jan 2100 00:00:00 GMT");
        if let Some(date) = date {
            busy = busy.header("Date", date);
        }
        rig.peer.script("/busy", busy);
        let _feed = rig.open("/busy");
        // The largest accepted value.
        let expected = Rule::RetryAfter(Duration::from_secs(3600));
        assert_eq!(rig.watch.retrying().await.rule, expected, "{date:?}");
    }
}

#[tokio::test]
async fn a_body_that_comes_a_second_behind_its_head_is_told() {
    for (how, head, body) in [
        ("sized", "Content-Length: 12\r\n", "quota is out"),
        (
            "chunked",
            "Transfer-Encoding: chunked\r\n",
            "c\r\nquota is out\r\n0\r\n\r\n",
        ),
        ("to the end", "Connection: close\r\n", "quota is out"),
    ] {
        let server = late(head, body, Duration::from_secs(1));
        let mut rig = Rig::new();
        let settings = quick(format!("ws://{server}/"));
        let _feed = rig.manager.open("feed", settings).unwrap();
        let Cause::HandshakeStatus { status, text, .. } = rig.watch.error().await else {
            panic!("{how}: no refusal");
        };
        assert_eq!((status, &*text), (503, "quota is out"), "{how}");
    }
}

#[tokio::test]
async fn a_body_is_not_waited_for_beyond_the_time_that_a_dial_may_take() {
    let server = late("Content-Length: 12\r\n", "", Duration::ZERO);
    let mut rig = Rig::new();
    let mut settings = quick(format!("ws://{server}/"));
    settings.connect_timeout = ms(200);
    let _feed = rig.manager.open("feed", settings).unwrap();
    let cause = rig.watch.error().await;
    assert_eq!(
        cause.status(),
        Some(503),
        "the status was there in time: {cause}"
    );
}

/// Refuses, and sends the body after a delay; keeps the connection open for a while if the body has
/// a fixed length.
fn late(head: &'static str, body: &'static str, after: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let (mut request, mut byte) = (Vec::new(), [0]);
                while !request.ends_with(b"\r\n\r\n") && client.read_exact(&mut byte).is_ok() {
                    request.push(byte[0]);
                }
                let head = format!("HTTP/1.1 503 Unavailable\r\n{head}\r\n");
                // A client that has read enough is gone.
                let _ = client.write_all(head.as_bytes());
                thread::sleep(after);
                let _ = client.write_all(body.as_bytes());
                if head.contains("Length") {
                    let _ = client.read(&mut byte);
                }
            });
        }
    });
    address
}
