//! The plan of a reload.

use std::collections::BTreeMap;

use everwire_proto::settings::{Changes, ConnectionName, ConnectionSettings};

use super::{ClusterSettings, NatsSettings, ServiceSettings};

/// The differences between the running and the new settings: for each name, and for the keys of
/// `[service]`.
///
/// ```
/// use everwire::config::{Plan, Settings};
///
/// # #[cfg(feature = "config")] {
/// let old = Settings::from_toml("connections.a = { url = 'ws://h', tags = ['x'] }")?;
/// let new = Settings::from_toml("connections.a = { url = 'ws://h', tags = ['y'] }\nconnections.b.url = 'ws://h'")?;
/// let plan = Plan::between(&old.connections, &new.connections);
/// assert_eq!(plan.applied[0].keys, ["tags"]);
/// assert_eq!(plan.added, ["b"]);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// Unchanged names, which keep their sockets.
    pub untouched: Vec<ConnectionName>,
    /// Names whose new settings apply to the current socket.
    pub applied: Vec<Changed>,
    /// Names that need another socket.
    pub rotated: Vec<Changed>,
    /// Names that are opened.
    pub added: Vec<ConnectionName>,
    /// Names that are closed and forgotten.
    pub removed: Vec<ConnectionName>,
    /// Keys of `[service]` that change at once.
    pub service: Vec<&'static str>,
    /// Keys of `[service]`, `nats` and `cluster`, that change with the next start of the process.
    pub restart: Vec<&'static str>,
}

/// A name and the keys that change.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Changed {
    /// The name.
    pub name: ConnectionName,
    /// The keys of `[connections.NAME]` whose values differ.
    pub keys: Vec<&'static str>,
}

impl Plan {
    /// Compares the settings of all names.
    pub fn between(
        old: &BTreeMap<ConnectionName, ConnectionSettings>,
        new: &BTreeMap<ConnectionName, ConnectionSettings>,
    ) -> Self {
        let mut plan = Self::default();
        for (name, settings) in new {
            let name = name.clone();
            let Some(old) = old.get(&name) else {
                plan.added.push(name);
                continue;
            };
            let changes = Changes::between(old, settings);
            let keys = changes.keys;
            match (keys.is_empty(), changes.needs_socket) {
                (true, _) => plan.untouched.push(name),
                (false, false) => plan.applied.push(Changed { name, keys }),
                (false, true) => plan.rotated.push(Changed { name, keys }),
            }
        }
        let removed = old.keys().filter(|name| !new.contains_key(*name));
        plan.removed = removed.cloned().collect();
        plan
    }

    /// Adds the changes of `[service]`.
    pub fn with_service(mut self, old: &ServiceSettings, new: &ServiceSettings) -> Self {
        // A new key does not compile until it is handled here.
        let ServiceSettings {
            listen,
            workers,
            state_dir,
            // Not a key of the file.
            remember: _,
            watch,
            drain_timeout,
            max_handshakes,
            dial_rate,
            hosts,
            memory,
            history_bytes,
            log,
            tokens,
            tls,
            metrics,
            public_url,
            allow_urls,
            api_limits,
        } = old;
        // Without tokens, the addresses that they protect must be closed first.
        let same_doors = *listen == new.listen && *tls == new.tls && *metrics == new.metrics;
        // The key, whether it differs, and whether it can change at run time.
        let compared = [
            ("listen", *listen != new.listen, false),
            ("workers", *workers != new.workers, false),
            ("state_dir", *state_dir != new.state_dir, false),
            ("watch", *watch != new.watch, false),
            ("drain_timeout", *drain_timeout != new.drain_timeout, false),
            (
                "max_handshakes",
                *max_handshakes != new.max_handshakes,
                false,
            ),
            ("dial_rate", *dial_rate != new.dial_rate, false),
            ("hosts", *hosts != new.hosts, false),
            ("memory", *memory != new.memory, true),
            ("history_bytes", *history_bytes != new.history_bytes, true),
            ("log", *log != new.log, false),
            ("tokens", *tokens != new.tokens, same_doors),
            ("tls", *tls != new.tls, false),
            ("metrics", *metrics != new.metrics, false),
            ("public_url", *public_url != new.public_url, true),
            ("allow_urls", *allow_urls != new.allow_urls, true),
            ("api_limits", *api_limits != new.api_limits, true),
        ];
        for (key, differs, live) in compared {
            match (differs, live) {
                (false, _) => {}
                (true, true) => self.service.push(key),
                (true, false) => self.restart.push(key),
            }
        }
        self
    }

    /// The same, with what becomes of `[nats]`: a bridge is started and ended with the process.
    pub fn with_nats(mut self, old: Option<&NatsSettings>, new: Option<&NatsSettings>) -> Self {
        if old != new {
            self.restart.push("nats");
        }
        self
    }

    /// The same, with what becomes of `[cluster]`: a node joins with its process.
    pub fn with_cluster(
        mut self,
        old: Option<&ClusterSettings>,
        new: Option<&ClusterSettings>,
    ) -> Self {
        if old != new {
            self.restart.push("cluster");
        }
        self
    }
}
