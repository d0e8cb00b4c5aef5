//! The server's answer to an offer (RFC 7692 §5.1, §7.1).

use super::{
    Agreed, CLIENT_MAX_WINDOW_BITS, CLIENT_NO_CONTEXT_TAKEOVER, NAME, Offer,
    SERVER_MAX_WINDOW_BITS, SERVER_NO_CONTEXT_TAKEOVER, WindowBits,
};

/// Why an answer's `Sec-WebSocket-Extensions` cannot be accepted: the connection must be failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// An extension that was not offered (RFC 6455 §4.1).
    #[error("the server agreed to the extension {0:?}, which was not offered")]
    NotOffered(String),
    /// More than one extension, or the same one twice; only one was offered.
    #[error("the server agreed to more than one extension")]
    Several,
    /// A parameter that permessage-deflate does not have.
    #[error("the server's permessage-deflate has the unknown parameter {0:?}")]
    UnknownParameter(String),
    /// A parameter that stands there twice.
    #[error("the server's permessage-deflate has {0} twice")]
    Repeated(&'static str),
    /// A value that the parameter cannot have.
    #[error("the server's permessage-deflate has {parameter}={value:?}, not a number from 8 to 15")]
    WindowBits {
        /// The parameter's name.
        parameter: &'static str,
        /// What stands behind it; empty if nothing does.
        value: String,
    },
    /// A value where there can be none.
    #[error("the server's permessage-deflate gives {0} a value, but it takes none")]
    UnexpectedValue(&'static str),
    /// The server did not agree to what was demanded.
    #[error("the server agreed to permessage-deflate without {0}, which we require")]
    Missing(&'static str),
    /// The server wants a larger window than it was allowed.
    #[error(
        "the server's permessage-deflate has server_max_window_bits={answered}, and {demanded} is required"
    )]
    ServerWindow {
        /// What was demanded.
        demanded: WindowBits,
        /// What was answered.
        answered: WindowBits,
    },
    /// The server limits our window although the offer did not allow it to (§7.1.2.2).
    #[error("the server's permessage-deflate has client_max_window_bits, which was not offered")]
    ClientWindow,
}

/// Checks an answer by its lines of `Sec-WebSocket-Extensions`, any of which may have several
/// elements. `None`: the server wants no compression.
///
/// # Errors
///
/// [`AnswerError`] if the answer does not match the offer.
pub fn agree<'a>(
    offer: Option<&Offer>,
    lines: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Option<Agreed>, AnswerError> {
    let mut elements = lines
        .into_iter()
        .flat_map(|line| line.split(|byte| *byte == b','))
        .map(|element| String::from_utf8_lossy(element.trim_ascii()))
        .filter(|element| !element.is_empty());
    let Some(element) = elements.next() else {
        return Ok(None);
    };
    let mut parts = element.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let Some(offer) = offer.filter(|_| name == NAME) else {
        return Err(AnswerError::NotOffered(name.into()));
    };
    if elements.next().is_some() {
        return Err(AnswerError::Several);
    }
    let mut answer = Answer::default();
    for part in parts {
        answer.parameter(part)?;
    }
    answer.accept(offer).map(Some)
}

/// The parameters of the answer.
#[derive(Default)]
struct Answer {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<WindowBits>,
    client_max_window_bits: Option<WindowBits>,
}

