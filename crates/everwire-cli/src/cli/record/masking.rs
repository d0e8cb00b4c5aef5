//! Keeps secrets out of recordings.

use std::{collections::BTreeMap, fs};

use everwire::{
    ConnectionSettings,
    config::{Opening, Part, Subprotocol, Template, Variable},
    dialogue::{self, Capture, Dialogue, Trigger},
    language::{
        BuiltIn, MessageTemplate, Moment, Name, Signer, Value, World,
        json::{Found, RawJson, Slot, Spans, write_escaped},
    },
};

use crate::cli::moment::moment;

/// Shorter texts can appear anywhere by chance.
const SHORTEST: usize = 4;

/// The secrets of a name that are known so far.
pub struct Masking<'d> {
    dialogue: &'d Dialogue,
    secrets: Vec<String>,
    /// The captured values, for conditions that read them.
    captures: BTreeMap<u16, Value<'static>>,
}

impl<'d> Masking<'d> {
    /// Begins with everything that is known before a dial: variables and files.
    pub fn new(settings: &ConnectionSettings, dialogue: &'d Dialogue) -> Self {
        let mut masking = Self {
            dialogue,
            secrets: Vec::new(),
            captures: BTreeMap::new(),
        };
        for secret in dialogue.secrets() {
            masking.learn(secret.expose());
        }
        for template in templates(settings) {
            for part in template.parts() {
                if let Part::Env { value, .. } = part {
                    masking.learn(value.expose());
                }
            }
        }
        let said = dialogue.templates().flat_map(MessageTemplate::variables);
        let all = templates(settings)
            .into_iter()
            .flat_map(Template::variables);
        for variable in all.chain(said) {
            if let Variable::File(path) = variable
                && let Ok(content) = fs::read_to_string(path)
            {
                masking.learn(content.trim_end_matches(['\r', '\n']));
            }
        }
        masking
    }

    /// Whether all secrets that a message may hold are known. Values that steps and calls capture
    /// are known only to the conversation.
    pub fn knows_all(&self) -> bool {
        let mut said = self.dialogue.steps().flat_map(|step| &step.capture);
        self.dialogue.prepare.is_none() && !said.any(|capture| capture.secret)
    }

    fn learn(&mut self, secret: &str) {
        if secret.len() < SHORTEST || self.secrets.iter().any(|known| known == secret) {
            return;
        }
        let mut escaped = String::new();
        write_escaped(secret, &mut escaped);
        if escaped != secret {
            self.secrets.push(escaped);
        }
        self.secrets.push(secret.to_owned());
        // The longest first, because one may contain another.
        self.secrets
            .sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    }

    /// Masks the secrets in the text, also new ones. Returns whether there were any.
    pub fn mask(&mut self, text: &str) -> (String, bool) {
        self.look(text);
        let mut masked = text.to_owned();
        for secret in &self.secrets {
            if masked.contains(secret) {
                masked = masked.replace(secret, "***");
            }
        }
        let is_masked = masked != text;
        (masked, is_masked)
    }

    /// Learns the secrets that a message brings.
    fn look(&mut self, text: &str) {
        let mut spans = Spans::default();
        let found = self.dialogue.pointers.find(text, &mut spans);
        let mut captured = Vec::new();
        {
            let seen = Seen {
                captures: &self.captures,
                text,
                found: found.unwrap_or_default(),
            };
            let rules = self
                .dialogue
                .rules
                .iter()
                .filter(|rule| match &rule.trigger {
                    Trigger::Message(when) => when.holds(&seen),
                    Trigger::Loss(_) => false,
                });
            let rules = rules.flat_map(|rule| &rule.capture);
            let steps = self.dialogue.steps().flat_map(|step| &step.capture);
            let all = self.dialogue.captures.iter().chain(rules).chain(steps);
            captured.extend(all.filter_map(|capture| value(capture, &seen)));
        }
        for (name, is_secret, value) in captured {
            if let Some(text) = value.as_text().filter(|_| is_secret) {
                self.learn(&text);
            }
            self.captures.insert(name, value);
        }
    }
}

fn value(capture: &Capture, seen: &Seen<'_>) -> Option<(u16, bool, Value<'static>)> {
    let value = capture.value.evaluate(seen).into_owned();
    value
        .is_there()
        .then_some((capture.name, capture.secret, value))
}

fn templates(settings: &ConnectionSettings) -> Vec<&Template> {
    let headers = settings.headers.iter().map(|(_, value)| value.expose());
    let auth = settings.basic_auth.iter();
    let auth = auth.flat_map(|auth| [&auth.user, auth.password.expose()]);
    let openings = settings.on_open.iter().filter_map(|opening| match opening {
        Opening::Text(text) => Some(text),
        Opening::Binary(_) => None,
    });
    settings
        .urls()
        .chain(headers)
        .chain(auth)
        .chain(settings.subprotocols.iter().map(Subprotocol::template))
        .chain(openings)
        .collect()
}

/// What expressions see of a recorded message.
struct Seen<'s> {
    captures: &'s BTreeMap<u16, Value<'static>>,
    text: &'s str,
    found: Found<'s, 's>,
}

impl World for Seen<'_> {
    fn pointer(&self, slot: Slot) -> Option<RawJson<'_>> {
        self.found.get(slot)
    }

    fn name(&self, name: Name) -> Value<'_> {
        match name {
            Name::BuiltIn(BuiltIn::Message) => Value::text(self.text),
            Name::Capture(at) => match self.captures.get(&at) {
                Some(value) => value.as_borrowed(),
                None => Value::absent(),
            },
            Name::BuiltIn(_) | Name::Let(_) => Value::absent(),
        }
    }

    fn moment(&self) -> Moment<'_> {
        moment()
    }

    fn signer(&self) -> &dyn Signer {
        dialogue::signer()
    }

    fn max_message(&self) -> usize {
        self.text.len().max(1 << 20)
    }
}

#[cfg(test)]
mod tests {
    use everwire::Settings;

    use super::*;

    #[test]
    fn what_is_secret_is_masked_when_it_comes_and_ever_after() {
        let config = r#"
[connections.a]
url = "ws://localhost"
open_script = [{ send = 'login ${PATH}', expect = '/ok' }]
rules = [{ when = '/type == "token"', capture = { token = { value = "/token", secret = true } } }]
"#;
        let settings = Settings::from_toml(config).unwrap();
        let settings = &settings.connections["a"];
        let dialogue = settings.dialogue.clone().unwrap();
        let mut masking = Masking::new(settings, &dialogue);
        let path = std::env::var("PATH").unwrap();
        assert!(masking.knows_all());
        assert_eq!(masking.mask("{\"a\":1}"), ("{\"a\":1}".into(), false));
        assert_eq!(
            masking.mask(&format!("you said {path}")),
            ("you said ***".into(), true)
        );
        let token = r#"{"type":"token","token":"hush\"hush"}"#;
        assert_eq!(
            masking.mask(token),
            (r#"{"type":"token","token":"***"}"#.into(), true)
        );
        assert_eq!(masking.mask("it is hush\"hush").0, "it is ***");
    }
}
