//! A world for tests: a message, names with values, a fixed time, and a separate signer.

use std::{cell::Cell, collections::BTreeMap, path::Path, time::Duration};

use proptest::prelude::ProptestConfig;
use ring::{digest, hmac, rand::SystemRandom, signature};

use super::{
    BuiltIn, HashAlgorithm, Moment, Name, Names, NothingOutside, Outside, Scope, Secret,
    SignatureAlgorithm, Signer, Value, Variable, World,
    json::{Found, PointerSet, RawJson, Slot, Spans},
};

pub(super) struct RingSigner;

impl Signer for RingSigner {
    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Vec<u8> {
        let algorithm = algorithm_of(algorithm).digest_algorithm();
        digest::digest(algorithm, data).as_ref().to_vec()
    }

    fn hmac(&self, algorithm: HashAlgorithm, key: &[u8], data: &[u8]) -> Vec<u8> {
        let key = hmac::Key::new(algorithm_of(algorithm), key);
        hmac::sign(&key, data).as_ref().to_vec()
    }

    /// Keys in PKCS #8, as DER.
    fn sign(&self, algorithm: SignatureAlgorithm, key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        match algorithm {
            SignatureAlgorithm::Es256 => {
                let random = SystemRandom::new();
                let algorithm = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
                let key = signature::EcdsaKeyPair::from_pkcs8(algorithm, key, &random).ok()?;
                Some(key.sign(&random, data).ok()?.as_ref().to_vec())
            }
            SignatureAlgorithm::EdDsa => {
                let key = signature::Ed25519KeyPair::from_pkcs8(key).ok()?;
                Some(key.sign(data).as_ref().to_vec())
            }
            SignatureAlgorithm::Rs256 => {
                let key = ring::rsa::KeyPair::from_pkcs8(key).ok()?;
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(
                    &signature::RSA_PKCS1_SHA256,
                    &SystemRandom::new(),
                    data,
                    &mut signature,
                )
                .ok()?;
                Some(signature)
            }
        }
    }
}

fn algorithm_of(algorithm: HashAlgorithm) -> hmac::Algorithm {
    use HashAlgorithm as A;
    match algorithm {
        A::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        A::Sha256 => hmac::HMAC_SHA256,
        A::Sha384 => hmac::HMAC_SHA384,
        A::Sha512 => hmac::HMAC_SHA512,
    }
}

/// An environment of a few variables.
pub(super) struct TestOutside(pub BTreeMap<&'static str, &'static str>);

impl Outside for TestOutside {
    fn variable(&self, name: &str) -> Option<Secret> {
        self.0.get(name).map(|value| Secret::new(*value))
    }

    fn file(&self, path: &str) -> std::path::PathBuf {
        Path::new("/etc").join(path)
    }

    fn secret_id(&self, id: &str) -> Result<(), String> {
        match id.contains(' ') {
            true => Err("a name has no spaces".into()),
            false => Ok(()),
        }
    }

    fn is_open(&self) -> bool {
        true
    }
}

pub(super) fn outside() -> TestOutside {
    TestOutside(BTreeMap::from([
        ("KEY", "k3y"),
        ("SECRET", "s3cret"),
        ("N", "5"),
        ("PEM", "line\nline"),
        ("QUOTED", "a\"b\\c"),
    ]))
}

/// The configuration for this number of cases, or for `EVERWIRE_LANGUAGE_CASES`.
pub(super) fn cases(cases: u32) -> ProptestConfig {
    let asked = std::env::var("EVERWIRE_LANGUAGE_CASES");
    let asked = asked.ok().and_then(|cases| cases.parse().ok());
    ProptestConfig::with_cases(asked.unwrap_or(cases))
}

/// Random bytes that count up.
pub(super) struct Counting(Cell<u8>);

impl super::Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0.get();
            self.0.set(byte.wrapping_add(1));
        }
    }
}

