//! The page at `/`, in a real browser. Screenshots are left in the folder `browser` of the tests' output.

mod driver;
#[expect(dead_code, reason = "only the tests of the bridge use all of it")]
#[path = "../../../everwire-nats/tests/nats_server/support/server.rs"]
mod nats_server;
#[path = "../service_support/nginx.rs"]
mod nginx;
#[path = "../service_support/mod.rs"]
mod service_support;

use everwire::testing::{How, Peer, Script};
use futures::executor::block_on;
use nginx::{Manner, Nginx, unused_port};
use serde_json::json;
use service_support::{file, http::Service, ways::Way};

use self::driver::{Browser, keys};

/// Names that stay up, and names that do not.
fn mixed(peer: &Peer) -> String {
    let mut toml = String::from(
        "[defaults]\nheartbeat = { interval = '500ms', timeout = '5s' }\nreconnect = { initial = '200ms', max = '5s' }\n",
    );
    let mut add = |name: &str, path: &str, more: &str| {
        let url = peer.url(path);
        toml.push_str(&format!("[connections.{name}]\nurl = '{url}'\n{more}\n"));
    };
    add("echo", "/echo", "tags = ['talk']");
    add(
        "binance-trades",
        "/feed?every=40ms",
        "tags = ['market']\nheaders = { Authorization = 'Bearer s3cret' }",
    );
    add("kraken-book", "/feed?every=150ms", "tags = ['market']");
    add("deribit-ticker", "/feed?every=900ms", "tags = ['market']");
    add("limited", "/status/429?retry_after=30", "");
    add("deploying", "/status/503?body=deploying", "");
    add("restarts", "/close?code=1012&reason=restart&after=2s", "");
    add(
        "denied",
        "/status/401",
        "reconnect = { give_up_on = ['status:401'] }",
    );
    add("spare", "/echo", "enabled = false");
    for i in 1..=12 {
        add(
            &format!("charger-{i:04}"),
            "/feed?every=300ms",
            "tags = ['fleet']",
        );
    }
    toml
}

fn open(test: &str, service: &Service) -> Browser {
    Browser::open(test, &service.url("/"))
}

/// The page was loaded, and sends its requests, by the HTTP version that the browser prefers.
fn assert_protocol(page: &Browser, way: Way) {
    let used = page.run("return performance.getEntriesByType('navigation')[0].nextHopProtocol");
    let expected = if way == Way::Http1 { "http/1.1" } else { "h2" };
    assert_eq!(used, expected);
}

/// The rows in the document.
const ROWS: &str = "document.querySelectorAll('#rows > [role=row]')";

fn row(name: &str) -> String {
    format!("[...{ROWS}].find((row) => row.querySelector('.name b').textContent === '{name}')")
}

/// Records tasks that blocked the page for more than 50 ms, including earlier ones.
fn watch_long_tasks(page: &Browser) {
    page.run(
        "window.long = []; const watch = (type, note) => new PerformanceObserver((list) => \
         list.getEntries().forEach((entry) => window.long.push(note(entry)))).observe({ type, buffered: true }); \
         watch('longtask', (task) => `${Math.round(task.duration)} ms`); \
         watch('long-animation-frame', (frame) => `frame of ${Math.round(frame.duration)} ms: ${frame.scripts.map((script) => \
         `${script.invoker} ${Math.round(script.duration)} ms, ${Math.round(script.forcedStyleAndLayoutDuration)} of it layout`).join(', ')}`)",
    );
}

/// The recorded tasks.
fn long_tasks(page: &Browser) -> String {
    let noted = page.run("return window.long");
    let noted = noted.as_array().unwrap();
    let (frames, tasks): (Vec<_>, Vec<_>) = noted
        .iter()
        .map(|noted| noted.as_str().unwrap())
        .partition(|noted| noted.starts_with("frame"));
    format!("{} long tasks: {tasks:?}\n{frames:#?}", tasks.len())
}

