//! `NO_PROXY`: hosts that are dialled directly.

use std::net::IpAddr;

/// The entries of `NO_PROXY`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoProxy(Vec<Entry>);

/// Further entries are ignored.
const MAX_ENTRIES: usize = 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    /// `*`
    All,
    /// `example.com` and `.example.com`: that name and all below it.
    Domain(String),
    /// `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`
    Net(IpAddr, u8),
}

impl NoProxy {
    /// Reads entries separated by commas and blanks. An entry that cannot match anything is
    /// ignored, as in other programs.
    pub fn parse(text: &str) -> Self {
        let entries = text
            .split([',', ' ', '\t'])
            .filter(|entry| !entry.is_empty())
            .map(Entry::parse);
        Self(entries.take(MAX_ENTRIES).collect())
    }

    /// Whether a host, a name or an address without brackets, is dialled directly.
    pub fn covers(&self, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let ip = host.parse().ok();
        self.0
            .iter()
            .any(|entry| entry.port.is_none_or(|only| only == port) && entry.hosts.cover(&host, ip))
    }
}

impl Entry {
    fn parse(text: &str) -> Self {
        let (host, port) = match text.rsplit_once(':') {
            // An IPv6 address without brackets has colons of its own.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, port.parse().ok())
            }
            _ => (text, None),
        };
        let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
        Self {
            hosts: Hosts::parse(&host),
            port,
        }
    }
}

impl Hosts {
    fn parse(host: &str) -> Self {
        if host == "*" {
            return Self::All;
        }
        let (address, length) = match host.split_once('/') {
            Some((address, length)) => (address, length.parse().ok()),
            None => (host, None),
        };
        match address.parse::<IpAddr>() {
            Ok(ip) => Self::Net(ip, length.unwrap_or(u8::MAX)),
            Err(_) => {
                let name = host.trim_start_matches("*.").trim_start_matches('.');
                Self::Domain(name.trim_end_matches('.').to_owned())
            }
        }
    }

    fn cover(&self, host: &str, ip: Option<IpAddr>) -> bool {
        match (self, ip) {
            (Self::All, _) => true,
            (Self::Net(net, length), Some(ip)) => is_within(ip, *net, *length),
            (Self::Domain(name), None) if !name.is_empty() => host
                .strip_suffix(name.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
            (Self::Net(..) | Self::Domain(_), _) => false,
        }
    }
}

fn is_within(ip: IpAddr, net: IpAddr, length: u8) -> bool {
    let (ip, net, bits) = match (ip, net) {
        (IpAddr::V4(ip), IpAddr::V4(net)) => {
            (u128::from(ip.to_bits()), u128::from(net.to_bits()), 32)
        }
        (IpAddr::V6(ip), IpAddr::V6(net)) => (ip.to_bits(), net.to_bits(), 128),
        _ => return false,
    };
    let host_bits = bits - u32::from(length).min(bits);
    (ip ^ net).checked_shr(host_bits).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_covers_what_it_names() {
        for (entries, host, port, covered) in [
            ("example.com", "example.com", 80, true),
            ("example.com", "a.EXAMPLE.com.", 80, true),
            (".example.com", "a.example.com", 80, true),
            ("*.example.com", "a.example.com", 80, true),
            ("example.com", "badexample.com", 80, false),
            ("a, b.example ,c", "b.example", 80, true),
            ("example.com:443", "example.com", 443, true),
            ("example.com:443", "example.com", 80, false),
            ("*", "anything", 1, true),
            ("", "anything", 1, false),
            (",., ", "anything", 1, false),
            ("10.0.0.0/8", "10.9.8.7", 80, true),
            ("10.0.0.0/8", "11.9.8.7", 80, false),
            ("10.0.0.0/0", "11.9.8.7", 80, true),
            ("127.0.0.1", "127.0.0.1", 80, true),
            ("127.0.0.1", "127.0.0.2", 80, false),
            ("::1", "::1", 80, true),
            ("[::1]:80", "::1", 80, true),
            ("[::1]:80", "::1", 81, false),
            ("2001:db8::/32", "2001:db8:1::2", 80, true),
            ("2001:db8::/32", "10.0.0.1", 80, false),
        ] {
            let covers = NoProxy::parse(entries).covers(host, port);
            assert_eq!(covers, covered, "{entries:?} {host}:{port}");
        }
    }
}
