//! The upgrade request, rendered and checked before anything is dialled.

use std::borrow::Cow;

use awc::http::{
    Uri,
    header::{self, HeaderName, HeaderValue},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use rustls::pki_types::ServerName;

use super::{
    address::{Address, Host},
    secrets::Secrets,
};
use crate::{
    config::{AuthEncoding, BasicAuth, ConnectionSettings, Part, Secret, Subprotocol, Template},
    core::Cause,
    wire::deflate::Offer,
};

/// What the upgrade says of itself unless the settings say otherwise.
const USER_AGENT: &str = concat!("everwire/", env!("CARGO_PKG_VERSION"));

/// Headers that belong to the handshake (RFC 6455 §4.1) or would give the request a body.
const RESERVED: [HeaderName; 9] = [
    header::CONNECTION,
    header::UPGRADE,
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_VERSION,
    header::SEC_WEBSOCKET_EXTENSIONS,
    header::SEC_WEBSOCKET_PROTOCOL,
    header::SEC_WEBSOCKET_ACCEPT,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
];

/// A header of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Its name as it is sent: the user's as it was written, ours as the standards spell it. Some servers know no other.
    pub name: Cow<'static, str>,
    pub value: HeaderValue,
}

/// A request that can be sent.
#[derive(Debug)]
pub(super) struct Prepared {
    /// What is asked for, and where.
    pub to: Address,
    /// Whether this is for the host of the settings' URL, and nothing was left out.
    pub with_credentials: bool,
    /// The same, as `awc` takes it.
    pub uri: Uri,
    /// The name that the certificate must be valid for; `None` for `ws`.
    pub server_name: Option<ServerName<'static>>,
    /// All headers but those of the handshake itself, `Host` first.
    pub headers: Vec<Field>,
    /// The subprotocols that are offered.
    pub subprotocols: Vec<Offered>,
    /// The compression that is offered.
    pub compression: Option<Offer>,
}

/// A subprotocol that is offered.
#[derive(Debug)]
pub(super) struct Offered {
    /// As the server reads it.
    pub text: Secret,
    /// As it is told: with its variables unexpanded, if it has any.
    shown: Option<String>,
}

impl Offered {
    /// As it is told.
    pub fn shown(&self) -> &str {
        self.shown.as_deref().unwrap_or(self.text.expose())
    }
}

impl Prepared {
    /// Renders the settings.
    ///
    /// # Errors
    ///
    /// [`Cause::InvalidRequest`] for what cannot be sent, in words that hold no secret; [`Cause::SecretMissing`].
    pub fn new(
        settings: &ConnectionSettings,
        url: &Template,
        secrets: &Secrets,
    ) -> Result<Self, Cause> {
        Self::of(settings, render_url(url, secrets)?, secrets, true)
    }

    /// The same request at another URL. Once a redirect has led to another host, credentials stay behind.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn redirected(
        &self,
        settings: &ConnectionSettings,
        secrets: &Secrets,
        to: Address,
        same_host: bool,
    ) -> Result<Self, Cause> {
        Self::of(settings, to, secrets, self.with_credentials && same_host)
    }

    fn of(
        settings: &ConnectionSettings,
        to: Address,
        secrets: &Secrets,
        with_credentials: bool,
    ) -> Result<Self, Cause> {
        let subprotocols = subprotocols(settings, secrets, with_credentials)?;
        let own_name = settings.tls.server_name.as_ref();
        let own_name = own_name.filter(|_| with_credentials);
        Ok(Self {
            uri: uri(&to)?,
            server_name: match (to.is_tls, own_name) {
                (false, _) => None,
                (true, None) => Some(server_name(&to.host)?),
                (true, Some(name)) => Some(own_server_name(name)?),
            },
            headers: headers(settings, secrets, &to, &subprotocols, with_credentials)?,
            subprotocols,
            compression: settings.compression.map(|compression| compression.offer()),
            to,
            with_credentials,
        })
    }
}

fn invalid(text: impl Into<String>) -> Cause {
    Cause::InvalidRequest(text.into())
}

