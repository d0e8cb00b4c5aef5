//! Captured values that outlive the process.

use std::{
    fmt,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{
    MAX_CAPTURED,
    captures::{CaptureSet, Captures},
};
use crate::{
    core::later,
    language::{
        Data, Name, Names, Value,
        json::{Kind, RawJson},
    },
    settings::dialogue::Dialogue,
};

/// Changed values are stored at most this often.
pub const KEEP_EVERY: Duration = Duration::from_secs(1);

/// The longest text of a kept value: bytes in base64, and the kind.
const MAX_TEXT: usize = MAX_CAPTURED / 3 * 4 + 64;

/// A captured value in a form that outlives the process. It keeps its kind, and the digits of
/// numbers.
///
/// Its text is for stores and their readers: the kind, a space, and the value. `Debug` shows only
/// the kind.
///
/// ```
/// use everwire_proto::{dialogue::KeptValue, language::Value};
///
/// let sequence = KeptValue::of(&Value::from(u64::MAX)).unwrap();
/// assert_eq!(sequence.text(), "own number 18446744073709551615");
/// assert_eq!(KeptValue::read(sequence.text()), Some(sequence));
///
/// // What must not be shown is not written down either.
/// assert_eq!(KeptValue::of(&Value::text("abc").secret()), None);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct KeptValue(Box<str>);

/// A kept capture and its value; `None`: it was cleared.
pub type KeptChange = (String, Option<KeptValue>);

impl KeptValue {
    /// The stored form; `None` for absent and null values, secrets, and lists with bytes that are
    /// not text.
    pub fn of(value: &Value<'_>) -> Option<Self> {
        if value.is_secret() {
            return None;
        }
        let own = if value.is_own() { "own " } else { "" };
        let (kind, text) = match value.data() {
            Data::Absent | Data::Null => return None,
            Data::Bool(value) => ("bool", value.to_string()),
            Data::Number(digits) => ("number", digits.to_string()),
            Data::Text(text) => ("text", text.to_string()),
            Data::Json(json) => ("json", json.to_string()),
            Data::Bytes(bytes) => ("bytes", BASE64_STANDARD.encode(bytes)),
            Data::List(items) if items.iter().any(Value::is_secret) => return None,
            Data::List(_) => {
                let mut json = String::new();
                value.write_json(&mut json)?;
                ("json", json)
            }
        };
        let text = format!("{own}{kind} {text}");
        (text.len() <= MAX_TEXT).then(|| Self(text.into()))
    }

    /// Parses the text of a value; `None` if it is invalid.
    pub fn read(text: &str) -> Option<Self> {
        let value = Self(text.into());
        value.value().is_some().then_some(value)
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The value.
    pub fn value(&self) -> Option<Value<'_>> {
        if self.0.len() > MAX_TEXT {
            return None;
        }
        let (is_own, rest) = match self.0.strip_prefix("own ") {
            Some(rest) => (true, rest),
            None => (false, &*self.0),
        };
        let (kind, text) = rest.split_once(' ')?;
        let value = match kind {
            "bool" => Value::from(match text {
                "true" => true,
                "false" => false,
                _ => return None,
            }),
            "number" => Value::json(RawJson::parse(text).filter(|raw| raw.kind() == Kind::Number)?),
            "text" => Value::text(text),
            "json" => Value::from(Data::Json(RawJson::parse(text)?.as_str().into())),
            "bytes" => Value::bytes(BASE64_STANDARD.decode(text).ok()?),
            _ => return None,
        };
        Some(match is_own {
            true => value,
            false => value.from_peer(),
        })
    }
}

impl fmt::Debug for KeptValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = self.0.strip_prefix("own ").unwrap_or(&self.0);
        let kind = own.split_once(' ').map_or("", |(kind, _)| kind);
        write!(f, "KeptValue({kind})")
    }
}

/// The kept captures, and when changes were last handed out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keeping {
    kept: CaptureSet,
    /// When changes were last handed out.
    last: Option<Instant>,
}

impl Keeping {
    /// `None`: the dialogue keeps nothing.
    pub fn of(dialogue: &Dialogue) -> Option<Self> {
        let mut kept = CaptureSet::default();
        dialogue.kept().for_each(|at| kept.insert(at));
        let keeps_any = kept != CaptureSet::default();
        keeps_any.then_some(Self { kept, last: None })
    }

