//! Reported: a token for some names put 64 of them on four hosts that accept and send nothing, with
//! a long `connect_timeout`. No other name was dialled any more: those 64 held the places of the
//! dial budget for as long as they liked. On a host that others need, sixteen of its names with a
//! hanging path were enough.

use std::{
    net::{TcpListener, TcpStream},
    thread::sleep,
    time::{Duration, Instant},
};

use everwire::testing::Peer;
use serde_json::json;

use super::service_support::{
    SOON,
    http::{JSON, Service},
};

/// Hosts that accept and send nothing.
struct Mute {
    listeners: Vec<TcpListener>,
    accepted: Vec<TcpStream>,
}

impl Mute {
    fn start() -> Self {
        let listen = |host: u8| {
            let listener = TcpListener::bind((format!("127.0.0.{host}"), 0)).unwrap();
            listener.set_nonblocking(true).unwrap();
            listener
        };
        Self {
            listeners: (2..6).map(listen).collect(),
            accepted: Vec::new(),
        }
    }

    /// The URL of one of them.
    fn url(&self, number: usize) -> String {
        let listener = &self.listeners[number % self.listeners.len()];
        format!("ws://{}/", listener.local_addr().unwrap())
    }

    /// Waits until they have this number of dials.
    fn hold(&mut self, dials: usize) {
        let until = Instant::now() + SOON;
        while self.accepted.len() < dials {
            assert!(Instant::now() < until, "{} dials", self.accepted.len());
            for listener in &self.listeners {
                self.accepted
                    .extend(std::iter::from_fn(|| listener.accept().ok()).map(|(tcp, _)| tcp));
            }
            sleep(Duration::from_millis(5));
        }
    }
}

/// A name of the file that is connected by hand, and two tokens: one for all names, and one for
/// these.
fn keys(peer: &Peer, names: &str) -> String {
    let url = peer.url("/echo");
    format!(
        "allow_urls = ['ws://127.0.0.*:*']\n\
         [[service.tokens]]\nname = 'operator'\nsecret = 's3cret-operator'\n\
         [[service.tokens]]\nname = 'acme'\nsecret = 's3cret-acme'\nnames = '{names}'\n\
         [connections.feed]\nurl = '{url}'\nenabled = false\n"
    )
}

const OPERATOR: (&str, &str) = ("Authorization", "Bearer s3cret-operator");
const ACME: (&str, &str) = ("Authorization", "Bearer s3cret-acme");

/// The token puts 64 names to these URLs.
fn put_64(service: &Service, url: impl Fn(usize) -> String) {
    for number in 0..64 {
        let settings = json!({ "url": url(number), "connect_timeout": "5m" });
        let target = format!("/v1/connections/acme-{number}");
        let body = settings.to_string();
        let put = service.ask("PUT", &target, &[JSON, ACME], body.as_bytes());
        assert_eq!(put.status, 201, "{put:?}");
    }
}

fn connect(service: &Service) {
    let target = "/v1/connections/feed/connect";
    let connected = service.ask("POST", target, &[JSON, OPERATOR], b"{}");
    assert_eq!(connected.status, 202, "{connected:?}");
}

fn wait_until_open(service: &Service) {
    let until = Instant::now() + SOON;
    loop {
        let status = service.ask("GET", "/v1/connections/feed", &[OPERATOR], b"");
        if status.json()["state"] == "open" {
            return;
        }
        assert!(Instant::now() < until, "{status:?}");
        sleep(Duration::from_millis(5));
    }
}

async fn peer() -> Peer {
    Peer::start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tokens_names_whose_hosts_are_mute_leave_places_for_names_of_the_file() {
    let (peer, mut mute) = (peer().await, Mute::start());
    let service = Service::start("dials-mute", &keys(&peer, "acme-*"));
    put_64(&service, |number| mute.url(number));
    mute.hold(28);
    connect(&service);
    wait_until_open(&service);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tokens_names_that_hang_on_a_host_leave_places_there_for_names_of_the_file() {
    let peer = peer().await;
    let service = Service::start("dials-host", &keys(&peer, "acme-*"));
    put_64(&service, |_| peer.url("/never"));
    let until = Instant::now() + SOON;
    while peer.accepted() < 8 {
        assert!(Instant::now() < until, "{} dials", peer.accepted());
        sleep(Duration::from_millis(5));
    }
    connect(&service);
    wait_until_open(&service);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_reaches_some_names_from_now_on_has_its_share_of_what_it_holds_already() {
    let (peer, mut mute) = (peer().await, Mute::start());
    let test = "dials-reload";
    let service = Service::start(test, &keys(&peer, "*"));
    put_64(&service, |number| mute.url(number));
    // The most dials of hosts that have not answered.
    mute.hold(56);
    connect(&service);
    Service::configure(test, &keys(&peer, "acme-*"));
    let reloaded = service.ask("POST", "/v1/reload", &[OPERATOR], b"");
    assert_eq!(reloaded.json()["failed"], json!([]), "{reloaded:?}");
    wait_until_open(&service);
}