/// The URL with everything expanded.
pub(super) fn render_url(template: &Template, secrets: &Secrets) -> Result<Address, Cause> {
    let address = match template.as_literal() {
        Some(url) => Address::parse(url),
        None => Address::parse(secrets.render(template)?.expose()),
    };
    // The error quotes the URL with all that was expanded; the template shows only the names.
    address.map_err(|error| invalid(format!("{template} is no WebSocket URL: {}", error.reason)))
}

fn server_name(host: &Host) -> Result<ServerName<'static>, Cause> {
    match host {
        Host::Ip(ip) => Ok(ServerName::from(*ip)),
        // A trailing dot makes a name absolute for DNS; it is no part of it in a certificate (RFC 6066 §3).
        Host::Name(name) => ServerName::try_from(name.trim_end_matches('.'))
            .map(|name| name.to_owned())
            .map_err(|_| invalid(format!("the host {name:?} cannot stand in a certificate"))),
    }
}

/// `tls.server_name`, which the configuration has checked, and the library's user perhaps not.
fn own_server_name(name: &str) -> Result<ServerName<'static>, Cause> {
    ServerName::try_from(name.to_owned()).map_err(|_| {
        invalid(format!(
            "tls.server_name {name:?} cannot stand in a certificate"
        ))
    })
}

fn uri(to: &Address) -> Result<Uri, Cause> {
    let text = to.text.as_str();
    // The one character that a parsed query may hold and an HTTP target may not.
    let uri = match text.contains('`') {
        false => Uri::try_from(text),
        true => Uri::try_from(text.replace('`', "%60")),
    };
    uri.map_err(|error| invalid(format!("the URL cannot be requested: {error}")))
}

fn headers(
    settings: &ConnectionSettings,
    secrets: &Secrets,
    to: &Address,
    subprotocols: &[Offered],
    with_credentials: bool,
) -> Result<Vec<Field>, Cause> {
    let mut headers = Vec::with_capacity(settings.headers.len() + 5);
    for (name, template) in &settings.headers {
        let parsed = header_name(name)?;
        if !with_credentials && !is_harmless(&parsed, template.expose()) {
            continue;
        }
        let value = header_value(name, &secrets.render(template.expose())?)?;
        headers.push(Field {
            name: Cow::Owned(name.clone()),
            value,
        });
    }
    // RFC 9110 §7.2: it should be the first.
    match position(&headers, "Host") {
        Some(at) => headers[..=at].rotate_right(1),
        None => headers.insert(0, ours("Host", host_header(to)?)),
    }
    if position(&headers, "User-Agent").is_none() {
        headers.push(ours("User-Agent", HeaderValue::from_static(USER_AGENT)));
    }
    if let Some(auth) = settings.basic_auth.as_ref().filter(|_| with_credentials) {
        if position(&headers, "Authorization").is_some() {
            let text = "basic_auth and a header Authorization exclude each other";
            return Err(invalid(text));
        }
        headers.push(ours("Authorization", authorization(auth, secrets)?));
    }
    if !subprotocols.is_empty() {
        headers.push(ours("Sec-WebSocket-Protocol", offer(subprotocols)?));
    }
    if let Some(compression) = settings.compression {
        let value = HeaderValue::try_from(compression.offer().to_string())
            .map_err(|_| invalid("the offer of compression cannot stand in a header"))?;
        headers.push(ours("Sec-WebSocket-Extensions", value));
    }
    Ok(headers)
}

fn ours(name: &'static str, value: HeaderValue) -> Field {
    let name = Cow::Borrowed(name);
    Field { name, value }
}

fn position(headers: &[Field], name: &str) -> Option<usize> {
    headers
        .iter()
        .position(|given| given.name.eq_ignore_ascii_case(name))
}

/// Whether a header may go to a host that the settings do not name. Any other may hold a secret, and `Host` is wrong there.
pub(super) fn is_harmless(name: &HeaderName, value: &Template) -> bool {
    let is_literal = |part: &Part| matches!(part, Part::Literal(_));
    [header::USER_AGENT, header::ORIGIN, header::ACCEPT_LANGUAGE].contains(name)
        && value.parts().iter().all(is_literal)
}

