//! The dialogues of names, by their names in samples.

use std::sync::Arc;

use everwire::{
    ConnectionSettings, Settings, config::SequenceSettings, core::JsonPointer, dialogue::Dialogue,
};

/// A message of 64 bytes, as from a market feed.
pub const TICK: &str = r#"{"op":"tick","s":4711,"d":{"p":"27123.5","q":"0.0140","m":true}}"#;

const ONE_RULE: &str = r#"rules = [{ when = '/op == "ping"', send = '{"op":"pong"}' }]"#;

/// Rules from several recipes. None of them matches.
const TEN_RULES: &str = r#"
rules = [
  { when = '/op == "ping"', send = '{"op":"pong"}' },
  { when = '/event == "notice" && /code == "64008"', do = "rotate" },
  { when = '/event == "channel-conn-count"', deliver = false },
  { when = '/type == "disconnect"', do = "reconnect" },
  { when = '/type == "url_verification"', send = '{"challenge":${/challenge}}' },
  { when = '/e == "listenKeyExpired"', do = "reconnect" },
  { when = '/method == "server.restart"', do = "rotate" },
  { when = 'exists(/envelope_id)', send = '{"envelope_id":${/envelope_id}}' },
  { when = '/metadata/message_type == "session_reconnect"', do = "rotate", url = "${/payload/session/reconnect_url}" },
  { when = '/arg/channel == "status"', deliver = false },
]
"#;

const CAPTURES: &str = r#"capture = { last = "/s" }"#;

/// The echo answers with the same text.
const SCRIPT: &str = r#"
open_script = [
  { send = '{"op":"login","key":"k"}', expect = '/op == "login"', fail = '/op == "error"' },
  { send = '{"op":"subscribe","id":${id}}', expect = '/id == id' },
]
"#;

/// The number of keys of a name that subscribes.
pub const KEYS: usize = 1000;

/// The number of keys in a message. The name waits for its answer before it is ready.
pub const BATCH: usize = 100;

/// The length of such a message in bytes, at most.
pub const SUBSCRIBING: usize = 720;

/// The dialogue of a name.
#[derive(Clone, Default)]
pub struct Dialogues {
    dialogue: Option<Arc<Dialogue>>,
    has_numbers: bool,
}

impl Dialogues {
    /// Parses names with `+` between them; `none` is empty.
    pub fn parse(names: &str) -> Self {
        let (mut keys, mut has_numbers) = (String::new(), false);
        for name in names.split('+').filter(|name| *name != "none") {
            match name {
                "one-rule" => keys += ONE_RULE,
                "ten-rules" => keys += TEN_RULES,
                "captures" => keys += CAPTURES,
                "script" => keys += SCRIPT,
                "keys" => keys += &subscriptions(KEYS, r#"'{"sub":${items}}'"#),
                "routed" => {
                    let on = r#"'{"sub":${items}}', route = { json = "/op", id = "${item}" }"#;
                    keys += &subscriptions(KEYS, on);
                }
                "acked" => {
                    let on = r#"'{"id":${id},"sub":${items}}', ack = '/id == id'"#;
                    keys += &subscriptions(BATCH, on);
                }
                "sequence" => has_numbers = true,
                other => panic!("no such dialogue: {other}"),
            }
            keys.push('\n');
        }
        Self {
            dialogue: read(&keys, has_numbers),
            has_numbers,
        }
    }

    /// Puts it into these settings.
    pub fn put_into(&self, settings: &mut ConnectionSettings) {
        settings.dialogue = self.dialogue.clone();
        settings.sequence = self.has_numbers.then(numbers);
    }
}

/// A thousand keys, `batch` in a message. One of them is that of each [`TICK`].
fn subscriptions(batch: usize, on: &str) -> String {
    let others = (1..KEYS).map(|key| format!("{:?},", format!("k{key}")));
    let others: String = others.collect();
    format!("subscribe = {{ on = {on}, batch = {batch} }}\nsubscriptions = [{others}\"tick\"]")
}

fn read(keys: &str, has_numbers: bool) -> Option<Arc<Dialogue>> {
    let sequence = match has_numbers {
        true => "sequence = { json = \"/d/p\" }\n",
        false => "",
    };
    let text = format!("[connections.name]\nurl = \"ws://localhost\"\n{sequence}{keys}");
    let settings = Settings::from_toml(&text).unwrap_or_else(|errors| panic!("{errors}"));
    let settings = settings.connections.into_values().next();
    settings.expect("a connection").dialogue.clone()
}

/// At a pointer without a whole number: otherwise the repeated messages would be duplicates.
fn numbers() -> SequenceSettings {
    SequenceSettings::new(JsonPointer::new("/d/p").expect("a pointer"))
}