impl Answer {
    fn parameter(&mut self, part: &str) -> Result<(), AnswerError> {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim_end(), Some(unquoted(value.trim_start()))),
            None => (part, None),
        };
        match name {
            SERVER_NO_CONTEXT_TAKEOVER => flag(
                &mut self.server_no_context_takeover,
                SERVER_NO_CONTEXT_TAKEOVER,
                value,
            ),
            CLIENT_NO_CONTEXT_TAKEOVER => flag(
                &mut self.client_no_context_takeover,
                CLIENT_NO_CONTEXT_TAKEOVER,
                value,
            ),
            SERVER_MAX_WINDOW_BITS => bits(
                &mut self.server_max_window_bits,
                SERVER_MAX_WINDOW_BITS,
                value,
            ),
            CLIENT_MAX_WINDOW_BITS => bits(
                &mut self.client_max_window_bits,
                CLIENT_MAX_WINDOW_BITS,
                value,
            ),
            other => Err(AnswerError::UnknownParameter(other.into())),
        }
    }

    /// Compares the answer with the offer.
    fn accept(self, offer: &Offer) -> Result<Agreed, AnswerError> {
        if offer.server_no_context_takeover && !self.server_no_context_takeover {
            return Err(AnswerError::Missing(SERVER_NO_CONTEXT_TAKEOVER));
        }
        let demanded = offer.server_max_window_bits;
        let server_max_window_bits = match self.server_max_window_bits {
            Some(answered) if answered > demanded => {
                return Err(AnswerError::ServerWindow { demanded, answered });
            }
            Some(answered) => answered,
            None if demanded < WindowBits::MAX => {
                return Err(AnswerError::Missing(SERVER_MAX_WINDOW_BITS));
            }
            None => WindowBits::MAX,
        };
        // A server may ignore our hint (§7.1.2.2); then the smaller one applies.
        let client_max_window_bits =
            match (offer.client_max_window_bits, self.client_max_window_bits) {
                (None, Some(_)) => return Err(AnswerError::ClientWindow),
                (offered, answered) => offered.min(answered).or(offered).unwrap_or_default(),
            };
        Ok(Agreed {
            server_no_context_takeover: self.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover
                || offer.client_no_context_takeover,
            server_max_window_bits,
            client_max_window_bits,
        })
    }
}

fn flag(slot: &mut bool, name: &'static str, value: Option<&str>) -> Result<(), AnswerError> {
    if value.is_some() {
        return Err(AnswerError::UnexpectedValue(name));
    }
    match std::mem::replace(slot, true) {
        true => Err(AnswerError::Repeated(name)),
        false => Ok(()),
    }
}

fn bits(
    slot: &mut Option<WindowBits>,
    name: &'static str,
    value: Option<&str>,
) -> Result<(), AnswerError> {
    let value = value.unwrap_or_default();
    let bits = WindowBits::parse(value).ok_or_else(|| AnswerError::WindowBits {
        parameter: name,
        value: value.into(),
    })?;
    match slot.replace(bits) {
        Some(_) => Err(AnswerError::Repeated(name)),
        None => Ok(()),
    }
}

