//! The differences between two settings of a connection, and their effect on its socket.

use super::{ConnectionSettings, dialogue::Dialogue};

/// Replaced by its own keys, which are listed among those of the connection.
const DIALOGUE: &str = "dialogue";

/// The keys that differ between two settings of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The keys, in the order of their declaration, with those of a dialogue together.
    pub keys: Vec<&'static str>,
    /// Whether the new settings need another socket.
    pub needs_socket: bool,
}

impl Changes {
    /// Compares two settings.
    pub fn between(old: &ConnectionSettings, new: &ConnectionSettings) -> Self {
        // A new key does not compile until it is handled here.
        let ConnectionSettings {
            url,
            failover_urls,
            group,
            tags,
            place,
            enabled,
            required,
            sessions_only,
            headers,
            basic_auth,
            subprotocols,
            source_address,
            proxy,
            on_open,
            dialogue,
            protocol,
            connect_timeout,
            close_timeout,
            idle_timeout,
            close_code,
            max_message,
            max_frame,
            compression,
            decode,
            heartbeat,
            reconnect,
            outbox,
            history,
            rate,
            rotate_after,
            rotation,
            sequence,
            tls,
            dial_policy,
            proxy_policy,
        } = old;
        // The kernel's probes are set up with the socket.
        let probes = new.heartbeat.needs_keepalive() && !heartbeat.needs_keepalive();
        let policies = *dial_policy != new.dial_policy || *proxy_policy != new.proxy_policy;
        // A conversation cannot go on with another dialogue.
        let other_words = match (dialogue, &new.dialogue) {
            (Some(old), Some(new)) => !old.says_the_same(new),
            (old, new) => old.is_some() != new.is_some(),
        };
        // The key, whether it differs, and whether that needs another socket.
        let compared = [
            ("url", *url != new.url, true),
            ("urls", *failover_urls != new.failover_urls, true),
            ("group", *group != new.group, false),
            ("tags", *tags != new.tags, false),
            ("place", *place != new.place, false),
            ("enabled", *enabled != new.enabled, false),
            ("required", *required != new.required, false),
            // The name's own socket appears or disappears; those of sessions stay.
            ("sessions_only", *sessions_only != new.sessions_only, false),
            ("headers", *headers != new.headers, true),
            ("basic_auth", *basic_auth != new.basic_auth, true),
            ("subprotocols", *subprotocols != new.subprotocols, true),
            (
                "source_address",
                *source_address != new.source_address,
                true,
            ),
            ("proxy", *proxy != new.proxy, true),
            ("on_open", *on_open != new.on_open, true),
            (DIALOGUE, *dialogue != new.dialogue, other_words),
            ("protocol", *protocol != new.protocol, true),
            (
                "connect_timeout",
                *connect_timeout != new.connect_timeout,
                false,
            ),
            ("close_timeout", *close_timeout != new.close_timeout, false),
            ("idle_timeout", *idle_timeout != new.idle_timeout, false),
            ("close_code", *close_code != new.close_code, false),
            ("max_message", *max_message != new.max_message, true),
            ("max_frame", *max_frame != new.max_frame, true),
            ("compression", *compression != new.compression, true),
            // A stream cannot be decoded from its middle.
            ("decode", *decode != new.decode, true),
            ("heartbeat", *heartbeat != new.heartbeat, probes),
            ("reconnect", *reconnect != new.reconnect, false),
            ("outbox", *outbox != new.outbox, false),
            ("history", *history != new.history, false),
            ("rate", *rate != new.rate, false),
            ("rotate_after", *rotate_after != new.rotate_after, false),
            ("rotation", *rotation != new.rotation, false),
            ("sequence", *sequence != new.sequence, false),
            ("tls", *tls != new.tls, true),
            ("service.allow_urls", policies, true),
        ];
        let mut changes = Self::default();
        for (key, differs, needs_socket) in compared {
            if !differs {
                continue;
            }
            changes.needs_socket |= needs_socket;
            match key {
                DIALOGUE => changes.add_all(said_otherwise(old, new)),
                key => changes.add_all(vec![key]),
            }
        }
        changes
    }

    /// Adds keys without duplicates: some are in the dialogue and beside it.
    fn add_all(&mut self, keys: Vec<&'static str>) {
        for key in keys {
            if !self.keys.contains(&key) {
                self.keys.push(key);
            }
        }
    }

    /// Whether there are no differences.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// The keys of the conversation that differ.
fn said_otherwise(old: &ConnectionSettings, new: &ConnectionSettings) -> Vec<&'static str> {
    let silent = Dialogue {
        first_id: 1,
        ..Dialogue::default()
    };
    let old = old.dialogue.as_deref().unwrap_or(&silent);
    old.changed_keys(new.dialogue.as_deref().unwrap_or(&silent))
}