#[test]
fn names_are_searched_filtered_and_sorted() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("page-filter", &mixed(&peer));
    service.wait_for_state("denied", "failed");
    let page = open("filter", &service);
    page.wait(&format!("{ROWS}.length === 21"));

    page.type_into("#search", "charger 00");
    page.wait(&format!("{ROWS}.length === 12"));
    page.run("const s = document.querySelector('#search'); s.value = ''; s.dispatchEvent(new Event('input'))");
    page.click("#states [data-state=failed]");
    page.wait(&format!("{ROWS}.length === 1 && {}", row("denied")));
    page.click("#states [data-state=failed]");
    page.run("const t = document.querySelector('#tag'); t.value = 'market'; t.dispatchEvent(new Event('change'))");
    page.wait(&format!("{ROWS}.length === 3"));
    page.click("#head .name button");
    let first = "[...document.querySelectorAll('#rows > [role=row]')].find((row) => row.ariaRowIndex === '2')";
    page.wait(&format!(
        "{first}.querySelector('.name b').textContent === 'kraken-book'"
    ));
}

#[test]
fn a_message_is_sent_and_its_fate_and_the_answer_are_seen() {
    for way in [Way::Http1, Way::Http2OverTls] {
        send_over(way);
    }
}

fn send_over(way: Way) {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start_by(way, "page-send", &mixed(&peer));
    service.wait_for_state("echo", "open");
    let page = open(&format!("send-{}", way.as_str()), &service);
    assert_protocol(&page, way);
    page.wait(&row("echo"));
    page.run(&format!("{}.click()", row("echo")));
    page.wait("document.querySelector('#drawer h2')?.textContent === 'echo'");
    page.type_into("#drawer textarea", r#"{"op":"hello"}"#);
    page.click("#drawer .send .strong");
    page.wait("document.querySelector('.fates [data-fate=confirmed]')");
    // The peer echoes everything.
    page.wait("[...document.querySelectorAll('#drawer dl div')].some((pair) => /^Received\\s*1,/.test(pair.innerText))");

    page.click("#drawer .send input");
    page.type_into("#drawer textarea", "0g");
    page.click("#drawer .send .strong");
    page.wait("/not hex/.test(document.querySelector('.fates [data-fate=rejected]')?.textContent)");
}

#[test]
fn a_name_is_closed_and_connected_and_its_secrets_are_masked() {
    for way in [Way::Http1, Way::Http2OverTls] {
        close_and_connect_over(way);
    }
}

#[test]
fn a_loss_between_two_looks_is_in_the_timeline() {
    let service = Service::start("page-losses", "");
    let page = open("losses", &service);
    let told = page.run(
        "return import('/page/names.js').then(({ Names }) => {
            const none = { messages: 0 };
            const open = { name: 'a', state: 'open', tags: [], sent: none, received: none, cause: null, last_close: null };
            const names = new Names();
            names.take({ ...open, since: '2026-01-01T00:00:00Z', incarnation: 1, reconnects: 0, last_error: null });
            const error = { at: '2026-01-01T00:00:05Z', text: 'no answer to a heartbeat in time' };
            names.take({ ...open, since: '2026-01-01T00:00:06Z', incarnation: 2, reconnects: 1, last_error: error });
            // A replaced socket was not lost.
            names.take({ ...open, since: '2026-01-01T00:00:06Z', incarnation: 3, reconnects: 1, last_error: error });
            return names.all.get('a').changes.map(({ at, state, text }) => `${at % 60000 / 1000} ${state} ${text}`.trim());
        })",
    );
    let expected = [
        "0 open",
        "5 backoff no answer to a heartbeat in time",
        "6 open",
        "6 open",
    ];
    assert_eq!(told, serde_json::json!(expected));
}

fn close_and_connect_over(way: Way) {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start_by(way, "page-control", &mixed(&peer));
    service.wait_for_state("binance-trades", "open");
    let page = open(&format!("control-{}", way.as_str()), &service);
    assert_protocol(&page, way);
    page.wait(&row("binance-trades"));
    page.run(&format!("{}.click()", row("binance-trades")));
    page.wait("document.querySelector('#drawer .actions button')");
    let act = |title: &str| {
        page.run(&format!(
            "[...document.querySelectorAll('.actions button')].find((button) => button.textContent === '{title}').click()"
        ))
    };
    act("Close");
    page.wait("document.querySelector('#drawer .state').textContent === 'closed'");
    act("Connect");
    page.wait("document.querySelector('#drawer .state').textContent === 'open'");
    page.click("[data-tab=timeline]");
    page.wait("document.querySelectorAll('.changes li').length >= 3");
    page.click("[data-tab=settings]");
    page.wait("document.querySelector('.settings').textContent.includes('***')");
    assert!(!page.text("body").contains("s3cret"));
}

