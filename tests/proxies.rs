//! Through foreign proxies to foreign servers.

mod support;

use std::{
    fs,
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use everwire::{
    EventKind,
    config::{Proxy, ProxyUrl},
    core::Cause,
};
use support::{Foreign, PrivateCa, Server, TestDir, proxy, rig::*};

struct Scene {
    ca: PrivateCa,
    proxy: Server,
    server: Server,
    dir: TestDir,
}

impl Scene {
    fn new(name: &str) -> Self {
        let dir = TestDir::new(name);
        let ca = PrivateCa::new(dir.path());
        Self {
            proxy: proxy(&ca, &dir.path().join("seen")),
            server: Foreign::Python.start(Some(&ca)),
            ca,
            dir,
        }
    }

    /// How often the proxy opened a tunnel.
    fn tunnels(&self) -> usize {
        let seen = fs::read_to_string(self.dir.path().join("seen")).unwrap();
        seen.lines().filter(|line| line.contains("->")).count()
    }

    /// Opens a name through a proxy.
    async fn open(&self, url: String, through: &str) -> (Rig, everwire::Handle) {
        let rig = Rig::new();
        let mut settings = quick(url);
        settings.tls.ca_file = Some(self.ca.ca_file.clone());
        settings.proxy = Some(Proxy::Url(ProxyUrl::new(through).unwrap()));
        let feed = rig.manager.open("feed", settings).unwrap();
        (rig, feed)
    }

    async fn fails(&self, through: &str) -> Cause {
        let (mut rig, _feed) = self.open(self.server.url("/echo"), through).await;
        rig.watch.error().await
    }
}

#[tokio::test]
async fn ws_and_wss_go_through_each_kind_of_proxy() {
    let scene = Scene::new("proxies");
    let (plain, auth, tls) = (
        scene.proxy.port(),
        scene.proxy.auth_port(),
        scene.proxy.tls_port(),
    );
    let login = "me:p%40ss%20word";
    let mut tunnels = 0;
    for through in [
        format!("http://127.0.0.1:{plain}"),
        format!("http://{login}@127.0.0.1:{auth}"),
        format!("https://localhost:{tls}"),
        format!("socks5://127.0.0.1:{plain}"),
        format!("socks5h://127.0.0.1:{plain}"),
        format!("socks5://{login}@127.0.0.1:{auth}"),
        format!("socks5h://{login}@localhost:{auth}"),
    ] {
        for url in [
            scene.server.url("/echo"),
            scene.server.url("/echo").replace("127.0.0.1", "localhost"),
            scene.server.tls_url("/echo"),
        ] {
            let is_tls = url.starts_with("wss");
            let (mut rig, feed) = scene.open(url, &through).await;
            let opened = rig.watch.until("opened", |update| match update.kind() {
                Some(EventKind::Opened(opened)) => Some(opened.clone()),
                Some(EventKind::Error(report)) => panic!("{through}: {}", report.cause),
                _ => None,
            });
            let opened = opened.await;
            assert!(opened.timings.proxy.is_some() && opened.timings.tcp.is_none());
            // The proxy's own certificate is not the peer's.
            assert_eq!(opened.tls.is_some(), is_tls, "{through}");
            rig.echoes(&feed, "through").await;
            tunnels += 1;
        }
    }
    assert!(
        scene.tunnels() >= tunnels,
        "{} of {tunnels}",
        scene.tunnels()
    );
}

#[tokio::test]
async fn a_proxy_that_cannot_be_used_is_an_error_and_no_direct_dial() {
    let scene = Scene::new("proxies-bad");
    let (auth, tls) = (scene.proxy.auth_port(), scene.proxy.tls_port());
    for (through, text) in [
        (
            "http://127.0.0.1:9".into(),
            "127.0.0.1:9: connection refused",
        ),
        ("socks5://127.0.0.1:9".into(), "connection refused"),
        ("http://nothing.invalid:1".into(), "cannot be resolved"),
        (format!("http://127.0.0.1:{auth}"), "it answered 407"),
        (
            format!("http://me:wrong@127.0.0.1:{auth}"),
            "it answered 407",
        ),
        (format!("socks5://127.0.0.1:{auth}"), "the proxy"),
        (format!("socks5://me:wrong@127.0.0.1:{auth}"), "the proxy"),
        (format!("http://127.0.0.1:{tls}"), "the proxy"),
        (format!("https://127.0.0.1:{auth}"), "the proxy"),
        // A WebSocket server is not a proxy.
        (
            format!("http://127.0.0.1:{}", scene.server.port()),
            "the proxy",
        ),
    ] {
        let cause = scene.fails(&through).await;
        assert_eq!(cause.kind(), "proxy", "{through}: {cause}");
        assert!(cause.text().contains(text), "{through}: {cause}");
        assert!(!cause.text().contains("wrong"), "{cause}");
    }
}

/// A proxy of the distribution, in a process that is killed on drop.
struct Daemon {
    child: Child,
    port: u16,
}

impl Daemon {
    /// Runs the command that listens on this port.
    async fn start(port: u16, mut command: Command) -> Self {
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        wait_for("a proxy that listens", async || {
            TcpStream::connect(("127.0.0.1", port))
        })
        .await;
        Self { child, port }
    }

    async fn tinyproxy(dir: &TestDir) -> Self {
        let port = unused_port();
        let config = dir.path().join("tinyproxy.conf");
        let text = format!("Port {port}\nListen 127.0.0.1\nMaxClients 8\nBasicAuth me password\n");
        fs::write(&config, text).unwrap();
        let mut command = Command::new("tinyproxy");
        command.arg("-d").arg("-c").arg(config);
        Self::start(port, command).await
    }

    async fn microsocks() -> Self {
        let port = unused_port();
        let mut command = Command::new("microsocks");
        command.args(["-i", "127.0.0.1", "-p", &port.to_string()]);
        command.args(["-u", "me", "-P", "password"]);
        Self::start(port, command).await
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// These proxies do not accept 0 as a port.
fn unused_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn tinyproxy_and_microsocks_serve_as_well() {
    let scene = Scene::new("proxies-of-the-distribution");
    let http = Daemon::tinyproxy(&scene.dir).await;
    let socks = Daemon::microsocks().await;
    for (scheme, port) in [
        ("http", http.port),
        ("socks5", socks.port),
        ("socks5h", socks.port),
    ] {
        for url in [scene.server.url("/echo"), scene.server.tls_url("/echo")] {
            let through = format!("{scheme}://me:password@127.0.0.1:{port}");
            let (mut rig, feed) = scene.open(url, &through).await;
            let opened = rig.watch.until("opened", |update| match update.kind() {
                Some(EventKind::Opened(opened)) => Some(opened.timings),
                Some(EventKind::Error(report)) => panic!("{through}: {}", report.cause),
                _ => None,
            });
            assert!(opened.await.proxy.is_some());
            rig.echoes(&feed, "through").await;
        }
        let wrong = format!("{scheme}://me:wrong@127.0.0.1:{port}");
        let cause = scene.fails(&wrong).await;
        assert_eq!(cause.kind(), "proxy", "{wrong}: {cause}");
    }
}