/// The content of a quoted string must be a token (RFC 6455 §9.1), so escapes in it have no
/// purpose.
fn unquoted(value: &str) -> &str {
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inner.unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(bits: u8) -> WindowBits {
        WindowBits::new(bits).unwrap()
    }

    fn offer(server: u8, client: Option<u8>) -> Offer {
        Offer {
            server_max_window_bits: bits(server),
            client_max_window_bits: client.map(bits),
            ..Offer::default()
        }
    }

    fn answer(offer: &Offer, line: &str) -> Result<Option<Agreed>, String> {
        agree(Some(offer), [line.as_bytes()]).map_err(|error| error.to_string())
    }

    /// The context takeover of server and client, then their windows.
    fn agreed(offer: &Offer, line: &str) -> (bool, bool, u8, u8) {
        let agreed = answer(offer, line).unwrap().unwrap();
        (
            !agreed.server_no_context_takeover,
            !agreed.client_no_context_takeover,
            agreed.server_max_window_bits.get(),
            agreed.client_max_window_bits.get(),
        )
    }

    #[test]
    fn an_offer_says_what_differs_from_the_default() {
        let all = Offer {
            server_no_context_takeover: true,
            client_no_context_takeover: true,
            ..offer(8, Some(12))
        };
        for (offer, expected) in [
            (
                Offer::default(),
                "permessage-deflate; client_max_window_bits",
            ),
            (offer(15, None), "permessage-deflate"),
            (
                all,
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                 server_max_window_bits=8; client_max_window_bits=12",
            ),
        ] {
            assert_eq!(offer.to_string(), expected);
        }
    }

    #[test]
    fn no_extension_in_the_answer_means_no_compression() {
        for lines in [&[][..], &[&b""[..]], &[&b" , "[..], b","]] {
            assert_eq!(
                agree(Some(&Offer::default()), lines.iter().copied()),
                Ok(None)
            );
            assert_eq!(agree(None, lines.iter().copied()), Ok(None));
        }
    }

    #[test]
    fn each_good_answer_is_understood() {
        let own = Offer {
            client_no_context_takeover: true,
            ..Offer::default()
        };
        for (offer, line, expected) in [
            (Offer::default(), "permessage-deflate", (true, true, 15, 15)),
            (
                Offer::default(),
                " permessage-deflate ,",
                (true, true, 15, 15),
            ),
            (
                Offer::default(),
                "permessage-deflate;server_no_context_takeover ; client_no_context_takeover",
                (false, false, 15, 15),
            ),
            (
                Offer::default(),
                "permessage-deflate; server_max_window_bits=10; client_max_window_bits=\"9\"",
                (true, true, 10, 9),
            ),
            (
                Offer::default(),
                "permessage-deflate; client_max_window_bits = 8; server_max_window_bits=8",
                (true, true, 8, 8),
            ),
            (
                offer(12, Some(11)),
                "permessage-deflate; server_max_window_bits=12",
                (true, true, 12, 11),
            ),
            (
                offer(15, Some(11)),
                "permessage-deflate; client_max_window_bits=13",
                (true, true, 15, 11),
            ),
            (offer(15, None), "permessage-deflate", (true, true, 15, 15)),
            (own, "permessage-deflate", (true, false, 15, 15)),
        ] {
            assert_eq!(agreed(&offer, line), expected, "{line}");
        }
    }

    #[test]
    fn each_bad_answer_is_refused_in_words() {
        let all = Offer::default();
        let alone = Offer {
            server_no_context_takeover: true,
            ..all
        };
        for (offer, line, expected) in [
            (
                all,
                "x-webkit-deflate-frame",
                "the extension \"x-webkit-deflate-frame\", which was not",
            ),
            (all, "Permessage-Deflate", "which was not offered"),
            (all, "; x", "the extension \"\", which was not offered"),
            (
                all,
                "permessage-deflate, permessage-deflate",
                "more than one extension",
            ),
            (all, "permessage-deflate, x", "more than one extension"),
            (
                all,
                "permessage-deflate; x=1",
                "the unknown parameter \"x\"",
            ),
            (all, "permessage-deflate;", "the unknown parameter \"\""),
            (
                all,
                "permessage-deflate; \"client_no_context_takeover\"",
                "unknown parameter",
            ),
            (
                all,
                "permessage-deflate; server_no_context_takeover=",
                "gives server_no_context_takeover a value",
            ),
            (
                all,
                "permessage-deflate; client_no_context_takeover=true",
                "gives client_no_context_takeover a",
            ),
            (
                all,
                "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
                "client_no_context_takeover twice",
            ),
            (
                all,
                "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9",
                "server_max_window_bits twice",
            ),
            (
                all,
                "permessage-deflate; server_max_window_bits",
                "server_max_window_bits=\"\", not a number",
            ),
            (
                all,
                "permessage-deflate; server_max_window_bits=7",
                "=\"7\", not a number from 8 to 15",
            ),
            (
                all,
                "permessage-deflate; server_max_window_bits=16",
                "=\"16\", not a number",
            ),
            (
                all,
                "permessage-deflate; server_max_window_bits=010",
                "=\"010\", not a number",
            ),
            (
                all,
                "permessage-deflate; client_max_window_bits=+9",
                "=\"+9\", not a number",
            ),
            (
                all,
                "permessage-deflate; client_max_window_bits=\"9",
                "not a number from 8 to 15",
            ),
            (
                all,
                "permessage-deflate; client_max_window_bits=4294967305",
                "not a number from 8 to 15",
            ),
            (
                alone,
                "permessage-deflate",
                "without server_no_context_takeover, which we require",
            ),
            (
                offer(10, None),
                "permessage-deflate",
                "without server_max_window_bits, which we require",
            ),
            (
                offer(10, None),
                "permessage-deflate; server_max_window_bits=11",
                "=11, and 10 is required",
            ),
            (
                offer(15, None),
                "permessage-deflate; client_max_window_bits=10",
                "client_max_window_bits, which was not",
            ),
        ] {
            let error = answer(&offer, line).unwrap_err();
            assert!(error.contains(expected), "{line}: {error}");
        }
        let unasked = agree(None, [&b"permessage-deflate"[..]]).unwrap_err();
        assert!(matches!(unasked, AnswerError::NotOffered(_)));
        let lines = [&b"permessage-deflate"[..], b"permessage-deflate"];
        assert_eq!(agree(Some(&all), lines), Err(AnswerError::Several));
    }
}
