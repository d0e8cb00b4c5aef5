//! Finds the peer's own number in a message.

use std::{borrow::Cow, ops::Range};

use super::{MAX_STREAM_NAME, Message};
use crate::{
    language::{
        Scalar,
        json::{Found, JsonPointer, PointerSet, Spans},
    },
    settings::SequenceSettings,
};

/// The places of a message's number and of its stream's name, found in one pass over its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberPlace {
    number: Option<Range<usize>>,
    stream: Option<Range<usize>>,
}

impl SequenceSettings {
    /// The stream and the number of a message, in one pass over its text.
    ///
    /// The number is an integer, or a string of digits; the stream is a string, a number or a
    /// boolean, as text. `None` if there is no such number (answers, greetings, binary messages),
    /// or the stream's name is longer than [`MAX_STREAM_NAME`]. A message without a stream's name
    /// belongs to `""`.
    pub fn number_of<'a>(&self, message: &'a Message) -> Option<(Cow<'a, str>, u64)> {
        let text = message.as_text()?;
        let (number, stream) = match &self.by {
            None => (self.json.lookup(text)?, None),
            Some(by) => {
                let [number, stream] = JsonPointer::lookup_all([&self.json, by], text)?;
                (number?, stream)
            }
        };
        read(number, stream)
    }

    /// The place of a text's number, found in the same pass as the pointers of a set; `None` if the
    /// text is not JSON.
    pub fn number_beside<'f, 'a>(
        &self,
        pointers: &PointerSet,
        text: &'a str,
        spans: &'f mut Spans,
    ) -> Option<(Found<'f, 'a>, NumberPlace)> {
        Some(match &self.by {
            None => {
                let (found, [number]) = pointers.find_beside([&self.json], text, spans)?;
                let stream = None;
                (found, NumberPlace { number, stream })
            }
            Some(by) => {
                let (found, [number, stream]) =
                    pointers.find_beside([&self.json, by], text, spans)?;
                (found, NumberPlace { number, stream })
            }
        })
    }
}

impl NumberPlace {
    /// The result of [`SequenceSettings::number_of`] for the message in which this was found.
    pub fn read<'a>(&self, message: &'a Message) -> Option<(Cow<'a, str>, u64)> {
        let text = message.as_text()?;
        let number = Scalar::at(text, self.number.clone()?)?;
        let stream = match self.stream.clone() {
            // An object or an array is not a name. If no scalar can hold the value, the message has
            // no number.
            Some(stream) => match text.as_bytes().get(stream.start)? {
                b'{' | b'[' => None,
                _ => Some(Scalar::at(text, stream)?),
            },
            None => None,
        };
        read(number, stream)
    }
}

fn read<'a>(number: Scalar<'a>, stream: Option<Scalar<'a>>) -> Option<(Cow<'a, str>, u64)> {
    let stream = stream.map_or(Cow::Borrowed(""), name);
    (stream.len() <= MAX_STREAM_NAME).then_some((stream, integer(&number)?))
}

