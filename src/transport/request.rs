//! Renders and checks the upgrade request before the dial.

use awc::http::Uri;
use rustls::pki_types::ServerName;

use super::{
    address::{Address, Host},
    headers::{Field, headers},
    secrets::Secrets,
    subprotocols::{Offered, subprotocols},
};
use crate::{
    core::Cause,
    settings::{ConnectionSettings, Template},
    wire::deflate::Offer,
};

/// A request that can be sent.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The URL.
    pub to: Address,
    /// Whether the request goes to the host of the settings' URL, so that no credential is left
    /// out.
    pub with_credentials: bool,
    /// The URL in the type of `awc`.
    pub uri: Uri,
    /// The name that the certificate must be valid for; `None` for `ws`.
    pub server_name: Option<ServerName<'static>>,
    /// All headers except those of the handshake itself. `Host` is the first.
    pub headers: Vec<Field>,
    /// The subprotocols that are offered.
    pub subprotocols: Vec<Offered>,
    /// The compression that is offered.
    pub compression: Option<Offer>,
}

impl Prepared {
    /// Renders the request of the settings.
    ///
    /// # Errors
    ///
    /// [`Cause::InvalidRequest`] for a request that cannot be sent, without secrets in the text;
    /// [`Cause::SecretMissing`].
    pub fn new(
        settings: &ConnectionSettings,
        url: &Template,
        secrets: &Secrets,
    ) -> Result<Self, Cause> {
        Self::of(settings, render_url(url, secrets)?, secrets, true)
    }

    /// The same request for another URL. After a redirect to another host, credentials are left
    /// out.
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

/// The URL with all templates expanded.
pub(super) fn render_url(template: &Template, secrets: &Secrets) -> Result<Address, Cause> {
    let address = match template.as_literal() {
        Some(url) => Address::parse(url),
        None => Address::parse(secrets.render(template)?.expose()),
    };
    // The error quotes the expanded URL, so the message shows the template, which has only the
    // variable names.
    address.map_err(|error| {
        invalid(format!(
            "invalid WebSocket URL {template}: {}",
            error.reason
        ))
    })
}

fn server_name(host: &Host) -> Result<ServerName<'static>, Cause> {
    match host {
        Host::Ip(ip) => Ok(ServerName::from(*ip)),
        // A trailing dot makes a name absolute for DNS. It is not part of the name in a certificate
        // (RFC 6066 §3).
        Host::Name(name) => ServerName::try_from(name.trim_end_matches('.'))
            .map(|name| name.to_owned())
            .map_err(|_| invalid(format!("the host {name:?} cannot stand in a certificate"))),
    }
}

/// Parses `tls.server_name`. The configuration checks it, but a user of the library may not have
/// done so.
fn own_server_name(name: &str) -> Result<ServerName<'static>, Cause> {
    ServerName::try_from(name.to_owned()).map_err(|_| {
        invalid(format!(
            "tls.server_name {name:?} cannot stand in a certificate"
        ))
    })
}

fn uri(to: &Address) -> Result<Uri, Cause> {
    let text = to.text.as_str();
    // The only character that a parsed query may hold and an HTTP target may not.
    let uri = match text.contains('`') {
        false => Uri::try_from(text),
        true => Uri::try_from(text.replace('`', "%60")),
    };
    uri.map_err(|error| invalid(format!("the URL cannot be requested: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        settings::{AuthEncoding, BasicAuth, Compression, Part, Secret, Subprotocol},
        transport::headers::{USER_AGENT, position},
    };

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
        assert_eq!(error, invalid("invalid header name \"X-Ü\""));
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
        assert!(
            error.text().starts_with("invalid WebSocket URL ${TOKEN}"),
            "{error}"
        );
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
