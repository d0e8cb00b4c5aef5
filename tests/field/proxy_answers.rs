//! Refusals by a proxy that were not treated as refusals.
//!
//! Reported: a proxy that answers CONNECT with 407 is asked again 6 to 8 times in 7 s, while a
//! server's 401 is reported once; `give_up_on = ["status:407"]` has no effect; its `Retry-After` is
//! ignored.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use everwire::{
    Handle,
    config::{GiveUpRule, Jitter, Proxy, ProxyUrl},
    core::Cause,
};

use crate::support::rig::*;

/// A proxy that answers all requests the same, and counts them.
struct Grump {
    port: u16,
    asked: Arc<AtomicUsize>,
}

impl Grump {
    /// Answers the first request of each connection, and closes.
    fn http(answer: &'static str) -> Self {
        Self::saying(move |mut stream| {
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                request.push(byte[0]);
            }
            let _gone = stream.write_all(answer.as_bytes());
            // Unread data would reset the connection, and discard the answer.
            let _end = stream.read(&mut byte);
        })
    }

    /// Accepts the method of user and password, and then refuses the login (RFC 1929 §2).
    fn socks_that_knows_nobody() -> Self {
        Self::saying(|mut stream| {
            let mut hello = [0; 3];
            let mut asked = [0; 64];
            if stream.read_exact(&mut hello).is_ok() && stream.write_all(&[5, 2]).is_ok() {
                let _login = stream.read(&mut asked);
                let _gone = stream.write_all(&[1, 1]);
                let _end = stream.read(&mut asked);
            }
        })
    }

    fn saying(answer: impl Fn(TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                count.fetch_add(1, Ordering::SeqCst);
                let _set = stream.set_read_timeout(Some(Duration::from_secs(5)));
                answer(stream);
            }
        });
        Self { port, asked }
    }

    /// A name that dials through it. Without jitter a delay is its cap: `initial` is 10 ms, `max`
    /// an hour.
    fn open(&self, rig: &Rig, scheme: &str, give_up_on: Vec<GiveUpRule>) -> Handle {
        let through = format!("{scheme}://me:password@127.0.0.1:{}", self.port);
        rig.open_with("/echo", |settings| {
            settings.proxy = Some(Proxy::Url(ProxyUrl::new(&through).unwrap()));
            with_backoff(settings, |backoff| {
                backoff.max = Duration::from_secs(3600);
                backoff.jitter = Jitter::None;
                backoff.give_up_on = give_up_on;
            });
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

const DENIED: &str = "HTTP/1.1 407 Proxy Authentication Required\r\n\
                      Proxy-Authenticate: Basic realm=\"corp\"\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn a_proxy_that_wants_other_credentials_is_asked_again_slowly() {
    let mut rig = Rig::new();
    let proxy = Grump::http(DENIED);
    let feed = proxy.open(&rig, "http", Vec::new());
    let retrying = rig.watch.retrying().await;
    assert_eq!(retrying.delay, Duration::from_secs(3600));
    assert_eq!(
        retrying.rule.to_string(),
        "backoff, from max, by the proxy's answer"
    );
    assert_eq!(
        (retrying.cause.kind(), retrying.cause.status()),
        ("proxy", Some(407))
    );
    let status = serde_json::to_value(feed.status().await.unwrap()).unwrap();
    assert_eq!(status["last_error"]["kind"], "proxy");
    assert_eq!(status["last_error"]["status"], 407);
    let text = status["last_error"]["text"].as_str().unwrap();
    assert!(text.contains("it asks for Basic realm=\"corp\""), "{text}");
    assert_eq!(proxy.asked(), 1);
}

#[tokio::test]
async fn a_socks_proxy_that_does_not_know_us_is_asked_again_slowly() {
    let mut rig = Rig::new();
    let proxy = Grump::socks_that_knows_nobody();
    proxy.open(&rig, "socks5", Vec::new());
    let retrying = rig.watch.retrying().await;
    assert_eq!(retrying.cause.kind(), "proxy", "{}", retrying.cause);
    assert_eq!(retrying.cause.status(), None);
    assert_eq!(retrying.delay, Duration::from_secs(3600));
}

#[tokio::test]
async fn a_name_gives_up_on_the_status_of_its_proxy_and_says_that_it_was_the_proxy() {
    let mut rig = Rig::new();
    let proxy = Grump::http(DENIED);
    proxy.open(&rig, "http", vec![GiveUpRule::Status(407..=407)]);
    let failed = rig.watch.failed().await;
    assert_eq!(
        failed.rule.to_string(),
        "give_up_on status:407, by the proxy's answer"
    );
    assert_eq!(proxy.asked(), 1);
}

#[tokio::test]
async fn the_retry_after_of_a_proxy_is_honoured() {
    let mut rig = Rig::new();
    let proxy = Grump::http(
        "HTTP/1.1 503 Service Unavailable\r\nRETRY-AFTER: 60\r\nContent-Length: 0\r\n\r\n",
    );
    proxy.open(&rig, "http", Vec::new());
    let retrying = rig.watch.retrying().await;
    let (shortest, longest) = (Duration::from_secs(60), Duration::from_secs(66));
    assert!(
        (shortest..=longest).contains(&retrying.delay),
        "{:?}",
        retrying.delay
    );
    assert_eq!(
        retrying.rule.to_string(),
        "retry-after 60s, by the proxy's answer"
    );
}

#[tokio::test]
async fn a_proxy_in_trouble_is_asked_again_as_usual() {
    let mut rig = Rig::new();
    let proxy = Grump::http("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    proxy.open(&rig, "http", vec![GiveUpRule::Status(407..=407)]);
    let retrying = rig.watch.retrying().await;
    assert_eq!(
        (retrying.delay, retrying.rule.to_string()),
        (ms(10), "backoff".into())
    );
    assert_eq!(retrying.cause.status(), Some(502));
    assert!(!matches!(retrying.cause, Cause::HandshakeStatus { .. }));
}
