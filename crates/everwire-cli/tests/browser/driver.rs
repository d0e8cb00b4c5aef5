//! A real browser, controlled over WebDriver (W3C), with the commands that the tests need.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::service_support::SOON;

/// The key of a reference to an element (WebDriver §11).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A window of a separate browser with its own profile; closed on drop.
pub struct Browser {
    port: u16,
    session: String,
    /// Kept to be dropped after the session has ended.
    _driver: Driver,
}

/// Keys that are not characters (WebDriver §17.4.2).
pub mod keys {
    pub const ENTER: &str = "\u{e007}";
    pub const ESCAPE: &str = "\u{e00c}";
    pub const END: &str = "\u{e010}";
    pub const DOWN: &str = "\u{e015}";
}

impl Browser {
    /// Opens a page; `test` names the profile.
    pub fn open(test: &str, url: &str) -> Self {
        let (driver, port) = Driver::start();
        let profile = profile(test);
        let args = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &format!("--user-data-dir={}", profile.display()),
        ];
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            // The certificates of a test's service.
            "acceptInsecureCerts": true,
            "goog:chromeOptions": { "args": args },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let value = ask(port, "POST", "/session", &capabilities);
        let browser = Self {
            port,
            session: value["sessionId"].as_str().unwrap().to_owned(),
            _driver: driver,
        };
        browser.size(1280, 800);
        browser.command("url", &json!({ "url": url }));
        browser
    }

    /// What a script's function body returns.
    pub fn run(&self, script: &str) -> Value {
        self.command("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub fn wait(&self, expression: &str) {
        let until = Instant::now() + SOON;
        while self.run(&format!("return Boolean({expression})")) != true {
            // Reading the text forces a layout, which would count as work of the page.
            if Instant::now() >= until {
                let text = self.run("return document.body.innerText");
                let log = self.log();
                panic!("{expression}\nthe page: {text}\nits log: {log}");
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The text of the first matching element.
    pub fn text(&self, selector: &str) -> String {
        let text = self.run(&format!(
            "return document.querySelector({selector:?}).innerText"
        ));
        text.as_str().unwrap().to_owned()
    }

    /// Clicks like a user: a covered element cannot be clicked.
    pub fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.command(&format!("element/{element}/click"), &json!({}));
    }

    /// Types into an element.
    pub fn type_into(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.command(
            &format!("element/{element}/value"),
            &json!({ "text": text }),
        );
    }

    /// Presses a key in the focused element.
    pub fn press(&self, key: &str) {
        let actions = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": [
            { "type": "keyDown", "value": key }, { "type": "keyUp", "value": key },
        ] }] });
        self.command("actions", &actions);
    }

    /// Sets the size of the viewport.
    pub fn size(&self, width: u32, height: u32) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// Prefers "light" or "dark".
    pub fn scheme(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools(
            "Emulation.setEmulatedMedia",
            &json!({ "features": features }),
        );
    }

    /// Disconnects the browser from the network, or reconnects it.
    pub fn offline(&self, offline: bool) {
        self.devtools("Network.enable", &json!({}));
        let conditions = json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        self.devtools("Network.emulateNetworkConditions", &conditions);
    }

    /// Saves a screenshot in the tests' output.
    pub fn screenshot(&self, name: &str) {
        let answer = self.ask("GET", "/screenshot", &Value::Null);
        let picture = BASE64_STANDARD.decode(answer.as_str().unwrap()).unwrap();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.png")), picture).unwrap();
    }

    /// What the page wrote to the console, warnings and errors of the browser included.
    pub fn log(&self) -> Value {
        self.command("se/log", &json!({ "type": "browser" }))
    }

    fn element(&self, selector: &str) -> String {
        let using = json!({ "using": "css selector", "value": selector });
        let found = self.command("element", &using);
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    fn devtools(&self, command: &str, params: &Value) {
        self.command(
            "goog/cdp/execute",
            &json!({ "cmd": command, "params": params }),
        );
    }

    fn command(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", &format!("/{path}"), body)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let target = format!("/session/{}{path}", self.session);
        ask(self.port, method, &target, body)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends the browser, which is not our child process.
        self.ask("DELETE", "", &Value::Null);
    }
}

/// The value in the driver's answer; the driver always keeps connections open.
fn ask(port: u16, method: &str, target: &str, body: &Value) -> Value {
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    let mut tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
    tcp.set_read_timeout(Some(3 * SOON)).unwrap();
    tcp.write_all(request.as_bytes()).unwrap();
    let mut answer = BufReader::new(tcp);
    let mut length = 0;
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let start = head.len();
        assert_ne!(answer.read_line(&mut head).unwrap(), 0, "{head}");
        let line = head[start..].to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    answer.read_exact(&mut body).unwrap();
    let mut body: Value = serde_json::from_slice(&body).unwrap();
    assert!(head.contains(" 200 "), "{method} {target}: {body}");
    body["value"].take()
}

/// The program that drives browsers; killed on drop.
struct Driver(Child);

impl Driver {
    fn start() -> (Self, u16) {
        let mut child = Command::new("chromedriver")
            .args(["--port=0", "--allowed-origins="])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver runs; Debian's chromium-driver has it");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| port(&line));
        // Its other output is ignored, but must be read.
        thread::spawn(move || lines.for_each(drop));
        (Self(child), port.expect("chromedriver tells its port"))
    }
}

/// The port of "ChromeDriver was started successfully on port 12345."
fn port(line: &str) -> Option<u16> {
    let (_, port) = line.split_once("successfully on port ")?;
    port.trim_end_matches('.').parse().ok()
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It may have ended.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// An empty folder.
fn profile(test: &str) -> PathBuf {
    let folder = format!("browser-{test}-{}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    let _absent = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}
