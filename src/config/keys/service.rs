//! `[service]`.

use serde_json::{Value as Json, json};
use url::Host;

use super::{ApiLimitsTable, MetricsTable, ServiceTlsTable, Tokens, UrlPatterns};
use crate::config::{
    read::{Context, Keys, Named, Node, Read, Section, Value, backticked, field, table},
    values::{Count, FilePath, Listen, MemoryLimit, Period, Size, Workers},
};
use crate::settings::{LogFormat, LogLevel, LogSettings, PublicUrl, ServiceSettings};
use everwire_proto::settings::{HostSettings, Rate};

table! {
    /// Settings of the process as a whole.
    pub(in crate::config) struct ServiceTable => ServiceSettings {
        /// The IP address and port of the HTTP API. An address that other machines reach needs
        /// tokens or client certificates.
        listen: Listen = "127.0.0.1:9180",
        /// Threads for connections; 0 is one per core.
        workers: Workers = 0,
        /// The folder for data that must outlive the process.
        state_dir: FilePath = "everwire-state",
        /// Whether the configuration is read again when its files change. SIGHUP always reads it
        /// again.
        watch: bool = false,
        /// How long a shutdown may flush outboxes and close sockets.
        drain_timeout: Period = "25s",
        /// How many handshakes may be in flight over all names.
        max_handshakes: Count = 64,
        /// How many dials may start within a period, over all names: "200/s", "300/5m",
        /// "unlimited".
        dial_rate: Rate = "unlimited",
        /// Limits of single hosts, by "host" or "host:port".
        hosts: Named<HostTable>,
        /// The limit over all that connections keep: histories, outboxes, unfinished messages,
        /// readers and bodies of requests. "auto" is half of the machine's memory, or of the
        /// smallest limit of the process's control groups.
        memory: MemoryLimit = "auto",
        /// The limit over the histories of all connections, at most half of `memory`. Beyond it the
        /// longest histories drop their oldest messages.
        history_bytes: Size = "256MiB",
        /// What is logged, and how.
        log: LogTable,
        /// The tokens for the API: without any, everybody on this machine has access.
        tokens: Tokens = [],
        /// TLS of the API, and client certificates.
        tls: ServiceTlsTable,
        /// The address and the size of the metrics.
        metrics: MetricsTable,
        /// Where users find the service behind a reverse proxy: an http or https URL, with the
        /// prefix of its paths; "" is none.
        public_url: PublicUrlText = "",
        /// The URLs that the API may dial, as patterns; without any, public addresses only. Checked
        /// at each dial.
        allow_urls: UrlPatterns = [],
        /// Upper limits for settings that come over the API. Values from [defaults] may be larger.
        api_limits: ApiLimitsTable,
    }
    no key { remember }
}

table! {
    /// The limits of a host.
    pub(in crate::config) struct HostTable => HostSettings {
        /// How many dials to this host may start within a period.
        dial_rate: Rate = "unlimited",
        /// How many handshakes with this host may be in flight.
        max_handshakes: Count = 16,
    }
}

table! {
    /// What is logged, and how.
    pub(in crate::config) struct LogTable => LogSettings {
        /// The least severe level that is written.
        level: LogLevel = "info",
        /// "auto": pretty on a terminal, JSON otherwise.
        format: LogFormat = "auto",
        /// Whether each message is logged, too.
        messages: bool = false,
    }
}

/// Where users find the service; empty: at its own address.
#[derive(Clone, Debug)]
pub(in crate::config) struct PublicUrlText(Option<PublicUrl>);

field! { PublicUrlText => Option<PublicUrl>: |url| url.0 }

impl Read for PublicUrlText {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::String(text) = &node.value else {
            return context.wrong_type(node, "a URL such as \"https://example.com/everwire\"");
        };
        if text.is_empty() {
            return Some(Self(None));
        }
        match text.parse() {
            Ok(url) => Some(Self(Some(url))),
            Err(error) => {
                let message = format!("invalid public URL {}: {error}", backticked(text));
                let help = "write the URL of the page behind the proxy: \"https://example.com\", or \"https://example.com/everwire\"";
                context.wrong(node.place, message, help);
                None
            }
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^([Hh][Tt][Tt][Pp][Ss]?://[^@?#]+)?$" })
    }
}

impl Section for HostTable {
    const SECTION: &'static str = "service.hosts";
    const WHAT: &'static str = "host";
    const KEYS: &'static [&'static [&'static str]] = &[Self::NAMES, Self::LATER];
    const NAME_PATTERN: &'static str = r"^[^/@\s]+$";

    /// `host` or `host:port`, in the form of a parsed URL.
    fn name(name: &str) -> Result<String, String> {
        let (host, port) = match name.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (name, None),
        };
        let host = Host::parse(host).map_err(|error| error.to_string())?;
        match port.map(str::parse::<u16>) {
            None => Ok(host.to_string()),
            Some(Ok(port)) if port > 0 => Ok(format!("{host}:{port}")),
            Some(_) => Err("the port is a number from 1 to 65535".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_named_as_in_a_url() {
        for (text, name) in [
            ("Example.COM", "example.com"),
            ("example.com:443", "example.com:443"),
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("[::1]:9000", "[::1]:9000"),
            ("[0::1]", "[::1]"),
        ] {
            assert_eq!(HostTable::name(text).as_deref(), Ok(name));
        }
        for text in [
            "",
            "a b",
            "example.com:0",
            "example.com:x",
            "https://example.com",
            "::1",
        ] {
            assert!(HostTable::name(text).is_err(), "{text}");
        }
    }
}
