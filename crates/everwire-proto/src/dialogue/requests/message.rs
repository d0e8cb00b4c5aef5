//! A caller's message, with our number in place of its own.

use std::ops::Range;

use bytestring::ByteString;

use crate::language::json::{Found, JsonPointer, Kind, RawJson, Slot};

/// A caller's message that is written under our number.
///
/// Only the number is replaced: all other bytes stay unchanged.
///
/// ```
/// use everwire_proto::{dialogue::NumberedRequest, language::JsonPointer};
///
/// let request = NumberedRequest::new(r#"{ "id": "a-7", "op": "ls" }"#, &JsonPointer::new("/id")?)?;
/// assert_eq!(request.numbered(12), r#"{ "id": "12", "op": "ls" }"#);
/// assert_eq!(request.own(), r#""a-7""#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberedRequest {
    text: ByteString,
    /// The place of the caller's own number or text.
    span: Range<usize>,
    is_text: bool,
}

/// The longest number or text of a caller, and the longest value that marks an answer, in bytes:
/// they are kept until the answer comes.
pub const MAX_OWN: usize = 1024;

/// Why a message is no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequest {
    /// It is no JSON text.
    #[error("invalid request: it is not JSON")]
    NoJson,
    /// There is no number and no text at this place.
    #[error("invalid request: there is no number or text at {0}")]
    NoId(JsonPointer),
    /// What stands there, or the value that an answer is told by, is longer than [`MAX_OWN`].
    #[error("invalid request: the value at {0} has {1} bytes, at most {MAX_OWN} are allowed")]
    LongValue(JsonPointer, usize),
}

impl NumberedRequest {
    /// A message with a number or a text at `id`.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`].
    pub fn new(text: impl Into<ByteString>, id: &JsonPointer) -> Result<Self, InvalidRequest> {
        let text = text.into();
        let Some(span) = id.locate(&text) else {
            return Err(match RawJson::parse(&text) {
                Some(_) => InvalidRequest::NoId(id.clone()),
                None => InvalidRequest::NoJson,
            });
        };
        let kind = text.get(span.clone()).and_then(RawJson::parse);
        let is_text = match kind.map(|value| value.kind()) {
            Some(Kind::Text) => true,
            Some(Kind::Number) => false,
            _ => return Err(InvalidRequest::NoId(id.clone())),
        };
        if span.len() > MAX_OWN {
            return Err(InvalidRequest::LongValue(id.clone(), span.len()));
        }
        Ok(Self {
            text,
            span,
            is_text,
        })
    }

    /// The message with this number: as a number if the caller's own is one, and as a text if it is
    /// a text.
    pub fn numbered(&self, number: u64) -> String {
        let (before, behind) = (&self.text[..self.span.start], &self.text[self.span.end..]);
        let digits = number.checked_ilog10().unwrap_or_default() as usize + 1;
        let quote = if self.is_text { "\"" } else { "" };
        // Just as long as it will be: then it can be shared without another allocation.
        let len = before.len() + digits + 2 * quote.len() + behind.len();
        let mut whole = String::with_capacity(len);
        for part in [before, quote] {
            whole.push_str(part);
        }
        push_number(number, &mut whole);
        for part in [quote, behind] {
            whole.push_str(part);
        }
        whole
    }

    /// The caller's own number or text, as it was written.
    pub fn own(&self) -> &str {
        &self.text[self.span.clone()]
    }

    /// Whether that is a text.
    pub fn is_text(&self) -> bool {
        self.is_text
    }

    /// Its length in bytes with the longest number.
    pub fn max_len(&self) -> usize {
        const DIGITS: usize = u64::MAX.ilog10() as usize + 1;
        let quotes = 2 * usize::from(self.is_text);
        self.text.len() - self.span.len() + DIGITS + quotes
    }
}

/// An answer with the caller's `own` number in place of ours at these places, as a number or as a
/// text. All other bytes stay unchanged. `None`: our number is at none of them.
pub(super) fn put_back(
    answer: Found<'_, '_>,
    places: &[Slot],
    number: u64,
    own: &str,
) -> Option<String> {
    let ours = |place: &&Slot| answer.get(**place).and_then(read_number) == Some(number);
    let mut spans = places
        .iter()
        .filter(ours)
        .filter_map(|place| answer.span(*place));
    let first = spans.next()?;
    let text = answer.text();
    let mut whole = String::with_capacity(text.len() - first.len() + own.len());
    let Some(second) = spans.next() else {
        for part in [text.get(..first.start)?, own, text.get(first.end..)?] {
            whole.push_str(part);
        }
        return Some(whole);
    };
    let mut spans: Vec<Range<usize>> = [first, second].into_iter().chain(spans).collect();
    spans.sort_unstable_by_key(|span| span.start);
    let mut from = 0;
    for span in spans {
        // Two of them may be one place.
        if span.start < from {
            continue;
        }
        whole.push_str(text.get(from..span.start)?);
        whole.push_str(own);
        from = span.end;
    }
    whole.push_str(text.get(from..)?);
    Some(whole)
}

/// Writes a number with its digits.
fn push_number(mut number: u64, out: &mut String) {
    let mut digits = [b'0'; u64::MAX.ilog10() as usize + 1];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.push_str(std::str::from_utf8(&digits[at..]).unwrap_or_default());
}

/// Our number that a value of an answer may represent.
pub(in crate::dialogue) fn read_number(value: RawJson<'_>) -> Option<u64> {
    match value.kind() {
        // Nearly all are written as digits only.
        Kind::Number => match value.as_str().parse() {
            Ok(number) => Some(number),
            Err(_) => u64::try_from(value.as_number()?.as_i128()?).ok(),
        },
        Kind::Text => {
            let text = value.as_text()?;
            let number: u64 = text.parse().ok()?;
            // A text with other digits is another text.
            (number.to_string() == *text).then_some(number)
        }
        Kind::Null | Kind::Bool | Kind::Array | Kind::Object => None,
    }
}
