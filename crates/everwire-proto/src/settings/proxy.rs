//! The proxy of dials: a single one, or that of the environment.

use std::{fmt, net::IpAddr};

use percent_encoding::percent_decode_str;
use url::Url;

use super::NoProxy;
use crate::language::{Part, Secret, Template};

/// `proxy`: the proxy of all dials of a name. There is no fallback: a proxy that cannot be used is
/// a failed dial.
#[derive(Clone, Debug, PartialEq)]
pub enum Proxy {
    /// One proxy, for everything.
    Url(ProxyUrl),
    /// `"env"`: the environment's proxies at the time when the configuration was loaded.
    Environment(Box<EnvironmentProxies>),
}

/// The URL of a proxy: `http://`, `https://`, `socks5://` or `socks5h://`, with user and password
/// if needed.
///
/// `Debug` and `Display` show neither user nor password.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl(Template);

/// `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in lower or upper case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EnvironmentProxies {
    https: Option<Named>,
    http: Option<Named>,
    all: Option<Named>,
    exempt: NoProxy,
}

/// The proxy of a variable. An invalid value matters only to the dials that would use it.
type Named = Result<ProxyUrl, InvalidProxyVariable>;

/// The text is not the URL of a proxy. It is not quoted, since it may contain a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid proxy URL: {0}")]
pub struct InvalidProxy(pub String);

/// A variable of the environment that names a proxy names none that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {variable}: {reason}")]
pub struct InvalidProxyVariable {
    /// The variable.
    pub variable: String,
    /// What is wrong with its value.
    pub reason: InvalidProxy,
}

/// The protocol of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyKind {
    /// CONNECT (RFC 9110 §9.3.6).
    Http,
    /// CONNECT over TLS.
    Https,
    /// SOCKS5 (RFC 1928); we resolve host names.
    Socks5,
    /// SOCKS5; the proxy resolves host names.
    Socks5h,
}

impl ProxyKind {
    /// The kind of a scheme in lower case.
    fn of_scheme(scheme: &str) -> Option<Self> {
        Some(match scheme {
            "http" => Self::Http,
            "https" => Self::Https,
            "socks5" => Self::Socks5,
            "socks5h" => Self::Socks5h,
            _ => return None,
        })
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks5 | Self::Socks5h => 1080,
        }
    }
}

/// The kind of a template's proxy; `None` if a file or a secret decides.
fn kind_of(template: &Template) -> Option<ProxyKind> {
    let known = template.parts().iter().map_while(|part| match part {
        Part::Literal(text) => Some(&**text),
        Part::Env { value, .. } => Some(value.expose()),
        Part::File(_) | Part::Stored(_) | Part::Hole(_) => None,
    });
    let known: String = known.collect();
    let (scheme, _) = known.trim_start().split_once(':')?;
    ProxyKind::of_scheme(&scheme.to_ascii_lowercase())
}

/// The parts of a proxy's URL.
#[derive(Clone, Debug, PartialEq)]
pub struct ProxyParts {
    /// Its protocol.
    pub kind: ProxyKind,
    /// A name or an address, in lower case and without brackets.
    pub host: String,
    /// The port, the default one included.
    pub port: u16,
    /// User and password, percent-decoded.
    pub login: Option<(Secret, Secret)>,
}

impl Proxy {
    /// The proxy for a host and port, `tls` for `wss`; `None` if the environment names none.
    ///
    /// # Errors
    ///
    /// The environment names an invalid proxy.
    pub fn for_target(
        &self,
        host: &str,
        port: u16,
        tls: bool,
    ) -> Result<Option<&ProxyUrl>, &InvalidProxyVariable> {
        match self {
            Self::Url(url) => Ok(Some(url)),
            Self::Environment(proxies) => proxies.for_target(host, port, tls),
        }
    }

    /// Whether some dials use a SOCKS5 proxy, as far as that is known before a file or a secret is
    /// read.
    pub fn speaks_socks(&self) -> bool {
        let is_socks = |kind| matches!(kind, ProxyKind::Socks5 | ProxyKind::Socks5h);
        self.templates().filter_map(kind_of).any(is_socks)
    }

    /// All templates that a dial may need.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        let (one, several) = match self {
            Self::Url(url) => (Some(url), None),
            Self::Environment(proxies) => (None, Some(proxies)),
        };
        let several = several
            .into_iter()
            .flat_map(|proxies| [&proxies.https, &proxies.http, &proxies.all])
            .filter_map(|named| named.as_ref()?.as_ref().ok());
        one.into_iter().chain(several).map(|url| &url.0)
    }
}

impl ProxyUrl {
    /// A proxy's URL. Nothing in the text is expanded.
    ///
    /// # Errors
    ///
    /// [`InvalidProxy`] when it has another scheme, no host, or a path.
    pub fn new(url: &str) -> Result<Self, InvalidProxy> {
        parse_proxy(url)?;
        Ok(Self(Template::literal(url)))
    }