#[test]
fn the_messages_of_a_name_are_seen_as_they_come() {
    for way in [Way::Http1, Way::Http2OverTls] {
        tail_over(way);
    }
}

fn tail_over(way: Way) {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start_by(way, "page-tail", &mixed(&peer));
    service.wait_for_state("echo", "open");
    let page = open(&format!("tail-{}", way.as_str()), &service);
    assert_protocol(&page, way);
    page.wait(&row("echo"));
    page.run(&format!("{}.click()", row("echo")));
    page.wait("document.querySelector('#drawer h2')?.textContent === 'echo'");
    page.wait("document.querySelector('#link').dataset.link === 'live'");
    let binary = [("Content-Type", "application/octet-stream")];
    let send = |headers: &[(&str, &str)], body: &[u8]| {
        let sent = service.ask(
            "POST",
            "/v1/connections/echo/send?wait=confirmed",
            headers,
            body,
        );
        assert_eq!(sent.status, 200, "{sent:?}");
    };
    let seen = |text: &str| {
        format!(
            "[...document.querySelectorAll('.entries .message')].find((line) => line.textContent.includes('{text}'))"
        )
    };
    // Before the page has subscribed, it shows none of it.
    page.wait("document.querySelector('.tail')");
    let until = std::time::Instant::now() + service_support::SOON;
    while page.run(&format!("return Boolean({})", seen("first"))) != true {
        assert!(std::time::Instant::now() < until, "nothing is seen");
        send(&[], b"first");
    }
    send(&[], b"<b>plain</b> text");
    send(&[], "a\u{202e}b\u{9b}c".as_bytes());
    page.wait(&seen("a\u{fffd}b\u{fffd}c"));
    send(&[], br#"{"price":{"bid":1.5,"ask":[2,3]},"note":"folded"}"#);
    send(&binary, &[0, 0xff, b'h', b'i', 0x10]);
    page.wait(&seen("<b>plain</b> text"));
    assert_eq!(
        page.run("return document.querySelectorAll('.entries b b').length"),
        0
    );
    page.wait(&seen("00 ff 68 69 10  ..hi."));
    // Expanded, with an indented line for each member.
    page.wait(&format!(
        "{}.querySelector('details:not([open])')",
        seen("folded")
    ));
    page.run(&format!(
        "{}.querySelector('summary').click()",
        seen("folded")
    ));
    page.wait(&format!(
        "{}.querySelector('details[open] pre')?.textContent.includes('\\n    \"bid\": 1.5,\\n')",
        seen("folded")
    ));
    page.screenshot("tail-kinds");
    // Events during the pause are shown when it ends.
    let button = |title: &str| {
        page.run(&format!(
            "[...document.querySelectorAll('.tail .bar button')].find((button) => button.textContent === '{title}').click()"
        ))
    };
    button("Pause");
    send(&[], b"while it was paused");
    button("Go on");
    page.wait(&seen("while it was paused"));
    button("Clear");
    page.wait("!document.querySelector('.entries .message')");
}

#[test]
fn why_a_name_is_down_is_seen_as_a_picture() {
    let peer = Peer::spawn_thread().unwrap();
    let url = peer.url("/status/503?body=deploying");
    let text = format!(
        "[defaults]\nreconnect = {{ min = '300ms', initial = '300ms', max = '300ms' }}\n\
         [connections.deploying]\nurls = ['{url}', 'ws://127.0.0.1:1/']\n"
    );
    let service = Service::start("page-why", &text);
    let page = open("why", &service);
    page.wait(&row("deploying"));
    page.run(&format!("{}.click()", row("deploying")));
    page.click("[data-tab=timeline]");
    let lines =
        "[...document.querySelectorAll('.dials svg text.failed')].map((line) => line.textContent)";
    page.wait(&format!("{lines}.length >= 4"));
    page.wait(&format!(
        "{lines}.some((line) => /^failed in upgrade after [0-9.]+ ms$/.test(line))"
    ));
    page.wait(&format!(
        "{lines}.some((line) => /^failed in tcp after [0-9.]+ ms$/.test(line))"
    ));
    for step in ["tcp", "upgrade"] {
        page.wait(&format!(
            "document.querySelector('.dials rect[data-step={step}] title')"
        ));
    }
    page.wait("/failed in (tcp|upgrade)/.test(document.querySelector('.dials svg').getAttribute('aria-label'))");
    page.wait("document.querySelector('.attempts').textContent.includes('deploying')");
    page.wait(
        "document.querySelector('.attempts').textContent.includes('Decided by the rule: backoff')",
    );
    page.screenshot("why");
    // A probe reports the present state of each URL.
    page.run("[...document.querySelectorAll('.actions button')].find((button) => button.textContent === 'Probe').click()");
    let told =
        |text: &str| format!("document.querySelector('.probe').textContent.includes('{text}')");
    page.wait(&told("A dry run of the next dial"));
    page.wait(&told("deploying"));
    page.wait(&told("refused"));
    page.wait("document.querySelectorAll('.probe svg text.failed').length === 2");
    page.screenshot("probe");
}

#[test]
fn below_a_prefix_of_nginx_the_page_works_as_well() {
    let (test, port) = ("page-nginx", unused_port());
    let peer = Peer::spawn_thread().unwrap();
    let feed = peer.url("/echo");
    let url = format!("http://127.0.0.1:{port}/everwire");
    let keys = format!("public_url = '{url}'\n[connections.feed]\nurl = '{feed}'\n");
    let service = Service::start(test, &keys);
    let manner = Manner {
        passes_host: false,
        prefix: "/everwire",
        passes_prefix: false,
    };
    let folder = file(test, "");
    let _nginx = Nginx::start(
        folder.parent().unwrap(),
        port,
        &service.listen,
        manner,
        None,
    );
    // Without the slash: nginx adds it.
    let page = Browser::open("nginx", &url);
    page.wait(&row("feed"));
    page.wait("document.querySelector('#link').dataset.link === 'live'");
    page.run(&format!("{}.click()", row("feed")));
    page.wait("document.querySelector('#drawer h2')?.textContent === 'feed'");
    page.type_into("#drawer textarea", "through nginx");
    page.click("#drawer .send .strong");
    page.wait("document.querySelector('.fates [data-fate=confirmed]')");
    page.run("[...document.querySelectorAll('.actions button')].find((button) => button.textContent === 'Close').click()");
    page.wait("document.querySelector('#drawer').dataset.state === 'closed'");
    page.run("[...document.querySelectorAll('.actions button')].find((button) => button.textContent === 'Connect').click()");
    page.wait("document.querySelector('#drawer').dataset.state === 'open'");
}

#[test]
fn behind_a_proxy_that_is_not_known_the_page_says_what_to_write() {
    let (test, port) = ("page-nginx-unknown", unused_port());
    let peer = Peer::spawn_thread().unwrap();
    let feed = peer.url("/echo");
    let service = Service::start(test, &format!("[connections.feed]\nurl = '{feed}'\n"));
    let manner = Manner {
        passes_host: false,
        prefix: "",
        passes_prefix: false,
    };
    let folder = file(test, "");
    let _nginx = Nginx::start(
        folder.parent().unwrap(),
        port,
        &service.listen,
        manner,
        None,
    );
    let page = Browser::open("nginx-unknown", &format!("http://127.0.0.1:{port}/"));
    page.wait(&row("feed"));
    page.run(&format!("{}.click()", row("feed")));
    page.run("[...document.querySelectorAll('.actions button')].find((button) => button.textContent === 'Close').click()");
    page.wait(&format!(
        "document.querySelector('#drawer .why').textContent.includes('service.public_url = \"http://127.0.0.1:{port}\"')"
    ));
    assert_eq!(
        page.run("return document.querySelector('#ask').open"),
        false
    );
}

#[test]
fn what_the_peer_said_last_is_seen() {
    let peer = Peer::spawn_thread().unwrap();
    peer.script(
        "/feed",
        Script::sink()
            .send(r#"{"type":"auth_invalid"}"#)
            .close(Some(1000), ""),
    );
    let url = peer.url("/feed");
    let text = format!(
        "[connections.feed]\nurl = '{url}'\nreconnect = {{ min = '1h', initial = '1h', max = '1h' }}\n"
    );
    let service = Service::start("page-last-message", &text);
    service.wait_for_state("feed", "backoff");
    let page = open("last-message", &service);
    page.wait(&row("feed"));
    page.run(&format!("{}.click()", row("feed")));
    page.click("[data-tab=timeline]");
    let shown = "document.querySelector('.attempts .last-message')?.textContent";
    page.wait(&format!(r#"{shown} === '{{"type":"auth_invalid"}}'"#));
    // An hour is shown in hours.
    page.wait("document.querySelector('.attempts').textContent.includes('again in 1h 0m')");
    page.screenshot("last-message");
}

#[test]
fn a_lost_peer_is_seen_and_seen_to_come_back() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("page-lost", &mixed(&peer));
    service.wait_for_state("echo", "open");
    let page = open("lost", &service);
    let state = |state: &str| format!("{}?.dataset.state === '{state}'", row("echo"));
    page.wait(&state("open"));
    block_on(peer.stop_listening()).unwrap();
    peer.kick_all(How::Reset);
    page.wait(&state("backoff"));
    block_on(peer.resume()).unwrap();
    page.wait(&state("open"));
}

#[test]
fn five_thousand_names_are_sixty_rows() {
    let fleet = "[fleet.many]\nrange = [1, 5000]\nname = 'cp-{i:04}'\nurl = 'ws://127.0.0.1:1/{i}'\nenabled = false\n";
    let service = Service::start("page-many", fleet);
    service.wait_for_state("cp-5000", "idle");
    let page = open("many", &service);
    watch_long_tasks(&page);
    page.wait("document.querySelector('#grid').ariaRowCount === '5001' || document.querySelector('#grid').getAttribute('aria-rowcount') === '5001'");
    page.run("document.querySelector('#grid').focus()");
    page.press(keys::END);
    page.wait(&row("cp-5000"));
    // Scrolled from top to bottom, one screen per frame.
    page.run(
        "window.most = 0; const grid = document.querySelector('#grid'); grid.scrollTop = 0; \
         const step = () => { window.most = Math.max(window.most, document.querySelectorAll('#rows > [role=row]').length); \
         if (grid.scrollTop + grid.clientHeight >= grid.scrollHeight - 1) { window.done = true; return; } \
         grid.scrollTop += grid.clientHeight; requestAnimationFrame(step); }; step()",
    );
    page.wait("window.done");
    let most = page.run("return window.most").as_u64().unwrap();
    println!("rows: {most}, {}", long_tasks(&page));
    assert!((1..=60).contains(&most), "{most}");
    page.size(1280, 4000);
    page.wait(&format!("{ROWS}.length > 50"));
    assert!(page.run(&format!("return {ROWS}.length")).as_u64().unwrap() <= 60);
    page.size(1280, 800);
    page.type_into("#search", "4999");
    page.wait(&format!("{ROWS}.length === 1 && {}", row("cp-4999")));
    // A key press before its target rows are drawn.
    page.run(
        "const search = document.querySelector('#search'); search.value = ''; \
         search.dispatchEvent(new Event('input', { bubbles: true })); \
         document.querySelector('#grid').dispatchEvent(new KeyboardEvent('keydown', { key: 'End' }))",
    );
    page.wait(&row("cp-5000"));
}

#[test]
fn five_thousand_names_that_come_and_go_are_followed() {
    let fleet = "[fleet.many]\nrange = [1, 5000]\nname = 'cp-{i:04}'\nurl = 'ws://127.0.0.1:1/{i}'\n\
        reconnect = { min = '5s', initial = '5s', max = '5s' }\n";
    let service = Service::start("page-storm", fleet);
    service.wait_for_state("cp-5000", "backoff");
    let page = open("storm", &service);
    watch_long_tasks(&page);
    page.wait("document.querySelector('#grid').getAttribute('aria-rowcount') === '5001'");
    let reconnects = format!(
        "Number({}?.querySelector('.reconnects').textContent)",
        row("cp-0001")
    );
    page.wait(&format!("{reconnects} > 0"));
    let before = page.run(&format!("return {reconnects}")).as_u64().unwrap();
    page.wait(&format!("{reconnects} > {before} + 1"));
    println!("5,000 names, each dialled every 5 s: {}", long_tasks(&page));
    assert!(page.run(&format!("return {ROWS}.length")).as_u64().unwrap() <= 60);
    // It still answers at once.
    page.type_into("#search", "4999");
    page.wait(&format!("{ROWS}.length === 1 && {}", row("cp-4999")));
}

#[test]
fn everything_is_reached_by_keys() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("page-keys", &mixed(&peer));
    let page = open("keys", &service);
    page.wait(&format!("{ROWS}.length === 21"));
    page.press("/");
    page.wait("document.activeElement.id === 'search'");
    page.press(keys::DOWN);
    page.wait("document.activeElement.id === 'grid'");
    page.press(keys::DOWN);
    page.press(keys::ENTER);
    // The second in the order of names.
    page.wait("document.activeElement === document.querySelector('#drawer h2')");
    assert_eq!(page.text("#drawer h2"), "charger-0001");
    page.press(keys::ESCAPE);
    page.wait("document.querySelector('#drawer').hidden && document.activeElement.id === 'grid'");
}

#[test]
fn the_page_says_that_nobody_answers_and_recovers() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("page-down", &mixed(&peer));
    let page = open("down", &service);
    page.wait(&format!("{ROWS}.length === 21"));
    page.offline(true);
    page.wait("document.querySelector('#link').dataset.link === 'down'");
    page.screenshot("down");
    page.offline(false);
    page.wait("['live', 'polling'].includes(document.querySelector('#link').dataset.link)");
}

#[test]
fn a_token_is_asked_for_where_one_is_needed_and_kept_with_the_tab() {
    let tokens = "[[service.tokens]]\nname = 'all'\nsecret = 's3cret-all'\n\
        [connections.one]\nurl = 'ws://127.0.0.1:1/'\nenabled = false\n";
    let service = Service::start("page-token", tokens);
    let page = open("token", &service);
    page.wait("document.querySelector('#ask').open");
    page.screenshot("token");
    for token in ["wrong", "s3cret-all"] {
        page.wait("document.querySelector('#ask').open && !document.querySelector('#token').value");
        page.type_into("#token", token);
        page.press(keys::ENTER);
    }
    page.wait(&row("one"));
    let kept = page.run("return [sessionStorage.length, localStorage.length, document.cookie]");
    assert_eq!(kept, json!([1, 0, ""]));
    page.run("location.reload()");
    page.wait(&row("one"));
    assert_eq!(
        page.run("return document.querySelector('#ask').open"),
        false
    );
}

#[test]
fn what_a_name_subscribes_to_is_seen_key_by_key() {
    let peer = Peer::spawn_thread().unwrap();
    let answer = Script::reply_with(|message| {
        let text = message.as_text().unwrap_or_default();
        let answer = text.replace("sub", if text.contains("bad") { "no" } else { "yes" });
        vec![everwire::Message::text(answer)]
    });
    peer.script("/market", answer);
    let toml = format!(
        "[connections.market]\nurl = '{}'\nsubscriptions = ['BTC-USD', 'ETH-USD', 'bad']\n\
         [connections.market.subscribe]\non = '{{\"op\":\"sub\",\"id\":${{id}},\"arg\":${{item}}}}'\nack = '/op == \"yes\" && /id == id'\n\
         fail = '/op == \"no\" && /id == id'\nroute = {{ json = '/stream', id = '${{item}}' }}\n",
        peer.url("/market")
    );
    let service = Service::start("page-subscriptions", &toml);
    service.wait_for("market", "a refusal", |status| {
        status["subscriptions"]["refused"] == 1 && status["subscriptions"]["active"] == 2
    });
    let page = open("subscriptions", &service);
    page.wait(&row("market"));
    page.run(&format!("{}.click()", row("market")));
    page.click("[data-tab=subscriptions]");
    let keys = "[...document.querySelectorAll('.subscriptions-list li')].map((li) => li.dataset.state + ' ' + li.querySelector('code').textContent).join()";
    page.wait(&format!(
        "{keys} === 'refused bad,active BTC-USD,active ETH-USD'"
    ));
    page.wait(
        "/^2 active, 1 refused/.test(document.querySelector('.subscriptions .quiet').textContent)",
    );
    page.screenshot("subscriptions");
    // A subscription that is added meanwhile is shown, too.
    let put = service.ask("PUT", "/v1/connections/market/subscriptions/new", &[], b"");
    assert_eq!(put.status, 201, "{put:?}");
    page.wait(&format!("{keys}.endsWith('active new')"));
    page.size(400, 800);
    page.wait("innerWidth === 400");
    let wider = page.run("const list = document.querySelector('.subscriptions'); return list.scrollWidth > list.clientWidth || document.documentElement.scrollWidth > innerWidth");
    assert_eq!(wider, false);
    page.screenshot("subscriptions-small");
}

#[test]
fn the_page_is_seen_in_light_and_dark_and_on_a_small_screen() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("page-look", &mixed(&peer));
    let page = open("look", &service);
    page.wait(&format!(
        "Number({}?.querySelector('.rate b').textContent) > 10",
        row("binance-trades")
    ));
    // Its spark line has a few samples.
    page.wait(&format!(
        "(() => {{
            const canvas = {}?.querySelector('canvas');
            if (!canvas?.width) return false;
            const {{ data }} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            const columns = new Set();
            data.forEach((value, at) => {{ if (at % 4 === 3 && value) columns.add(((at - 3) / 4) % canvas.width); }});
            return columns.size > 8;
        }})()",
        row("binance-trades")
    ));
    let shown = |name: &str| {
        for (scheme, (width, height)) in [
            ("light", (1280, 800)),
            ("dark", (1280, 800)),
            ("light", (400, 800)),
        ] {
            page.scheme(scheme);
            page.size(width, height);
            page.wait(&format!("innerWidth === {width}"));
            let wider = page.run("return document.documentElement.scrollWidth > innerWidth");
            assert_eq!(wider, false, "{name} {scheme} {width}");
            page.screenshot(&format!("{name}-{scheme}-{width}"));
        }
        page.size(1280, 800);
    };
    shown("table");
    page.run(&format!("{}.click()", row("echo")));
    page.type_into("#drawer textarea", "hello");
    page.click("#drawer .send .strong");
    page.wait("document.querySelector('.fates [data-fate=confirmed]')");
    shown("tail");
    page.type_into("#search", "restarts");
    page.wait(&row("restarts"));
    page.run(&format!("{}.click()", row("restarts")));
    page.click("[data-tab=timeline]");
    page.wait("document.querySelectorAll('.changes li').length >= 6");
    shown("timeline");
    // The policy refused nothing and no script failed; a missing WebSocket is reported in another
    // way.
    let log = page.log();
    let bad = |entry: &&serde_json::Value| {
        let message = entry["message"].as_str().unwrap();
        entry["level"] == "SEVERE" && !message.contains("/v1/ws")
    };
    let log: Vec<_> = log.as_array().unwrap().iter().filter(bad).collect();
    assert!(log.is_empty(), "{log:?}");
}

#[test]
fn the_line_about_the_bridge_says_what_is_carried_and_what_is_wrong() {
    let peer = Peer::spawn_thread().unwrap();
    let mut server = nats_server::Server::start("page");
    let nats = format!("[nats]\nservers = ['{}']\nin = {{}}\n", server.url());
    let service = Service::start("page-nats", &(mixed(&peer) + &nats));
    service.wait_for_state("binance-trades", "open");
    let page = open("nats", &service);
    let line = "document.querySelector('#nats')";
    page.wait(&format!(
        "{line}.dataset.link === 'up' && /^NATS: \\S+ published/.test({line}.textContent)"
    ));
    assert_eq!(page.run(&format!("return {line}.hidden")), false);
    server.kill();
    page.wait(&format!(
        "{line}.dataset.link === 'down' && /^NATS: no NATS server answers: .*published · \\S+ waiting/.test({line}.textContent)"
    ));
    page.screenshot("nats-down");
    server.restart();
    page.wait(&format!("{line}.dataset.link === 'up'"));
}
