//! `subscribe`, `subscriptions` and a fleet's `spread`: the accepted keys, and the settings they
//! produce.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "config/memory.rs"]
mod memory;

use std::{sync::Arc, time::Duration};

use everwire::config::{
    Changes, ConnectionSettings, DialPolicy, Inherited, InvalidJson, Settings, explain, masked,
};
use everwire_proto::settings::dialogue::{
    Asking, DeclaredSubscription, Dialogue, MAX_SUBSCRIPTIONS, SubscribeSettings, SubscriptionItem,
};
use memory::Memory;
use serde_json::{Value as Json, json};

fn memory() -> Memory {
    Memory::default().with_variable("KEY", "k3y-of-the-environment")
}

fn read(text: &str) -> Settings {
    memory()
        .read(text)
        .unwrap_or_else(|errors| panic!("{text}\n{errors}"))
}

fn connection(keys: &str) -> ConnectionSettings {
    memory()
        .connection(keys)
        .unwrap_or_else(|errors| panic!("{keys}\n{errors}"))
}

fn dialogue(settings: &ConnectionSettings) -> Arc<Dialogue> {
    settings.dialogue.clone().unwrap()
}

fn subscribe(settings: &ConnectionSettings) -> Arc<SubscribeSettings> {
    dialogue(settings).subscribe.clone().unwrap()
}

/// The keys and their items, as written.
fn declared(settings: &ConnectionSettings) -> Vec<(String, String)> {
    let subscribe = subscribe(settings);
    let all = subscribe.declared.iter();
    all.map(|one| (one.key.to_string(), one.item.as_written()))
        .collect()
}

fn keys(settings: &ConnectionSettings) -> Vec<String> {
    let declared = declared(settings).into_iter();
    declared.map(|(key, _)| key).collect()
}

/// As for Binance.
const STREAMS: &str = r#"
subscribe = { on = '{"method":"SUBSCRIBE","params":${items},"id":${id}}', off = '{"method":"UNSUBSCRIBE","params":${items},"id":${id}}', ack = '/id == id && /result == null', fail = '/id == id && exists(/error)', batch = 100, max = 1024, route = { json = "/stream", id = "${item}" } }
subscriptions = ["btcusdt@trade", "ethusdt@trade"]
"#;

/// As for an Ethereum node and for Twitch: ids from the server, and HTTP.
const HANDLES: &str = r#"
open_script = [{ expect = '/type == "welcome"', capture = { session = "/session" } }]
subscribe = { on = '{"id":${id},"params":${item}}', off = '{"id":${id},"params":["${sub}"]}', ack = '/id == id && exists(/result)', fail = '/id == id && exists(/error)', end = '/gone == sub', within = "3s", rate = "site", capture = { sub = "/result" }, route = { json = "/params/subscription", id = "${sub}" } }
[connections.a.subscriptions]
heads = ["newHeads"]
depth = 5
live = true
logs = { item = ["logs", { topics = ["0xdd", "${session}"], "from block" = 1.5 }] }
by_http = { item = { broadcaster = "1234" }, if = '!handover', ack = 'status == 202', fail = 'status >= 400', on = { http = { method = "POST", url = "https://api.example/subscriptions", headers = { Authorization = "Bearer ${KEY}" }, body = '{"type":"${key}","condition":${item},"session":"${session}"}' } }, off = { http = { method = "DELETE", url = "https://api.example/subscriptions?id=${sub}" } } }
door = { on = '{"id":${id},"type":"subscribe_trigger"}' }
"it is ${id}" = {}
[rates.site]
messages = 5
"#;

