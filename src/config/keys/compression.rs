//! `compression`.

use serde_json::{Value as Json, json};

use crate::config::{
    read::{
        Context, IntoField, Node, Place, Read, ShowField, ShowSettings, Value, table, table_schema,
    },
    values::{ClientWindowBits, DeflateLevel, ServerWindowBits, Size},
};
use everwire_proto::settings::Compression;

table! {
    /// The offer to the server, and which messages are compressed if the server agrees.
    pub(in crate::config) struct CompressionTable <=> Compression {
        /// Our largest window, as the logarithm of its size; the server may ask for a smaller one.
        client_max_window_bits: ClientWindowBits = 15,
        /// The server's largest window; below 15, a server that does not agree is refused.
        server_max_window_bits: ServerWindowBits = 15,
        /// Whether we compress each message on its own, so that no window is kept for sending.
        client_no_context_takeover: bool = false,
        /// Whether the server must compress each message on its own, so that no window is kept for
        /// receiving.
        server_no_context_takeover: bool = false,
        /// The compression level, from 1, fast, to 9, small.
        level: DeflateLevel = 6,
        /// Shorter messages are not compressed.
        min_size: Size = "1KiB",
    }
}

/// permessage-deflate: a table, or whether it is offered at all. With `true`, the table of an outer
/// layer stays in effect.
#[derive(Clone, Debug)]
pub(in crate::config) struct CompressionLayer {
    is_on: bool,
    table: CompressionTable,
}

impl Read for CompressionLayer {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        match &node.value {
            Value::Boolean(is_on) => Some(Self {
                is_on: *is_on,
                table: CompressionTable::default(),
            }),
            Value::Table(_) => Some(Self {
                is_on: true,
                table: CompressionTable::read(node, context)?,
            }),
            _ => context.wrong_type(node, "true, false or a table"),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [table_schema::<CompressionTable>(), { "type": "boolean" }] })
    }

    fn overlay(&mut self, nearer: Self) {
        self.is_on = nearer.is_on;
        self.table.overlay(nearer.table);
    }
}

impl IntoField<Option<Compression>> for CompressionLayer {
    fn into_field(self, place: Place, context: &mut Context<'_>) -> Option<Compression> {
        self.is_on.then(|| self.table.into_field(place, context))
    }
}

impl ShowField<Option<Compression>> for CompressionLayer {
    fn show_field(field: &Option<Compression>) -> Json {
        match field {
            None => json!(false),
            Some(compression) => CompressionTable::masked(compression),
        }
    }
}
