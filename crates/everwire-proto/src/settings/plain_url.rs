//! URLs that need no parser: most of those that are dialled again and again.

use std::net::Ipv4Addr;

/// The parts of a URL that a parser would leave unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainUrl<'a> {
    /// Whether the scheme is `wss`.
    pub is_tls: bool,
    /// A name in lower case, or an IPv4 address.
    pub host: &'a str,
    /// The host, if it is an address.
    pub ip: Option<Ipv4Addr>,
    /// The port, if it is not the scheme's own.
    pub port: Option<u16>,
    /// Host and port as they are written.
    pub authority: &'a str,
}

impl<'a> PlainUrl<'a> {
    /// The parts of `text` if it is such a URL. On `None` the parser must decide.
    pub fn of(text: &'a str) -> Option<Self> {
        let (is_tls, rest) = match text.strip_prefix("wss://") {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix("ws://")?),
        };
        let (authority, target) = rest.split_at(position(rest, b'/')?);
        let (host, port) = match position(authority, b':') {
            Some(at) => (
                &authority[..at],
                Some(explicit_port(&authority[at + 1..], is_tls)?),
            ),
            None => (authority, None),
        };
        let ip = match is_name(host) {
            true => None,
            false => Some(host.parse().ok()?),
        };
        is_target(target).then_some(Self {
            is_tls,
            host,
            ip,
            port,
            authority,
        })
    }
}

/// The text is too short for a search function made for long texts.
fn position(text: &str, ascii: u8) -> Option<usize> {
    text.bytes().position(|byte| byte == ascii)
}

/// Without leading zeros, and not the scheme's default, which a parser would remove.
fn explicit_port(text: &str, is_tls: bool) -> Option<u16> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let port = text.parse().ok().filter(|_| is_number)?;
    (port != if is_tls { 443 } else { 80 }).then_some(port)
}

/// Labels of lower case letters, digits and single hyphens. The last begins with a letter, since
/// otherwise it might be a number.
fn is_name(host: &str) -> bool {
    let is_label = |label: &str| {
        let is_inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        !label.is_empty()
            && label.bytes().all(|byte| is_inside(byte) || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
            && !label.contains("--")
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() < 254
        && last.starts_with(|c: char| c.is_ascii_lowercase())
        && host
            .split('.')
            .all(|label| label.len() < 64 && is_label(label))
}

/// Nothing that is or needs to be escaped, no dot segment, no fragment.
fn is_target(target: &str) -> bool {
    let is_plain = |byte: u8| IS_PLAIN[usize::from(byte)];
    let is_dot_segment = |pair: &[u8]| pair == b"/.";
    target.bytes().all(is_plain) && !target.as_bytes().windows(2).any(is_dot_segment)
}

/// The bytes that need no escape in a path or a query.
const IS_PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        plain[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let marks = b"/-_.~?=&,:;@+!*()$";
    let mut mark = 0;
    while mark < marks.len() {
        plain[marks[mark] as usize] = true;
        mark += 1;
    }
    plain
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    #[test]
    fn what_would_be_rewritten_is_not_plain() {
        for text in [
            "ws://a.example",
            "ws://A.example/",
            "ws://a.example:80/",
            "wss://a.example:443/",
            "ws://a.example:080/",
            "ws://a.example:+8/",
            "ws://a.example:/",
            "ws://127.1/",
            "ws://0x7f.1/",
            "ws://a.0x7f/",
            "ws://[::1]/",
            "ws://user@a.example/",
            "ws://a.example/./b",
            "ws://a.example/b/..",
            "ws://a.example/%2e",
            "ws://a.example/a b",
            "ws://a.example/ü",
            "ws://a.example/#f",
            "ws://xn--a.example/",
            "ws://a..example/",
            "http://a.example/",
            "ws:///",
        ] {
            assert_eq!(PlainUrl::of(text), None, "{text}");
        }
        for text in [
            "ws://a.example/",
            "wss://a-1.example:80/x?y=1&z=a@b",
            "ws://127.0.0.1:9000/echo",
        ] {
            assert!(PlainUrl::of(text).is_some(), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn a_plain_url_is_what_the_parser_says_it_is(
            text in "(ws|wss)://[a-z0-9.-]{1,12}(:[0-9]{0,5})?(/[a-zA-Z0-9/._~?=&,:;@+!*()$#%'-]{0,20})?"
        ) {
            if let Some(plain) = PlainUrl::of(&text) {
                let url = Url::parse(&text).unwrap();
                prop_assert_eq!(url.as_str(), &text);
                prop_assert_eq!(url.scheme() == "wss", plain.is_tls);
                prop_assert_eq!(url.host_str(), Some(plain.host));
                prop_assert_eq!(url.port(), plain.port);
                prop_assert_eq!(plain.host.parse().ok(), plain.ip);
                prop_assert_eq!(url.host().is_some_and(|host| matches!(host, url::Host::Domain(_))), plain.ip.is_none());
                let at = url::Position::BeforeHost..url::Position::AfterPort;
                prop_assert_eq!(&url[at], plain.authority);
                prop_assert!(crate::settings::url::parse(&text).is_ok());
            }
        }
    }
}
