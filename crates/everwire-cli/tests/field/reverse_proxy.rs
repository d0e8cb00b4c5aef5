//! A service behind a reverse proxy on the same machine.
//!
//! Reported: behind nginx the page answered 403 if the proxy passed `Host` on; otherwise the page
//! loaded, and every button of it answered 403, since its `Origin` was not the host. Below a prefix
//! it loaded without its scripts. Nothing said what to do.

use std::{net::TcpStream, sync::Arc};

use everwire::testing::Peer;
use rustls::ClientConfig;
use serde_json::{Value, json};
use tungstenite::{Message, client::IntoClientRequest as _};

use crate::{
    nginx::{Manner, Nginx, unused_port},
    service_support::{
        SOON, everwire,
        http::{Answer, Client, Service, over_tls},
        sse::Sse,
        stderr, stdout,
        ways::{Certificate, Way, ask_http2},
        ws::Socket,
    },
    support::TestDir,
};

/// A service, and nginx before it.
struct Scene {
    service: Service,
    /// Sends requests to nginx.
    client: Client,
    /// The URL of the page, without a slash at its end.
    url: String,
    origin: String,
    host: String,
    prefix: &'static str,
    certificate: Option<Certificate>,
    _nginx: Nginx,
    _peer: Peer,
    _dir: TestDir,
}

impl Scene {
    /// `host` is the host that the browser opens, on the port of nginx.
    fn new(test: &str, manner: Manner, tls: bool, has_key: bool) -> Self {
        let test = format!("field-reverse-proxy-{test}");
        let (dir, peer, port) = (
            TestDir::new(&test),
            Peer::spawn_thread().unwrap(),
            unused_port(),
        );
        let scheme = if tls { "https" } else { "http" };
        // A name without DNS entry: nginx does not look it up.
        let host = format!("ops.everwire.example:{port}");
        let origin = format!("{scheme}://{host}");
        let url = format!("{origin}{}", manner.prefix);
        let key = if has_key {
            format!("public_url = '{url}'\n")
        } else {
            String::new()
        };
        let feed = peer.url("/echo");
        let keys =
            format!("{key}allow_urls = ['ws://127.0.0.1:*']\n[connections.feed]\nurl = '{feed}'\n");
        let service = Service::start(&test, &keys);
        service.wait_for_state("feed", "open");
        let certificate = tls.then(|| Certificate::new(&test));
        let files = certificate.as_ref();
        let files = files.map(|files| (files.cert_file.as_path(), files.key_file.as_path()));
        let nginx = Nginx::start(dir.path(), port, &service.listen, manner, files);
        let listen = format!("127.0.0.1:{port}");
        let client = match &certificate {
            None => Client::plain(&listen),
            Some(certificate) => Client::over_tls(&listen, certificate.client(Way::Http1OverTls)),
        };
        Self {
            service,
            client,
            url,
            origin,
            host,
            prefix: manner.prefix,
            certificate,
            _nginx: nginx,
            _peer: peer,
            _dir: dir,
        }
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let headers = [&[("Host", &*self.host)], headers].concat();
        self.client
            .ask(method, &format!("{}{path}", self.prefix), &headers, b"")
    }

    /// Requests a change, like a page of this origin.
    fn change(&self, path: &str, origin: &str, site: &str) -> Answer {
        self.ask(
            "POST",
            path,
            &[("Origin", origin), ("Sec-Fetch-Site", site)],
        )
    }

    /// Asserts that the page and all its files are served.
    fn assert_page(&self) {
        let page = self.ask("GET", "/", &[]);
        assert_eq!(page.status, 200, "{page:?}");
        let mut files: Vec<String> = Vec::new();
        for start in ["href=\"", "src=\""] {
            let links = page.body.split(start).skip(1);
            files.extend(links.map(|link| link.split('"').next().unwrap().to_owned()));
        }
        assert_eq!(files.len(), 3, "{files:?}");
        let base: url::Url = format!("{}/", self.url).parse().unwrap();
        for file in files {
            let url = base.join(&file).unwrap();
            let path = url.path().strip_prefix(self.prefix).unwrap();
            assert_eq!(self.ask("GET", path, &[]).status, 200, "{url}");
        }
        if !self.prefix.is_empty() {
            let bare = self.ask("GET", "", &[]);
            assert!([301, 308].contains(&bare.status), "{bare:?}");
            let to = base.join(bare.header("location").unwrap()).unwrap();
            assert_eq!(to.path(), format!("{}/", self.prefix));
        }
    }

