//! The environment of expressions and templates in fuzz targets: a message, names, a fixed time,
//! repeatable randomness, and a simple signer.

use std::{cell::Cell, path::PathBuf, time::Duration};

use everwire_proto::language::{
    BuiltIn, Data, HashAlgorithm, LanguageError, LetError, Lets, Moment, Name, Names, Outside,
    Random, Scope, Secret, SignatureAlgorithm, Signer, Value, Variable, World,
    json::{Found, PointerSet, RawJson, Slot},
};

/// The value of all secrets. It is a number, so that it is JSON outside of quotes, too; no input
/// contains it.
pub const SECRET: &str = "7315900846271";

/// The longest message, and the longest value.
pub const MAX_MESSAGE: usize = 8192;

/// The parts of an input, separated by lines of `===`; `None` if it is not text, or contains a part
/// of the secret, since an expression could join such parts.
pub fn parts<const N: usize>(input: &[u8]) -> Option<[&str; N]> {
    let text = std::str::from_utf8(input).ok()?;
    let mut of_secret = (0..=SECRET.len() - 4).map(|at| &SECRET[at..at + 4]);
    if of_secret.any(|part| text.contains(part)) {
        return None;
    }
    let mut parts = text.splitn(N, "\n===\n");
    Some([(); N].map(|()| parts.next().unwrap_or_default()))
}

/// The names of a connection: captures, and two `let`s.
pub fn names() -> Names {
    let mut names = Names::default();
    for name in ["token", "x", "seq", "bytes", "nothing"] {
        names.capture(name).expect("a name");
    }
    for name in ["ts", "sign"] {
        names.declare(name).expect("a name");
    }
    names
}

/// The environment, files, and secrets.
pub struct Fuzzed;

impl Outside for Fuzzed {
    fn variable(&self, name: &str) -> Option<Secret> {
        let value = match name {
            "KEY" | "TOKEN" => SECRET,
            "N" => "5",
            _ => return None,
        };
        Some(Secret::new(value))
    }

    fn file(&self, path: &str) -> PathBuf {
        path.into()
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

/// Compiles the `let`s. An empty text stands for a value that is never absent.
pub fn lets(texts: [&str; 2], scope: &mut Scope<'_>) -> Result<Lets, Vec<LetError>> {
    let texts = texts.map(|text| {
        if text.is_empty() {
            "${now(\"ms\")}"
        } else {
            text
        }
    });
    Lets::compile(&texts, scope)
}

/// The inputs of an evaluation.
pub struct Here<'a> {
    pub found: Found<'a, 'a>,
    pub message: &'a str,
    /// The peer's value, as the capture `x`.
    pub x: &'a str,
    random: Counting,
}

impl<'a> Here<'a> {
    pub fn new(found: Found<'a, 'a>, message: &'a str, x: &'a str) -> Self {
        Self {
            found,
            message,
            x,
            random: Counting::default(),
        }
    }
}

/// Random bytes that count up.
#[derive(Default)]
struct Counting(Cell<u8>);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0.get();
            self.0.set(byte.wrapping_add(1));
        }
    }
}

impl World for Here<'_> {
    fn pointer(&self, slot: Slot) -> Option<RawJson<'_>> {
        self.found.get(slot)
    }

    fn name(&self, name: Name) -> Value<'_> {
        match name {
            Name::BuiltIn(BuiltIn::Message) => Value::message(self.message.as_bytes()),
            Name::BuiltIn(BuiltIn::Id) => Value::from(7_u64),
            Name::BuiltIn(BuiltIn::Status) => Value::from(200_u16),
            Name::BuiltIn(BuiltIn::Sequence) => Value::from(41_u64),
            Name::BuiltIn(BuiltIn::Handover) => Value::from(false),
            Name::BuiltIn(BuiltIn::Name) => Value::text("feed"),
            Name::Capture(0) => Value::text(SECRET).secret().from_peer(),
            Name::Capture(1) => Value::text(self.x).from_peer(),
            Name::Capture(2) => Value::from(u64::MAX).from_peer(),
            Name::Capture(3) => Value::bytes(&b"\xff\n"[..]).from_peer(),
            Name::BuiltIn(_) | Name::Capture(_) | Name::Let(_) => Value::absent(),
        }
    }

    fn header(&self, name: &str) -> Value<'_> {
        match name.eq_ignore_ascii_case("x-header") {
            true => Value::text("of the answer").from_peer(),
            false => Value::absent(),
        }
    }

    fn variable(&self, _: Variable<'_>) -> Option<&str> {
        Some(SECRET)
    }

    fn moment(&self) -> Moment<'_> {
        Moment {
            wall: Duration::new(1_769_903_999, 123_456_789),
            random: &self.random,
        }
    }

    fn signer(&self) -> &dyn Signer {
        &Sums
    }

    fn max_message(&self) -> usize {
        MAX_MESSAGE
    }
}

/// Sums in place of hashes: equally long, and never a part of their input.
struct Sums;

impl Sums {
    fn sum(parts: [&[u8]; 2], length: usize) -> Vec<u8> {
        let mut sum = 0xcbf2_9ce4_8422_2325_u64;
        for byte in parts.into_iter().flatten() {
            sum = (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let bytes = (0..length as u64).map(|at| (sum.rotate_left(at as u32 * 5) ^ at) as u8);
        bytes.collect()
    }

    fn length(algorithm: HashAlgorithm) -> usize {
        match algorithm {
            HashAlgorithm::Sha1 => 20,
            HashAlgorithm::Sha256 => 32,
            HashAlgorithm::Sha384 => 48,
            HashAlgorithm::Sha512 => 64,
        }
    }
}

impl Signer for Sums {
    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Vec<u8> {
        Self::sum([data, &[]], Self::length(algorithm))
    }

    fn hmac(&self, algorithm: HashAlgorithm, key: &[u8], data: &[u8]) -> Vec<u8> {
        Self::sum([key, data], Self::length(algorithm))
    }

    fn sign(&self, _: SignatureAlgorithm, key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        key.starts_with(b"7").then(|| Self::sum([key, data], 64))
    }
}

/// The number of bytes of a value.
pub fn size(value: &Value<'_>) -> usize {
    match value.data() {
        Data::Absent | Data::Null | Data::Bool(_) => 5,
        Data::Number(text) | Data::Text(text) | Data::Json(text) => text.len(),
        Data::Bytes(bytes) => bytes.len(),
        Data::List(items) => items.iter().map(|item| size(item) + 3).sum::<usize>() + 2,
    }
}

/// Errors have a place within the text, and contain no character that controls a terminal.
pub fn told_where_they_are(errors: &[LanguageError], text: &str) {
    assert!(!errors.is_empty(), "refused without an error: {text:?}");
    for error in errors {
        assert!(
            text.get(error.span.clone()).is_some(),
            "{error:?} is not in {text:?}"
        );
        let told = error.to_string();
        assert!(
            !told.is_empty() && !told.contains(char::is_control),
            "{error:?}"
        );
        assert!(!told.contains(SECRET), "{error:?} tells a secret");
    }
}

/// Whether size is the only error.
pub fn is_too_big(errors: &[LanguageError]) -> bool {
    let bounds = ["nested deeper", "more than", " bytes"];
    errors
        .iter()
        .all(|error| bounds.iter().any(|bound| error.message.contains(bound)))
}

/// The scope for one test, with its pointers.
pub fn scope<'a>(names: &'a Names, pointers: &'a mut PointerSet) -> Scope<'a> {
    Scope::new(names, pointers, &Fuzzed).with_http()
}