    /// When changes should be handed out, if there are any.
    pub fn due(&self, captures: &Captures, now: Instant) -> Option<Instant> {
        if !captures.has_news(self.kept) {
            return None;
        }
        let next = self.last.map_or(now, |last| later(last, KEEP_EVERY));
        Some(next.max(now))
    }

    /// The kept captures that have changed since the last call.
    pub fn take(
        &mut self,
        captures: &mut Captures,
        names: &Names,
        now: Instant,
    ) -> Vec<KeptChange> {
        self.last = Some(now);
        let news = captures.take_news();
        self.values(captures, names)
            .filter(|(at, ..)| news.has(*at))
            .map(|(_, name, value)| (name.to_owned(), value))
            .collect()
    }

    /// All kept captures with a value.
    pub fn all(&self, captures: &Captures, names: &Names) -> Vec<(String, KeptValue)> {
        self.values(captures, names)
            .filter_map(|(_, name, value)| Some((name.to_owned(), value?)))
            .collect()
    }

    fn values<'k>(
        &'k self,
        captures: &'k Captures,
        names: &'k Names,
    ) -> impl Iterator<Item = (u16, &'k str, Option<KeptValue>)> {
        let numbers = (0..).zip(names.captures());
        numbers
            .filter(|(at, _)| self.kept.has(*at))
            .map(|(at, name)| (at, name, KeptValue::of(&captures.get(at))))
    }

    /// Restores stored values, as far as they are still kept.
    pub fn restore<'k>(
        &self,
        captures: &mut Captures,
        names: &Names,
        kept: impl IntoIterator<Item = (&'k str, &'k KeptValue)>,
    ) {
        for (name, value) in kept {
            if let Some(Name::Capture(at)) = names.find(name)
                && self.kept.has(at)
                && let Some(value) = value.value()
            {
                captures.restore(at, value.into_owned(), names);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads a value's text back.
    fn again(value: &Value<'_>) -> Option<Value<'static>> {
        let kept = KeptValue::of(value)?;
        let read = KeptValue::read(kept.text())?;
        Some(read.value()?.into_owned())
    }

    #[test]
    fn a_value_comes_back_as_it_came() {
        let number = |digits: &'static str| Value::json(RawJson::parse(digits).unwrap());
        for value in [
            number("9007199254740993"),
            number("-1.0e+400"),
            Value::text("17").from_peer(),
            Value::text(""),
            Value::text("own text of\r\nlines \u{0}").from_peer(),
            Value::from(true).from_peer(),
            Value::bytes(&b"\xff\x00"[..]),
            Value::from(Data::Json("{\"a\": [1, 2.50]}".into())).from_peer(),
        ] {
            assert_eq!(again(&value), Some(value.clone()), "{value:?}");
        }
        let list = Value::from(Data::List(vec![Value::text("a"), number("1")]));
        assert_eq!(
            again(&list).unwrap().data(),
            &Data::Json("[\"a\",1]".into())
        );
    }

    #[test]
    fn what_must_not_be_shown_is_not_kept() {
        assert_eq!(KeptValue::of(&Value::text("a").secret()), None);
        let list = Value::from(Data::List(vec![Value::text("a").secret()]));
        assert_eq!(KeptValue::of(&list), None);
        assert_eq!(KeptValue::of(&Value::null()), None);
        let shown = format!("{:?}", KeptValue::of(&Value::text("abc")).unwrap());
        assert_eq!(shown, "KeptValue(text)");
    }

    #[test]
    fn what_nobody_wrote_is_no_value() {
        let long = format!("text {}", "a".repeat(MAX_TEXT));
        for text in [
            "",
            "text",
            "texts a",
            "bool maybe",
            "number \"1\"",
            "number",
            "json {",
            "bytes !",
            "own",
            "null ",
            &long,
        ] {
            assert_eq!(KeptValue::read(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_read_as_another_value(text in ".{0,40}", own: bool) {
            if let Some(kept) = KeptValue::read(&text) {
                let value = kept.value().unwrap();
                prop_assert_eq!(again(&value), Some(value.clone().into_owned()));
            }
            let value = Value::text(text.as_str());
            let value = if own { value } else { value.from_peer() };
            prop_assert_eq!(again(&value), Some(value.clone().into_owned()));
        }
    }
}