    /// A template that is checked when it is rendered.
    pub fn from_template(url: Template) -> Self {
        Self(url)
    }

    /// The template.
    pub fn template(&self) -> &Template {
        &self.0
    }
}

impl fmt::Display for ProxyUrl {
    /// User and password are `***`; variables are shown by name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.0.parts();
        let has_at = |part: &Part| matches!(part, Part::Literal(text) if text.contains('@'));
        let Some(end) = parts.iter().rposition(has_at) else {
            return write!(f, "{}", self.0);
        };
        for (number, part) in parts.iter().enumerate() {
            match part {
                Part::Literal(text) if number <= end => {
                    let start = match (number, text.find("://")) {
                        (0, Some(at)) => at + 3,
                        _ => 0,
                    };
                    let rest = match number == end {
                        true => text.rfind('@').unwrap_or(text.len()),
                        false => text.len(),
                    };
                    let hidden = if start < rest { "***" } else { "" };
                    write!(f, "{}{hidden}{}", &text[..start], &text[rest.max(start)..])?;
                }
                part => write!(f, "{}", Template::from_parts([part.clone()]))?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl EnvironmentProxies {
    /// Takes the variables from `variable`; the lower case of each wins.
    ///
    /// If `REQUEST_METHOD` is set, the upper case `HTTP_PROXY` is ignored: in a CGI program it
    /// comes from a request's header.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let is_cgi = variable("REQUEST_METHOD").is_some();
        let lookup = |name: &str| {
            let upper = name.to_ascii_uppercase();
            let names = [
                Some(name.to_owned()),
                Some(upper).filter(|name| name != "HTTP_PROXY" || !is_cgi),
            ];
            let mut found = names.into_iter().flatten().filter_map(|name| {
                let value = variable(&name)?;
                Some((name, value.trim().to_owned())).filter(|(_, value)| !value.is_empty())
            });
            found.next()
        };
        let proxy = |name: &str| lookup(name).map(|(name, value)| from_variable(name, &value));
        Self {
            https: proxy("https_proxy"),
            http: proxy("http_proxy"),
            all: proxy("all_proxy"),
            exempt: lookup("no_proxy")
                .map(|(_, value)| NoProxy::parse(&value))
                .unwrap_or_default(),
        }
    }

    /// Whether the proxy for `wss` (`tls`), or for `ws`, can be used.
    ///
    /// # Errors
    ///
    /// [`InvalidProxyVariable`]: its variable, or `ALL_PROXY` if it has none of its own, does not
    /// name a proxy.
    pub fn check(&self, tls: bool) -> Result<(), &InvalidProxyVariable> {
        self.named(tls).map(|_| ())
    }

    fn for_target(
        &self,
        host: &str,
        port: u16,
        tls: bool,
    ) -> Result<Option<&ProxyUrl>, &InvalidProxyVariable> {
        match self.exempt.covers(host, port) {
            true => Ok(None),
            false => self.named(tls),
        }
    }

    fn named(&self, tls: bool) -> Result<Option<&ProxyUrl>, &InvalidProxyVariable> {
        let own = if tls { &self.https } else { &self.http };
        own.as_ref()
            .or(self.all.as_ref())
            .map(Result::as_ref)
            .transpose()
    }
}

/// A value without a scheme is an HTTP proxy.
fn from_variable(name: String, value: &str) -> Result<ProxyUrl, InvalidProxyVariable> {
    let scheme = if value.contains("://") { "" } else { "http://" };
    if let Err(reason) = parse_proxy(&format!("{scheme}{value}")) {
        return Err(InvalidProxyVariable {
            variable: name,
            reason,
        });
    }
    let value = Part::Env {
        name: name.into(),
        value: Secret::new(value),
    };
    let scheme = Some(scheme).filter(|scheme| !scheme.is_empty());
    let parts: Vec<Part> = scheme
        .map(|scheme| Part::Literal(scheme.into()))
        .into_iter()
        .chain([value])
        .collect();
    Ok(ProxyUrl(Template::from_parts(parts)))
}

/// Splits a proxy's URL into its parts.
///
/// # Errors
///
/// [`InvalidProxy`] when it has another scheme, no host, or a path.
pub fn parse_proxy(text: &str) -> Result<ProxyParts, InvalidProxy> {
    let invalid = |reason: &str| InvalidProxy(reason.to_owned());
    let url = Url::parse(text).map_err(|error| {
        InvalidProxy(format!(
            "{error}; write http://host:port or socks5://host:port"
        ))
    })?;
    let kind = ProxyKind::of_scheme(url.scheme())
        .ok_or_else(|| invalid("its scheme must be http, https, socks5 or socks5h"))?;
    let host = url.host_str().unwrap_or_default();
    if host.is_empty() {
        return Err(invalid("the host is missing"));
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("it must end behind the port"));
    }
    let login = match (url.username(), url.password()) {
        ("", None) => None,
        (user, password) => Some((decode(user)?, decode(password.unwrap_or_default())?)),
    };
    if let Some((user, password)) = &login {
        let long = user.expose().len() > 255 || password.expose().len() > 255;
        if user.expose().is_empty() || long || user.expose().contains(':') {
            return Err(invalid(
                "the user must not be empty nor hold a colon, and neither it nor the password may be longer than 255 bytes",
            ));
        }
    }
    Ok(ProxyParts {
        kind,
        host: host.trim_matches(['[', ']']).to_ascii_lowercase(),
        port: url.port().unwrap_or(kind.default_port()),
        login,
    })
}

fn decode(text: &str) -> Result<Secret, InvalidProxy> {
    let decoded = percent_decode_str(text).decode_utf8();
    match decoded {
        Ok(text) if !text.contains(char::is_control) => Ok(Secret::new(text.into_owned())),
        _ => Err(InvalidProxy(
            "its user or password holds a control character, or is not UTF-8".into(),
        )),
    }
}

impl ProxyParts {
    /// The host, if it is an address.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

impl fmt::Display for ProxyParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_url_is_taken_apart() {
        for (text, kind, shown, login) in [
            ("http://h", ProxyKind::Http, "h:80", None),
            ("http://H:3128/", ProxyKind::Http, "h:3128", None),
            ("https://h", ProxyKind::Https, "h:443", None),
            (
                "socks5://127.0.0.1",
                ProxyKind::Socks5,
                "127.0.0.1:1080",
                None,
            ),
            ("socks5h://[::1]:9", ProxyKind::Socks5h, "[::1]:9", None),
            (
                "socks5://me:p%40ss%3a@h:1",
                ProxyKind::Socks5,
                "h:1",
                Some(("me", "p@ss:")),
            ),
            ("http://me@h:1", ProxyKind::Http, "h:1", Some(("me", ""))),
        ] {
            let parts = parse_proxy(text).unwrap();
            assert_eq!(
                (parts.kind, parts.to_string()),
                (kind, shown.to_owned()),
                "{text}"
            );
            let told = parts
                .login
                .as_ref()
                .map(|(user, password)| (user.expose(), password.expose()));
            assert_eq!(told, login, "{text}");
        }
        assert_eq!(
            parse_proxy("socks5://[::1]").unwrap().ip(),
            "::1".parse().ok()
        );
    }

