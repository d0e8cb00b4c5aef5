//! Clients that are slow or silent, or wait for long.
//!
//! Reported: 256 slow bodies, or 256 requests with `wait=confirmed&timeout=5m`, or 256 silent
//! sockets even without a token, left `/healthz` unanswered for as long as they liked; an
//! orchestrator then kills the process.

use std::{
    io::{Read as _, Write},
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};
use serde_json::json;

use crate::service_support::{
    http::{Answer, Client, Headers, JSON, Service},
    ways::{Certificate, Way},
};

const KEYS: &str = "allow_urls = ['ws://127.0.0.1:*']";
const TOKENS: &str = "allow_urls = ['ws://127.0.0.1:*']
[[service.tokens]]
name = 'operator'
secret = 'operator-operator-operator'
scopes = ['read', 'send', 'control']
[[service.tokens]]
name = 'tenant'
secret = 'tenant-tenant-tenant-tenant'
scopes = ['read', 'send', 'control']
names = 'acme-*'
";
const OPERATOR: (&str, &str) = ("Authorization", "Bearer operator-operator-operator");
const TENANT: (&str, &str) = ("Authorization", "Bearer tenant-tenant-tenant-tenant");
/// More than the number of places.
const MANY: usize = 350;
/// Far above the time for an answer, and below the five seconds for a request's head: so nobody
/// waited for a timeout of others.
const AT_ONCE: Duration = Duration::from_secs(4);
const SOON: Duration = Duration::from_secs(20);

/// Connections that are held.
#[derive(Default)]
struct Held {
    sockets: Vec<Box<dyn Write>>,
    http2: Vec<tokio::sync::oneshot::Sender<()>>,
}

impl Held {
    /// Begins a request on each of several connections, and sends no more.
    fn hold(
        &mut self,
        service: &Service,
        config: Option<&Arc<ClientConfig>>,
        many: usize,
        text: &str,
    ) {
        for _ in 0..many {
            let tcp = TcpStream::connect(&service.listen).unwrap();
            tcp.set_read_timeout(Some(SOON)).unwrap();
            let mut stream: Box<dyn Write> = match config {
                None => Box::new(tcp),
                Some(config) => {
                    let name = ServerName::try_from("localhost").unwrap();
                    let client = ClientConnection::new(Arc::clone(config), name).unwrap();
                    Box::new(StreamOwned::new(client, tcp))
                }
            };
            // A connection that was closed already cannot accept it.
            let _let_go = stream.write_all(text.as_bytes());
            self.sockets.push(stream);
        }
    }

    /// The same over HTTP/2: several requests over one connection, whose bodies end if `whole`.
    fn hold_http2(
        &mut self,
        service: &Service,
        config: &Arc<ClientConfig>,
        many: usize,
        (target, headers, whole): (&str, Headers<'_>, bool),
    ) {
        let (release, released) = tokio::sync::oneshot::channel();
        let (begun, has_begun) = std::sync::mpsc::channel();
        let uri = format!("https://localhost{target}");
        let request = move || {
            let mut request = http::Request::builder().method("POST").uri(&uri);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            request.body(()).unwrap()
        };
        let requests: Vec<_> = (0..many).map(|_| request()).collect();
        let (config, listen) = (Arc::clone(config), service.listen.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let tcp = tokio::net::TcpStream::connect(&*listen).await.unwrap();
                let name = ServerName::try_from("localhost").unwrap();
                let tls = tokio_rustls::TlsConnector::from(config);
                let tls = tls.connect(name, tcp).await.unwrap();
                let (mut client, connection) = h2::client::handshake(tls).await.unwrap();
                tokio::spawn(connection);
                let mut held = Vec::new();
                for request in requests {
                    client = client.ready().await.unwrap();
                    let (answer, mut body) = client.send_request(request, false).unwrap();
                    body.send_data("x".into(), whole).unwrap();
                    held.push((answer, body));
                }
                begun.send(()).unwrap();
                let _released = released.await;
            });
        });
        // A connection that was closed meanwhile has ended.
        let _let_go = has_begun.recv_timeout(SOON);
        self.http2.push(release);
    }
}

/// A service, and the TLS settings for held connections.
fn start(way: Way, test: &str, keys: &str) -> (Service, Option<Arc<ClientConfig>>) {
    let test = format!("field-slow-{test}-{}", way.as_str());
    if way == Way::Http1 {
        return (Service::start(&test, keys), None);
    }
    let certificate = Certificate::new(&test);
    // The table of TLS may stand between those of tokens.
    let keys = format!("{keys}\n{}", certificate.keys());
    let config = certificate.client(way);
    let service = Service::start_with(&test, &keys, Some(Arc::clone(&config)));
    (service, Some(config))
}