pub(super) fn header_name(name: &str) -> Result<HeaderName, Cause> {
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| invalid(format!("{name:?} is no header name")))?;
    match RESERVED.contains(&parsed) {
        true => Err(invalid(format!(
            "the header {name} is part of the handshake and cannot be set"
        ))),
        false => Ok(parsed),
    }
}

fn header_value(name: &str, value: &Secret) -> Result<HeaderValue, Cause> {
    HeaderValue::from_bytes(value.expose().as_bytes())
        .map_err(|_| invalid(format!("the header {name} holds a control character")))
}

fn host_header(to: &Address) -> Result<HeaderValue, Cause> {
    HeaderValue::from_str(to.authority())
        .map_err(|_| invalid("the URL's host cannot stand in a header"))
}

/// RFC 7617 §2: no colon in the user's name, no control characters at all.
pub(super) fn authorization(auth: &BasicAuth, secrets: &Secrets) -> Result<HeaderValue, Cause> {
    let (user, password) = (
        secrets.render(&auth.user)?,
        secrets.render(auth.password.expose())?,
    );
    if user.expose().contains(':') {
        return Err(invalid("the user of basic_auth holds a colon"));
    }
    let pair = format!("{}:{}", user.expose(), password.expose());
    if pair.contains(char::is_control) {
        return Err(invalid("basic_auth holds a control character"));
    }
    let bytes = match auth.encoding {
        AuthEncoding::Utf8 => pair.into_bytes(),
        AuthEncoding::Latin1 => pair
            .chars()
            .map(|c| u8::try_from(u32::from(c)))
            .collect::<Result<_, _>>()
            .map_err(|_| invalid("basic_auth holds a character that latin1 has not"))?,
    };
    HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(bytes)))
        .map_err(|_| invalid("basic_auth cannot stand in a header"))
}

/// What is offered: unique tokens (RFC 6455 §4.1). One with a variable may hold a secret, and is not for a host that the settings do
/// not name.
fn subprotocols(
    settings: &ConnectionSettings,
    secrets: &Secrets,
    with_credentials: bool,
) -> Result<Vec<Offered>, Cause> {
    let mut offered: Vec<Offered> = Vec::with_capacity(settings.subprotocols.len());
    for template in settings.subprotocols.iter().map(Subprotocol::template) {
        if template.has_variables() && !with_credentials {
            continue;
        }
        let text = secrets.render(template)?;
        let name = || template.to_string();
        if text.expose().is_empty() || !text.expose().bytes().all(is_token_byte) {
            return Err(invalid(format!("{:?} is no subprotocol", name())));
        }
        if offered.iter().any(|other| other.text == text) {
            let text = format!("the subprotocol {:?} is offered twice", name());
            return Err(invalid(text));
        }
        offered.push(Offered {
            text,
            shown: template.has_variables().then(name),
        });
    }
    Ok(offered)
}

/// In the order of preference.
fn offer(subprotocols: &[Offered]) -> Result<HeaderValue, Cause> {
    let texts: Vec<_> = subprotocols.iter().map(|one| one.text.expose()).collect();
    HeaderValue::try_from(texts.join(", "))
        .map_err(|_| invalid("the subprotocols cannot stand in a header"))
}

