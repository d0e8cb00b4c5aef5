//! A value of a JSON text, as it was written.

use std::borrow::Cow;

use super::{number::Number, scan::Scan, unescape::unescape};

/// One value of a JSON text as it was written, without the white space around it.
///
/// It has no equality: `1.0` and `1` are one number, and members have no order. Use
/// [`as_text`](Self::as_text) or [`is_text`](Self::is_text) for a text,
/// [`as_number`](Self::as_number) for a number.
///
/// ```
/// use everwire_proto::language::json::{JsonPointer, Kind, RawJson};
///
/// let value = RawJson::parse(r#" {"a": [1.50, "\u00e4"]} "#).ok_or("no JSON")?;
/// assert_eq!(value.kind(), Kind::Object);
///
/// let number = value.at(&JsonPointer::new("/a/0")?).ok_or("absent")?;
/// assert_eq!(number.as_str(), "1.50");
/// let text = value.at(&JsonPointer::new("/a/1")?).ok_or("absent")?;
/// assert_eq!(text.as_text().as_deref(), Some("ä"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RawJson<'a>(&'a str);

/// The kind of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// A string.
    Text,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl Kind {
    /// Whether a value of this kind is an array or an object.
    pub fn is_container(self) -> bool {
        matches!(self, Self::Array | Self::Object)
    }
}

/// The length of the value at the start of this text.
pub(in crate::language) fn prefix(text: &str) -> Option<usize> {
    let scan = Scan::new(text);
    let (first, from) = scan.token(0)?;
    scan.value(first, from, 0)
}

impl<'a> RawJson<'a> {
    /// A whole text as one value; `None` if it is not JSON.
    pub fn parse(text: &'a str) -> Option<Self> {
        let scan = Scan::new(text);
        let (first, from) = scan.token(0)?;
        let to = scan.value(first, from, 0)?;
        let value = scan.text(from, to)?;
        scan.is_over(to).then_some(Self(value))
    }

    /// A scanned value, without white space around it.
    #[inline]
    pub(super) fn new(value: &'a str) -> Self {
        Self(value)
    }

    /// As it was written: a number with its digits, a string with its quotes and escapes.
    #[inline]
    pub fn as_str(&self) -> &'a str {
        self.0
    }

    /// Its kind.
    #[inline]
    pub fn kind(&self) -> Kind {
        match self.0.as_bytes().first() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::Text,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') => Kind::Null,
            _ => Kind::Number,
        }
    }

    /// Whether it is `null`.
    #[inline]
    pub fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    /// `true` or `false`, if it is one of them.
    #[inline]
    pub fn as_bool(&self) -> Option<bool> {
        (self.kind() == Kind::Bool).then_some(self.0 == "true")
    }

    /// The number, if it is one.
    #[inline]
    pub fn as_number(&self) -> Option<Number<'a>> {
        (self.kind() == Kind::Number).then(|| Number::scanned(self.0))
    }

    /// The text of a string, borrowed if it has no escapes. `None` if it is not a string, or has an
    /// escape for half a surrogate pair.
    pub fn as_text(&self) -> Option<Cow<'a, str>> {
        unescape(self.quoted()?)
    }

    /// Whether it is a string with this text. Allocates nothing for a string without escapes.
    #[inline]
    pub fn is_text(&self, text: &str) -> bool {
        let Some(quoted) = self.quoted() else {
            return false;
        };
        // An escape is longer than its character.
        quoted.len() >= text.len()
            && if quoted.contains('\\') {
                unescape(quoted).is_some_and(|unescaped| unescaped == text)
            } else {
                quoted == text
            }
    }

    /// Writes the value without white space between its tokens. Strings and numbers stay as they
    /// were written.
    ///
    /// ```
    /// use everwire_proto::language::json::RawJson;
    ///
    /// let mut compact = String::new();
    /// let value = RawJson::parse("{\n  \"a b\": [1.0, true]\n}").ok_or("no JSON")?;
    /// value.write_compact(&mut compact);
    /// assert_eq!(compact, r#"{"a b":[1.0,true]}"#);
    /// # Ok::<(), &str>(())
    /// ```
    pub fn write_compact(&self, out: &mut String) {
        out.reserve(self.0.len());
        let scan = Scan::new(self.0);
        let (mut from, mut at) = (0, 0);
        while let Some(byte) = scan.byte(at) {
            let behind = match byte {
                b'"' => scan.string(at + 1).map(|string| string.end),
                b' ' | b'\n' | b'\t' | b'\r' => {
                    out.push_str(scan.text(from, at).unwrap_or_default());
                    from = scan.token(at).map_or(self.0.len(), |(_, next)| next);
                    Some(from)
                }
                _ => Some(at + 1),
            };
            at = behind.unwrap_or(self.0.len());
        }
        out.push_str(scan.text(from, at).unwrap_or_default());
    }

    /// The part between the quotes, if it is a string.
    #[inline]
    fn quoted(&self) -> Option<&'a str> {
        self.0.strip_prefix('"')?.strip_suffix('"')
    }
}