    fn assert_changes(&self) {
        let closed = self.change("/v1/connections/feed/close", &self.origin, "same-origin");
        assert!([200, 202].contains(&closed.status), "{closed:?}");
        self.service.wait_for_state("feed", "closed");
        let connected = self.change("/v1/connections/feed/connect", &self.origin, "same-origin");
        assert!([200, 202].contains(&connected.status), "{connected:?}");
        self.service.wait_for_state("feed", "open");
        for (origin, site) in [
            ("https://evil.example", "cross-site"),
            (&*self.origin, "cross-site"),
            ("https://evil.example", "same-origin"),
            ("https://ops.everwire.example:1", "same-origin"),
            ("null", "same-origin"),
        ] {
            self.change("/v1/connections/feed/close", origin, site)
                .problem(403, "another site");
        }
    }

    /// Asserts that both streams and the command line work.
    fn assert_streams(&self) {
        let prefix = self.prefix;
        match &self.certificate {
            None => {
                let (mut sse, _) = Sse::started(
                    &self.client,
                    &format!("{prefix}/v1/events?types=closed"),
                    &[],
                );
                let mut ws = self.subscribed(prefix);
                self.close_feed();
                assert_eq!(sse.next().data["type"], "closed");
                let event = ws.next_json();
                assert_eq!(
                    (&event["type"], &event["name"]),
                    (&json!("closed"), &json!("feed"))
                );
            }
            Some(certificate) => {
                let mut ws = self.subscribed_over_tls(certificate.client(Way::Http1OverTls));
                self.close_feed();
                let event: Value = loop {
                    if let Message::Text(text) = ws.read().unwrap() {
                        let told: Value = serde_json::from_str(&text).unwrap();
                        if told["type"] == "closed" {
                            break told;
                        }
                    }
                };
                assert_eq!(event["name"], "feed");
            }
        }
        let api = format!("{}{prefix}", self.client.url(""));
        let mut command = everwire(&["ls", "--api", &api]);
        if let Some(certificate) = &self.certificate {
            command.arg("--ca-file").arg(&certificate.cert_file);
        }
        let listed = command.output().unwrap();
        assert_eq!(listed.status.code(), Some(0), "{}", stderr(&listed));
        assert!(stdout(&listed).contains("feed"), "{listed:?}");
    }

    fn close_feed(&self) {
        self.service.post("/v1/connections/feed/close", "");
        self.service.wait_for_state("feed", "closed");
    }

    fn subscribed(&self, prefix: &str) -> Socket {
        let headers = [("Host", &*self.host), ("Origin", &*self.origin)];
        let mut ws = Socket::open(&self.client, &format!("{prefix}/v1/ws"), &headers);
        ws.ask(&json!({ "op": "subscribe", "id": "a", "match": "feed", "types": ["closed"] }));
        assert_eq!(ws.answer("a")["type"], "ack");
        ws
    }

    fn subscribed_over_tls(
        &self,
        config: Arc<ClientConfig>,
    ) -> tungstenite::WebSocket<rustls::StreamOwned<rustls::ClientConnection, TcpStream>> {
        let tcp = TcpStream::connect(&self.client.listen).unwrap();
        tcp.set_read_timeout(Some(SOON)).unwrap();
        let mut request = format!("wss://{}{}/v1/ws", self.host, self.prefix)
            .into_client_request()
            .unwrap();
        let origin = self.origin.parse().unwrap();
        request.headers_mut().insert("Origin", origin);
        let (mut ws, _) = tungstenite::client(request, over_tls(tcp, &config)).unwrap();
        let ask = json!({ "op": "subscribe", "id": "a", "match": "feed", "types": ["closed"] });
        ws.send(Message::text(ask.to_string())).unwrap();
        loop {
            if let Message::Text(text) = ws.read().unwrap() {
                assert!(text.contains("ack"), "{text}");
                return ws;
            }
        }
    }
}

fn manner(passes_host: bool, prefix: &'static str, passes_prefix: bool) -> Manner {
    Manner {
        passes_host,
        prefix,
        passes_prefix,
    }
}

#[test]
fn the_page_its_changes_and_its_streams_work_behind_nginx() {
    for (test, manner) in [
        ("host", manner(true, "", false)),
        ("own-host", manner(false, "", false)),
        ("host-prefix", manner(true, "/everwire", false)),
        ("own-host-prefix", manner(false, "/everwire", false)),
        ("passed-prefix", manner(true, "/a/everwire", true)),
        ("own-host-passed-prefix", manner(false, "/v1", true)),
    ] {
        let scene = Scene::new(test, manner, false, true);
        scene.assert_page();
        scene.assert_changes();
        scene.assert_streams();
    }
}

