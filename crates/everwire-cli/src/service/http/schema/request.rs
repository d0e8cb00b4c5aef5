//! The parts of a request: path, parameters, headers and body.

use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{AllOfBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type},
    },
};

/// Declares a kind of text.
macro_rules! text {
    ($(#[doc = $doc:literal])* $name:ident { $($rule:ident($value:expr)),* }) => {
        $(#[doc = $doc])*
        pub enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some(concat!($($doc),*).trim()))
                    $(.$rule(Some($value)))*
                    .into()
            }
        }

        impl ToSchema for $name {}
    };
}

text! {
    /// 1 to 128 characters of A-Z a-z 0-9 . _ : -, the first and the last of them a letter or a
    /// digit, without "..".
    Name {
        min_length(1),
        max_length(128),
        pattern("^[A-Za-z0-9]([A-Za-z0-9_:-]|[.](?![.]))*(?<![.:_-])$")
    }
}
text! {
    /// A pattern of names: `*` matches any run of characters, also dots; a comma separates
    /// alternatives.
    Pattern {
        min_length(1),
        max_length(4096),
        pattern("^ *[A-Za-z0-9._:*-]+ *(, *[A-Za-z0-9._:*-]+ *)*$")
    }
}
text! {
    /// A pattern of names; empty matches all.
    Filter {
        max_length(4096),
        pattern("^( *[A-Za-z0-9._:*-]+ *(, *[A-Za-z0-9._:*-]+ *)*)?$")
    }
}
text! {
    /// A name; empty is the beginning.
    Cursor {
        max_length(128),
        pattern("^([A-Za-z0-9]([A-Za-z0-9_:-]|[.](?![.]))*(?<![.:_-]))?$")
    }
}
text! {
    /// The key of a subscription, at most 1,024 bytes, percent-encoded.
    SubscriptionKey { min_length(1), max_length(1024) }
}
text! {
    /// A duration such as `500ms`, `10s`, `1m30s`.
    Duration {
        min_length(2),
        pattern("^([0-4]m)?([1-5]?[0-9]s)?([1-9][0-9]{0,2}ms)?$")
    }
}
text! {
    /// A text that the client chooses.
    IdempotencyKey { min_length(1), max_length(255), pattern("^[!-~]+$") }
}
text! {
    /// A text.
    Text {}
}
text! {
    /// The value of a secret.
    SecretValue { min_length(1) }
}
text! {
    /// Bytes.
    Binary { format(SchemaFormat::KnownFormat(KnownFormat::Binary)) }
}

/// Any JSON text.
pub enum AnyJson {}

impl PartialSchema for AnyJson {
    fn schema() -> RefOr<Schema> {
        AllOfBuilder::new().into()
    }
}

impl ToSchema for AnyJson {}

/// The fate to wait for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    Queued,
    Written,
    Confirmed,
}

/// The keys of a connection, as in the TOML file.
#[derive(ToSchema)]
pub struct Settings {}