    #[test]
    fn whether_a_proxy_speaks_socks_is_known_before_a_secret_is() {
        let env = |value: &str| Part::Env {
            name: "P".into(),
            value: Secret::new(value),
        };
        let literal = |text: &str| Part::Literal(text.into());
        for (parts, socks) in [
            (vec![literal("socks5://h:1")], true),
            (vec![literal("SOCKS5h://h:1")], true),
            (vec![literal("http://h:1")], false),
            (vec![env("socks5://h")], true),
            (vec![literal("socks5://"), Part::Stored("id".into())], true),
            (vec![Part::Stored("id".into())], false),
        ] {
            let url = ProxyUrl(Template::from_parts(parts));
            assert_eq!(Proxy::Url(url.clone()).speaks_socks(), socks, "{url}");
        }
        let variables = |name: &str| (name == "ALL_PROXY").then(|| "socks5://h".to_owned());
        let proxies = EnvironmentProxies::from_variables(variables);
        assert!(Proxy::Environment(Box::new(proxies)).speaks_socks());
    }

    #[test]
    fn what_is_no_proxy_says_why_and_quotes_nothing() {
        for text in [
            "s3cret",
            "ftp://s3cret@h",
            "socks4://s3cret@h",
            "http://s3cret@/",
            "http://h/s3cret",
            "http://h?s3cret",
            "http://:s3cret@h",
            "http://a%3as3cret:x@h",
            "http://s3cret%0a@h",
        ] {
            let error = ProxyUrl::new(text).unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn user_and_password_are_never_shown() {
        let env = |name: &str| Part::Env {
            name: name.into(),
            value: Secret::new("s3cret"),
        };
        let literal = |text: &str| Part::Literal(text.into());
        for (parts, shown) in [
            (vec![literal("http://h:1")], "http://h:1"),
            (vec![literal("http://me:s3cret@h:1")], "http://***@h:1"),
            (
                vec![literal("http://me:"), env("P"), literal("@h:1")],
                "http://***${P}@h:1",
            ),
            (
                vec![literal("http://"), env("P"), literal(":s3cret@h:1")],
                "http://${P}***@h:1",
            ),
            (vec![env("P")], "${P}"),
            (vec![literal("http://me:s3c@ret@h")], "http://***@h"),
        ] {
            let url = ProxyUrl(Template::from_parts(parts));
            assert_eq!(
                (url.to_string(), format!("{url:?}")),
                (shown.into(), shown.into())
            );
        }
    }
}