fn integer(scalar: &Scalar<'_>) -> Option<u64> {
    match scalar {
        Scalar::Unsigned(number) => Some(*number),
        // `parse` would accept a sign.
        Scalar::Text(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}

fn name(scalar: Scalar<'_>) -> Cow<'_, str> {
    match scalar {
        Scalar::Null => "".into(),
        Scalar::Bool(value) => value.to_string().into(),
        Scalar::Unsigned(number) => number.to_string().into(),
        Scalar::Signed(number) => number.to_string().into(),
        Scalar::Float(number) => number.to_string().into(),
        Scalar::Text(text) => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same in the pass of a set with these pointers.
    fn beside<'m>(
        settings: &SequenceSettings,
        set: &[&str],
        message: &'m Message,
    ) -> Option<(Cow<'m, str>, u64)> {
        let (mut pointers, mut spans) = (PointerSet::default(), Spans::default());
        for pointer in set {
            pointers.insert(&JsonPointer::new(*pointer).unwrap());
        }
        let text = message.as_text()?;
        let (found, place) = settings.number_beside(&pointers, text, &mut spans)?;
        let mut again = Spans::default();
        let alone = pointers.find(text, &mut again).unwrap();
        for pointer in set {
            let slot = pointers.insert(&JsonPointer::new(*pointer).unwrap());
            assert_eq!(found.span(slot), alone.span(slot), "{pointer} in {text}");
        }
        place.read(message)
    }

    #[test]
    fn a_message_has_a_number_and_perhaps_a_stream() {
        let pointer = |text| JsonPointer::new(text).unwrap();
        let plain = SequenceSettings::new(pointer("/data/t"));
        let mut of_streams = plain.clone();
        of_streams.by = Some(pointer("/s"));
        let long = "x".repeat(MAX_STREAM_NAME + 1);
        for (text, number, stream) in [
            (r#"{"data":{"t":17},"s":"btc"}"#, Some(17), "btc"),
            (r#"{"s":"b\u0074c","data":{"t":"17"}}"#, Some(17), "btc"),
            (r#"{"data":{"t":0},"s":5}"#, Some(0), "5"),
            (r#"{"data":{"t":0},"s":-5}"#, Some(0), "-5"),
            (r#"{"data":{"t":1},"s":true}"#, Some(1), "true"),
            (r#"{"data":{"t":1},"s":null}"#, Some(1), ""),
            (r#"{"data":{"t":1},"s":{}}"#, Some(1), ""),
            (r#"{"data":{"t":1}}"#, Some(1), ""),
            (r#"{"data":{"t":18446744073709551615}}"#, Some(u64::MAX), ""),
            (r#"{"data":{"t":18446744073709551616}}"#, None, ""),
            (r#"{"data":{"t":-1}}"#, None, ""),
            (r#"{"data":{"t":1.5}}"#, None, ""),
            (r#"{"data":{"t":"+1"}}"#, None, ""),
            (r#"{"data":{"t":""}}"#, None, ""),
            (r#"{"data":{"t":null}}"#, None, ""),
            (r#"{"id":1,"result":null}"#, None, ""),
            ("pong", None, ""),
        ] {
            let message = Message::text(text);
            assert_eq!(
                of_streams.number_of(&message),
                number.map(|n| (stream.into(), n)),
                "{text}"
            );
            assert_eq!(
                plain.number_of(&message),
                number.map(|n| ("".into(), n)),
                "{text}"
            );
            for settings in [&plain, &of_streams] {
                for set in [&[][..], &["/data"], &["/data/t", "/s", ""], &["/x/0"]] {
                    let number = settings.number_of(&message);
                    assert_eq!(beside(settings, set, &message), number, "{text}");
                }
            }
        }
        let long = Message::text(format!(r#"{{"data":{{"t":1}},"s":"{long}"}}"#));
        assert_eq!(of_streams.number_of(&long), None);
        assert_eq!(
            plain.number_of(&Message::binary(&br#"{"data":{"t":1}}"#[..])),
            None
        );
    }

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec!["7", "-1", "\"8\"", "\"x\"", "null", r#""\ud800""#]);
        leaf.prop_map(str::to_owned)
            .prop_recursive(4, 30, 4, |inner| {
                let member = (
                    prop::sample::select(vec!["a", "b", "0", r"\u0061"]),
                    inner.clone(),
                );
                let member = member.prop_map(|(key, value)| format!("\"{key}\":{value}"));
                prop_oneof![
                    prop::collection::vec(member, 0..4)
                        .prop_map(|all| format!("{{{}}}", all.join(","))),
                    prop::collection::vec(inner, 0..4)
                        .prop_map(|all| format!("[{}]", all.join(","))),
                ]
            })
    }

    proptest! {
        #[test]
        fn a_number_is_the_same_in_a_pass_that_others_share(
            text in json(),
            number in "(/[ab01]){0,3}",
            by in prop::option::of("(/[ab01]){0,3}"),
            set in prop::collection::vec("(/[ab01]){0,3}", 0..4),
        ) {
            let pointer = |text: &str| JsonPointer::new(text).unwrap();
            let mut settings = SequenceSettings::new(pointer(&number));
            settings.by = by.as_deref().map(pointer);
            let set: Vec<&str> = set.iter().map(String::as_str).collect();
            let message = Message::text(text);
            prop_assert_eq!(beside(&settings, &set, &message), settings.number_of(&message));
        }
    }
}