/// RFC 9110 §5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Compression;

    fn prepare(settings: &ConnectionSettings) -> Result<Prepared, Cause> {
        Prepared::new(settings, &settings.url, &Secrets::default())
    }

    fn settings(url: &str) -> ConnectionSettings {
        ConnectionSettings::new(url).unwrap()
    }

    fn header<'a>(prepared: &'a Prepared, name: &str) -> Option<&'a [u8]> {
        let found = position(&prepared.headers, name)?;
        Some(prepared.headers[found].value.as_bytes())
    }

    #[test]
    fn the_host_header_leaves_out_default_ports_and_brackets_ipv6() {
        for (url, host) in [
            ("ws://a.example/x", "a.example"),
            ("wss://A.example:443/", "a.example"),
            ("wss://a.example:80/", "a.example:80"),
            ("ws://[::1]:9000/", "[::1]:9000"),
            ("ws://127.0.0.1", "127.0.0.1"),
            ("ws://127.1:81?q", "127.0.0.1:81"),
        ] {
            let prepared = prepare(&settings(url)).unwrap();
            assert_eq!(header(&prepared, "host"), Some(host.as_bytes()), "{url}");
        }
    }

    #[test]
    fn the_target_is_kept_and_made_fit_for_http() {
        let prepared = prepare(&settings("wss://a.example/a b/ü?q=`|{}^\"&x=1")).unwrap();
        let target = prepared.uri.path_and_query().unwrap().as_str();
        assert_eq!(target, "/a%20b/%C3%BC?q=%60|{}^%22&x=1");
        assert_eq!(prepared.uri.scheme_str(), Some("wss"));
    }

    #[test]
    fn the_users_headers_win_over_ours_but_not_over_the_handshakes() {
        let mut own = settings("ws://a.example/");
        assert_eq!(
            header(&prepare(&own).unwrap(), "user-agent"),
            Some(USER_AGENT.as_bytes())
        );
        own.headers = vec![
            ("User-Agent".into(), "me/1".into()),
            ("HOST".into(), "b.example".into()),
            ("X-Ü".into(), "x".into()),
        ];
        let error = prepare(&own).unwrap_err();
        assert_eq!(error, invalid("\"X-Ü\" is no header name"));
        own.headers[2] = ("X-Name".into(), "grüße".into());
        let prepared = prepare(&own).unwrap();
        assert_eq!(header(&prepared, "user-agent"), Some(&b"me/1"[..]));
        assert_eq!(header(&prepared, "host"), Some(&b"b.example"[..]));
        assert_eq!(header(&prepared, "x-name"), Some("grüße".as_bytes()));
        let names: Vec<_> = prepared.headers.iter().map(|field| &*field.name).collect();
        assert_eq!(
            names,
            ["HOST", "User-Agent", "X-Name"],
            "as they were written"
        );
        for name in ["Sec-WebSocket-Protocol", "connection", "Content-Length"] {
            own.headers = vec![(name.into(), "x".into())];
            assert_eq!(prepare(&own).unwrap_err().kind(), "invalid_request");
        }
    }

    #[test]
    fn no_secret_is_told_when_something_cannot_be_sent() {
        let secret = |text: &str| {
            Template::from_parts([Part::Env {
                name: "TOKEN".into(),
                value: Secret::new(text),
            }])
        };
        let mut own = settings("ws://a.example/");
        own.headers = vec![("Authorization".into(), secret("hidden\r\nX: y").into())];
        let error = prepare(&own).unwrap_err();
        assert_eq!(error.kind(), "invalid_request");
        assert!(!error.text().contains("hidden"), "{error}");

        let url = ConnectionSettings::with_url(secret("ws://hidden\u{7f}/"));
        let error = prepare(&url).unwrap_err();
        assert!(error.text().starts_with("${TOKEN} is no"), "{error}");
        assert!(!error.text().contains("hidden"), "{error}");
    }

    #[test]
    fn credentials_stay_behind_when_the_host_changes() {
        let mut own = settings("wss://a.example/");
        own.tls.server_name = Some("inner.example".into());
        own.basic_auth = Some(BasicAuth {
            user: "a".into(),
            password: "b".into(),
            encoding: AuthEncoding::Utf8,
        });
        own.headers = vec![
            ("Cookie".into(), "c=1".into()),
            ("X-Key".into(), "literal".into()),
            ("Host".into(), "front.example".into()),
            ("Origin".into(), "https://o.example".into()),
            (
                "User-Agent".into(),
                Template::from_parts([Part::Env {
                    name: "UA".into(),
                    value: Secret::new("hidden"),
                }])
                .into(),
            ),
        ];
        let home = prepare(&own).unwrap();
        let go = |from: &Prepared, to: &str, same_host| {
            from.redirected(
                &own,
                &Secrets::default(),
                Address::parse(to).unwrap(),
                same_host,
            )
            .unwrap()
        };
        let near = go(&home, "wss://a.example/b", true);
        assert_eq!(near.headers, home.headers);
        assert_eq!(near.server_name, home.server_name);
        let away = go(&near, "wss://b.example/", false);
        let back = go(&away, "wss://b.example/c", true);
        for prepared in [away, back] {
            assert!(!prepared.with_credentials);
            for absent in ["authorization", "cookie", "x-key"] {
                assert_eq!(header(&prepared, absent), None);
            }
            assert_eq!(header(&prepared, "host"), Some(&b"b.example"[..]));
            assert_eq!(header(&prepared, "origin"), Some(&b"https://o.example"[..]));
            assert_eq!(header(&prepared, "user-agent"), Some(USER_AGENT.as_bytes()));
            let name = ServerName::try_from("b.example").unwrap();
            assert_eq!(prepared.server_name, Some(name));
        }
    }

    #[test]
    fn basic_auth_is_encoded_as_asked_for() {
        let mut own = settings("ws://a.example/");
        for (encoding, expected) in [
            (AuthEncoding::Utf8, "Basic dGVzdDoxMjPCow=="),
            (AuthEncoding::Latin1, "Basic dGVzdDoxMjOj"),
        ] {
            own.basic_auth = Some(BasicAuth {
                user: "test".into(),
                password: "123£".into(),
                encoding,
            });
            let prepared = prepare(&own).unwrap();
            let value = header(&prepared, "authorization");
            assert_eq!(value, Some(expected.as_bytes()));
        }
    }

    #[test]
    fn basic_auth_that_cannot_be_sent_is_refused() {
        let mut own = settings("ws://a.example/");
        for (user, password, encoding) in [
            ("a:b", "x", AuthEncoding::Utf8),
            ("a", "x\n", AuthEncoding::Utf8),
            ("a", "€", AuthEncoding::Latin1),
        ] {
            own.basic_auth = Some(BasicAuth {
                user: user.into(),
                password: password.into(),
                encoding,
            });
            assert_eq!(prepare(&own).unwrap_err().kind(), "invalid_request");
        }
        own.headers = vec![("authorization".into(), "x".into())];
        own.basic_auth = Some(BasicAuth {
            user: "a".into(),
            password: "b".into(),
            encoding: AuthEncoding::Utf8,
        });
        assert!(prepare(&own).unwrap_err().text().contains("exclude"));
    }

    #[test]
    fn compression_is_offered_where_it_is_wanted() {
        let mut own = settings("ws://a.example/");
        let name = "sec-websocket-extensions";
        assert_eq!(header(&prepare(&own).unwrap(), name), None);
        own.compression = Some(Compression::default());
        let offered = "permessage-deflate; client_max_window_bits";
        let prepared = prepare(&own).unwrap();
        assert_eq!(header(&prepared, name), Some(offered.as_bytes()));
    }

    #[test]
    fn subprotocols_are_unique_tokens() {
        let mut own = settings("ws://a.example/");
        own.subprotocols = vec!["ocpp2.0.1".into(), "ocpp1.6".into()];
        let prepared = prepare(&own).unwrap();
        assert_eq!(
            header(&prepared, "sec-websocket-protocol"),
            Some(&b"ocpp2.0.1, ocpp1.6"[..])
        );
        for bad in [["a", "a"], ["a", ""], ["a", "b c"], ["a", "b,c"]] {
            own.subprotocols = bad.map(Subprotocol::from).to_vec();
            assert_eq!(prepare(&own).unwrap_err().kind(), "invalid_request");
        }
    }

    #[test]
    fn the_certificates_name_is_the_urls_host() {
        let name = |url| prepare(&settings(url)).unwrap().server_name;
        assert_eq!(name("ws://a.example/"), None);
        let dns = |name: &'static str| Some(ServerName::try_from(name).unwrap());
        assert_eq!(name("wss://a.example./"), dns("a.example"));
        assert_eq!(name("wss://[::1]/"), dns("::1"));
        assert_eq!(name("wss://127.0.0.1/"), dns("127.0.0.1"));
    }
}
