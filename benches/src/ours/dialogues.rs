//! What names say of their conversation, by the name that a sample knows it by.

use std::sync::Arc;

use everwire::{
    ConnectionSettings, Settings, config::SequenceSettings, core::JsonPointer, dialogue::Dialogue,
};

/// A message of 64 bytes, as a market sends it.
pub const TICK: &str = r#"{"op":"tick","s":4711,"d":{"p":"27123.5","q":"0.0140","m":true}}"#;

const ONE_RULE: &str = r#"rules = [{ when = '/op == "ping"', send = '{"op":"pong"}' }]"#;

/// Of several recipes. None of them matches.
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

/// So many keys has a name that subscribes.
pub const KEYS: usize = 1000;

/// So many of them are in a message whose answer the name waits for, before it is ready.
pub const BATCH: usize = 100;

/// As long is such a message, in bytes, or a little shorter.
pub const SUBSCRIBING: usize = 720;

/// What a name has.
#[derive(Clone, Default)]
pub struct Dialogues {
    dialogue: Option<Arc<Dialogue>>,
    has_numbers: bool,
}

impl Dialogues {
    /// From names with `+` between them; `none` has nothing.
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

    /// Gives these settings what it is.
    pub fn put_into(&self, settings: &mut ConnectionSettings) {
        settings.dialogue = self.dialogue.clone();
        settings.sequence = self.has_numbers.then(numbers);
    }
}

/// A thousand keys, one of which is that of each [`TICK`], so many in a message.
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

/// Where a message has no whole number: the same comes again and again, and would be a repetition.
fn numbers() -> SequenceSettings {
    SequenceSettings::new(JsonPointer::new("/d/p").expect("a pointer"))
}
