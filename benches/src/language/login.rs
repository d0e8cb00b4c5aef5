//! A signed login, as exchanges require it. Each function returns the time for one, in
//! microseconds.

use std::{hint::black_box, path::PathBuf, time::Duration};

use everwire::language::{
    HashAlgorithm, Lets, MessageTemplate, Moment, Name, Names, Outside, Random, Scope, Secret,
    SignatureAlgorithm, Signer, Step, TemplateKind, Value, Variable, World,
    json::{PointerSet, RawJson, Slot},
};
use ring::{digest, hmac};

use crate::pairs::fastest;

const LOGINS: u32 = 200_000;

const LOGIN: &str = r#"{"op":"login","args":[{"apiKey":"${KEY}","passphrase":"${PASS}","timestamp":"${ts}","sign":"${sign}"}]}"#;
const LETS: [(&str, &str); 2] = [
    ("ts", r#"${now("s")}"#),
    (
        "sign",
        r#"${hmac("sha256", SECRET, ts ~ "GET/users/self/verify", "base64")}"#,
    ),
];
const KEY: &str = "22582BD0CFF14C41EDBF1AB98506286D";
const SIGNED: &str = "1769903999GET/users/self/verify";

/// Only the HMAC, made by `ring`: the key from its text, and the hash. Nothing of everwire.
pub fn hash() -> f64 {
    each(|| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, black_box(KEY).as_bytes());
        black_box(hmac::sign(&key, black_box(SIGNED).as_bytes()));
    })
}

/// The text of the login.
pub fn text() -> f64 {
    let (mut names, mut pointers) = (Names::default(), PointerSet::default());
    for (name, _) in LETS {
        names.declare(name).expect("a name");
    }
    let mut scope = Scope::new(&names, &mut pointers, &Environment);
    let lets = Lets::compile(&LETS.map(|(_, text)| text), &mut scope).expect("templates");
    let login = MessageTemplate::parse(LOGIN, TemplateKind::Text, &mut scope).expect("a template");
    let filled = login.render(&Step::new(&Here, &lets)).expect("values");
    let signature = SignsByRing.hmac(HashAlgorithm::Sha256, KEY.as_bytes(), SIGNED.as_bytes());
    let signature = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, signature);
    assert!(String::from_utf8_lossy(filled.as_bytes()).contains(&signature));
    each(|| {
        let step = Step::new(black_box(&Here), black_box(&lets));
        black_box(login.render(&step)).expect("values");
    })
}

fn each(mut work: impl FnMut()) -> f64 {
    let time = fastest(|| (0..LOGINS).for_each(|_| work()));
    time.as_secs_f64() * 1e6 / f64::from(LOGINS)
}

/// Each environment variable is the same key.
struct Environment;

impl Outside for Environment {
    fn variable(&self, _: &str) -> Option<Secret> {
        Some(Secret::new(KEY))
    }

    fn file(&self, path: &str) -> PathBuf {
        path.into()
    }

    fn secret_id(&self, _: &str) -> Result<(), String> {
        Ok(())
    }

    fn is_open(&self) -> bool {
        true
    }
}

/// The input of the template: only the time.
struct Here;

impl World for Here {
    fn pointer(&self, _: Slot) -> Option<RawJson<'_>> {
        None
    }

    fn name(&self, _: Name) -> Value<'_> {
        Value::absent()
    }

    fn variable(&self, _: Variable<'_>) -> Option<&str> {
        None
    }

    fn moment(&self) -> Moment<'_> {
        Moment {
            wall: Duration::from_secs(1_769_903_999),
            random: self,
        }
    }

    fn signer(&self) -> &dyn Signer {
        &SignsByRing
    }

    fn max_message(&self) -> usize {
        1 << 20
    }
}

impl Random for Here {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// Signs as the library does.
struct SignsByRing;

impl Signer for SignsByRing {
    fn hash(&self, _: HashAlgorithm, data: &[u8]) -> Vec<u8> {
        digest::digest(&digest::SHA256, data).as_ref().to_vec()
    }

    fn hmac(&self, _: HashAlgorithm, key: &[u8], data: &[u8]) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        hmac::sign(&key, data).as_ref().to_vec()
    }

    fn sign(&self, _: SignatureAlgorithm, _: &[u8], _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}
