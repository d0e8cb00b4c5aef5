//! Placeholders for missing secrets. They must not appear where secrets must not.

use std::{
    cell::RefCell,
    io,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use everwire::config::{Source, System};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};

/// Shorter texts can appear anywhere by chance.
const SHORTEST_SECRET: usize = 8;

/// A text that must not be shown.
#[derive(Clone, Debug)]
pub struct Planted {
    /// The name of the secret for an operator.
    pub what: String,
    /// The text.
    pub text: String,
    /// Whether it must not even appear in messages for subscribers: the peer sends it only in
    /// messages that hold nothing else.
    pub in_messages: bool,
}

/// Makes unique placeholders. A placeholder has only letters and digits, and is also valid base64.
#[derive(Debug, Default)]
pub struct Placeholders {
    planted: RefCell<Vec<Planted>>,
}

impl Placeholders {
    /// A placeholder for this secret.
    pub fn make(&self, what: String, in_messages: bool) -> String {
        let mut planted = self.planted.borrow_mut();
        let known = planted.iter().find(|planted| planted.what == what);
        if let Some(known) = known {
            return known.text.clone();
        }
        // Sixteen characters are a whole number of base64 groups.
        let text = format!("planted{:09}", planted.len() + 1);
        planted.push(Planted {
            what,
            text: text.clone(),
            in_messages,
        });
        text
    }

    /// A placeholder for the content of a file: a key, if the name of the file suggests one.
    pub fn file(&self, path: &Path) -> String {
        let what = format!("${{file:{}}}", path.display());
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension {
            Some("pem" | "key") => key().unwrap_or_else(|| self.make(what, false)),
            _ => self.make(what, false),
        }
    }

    /// A real secret, which must not be shown either.
    fn known(&self, what: String, text: &str) {
        let mut planted = self.planted.borrow_mut();
        if text.len() >= SHORTEST_SECRET && planted.iter().all(|planted| planted.what != what) {
            planted.push(Planted {
                what,
                text: text.to_owned(),
                in_messages: false,
            });
        }
    }

    /// All texts that must not be shown.
    pub fn planted(&self) -> Vec<Planted> {
        self.planted.borrow().clone()
    }
}

impl Source for Placeholders {
    fn variable(&self, name: &str) -> Option<String> {
        let what = format!("${{{name}}}");
        match System.variable(name) {
            Some(value) => {
                self.known(what, &value);
                Some(value)
            }
            None => Some(self.make(what, false)),
        }
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        System.read(path)
    }

    fn list(&self, path: &Path) -> io::Result<Option<Vec<PathBuf>>> {
        System.list(path)
    }
}

/// A new key for ES256, in PKCS#8.
fn key() -> Option<String> {
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    let text = STANDARD.encode(key.ok()?.as_ref());
    Some(format!(
        "-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_has_one_placeholder_that_is_base64() {
        let placeholders = Placeholders::default();
        let one = placeholders.make("a".into(), false);
        assert_eq!(placeholders.make("a".into(), false), one);
        let other = placeholders.make("b".into(), true);
        assert!(one != other && one.len() % 4 == 0);
        assert!(STANDARD.decode(&one).is_ok());
        assert!(
            !placeholders
                .planted()
                .iter()
                .any(|planted| other.contains(&planted.text) && planted.what != "b")
        );
        let name = "EVERWIRE_REHEARSE_NOT_SET";
        let value = placeholders.variable(name);
        assert_eq!(placeholders.variable(name), value);
        assert_eq!(placeholders.planted().len(), 3);
        assert!(
            placeholders
                .file(Path::new("/k.pem"))
                .contains("PRIVATE KEY")
        );
    }
}