#[test]
fn they_work_behind_nginx_with_tls() {
    for (test, manner) in [
        ("tls-host", manner(true, "", false)),
        ("tls-own-host-prefix", manner(false, "/everwire", false)),
    ] {
        let scene = Scene::new(test, manner, true, true);
        scene.assert_page();
        scene.assert_changes();
        scene.assert_streams();
        // An attacker on the network can write the page of the same host without TLS.
        let plain = scene.origin.replace("https:", "http:");
        scene
            .change("/v1/connections/feed/close", &plain, "same-origin")
            .problem(403, "another site");

        let http2 = scene
            .certificate
            .as_ref()
            .unwrap()
            .client(Way::Http2OverTls);
        let target = format!("{}/v1/connections/feed/connect", scene.prefix);
        let headers = [
            ("Origin", &*scene.origin),
            ("Sec-Fetch-Site", "same-origin"),
        ];
        let asked = ("POST", Some(&*scene.host), &*target);
        let connected = ask_http2(&scene.client.listen, &http2, asked, &headers, b"");
        assert!([200, 202].contains(&connected.status), "{connected:?}");
    }
}

#[test]
fn without_the_key_the_answer_says_what_to_write() {
    for (test, passes_host, method) in [
        ("no-key-host", true, "GET"),
        ("no-key-own-host", false, "POST"),
    ] {
        let scene = Scene::new(test, manner(passes_host, "", false), false, false);
        let headers = [
            ("Origin", &*scene.origin),
            ("Sec-Fetch-Site", "same-origin"),
            ("X-Forwarded-Proto", "http"),
        ];
        let path = match method {
            "GET" => "/",
            _ => "/v1/connections/feed/close",
        };
        let problem = scene
            .ask(method, path, &headers)
            .problem(403, "service.public_url");
        let detail = problem["detail"].as_str().unwrap();
        let right = format!("service.public_url = \"{}\"", scene.origin);
        assert!(detail.contains(&right), "{detail}");
        // Requests of another site's page have nothing to do with the proxy.
        let other = scene.service.ask(
            "POST",
            "/v1/connections/feed/close",
            &[
                ("Origin", "https://evil.example"),
                ("Sec-Fetch-Site", "cross-site"),
            ],
            b"",
        );
        let problem = other.problem(403, "another site");
        assert!(!problem.to_string().contains("public_url"), "{problem}");
    }
}

#[test]
fn a_public_url_lets_no_other_host_in_and_the_own_ones_stay() {
    let service = Service::start(
        "field-reverse-proxy-hosts",
        "public_url = 'https://ops.everwire.example/everwire'\nallow_urls = ['ws://127.0.0.1:*']",
    );
    let get = |host: &str| service.ask("GET", "/v1/connections", &[("Host", host)], b"");
    for host in [
        "ops.everwire.example",
        "OPS.everwire.example:8443",
        "localhost",
    ] {
        assert_eq!(get(host).status, 200, "{host}");
    }
    for host in [
        "everwire.example",
        "evil.example",
        "ops.everwire.example.evil.example",
    ] {
        get(host).problem(403, "https://ops.everwire.example/everwire/");
    }
    // A direct request to the service is not redirected, and needs no prefix.
    let own = format!("http://{}", service.listen);
    let closed = service.ask("POST", "/v1/close?match=*", &[("Origin", &*own)], b"");
    assert!([200, 202].contains(&closed.status), "{closed:?}");
    let created = service.put(
        "a",
        &json!({ "url": "ws://127.0.0.1:1/", "enabled": false }),
    );
    let location = created.header("location").unwrap();
    assert_eq!(location, "/everwire/v1/connections/a");
    assert_eq!(service.get(location).status, 200);
    let document = service.get("/openapi.json").json();
    assert_eq!(
        document["servers"][0]["url"],
        "https://ops.everwire.example/everwire/"
    );
}

#[test]
fn a_reload_applies_the_public_url() {
    let service = Service::start("field-reverse-proxy-reload", "");
    let get = || {
        service.ask(
            "GET",
            "/v1/connections",
            &[("Host", "ops.everwire.example")],
            b"",
        )
    };
    get().problem(403, "service.public_url");
    Service::configure(
        "field-reverse-proxy-reload",
        "public_url = 'https://ops.everwire.example'",
    );
    let reloaded = service.post("/v1/reload", "").json();
    assert_eq!(reloaded["service"], json!(["public_url"]), "{reloaded}");
    assert_eq!(get().status, 200);
}