/// An answer that must come soon.
fn answered(client: &Client, method: &str, target: &str, headers: Headers<'_>) -> Answer {
    let begun = Instant::now();
    let answer = client.ask(method, target, headers, b"");
    assert!(
        begun.elapsed() < AT_ONCE,
        "{target} takes {:?}",
        begun.elapsed()
    );
    answer
}

fn is_healthy(client: &Client) {
    for path in ["/healthz", "/readyz"] {
        let answer = answered(client, "GET", path, &[]);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
}

fn put(service: &Service, name: &str, headers: Headers<'_>) {
    let settings = json!({ "url": "ws://127.0.0.1:1/", "enabled": false });
    let target = format!("/v1/connections/{name}");
    let headers = [&[JSON][..], headers].concat();
    let answer = service.ask("PUT", &target, &headers, settings.to_string().as_bytes());
    assert_eq!(answer.status, 201, "{answer:?}");
}

#[test]
fn clients_that_say_nothing_keep_nobody_out() {
    for way in Way::ALL {
        let (service, config) = start(way, "silent", KEYS);
        let mut held = Held::default();
        // Some have not even begun with TLS.
        held.hold(&service, None, MANY, "");
        is_healthy(&service);
        held.hold(&service, config.as_ref(), MANY, "");
        held.hold(&service, config.as_ref(), MANY, "GET /v1/conn");
        is_healthy(&service);
        put(&service, "feed", &[]);
    }
}

#[test]
fn bodies_that_trickle_keep_nobody_out() {
    for way in Way::ALL {
        let (service, config) = start(way, "bodies", KEYS);
        put(&service, "feed", &[]);
        let mut held = Held::default();
        let target = "/v1/connections/feed/send";
        if way == Way::Http2OverTls {
            for _ in 0..MANY / 50 {
                let request = (target, &[][..], false);
                held.hold_http2(&service, config.as_ref().unwrap(), 50, request);
            }
        } else {
            let head = format!(
                "POST {target} HTTP/1.1\r\nHost: {}\r\nContent-Length: 100\r\n\r\nx",
                service.listen
            );
            held.hold(&service, config.as_ref(), MANY, &head);
        }
        is_healthy(&service);
        put(&service, "other", &[]);
    }
}

#[test]
fn requests_that_wait_for_long_keep_nobody_out() {
    for way in Way::ALL {
        let (service, config) = start(way, "waits", TOKENS);
        put(&service, "acme-feed", &[TENANT]);
        let mut held = Held::default();
        let target = "/v1/connections/acme-feed/send?wait=confirmed&timeout=5m";
        let wait_by = |held: &mut Held, (name, value): (&'static str, &'static str)| {
            if way == Way::Http2OverTls {
                for _ in 0..MANY / 50 {
                    let request = (target, &[(name, value)][..], true);
                    held.hold_http2(&service, config.as_ref().unwrap(), 50, request);
                }
            } else {
                let head = format!(
                    "POST {target} HTTP/1.1\r\nHost: {}\r\n{name}: {value}\r\nContent-Length: 1\r\n\r\nx",
                    service.listen
                );
                held.hold(&service, config.as_ref(), MANY, &head);
            }
        };
        wait_by(&mut held, TENANT);
        is_healthy(&service);
        // One token has used its share of waiting requests, and still gets answers.
        let refused = answered(&service, "POST", target, &[TENANT]);
        let refused = refused.problem(503, "nothing was sent");
        assert_eq!(refused["status"], 503);
        let path = "/v1/connections/acme-feed";
        assert_eq!(answered(&service, "GET", path, &[TENANT]).status, 200);
        assert_eq!(answered(&service, "GET", path, &[OPERATOR]).status, 200);
        // Even callers who may see all names leave room.
        wait_by(&mut held, OPERATOR);
        is_healthy(&service);
        assert_eq!(answered(&service, "GET", path, &[OPERATOR]).status, 200);
    }
}

#[test]
fn a_client_that_is_served_is_not_let_go_for_one_that_comes() {
    let (service, _) = start(Way::Http1, "served", KEYS);
    put(&service, "feed", &[]);
    let mut waiting = TcpStream::connect(&service.listen).unwrap();
    waiting.set_read_timeout(Some(SOON)).unwrap();
    let head = format!(
        "POST /v1/connections/feed/send?wait=written&timeout=5m HTTP/1.1\r\nHost: {}\r\nContent-Length: 1\r\n\r\nx",
        service.listen
    );
    waiting.write_all(head.as_bytes()).unwrap();
    service.wait_for("feed", "its message", |status| {
        status["outbox"]["messages"] == 1
    });
    let mut held = Held::default();
    held.hold(&service, None, 3 * MANY, "");
    is_healthy(&service);
    let deleted = service.delete("/v1/connections/feed");
    assert_eq!(deleted.status, 204, "{deleted:?}");
    let mut answer = [0; 12];
    waiting.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 409");
}