#[test]
fn a_list_is_keys_and_items() {
    let settings = connection(STREAMS);
    let subscribe = subscribe(&settings);
    assert_eq!(keys(&settings), ["btcusdt@trade", "ethusdt@trade"]);
    assert!(subscribe.declared.iter().all(|one| one.words.is_none()));
    let items = subscribe.declared.iter();
    let items: Vec<_> = items.map(|one| one.item.template().as_str()).collect();
    assert_eq!(items, ["btcusdt@trade", "ethusdt@trade"]);
    let words = &subscribe.words;
    assert_eq!((words.batch.get(), subscribe.max.get()), (100, 1024));
    assert_eq!(words.within, Duration::from_secs(10));
    let Some(Asking::Send(on)) = &words.on else {
        panic!("{words:?}")
    };
    assert_eq!(
        on.as_written(),
        r#"{"method":"SUBSCRIBE","params":${items},"id":${id}}"#
    );
    let route = words.route.as_ref().unwrap();
    assert_eq!(route.id.as_str(), "${item}");
    let pointer = dialogue(&settings).pointers.pointer(route.json);
    assert_eq!(pointer.to_string(), "/stream");
}

#[test]
fn a_table_has_items_of_any_type_and_long_forms() {
    let settings = connection(HANDLES);
    let subscribe = subscribe(&settings);
    let expected = [
        ("heads", r#"["newHeads"]"#),
        ("depth", "5"),
        ("live", "true"),
        (
            "logs",
            r#"["logs",{"topics":["0xdd","${session}"],"from block":1.5}]"#,
        ),
        ("by_http", r#"{"broadcaster":"1234"}"#),
        ("door", r#""door""#),
        ("it is ${id}", r#""it is ${id}""#),
    ];
    let found = declared(&settings);
    let found: Vec<_> = found.iter().map(|(key, item)| (&**key, &**item)).collect();
    assert_eq!(found, expected);
    let words = &subscribe.words;
    assert_eq!(words.within, Duration::from_secs(3));
    assert_eq!(words.rate[0].bucket.as_deref(), Some("site"));
    let names = dialogue(&settings).names.clone();
    assert_eq!(names.captures().collect::<Vec<_>>(), ["session", "sub"]);

    let own = |key: &str| {
        let mut declared = subscribe.declared.iter();
        let found = declared.find(|one| *one.key == *key).unwrap();
        found.words.clone()
    };
    assert!(own("heads").is_none() && own("logs").is_none());
    // Settings that a key does not override come from `subscribe`.
    let door = own("door").unwrap();
    assert_eq!(door.ack, words.ack);
    assert_eq!((&door.off, &door.route), (&words.off, &words.route));
    assert_ne!(door.on, words.on);
    let http = own("by_http").unwrap();
    assert!(http.is_http() && !words.is_http());
    assert_eq!(http.ack.as_ref().unwrap().as_str(), "status == 202");
    assert_eq!(http.condition.as_ref().unwrap().as_str(), "!handover");
    let Some(Asking::Http(on)) = &http.on else {
        panic!("{http:?}")
    };
    assert_eq!((on.method, on.headers.len()), ("POST", 1));
    assert_eq!(http.batch.get(), 1);
}

#[test]
fn a_text_of_a_list_may_be_a_template() {
    let settings = connection(
        "subscribe.on = 'SUB ${item}'\ncapture = { user = '/user' }\nsubscriptions = ['orders.${user}', '$${x}']",
    );
    let found = declared(&settings);
    assert_eq!(
        found[0],
        ("orders.${user}".into(), "\"orders.${user}\"".into())
    );
    assert_eq!(found[1].0, "${x}");
    let items = subscribe(&settings).declared[1].item.clone();
    let SubscriptionItem::Text(text) = items else {
        panic!("{items:?}")
    };
    assert!(text.is_literal());
}

#[test]
fn there_may_be_none_yet_or_only_words_of_their_own() {
    // Only for callers.
    let settings = connection("subscribe.on = 'SUB ${item}'");
    assert_eq!(subscribe(&settings).declared, []);
    assert_eq!(subscribe(&settings).max, MAX_SUBSCRIPTIONS);
    let settings = connection("subscriptions.x = { on = 'SUB x' }");
    assert_eq!(keys(&settings), ["x"]);
    assert_eq!(connection("subscriptions = []").dialogue, None);
}

#[test]
fn tables_merge_by_their_keys_and_lists_replace() {
    let text = r#"
[defaults]
subscribe = { on = "SUB ${item}", off = "END ${item}", max = 7, capture = { x = "/x" }, ack = "/id == id" }
subscriptions = { a = "1", b = { item = "2", within = "3s" } }
[groups.none]
subscriptions = []
[connections.plain]
url = "wss://h"
[connections.own]
url = "wss://h"
subscribe = { on = "sub ${item}", capture = { y = "/y" } }
subscriptions = { b = { on = "b" }, a = "3", c = { item = [] } }
[connections.list]
url = "wss://h"
subscriptions = ["x"]
[connections.none]
url = "wss://h"
group = "none"
"#;
    let settings = read(text);
    let shown = |name: &str| masked(&settings.connections[name]);
    let plain = shown("plain");
    assert_eq!(plain["subscribe"]["on"], "SUB ${item}");
    assert_eq!(plain["subscribe"]["max"], 7);
    assert_eq!(plain["subscriptions"]["b"]["within"], "3s");
    let own = shown("own");
    assert_eq!(own["subscribe"]["on"], "sub ${item}");
    assert_eq!(own["subscribe"]["off"], "END ${item}");
    assert_eq!(own["subscribe"]["capture"], json!({ "x": "/x", "y": "/y" }));
    let b = &own["subscriptions"]["b"];
    assert_eq!(
        (&b["item"], &b["on"], &b["within"]),
        (&json!("2"), &json!("b"), &json!("3s"))
    );
    assert_eq!(own["subscriptions"]["a"], "3");
    assert_eq!(keys(&settings.connections["own"]), ["a", "b", "c"]);
    assert_eq!(shown("list")["subscriptions"], json!(["x"]));
    assert_eq!(shown("none")["subscriptions"], json!([]));
    assert_eq!(shown("none")["subscribe"]["max"], 7);
}

#[test]
fn what_is_shown_is_what_was_written_and_reads_back_as_the_same() {
    for keys in [STREAMS, HANDLES] {
        let shown = masked(&connection(keys));
        assert!(!shown.to_string().contains("k3y"), "{shown}");
        let text = shown.to_string().replace("***${KEY}", "x");
        let mut json: Json = serde_json::from_str(&text).unwrap();
        // The rates of the file are unknown over the API.
        json["subscribe"].as_object_mut().unwrap().remove("rate");
        let own = json["subscriptions"].as_object_mut();
        for long in own.into_iter().flat_map(|own| own.values_mut()) {
            long.as_object_mut().map(|long| long.remove("rate"));
        }
        let again = |json: &Json| {
            Inherited::default()
                .connection(json.to_string().as_bytes(), &DialPolicy::Any)
                .unwrap_or_else(|errors| panic!("{json}\n{errors:?}"))
        };
        let once = again(&json);
        let twice = again(
            &masked(&once)
                .to_string()
                .replace("***", "x")
                .parse()
                .unwrap(),
        );
        assert_eq!(masked(&once), masked(&twice));
        for key in ["subscribe", "subscriptions"] {
            let masked = masked(&once)[key].to_string().replace("***", "x");
            assert_eq!(masked, json[key].to_string(), "{key}");
        }
    }
    assert_eq!(
        masked(&connection(STREAMS))["subscriptions"],
        json!(["btcusdt@trade", "ethusdt@trade"])
    );
    let handles = masked(&connection(HANDLES));
    assert_eq!(handles["subscriptions"]["heads"], json!(["newHeads"]));
    assert_eq!(
        handles["subscriptions"]["logs"],
        json!({ "item": ["logs", { "topics": ["0xdd", "${session}"], "from block": 1.5 }] })
            .get("item")
            .unwrap()
            .clone()
    );
    let http = &handles["subscriptions"]["by_http"]["on"]["http"];
    assert_eq!(http["headers"]["Authorization"], "***${KEY}");
}

#[test]
fn names_of_a_fleet_share_a_list_in_turns() {
    let text = |names: &str, max: u32, own: &str| {
        format!(
            "[fleet.md]\nnames = [{names}]\nname = 'md-{{name}}'\nurl = 'wss://h/{{name}}'\n\
             spread = ['s1', 's2', 's3', 's4', 's5-{{name}}']\n\
             subscribe = {{ on = '{{\"sub\":${{items}}}}', batch = 10, max = {max} }}\n{own}\n"
        )
    };
    let settings = read(&text("'a', 'b'", 3, ""));
    assert_eq!(keys(&settings.connections["md-a"]), ["s1", "s3", "s5-a"]);
    assert_eq!(keys(&settings.connections["md-b"]), ["s2", "s4"]);
    // Its own keys come first.
    let own =
        "subscriptions = ['status']\n[connections.md-b]\nsubscriptions = { x = { item = 1 } }";
    let settings = read(&text("'a', 'b'", 4, own));
    assert_eq!(
        keys(&settings.connections["md-a"]),
        ["status", "s1", "s3", "s5-a"]
    );
    assert_eq!(keys(&settings.connections["md-b"]), ["x", "s2", "s4"]);
    // Names without a share do not mention it.
    let settings = read(&text("'a', 'b', 'c', 'd', 'e', 'f'", 1, ""));
    assert_eq!(keys(&settings.connections["md-e"]), ["s5-e"]);
    assert!(subscribe(&settings.connections["md-f"]).declared.is_empty());

    for (names, max, own, expected) in [
        (
            "'a', 'b'",
            2,
            "",
            "the fleet `md` has 2 names for 5 subscriptions, and each takes at most 2 | write 3 names or more, or a larger `subscribe.max`",
        ),
        (
            "'a'",
            3,
            "subscriptions = ['x', 'y']",
            "the fleet `md` has 1 name for 5 subscriptions, and each takes at most 1 beside its own 2 | write 5 names or more, or a larger `subscribe.max`",
        ),
        (
            "'a'",
            1,
            "subscriptions = ['x']",
            "the fleet `md` has 1 name for 5 subscriptions, and each takes at most 0 beside its own 1 | write a larger `subscribe.max`",
        ),
    ] {
        let errors = memory().read(&text(names, max, own)).unwrap_err();
        let told: Vec<String> = errors
            .iter()
            .map(|error| {
                format!(
                    "{} | {}",
                    error.message,
                    error.help.clone().unwrap_or_default()
                )
            })
            .collect();
        assert_eq!(told, [expected]);
        assert_eq!(errors.iter().next().unwrap().line, 5);
    }
    let twice = text("'a', 'b'", 9, "subscriptions = ['s2']");
    let errors = memory().read(&twice).unwrap_err();
    assert!(
        errors
            .to_string()
            .contains("the subscription `s2` comes twice"),
        "{errors}"
    );
    let elsewhere = memory().connection("spread = ['x']").unwrap_err();
    assert!(
        elsewhere.to_string().contains("unknown key `spread`"),
        "{elsewhere}"
    );
}

#[test]
fn other_subscriptions_need_no_other_socket_and_other_words_do() {
    let old = connection(STREAMS);
    let changes = |keys: &str| Changes::between(&old, &connection(keys));
    let other = STREAMS.replace("\"ethusdt@trade\"", "\"ltcusdt@trade\", \"x\"");
    let told = changes(&other);
    assert!(!told.is_empty() && !told.needs_socket);
    assert!(!changes(&STREAMS.replace(", \"ethusdt@trade\"", "")).needs_socket);
    assert!(changes(STREAMS).is_empty());
    assert!(changes(&STREAMS.replace("\"id\":${id}", "\"n\":${id}")).needs_socket);
    assert!(changes("").needs_socket);
}

#[test]
fn what_a_file_subscribes_to_is_not_inherited_over_the_api() {
    let settings = read(&format!(
        "[defaults]{STREAMS}\n[connections.a]\nurl = 'wss://h'"
    ));
    assert!(settings.connections["a"].dialogue.is_some());
    let json = br#"{"url": "wss://example.com"}"#;
    let api = settings
        .inherited
        .connection(json, &DialPolicy::Any)
        .unwrap();
    assert_eq!(api.dialogue, None);
    // Settings over the API are read like a file.
    let json = json!({ "url": "wss://example.com", "subscribe": { "on": "SUB ${item}" }, "subscriptions": ["a"] });
    let api = Inherited::default().connection(json.to_string().as_bytes(), &DialPolicy::Any);
    assert_eq!(keys(&api.unwrap()), ["a"]);
}

#[test]
fn what_a_name_will_subscribe_to_is_said_in_words() {
    let told = |keys: &str| -> Vec<String> {
        let text = format!("[connections.a]\nurl = 'wss://example.com'\n{keys}");
        let settings = read(&text);
        let told = explain(&settings.connections);
        let sections = told[0].sections.iter();
        let mut sections = sections.filter(|section| section.subject == "subscribes");
        let lines = sections.next().unwrap().lines.iter();
        let told = lines.flat_map(|line| {
            let details = line.details.iter().map(|detail| format!("  {detail}"));
            [line.text.clone()].into_iter().chain(details)
        });
        told.collect()
    };
    assert_eq!(
        told(STREAMS),
        [
            "to 2 keys on each socket: btcusdt@trade, ethusdt@trade",
            "  callers may add others, up to 1024 in all",
            "up to 100 at once: sends {\"method\":\"SUBSCRIBE\",\"params\":${items},\"id\":${id}}",
            "  is active when /id == id && /result == null, and unanswered when that has not come within 10s",
            "  is refused when /id == id && exists(/error)",
            "  its messages have ${item} at /stream, and carry its key",
            "  when nobody holds it any more: sends {\"method\":\"UNSUBSCRIBE\",\"params\":${items},\"id\":${id}}",
        ]
    );
    let handles = told(HANDLES);
    for line in [
        "by_http: asks POST https://api.example/subscriptions",
        "  only if !handover; what is left out counts as active",
        "  waits for the rate site",
        "  keeps sub = /result",
        "  when nobody holds it any more: asks DELETE https://api.example/subscriptions?id=${sub}",
    ] {
        assert!(
            handles.iter().any(|told| told == line),
            "{line}\n{handles:#?}"
        );
    }
    assert_eq!(
        told("subscribe.on = 'SUB ${item}'"),
        [
            "to what callers ask for, up to 10000 keys",
            "each: sends SUB ${item}",
            "  is active once it is written",
            "  nothing is said when nobody holds it any more",
        ]
    );
}

/// All errors of a connection with these keys: line, column, the marked text, message and help. The
/// keys begin in line 1.
fn told(keys: &str) -> Vec<String> {
    let errors = match memory().connection(keys) {
        Ok(settings) => panic!("accepted: {keys}\n{settings:?}"),
        Err(errors) => errors,
    };
    assert!(!errors.render(false).contains("k3y"), "{errors}");
    let told = errors.iter().map(|error| {
        let help = error.help.as_deref().unwrap_or_default();
        let line = error.line as isize - 2;
        let text: String = error.text.chars().take(40).collect();
        format!("{line}:{} {text}: {} | {help}", error.column, error.message)
    });
    told.collect()
}

#[test]
fn each_mistake_is_told_with_its_place_and_what_would_be_right() {
    let long = "x".repeat(65_600);
    let many: Vec<String> = (0..10_001).map(|n| format!("'k{n}'")).collect();
    let on = "subscribe.on = 'SUB ${item}'\n";
    let mut wrong = Vec::new();
    for (keys, expected) in [
        ("subscribe = { ack = '/id == id' }".to_owned(), r#"1:21 '/id == id': `ack` has no `on`: nothing asks for a subscription | write what asks for one: on = '{"op":"subscribe","channel":${item}}'"#),
        ("subscribe = { off = 'END ${item}' }".into(), r#"1:21 'END ${item}': `off` has no `on`: nothing asks for a subscription | write what asks for one: on = '{"op":"subscribe","channel":${item}}'"#),
        ("subscribe = { on = 'SUB ${item}', route = { json = '/stream' } }".into(), r#"1:43 { json = '/stream' }: `route` has no `id` | write how the server names a subscription there: id = "${item}", or "${on_id}", or a capture of its answer"#),
        ("subscribe = { on = 'SUB ${item}', route = { id = '${item}' } }".into(), r#"1:43 { id = '${item}' }: `route` has no `json` | write where a message names its subscription: json = "/stream""#),
        ("subscribe = { on = 'SUB ${item}', batch = 10 }".into(), "1:20 'SUB ${item}': `on` reads `item`, and a batch has several | write ${items}, which is a JSON array, or batch = 1"),
        ("subscribe = { on = 'SUB', batch = 10 }".into(), "1:20 'SUB': `on` does not read `items`: all but one of a batch would not be asked for | write ${items}, which is a JSON array, or batch = 1"),
        ("subscribe = { on = 'SUB ${item}', capture = { sub = '/id' } }".into(), "1:45 { sub = '/id' }: `capture` has no `ack` to read: without `ack` a subscription is active once it is sent | write what an answer looks like: ack = '/id == id', or remove it"),
        ("subscribe = { on = 'SUB ${item}', ack = '/id == id', capture = { sub = { value = '/id', keep = true } } }".into(), "1:96 true: `keep` is not possible here: the captures of a subscription end with its socket | remove it"),
        ("subscribe = { on = 'SUB ${sub}', ack = '/id == id', capture = { sub = '/id' } }".into(), "1:27 sub: `sub` is read before any step sets it | capture it in a step before this one, write `default(sub, …)`, or give the step an `if`"),
        ("subscribe = { on = 'SUB ${itm}' }".into(), "1:27 itm: unknown name `itm` | did you mean `item`?"),
        ("subscribe = { on = 'SUB ${on_id}' }".into(), "1:27 on_id: there is no `on_id` here | built in here: `id`, `key`, `item`, `items`, `sequence`, `handover`, `name`"),
        ("subscribe = { on = 'SUB ${item}', ack = 'status == 202' }".into(), "1:42 status: there is no `status` here | built in here: `message`, `id`, `on_id`, `key`, `item`, `items`, `sequence`, `handover`, `name`"),
        ("subscribe = { on = 5 }".into(), r#"1:20 5: expected a text, { text = "…" }, { base64 = "…" }, { bytes = "…" } or { http = { url = "https://…" } }, found the integer 5 | "#),
        ("subscribe = { on = { htttp = {} } }".into(), "1:20 { htttp = {} }: a message has one of `text`, `base64` and `bytes` | write '…', { text = '…' }, { base64 = '…' } or { bytes = '…' }\n1:22 htttp: unknown key `htttp` | the keys here are text, base64, bytes"),
        ("subscribe = { on = { http = { url = 'ftp://x' } } }".into(), "1:37 'ftp://x': invalid URL `ftp://x` | write http://host/path or https://host/path"),
        ("subscribe = { on = { http = {} } }".into(), r#"1:29 {}: the request has no url | write http = { url = "https://host/path" }"#),
        ("subscribe = { on = 'SUB ${item}', maxx = 5 }".into(), "1:35 maxx: unknown key `maxx` | did you mean `max`? the keys here are on, off, ack, fail, end, within, if, rate, capture, route, batch, max"),
        ("subscribe = { on = 'SUB ${item}', max = 10001 }".into(), "1:41 10001: 10001 is out of range | write a number from 1 to 10000"),
        ("subscribe = { on = 'SUB ${item}', within = '0s' }".into(), r#"1:44 '0s': the duration must be longer than zero | write a duration such as "10s""#),
        ("subscribe = { on = 'SUB ${item}', rate = 'nope' }".into(), "1:42 'nope': unknown rate `nope` | write [rates.nope], or a table"),
        ("subscribe = { on = '{\"sub\":${item}' }".into(), "1:28 ${item}: invalid JSON, with `null` for its holes: EOF while parsing an object | write what closes it"),
        ("subscribe = 'x'".into(), r#"1:13 'x': expected a table such as { on = '…', ack = '…' }, found the string "x" | "#),
        ("subscriptions = ['x']".into(), "1:18 'x': nothing asks for the subscription `x` | write subscribe = { on = '…' } for all, or an `on` for this one: { item = …, on = '…' }"),
        ("subscriptions.x = { item = 'y' }".into(), "1:15 x: nothing asks for the subscription `x` | write subscribe = { on = '…' } for all, or an `on` for this one: { item = …, on = '…' }"),
        (format!("{on}subscriptions = 'x'"), r#"2:17 'x': expected a list of texts, or a table of keys and their items, found the string "x" | "#),
        (format!("{on}subscriptions = ['x', 'y', 'x']"), "2:28 'x': the subscription `x` comes twice | remove one of them, or give it another key"),
        (format!("{on}subscriptions = ['x', {{ item = 'y' }}]"), "2:23 { item = 'y' }: expected a text, found a table | in a list the text is key and item; others stand in a table: subscriptions = { KEY = { item = … } }"),
        (format!("{on}subscriptions = ['']"), "2:18 '': the key is empty | write at least one character"),
        (format!("{on}subscriptions.x = {{ query = 'q' }}"), "2:21 query: unknown key `query`: a table is the long form | an item that is a table stands under `item`: { item = { … } }"),
        (format!("{on}subscriptions.x = {{ itm = 'q' }}"), "2:21 itm: unknown key `itm` | did you mean `item`? the keys here are item, on, off, ack, fail, end, within, if, rate, capture, route"),
        (format!("{on}subscriptions.x = {{ batch = 5 }}"), "2:21 batch: `batch` cannot be set for one key | write it in `subscribe`"),
        (format!("{on}subscriptions.x = {{ item = {{ a = 'a ${{tokn}}' }} }}"), "2:39 tokn: unknown name `tokn` | set it with `let` or `capture`"),
        (format!("{on}subscriptions.x = {{ item = {{ a = ['b', 'a ${{id'] }} }}"), "2:43 ${id: `${` is not closed | write ${NAME}, or $${ for a literal ${"),
        (format!("{on}subscriptions.x = {{ item = {{ a = 'say \"${{key}}\"' }} }}"), "2:40 ${key}: `${key}` stands in JSON inside a text of JSON | write a `let` with the inner JSON, and `${json(name)}` without quotes, or the name within quotes"),
        (format!("{on}subscriptions.x = {{ item = '{{\"a\":${{key}}' }}"), "2:34 ${key}: invalid JSON, with `null` for its holes: EOF while parsing an object | write what closes it"),
        (format!("{on}subscriptions.x = [2026-01-31]"), "2:20 2026-01-31: JSON cannot hold the date 2026-01-31 | write it as a text, in quotes"),
        (format!("{on}subscriptions.x = [nan]"), "2:20 nan: JSON cannot hold the float NaN | write a finite number, or a text"),
        (format!("{on}subscriptions.x = ['{long}']"), "2:19 ['xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: the item has 65604 bytes | at most 64KiB are allowed"),
        (format!("{on}subscriptions.x = '{long}'"), "2:19 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: the item has 65600 bytes | at most 64KiB are allowed"),
        (format!("{on}subscriptions = ['{}']", &long[..1025]), "2:18 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: the key has 1025 bytes | at most 1024 are allowed: a long item has a short key, as in subscriptions = { KEY = { item = … } }"),
        (format!("{on}subscriptions = [{}]", many.join(",")), "2:78908 'k10000': there are 10001 subscriptions | a connection has at most 10000"),
        (format!("{on}subscribe.max = 2\nsubscriptions = ['x', 'y', 'z']"), "3:28 'z': there are 3 subscriptions | `subscribe.max` allows 2 for this connection"),
        (format!("{on}capture = {{ sub = '/s' }}\nsubscribe.ack = '/id == id'\nsubscribe.capture = {{ sub = '/id' }}"), "4:23 sub: `sub` is captured twice: for the connection, and here for each subscription | give one of them another name"),
        (format!("{on}rules = [{{ when = '/a', send = '${{sub}}' }}]\nsubscribe.ack = '/id == id'\nsubscribe.capture = {{ sub = '/id' }}"), r#"2:35 sub: unknown name `sub` | a part of the message is `/sub`; a text is `"sub"`"#),
        (format!("{on}open_script = [{{ send = '${{key}}' }}]"), "2:28 key: there is no `key` here | built in here: `id`, `sequence`, `handover`, `name`"),
        (format!("{on}periodic = [{{ every = '1m', send = 'x', expect = '/x', capture = {{ late = '/x' }} }}]\nsubscriptions = ['${{late}}']"), "3:21 late: `late` is read before any step sets it | capture it in a step before this one, write `default(late, …)`, or give the step an `if`"),
        ("subscribe = { on = { http = { url = 'https://h' } }, ack = 'status == 202' }\nsubscriptions.x = { on = 'SUB x' }".into(), "2:26 'SUB x': `ack` reads `status`, and `on` is not an HTTP request | write ack for this one, too, or on = { http = … }"),
    ] {
        let told = told(&keys).join("\n");
        if told != expected {
            wrong.push(format!("{}\n  {told}", &keys[..keys.len().min(150)]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each message is compared with each different expected answer. The answer of `subscribe` is one
/// of them.
#[test]
fn a_file_expects_as_many_different_answers_as_it_may() {
    let of = |count: usize| {
        let keys = (0..count).map(|n| {
            // Another `on` does not add an expected answer.
            let (ack, on) = (n / 100, n);
            format!(
                "subscriptions.k{n} = {{ on = 'SUB {on}', ack = '/id == id && /n == {ack}' }}\n"
            )
        });
        format!(
            "subscribe = {{ on = 'SUB ${{item}}', ack = '/id == id' }}\n{}",
            keys.collect::<String>()
        )
    };
    let settings = connection(&of(6_300));
    assert_eq!(subscribe(&settings).declared.len(), 6_300);
    let told = told(&of(6_301));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("the subscription `k6300` expects other answers than 64 before it"),
        "{told:?}"
    );
}

#[test]
fn over_the_api_nothing_reaches_out() {
    for (keys, pointer, message) in [
        (
            json!({ "subscribe": { "on": "${KEY}" } }),
            "/subscribe/on",
            "`${KEY}` is not allowed over the API",
        ),
        (
            json!({ "subscribe": { "on": "x" }, "subscriptions": ["${file:x}"] }),
            "/subscriptions/0",
            "`${file:x}` is not allowed over the API",
        ),
        (
            json!({ "subscribe": { "on": "x" }, "subscriptions": { "a": { "item": { "b": ["${KEY}"] } } } }),
            "/subscriptions/a/item/b/0",
            "`${KEY}` is not allowed over the API",
        ),
        (
            json!({ "subscribe": { "on": "x", "ack": "/x == KEY" } }),
            "/subscribe/ack",
            "KEY",
        ),
        (
            json!({ "subscribe": { "on": "x", "rate": "site" } }),
            "/subscribe/rate",
            "unknown rate `site`",
        ),
        (
            json!({ "subscribe": { "on": { "http": { "url": "http://127.0.0.1/x" } } } }),
            "/subscribe/on/http/url",
            "this URL must not be called: 127.0.0.1 is not a public address",
        ),
        (
            json!({ "subscriptions": { "a": { "off": { "http": { "url": "http://169.254.169.254/x?${key}" } } } } }),
            "/subscriptions/a/off/http/url",
            "this URL must not be called: 169.254.169.254 is not a public address",
        ),
    ] {
        let mut json = keys.clone();
        json["url"] = "wss://example.com".into();
        let told =
            Inherited::default().connection(json.to_string().as_bytes(), &DialPolicy::PublicOnly);
        let Err(InvalidJson::Keys { errors, .. }) = told else {
            panic!("{json}: {told:?}")
        };
        let found = errors
            .iter()
            .any(|error| error.pointer == pointer && error.message.contains(message));
        assert!(found, "{json}\n{errors:#?}");
    }
}

/// The data of a subscription is small: a name may have ten thousand.
#[test]
fn a_subscription_is_small() {
    assert!(
        size_of::<DeclaredSubscription>() <= 120,
        "{}",
        size_of::<DeclaredSubscription>()
    );
}