/// The inputs of a test's expressions.
pub(super) struct TestWorld<'a> {
    pub found: Found<'a, 'a>,
    pub names: BTreeMap<String, Value<'static>>,
    pub declared: &'a Names,
    pub message: &'a [u8],
    pub wall: Duration,
    pub random: Counting,
    pub max: usize,
    pub headers: BTreeMap<String, String>,
    pub variables: BTreeMap<String, String>,
}

impl<'a> TestWorld<'a> {
    pub fn new(message: &'a [u8], found: Found<'a, 'a>, declared: &'a Names) -> Self {
        Self {
            found,
            names: BTreeMap::new(),
            declared,
            message,
            wall: Duration::new(1_769_903_999, 123_456_789),
            random: Counting(Cell::new(0)),
            max: 1 << 16,
            headers: BTreeMap::new(),
            variables: BTreeMap::new(),
        }
    }

    pub fn set(mut self, name: &str, value: Value<'static>) -> Self {
        self.names.insert(name.to_owned(), value);
        self
    }
}

impl World for TestWorld<'_> {
    fn pointer(&self, slot: Slot) -> Option<RawJson<'_>> {
        self.found.get(slot)
    }

    fn name(&self, name: Name) -> Value<'_> {
        match name {
            Name::BuiltIn(BuiltIn::Message) => Value::message(self.message),
            name => self
                .names
                .get(self.declared.text(name))
                .map_or_else(Value::absent, Value::as_borrowed),
        }
    }

    fn header(&self, name: &str) -> Value<'_> {
        let found = self.headers.get(&name.to_ascii_lowercase());
        found.map_or_else(Value::absent, |value| {
            Value::text(value.as_str()).from_peer()
        })
    }

    fn variable(&self, variable: Variable<'_>) -> Option<&str> {
        let key = match variable {
            Variable::File(path) => path.to_str()?,
            Variable::Stored(id) => id,
        };
        self.variables.get(key).map(String::as_str)
    }

    fn moment(&self) -> Moment<'_> {
        Moment {
            wall: self.wall,
            random: &self.random,
        }
    }

    fn signer(&self) -> &dyn Signer {
        &RingSigner
    }

    fn max_message(&self) -> usize {
        self.max
    }
}

/// The scope of a test: the names of a connection, and its pointers.
pub(super) struct Bench {
    pub names: Names,
    pub pointers: PointerSet,
}

impl Bench {
    pub fn new(captures: &[&str]) -> Self {
        let mut names = Names::default();
        for name in captures {
            names.capture(name).unwrap();
        }
        Self {
            names,
            pointers: PointerSet::default(),
        }
    }

    /// Compiles with a scope. Also returns the warnings.
    pub fn with<T>(&mut self, compile: impl FnOnce(&mut Scope<'_>) -> T) -> (T, Vec<String>) {
        let outside = outside();
        let mut scope = Scope::new(&self.names, &mut self.pointers, &outside).with_http();
        let compiled = compile(&mut scope);
        (
            compiled,
            scope.warnings.iter().map(ToString::to_string).collect(),
        )
    }

    /// Evaluates with a message and these names.
    pub fn see<T>(
        &self,
        message: &str,
        names: &[(&str, Value<'static>)],
        look: impl FnOnce(&TestWorld<'_>) -> T,
    ) -> T {
        let mut spans = Spans::default();
        let found = self.pointers.find(message, &mut spans).unwrap_or_default();
        let mut world = TestWorld::new(message.as_bytes(), found, &self.names);
        for (name, value) in names {
            world = world.set(name, value.clone());
        }
        look(&world)
    }
}

/// The same without an environment.
pub(super) fn over_api<T>(compile: impl FnOnce(&mut Scope<'_>) -> T) -> T {
    let (names, mut pointers) = (Names::default(), PointerSet::default());
    compile(&mut Scope::new(&names, &mut pointers, &NothingOutside))
}
