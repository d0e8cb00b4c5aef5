//! Numbers with bounds, and sizes.

use std::{num::NonZeroU32, ops::RangeInclusive};

use everwire_proto::{
    placement::MAX_SHARDS,
    settings::dialogue::{MAX_IN_FLIGHT, MAX_SUBSCRIPTIONS},
};
use serde_json::{Value as Json, json};

use crate::{
    config::{
        read::{Context, Node, Read, Value, backticked, field},
        units,
    },
    wire,
};

impl Read for bool {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        match node.value {
            Value::Boolean(value) => Some(value),
            _ => context.wrong_type(node, "true or false, without quotes"),
        }
    }

    fn schema() -> Json {
        json!({ "type": "boolean" })
    }
}

field! { bool <=> bool: |value| value, |value| *value }

/// Declares an integer with bounds.
macro_rules! integer {
    ($(#[doc = $doc:literal])* $name:ident($type:ty): $min:literal..=$max:expr) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub(in crate::config) struct $name(pub $type);

        impl Read for $name {
            fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
                let number = bounded(node, context, $min..=$max)?;
                <$type>::try_from(number).ok().map(Self)
            }

            fn schema() -> Json {
                json!({ "type": "integer", "minimum": $min, "maximum": $max })
            }
        }
    };
}

integer! {
    /// How many: at least one.
    Count(NonZeroU32): 1..=u32::MAX
}
integer! {
    /// At most how many; 0 is no limit.
    Limit(u32): 0..=u32::MAX
}
integer! {
    /// How many are kept; 0 is none.
    Kept(usize): 0..=u32::MAX
}
integer! {
    /// The number that a count begins with.
    FirstId(u64): 1..=u32::MAX
}
integer! {
    /// How many messages may await an answer.
    InFlight(NonZeroU32): 1..=MAX_IN_FLIGHT.get()
}
integer! {
    /// How many subscriptions there may be.
    MaxSubscriptions(NonZeroU32): 1..=MAX_SUBSCRIPTIONS.get()
}
integer! {
    /// A number of threads; 0 leaves it to us.
    Workers(usize): 0..=1024
}
integer! {
    /// How many shards each place has.
    ShardCount(u32): 1..=MAX_SHARDS
}
integer! {
    /// The share of a node.
    Weight(u32): 1..=1000
}

field! { Count => NonZeroU32: |count| count.0 }
field! { Count <=> usize: |count| count.0.get() as usize, |count| *count }
field! { Limit => usize: |limit| limit.0 as usize }
field! { Limit <=> Option<NonZeroU32>: |limit| NonZeroU32::new(limit.0), |limit| limit.map_or(0, NonZeroU32::get) }
field! { Kept <=> usize: |count| count.0, |count| *count }
field! { Workers => usize: |count| count.0 }
field! { ShardCount => u32: |count| count.0 }
field! { Weight => u32: |weight| weight.0 }

/// An integer within bounds.
pub(super) fn bounded(
    node: &Node,
    context: &mut Context<'_>,
    bounds: RangeInclusive<u32>,
) -> Option<u32> {
    let Value::Integer(number) = node.value else {
        return context.wrong_type(node, "an integer");
    };
    let bounded = u32::try_from(number)
        .ok()
        .filter(|number| bounds.contains(number));
    if bounded.is_none() {
        let help = format!("write a number from {} to {}", bounds.start(), bounds.end());
        context.wrong(node.place, format!("{number} is out of range"), help);
    }
    bounded
}

/// How many messages in a time, or at once: 1 to 1,000,000.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct MessageCount(pub NonZeroU32);

field! { MessageCount <=> NonZeroU32: |count| count.0, |count| *count }

impl MessageCount {
    const MAX: NonZeroU32 = const { NonZeroU32::new(1_000_000).unwrap() };
}

impl Read for MessageCount {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let count = bounded(node, context, 1..=Self::MAX.get()).and_then(NonZeroU32::new);
        // A wrong value was reported; it does not count as missing.
        Some(Self(count.unwrap_or(Self::MAX)))
    }

    fn schema() -> Json {
        json!({ "type": "integer", "minimum": 1, "maximum": Self::MAX })
    }
}

/// The version of the file's format.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct SchemaVersion;

impl Read for SchemaVersion {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        match node.value {
            Value::Integer(1) => {}
            Value::Integer(other) => context.wrong(
                node.place,
                format!("unknown schema version {other}"),
                "this version of everwire reads schema_version = 1",
            ),
            _ => return context.wrong_type(node, "an integer"),
        }
        Some(Self)
    }

    fn schema() -> Json {
        json!({ "type": "integer", "const": 1 })
    }
}

/// A close code that may be sent (RFC 6455 §7.4).
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct CloseCode(pub u16);

field! { CloseCode <=> u16: |code| code.0, |code| *code }

impl Read for CloseCode {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Integer(number) = node.value else {
            return context.wrong_type(node, "a close code such as 1001");
        };
        let code = u16::try_from(number)
            .ok()
            .filter(|code| wire::is_sendable(*code));
        if code.is_none() {
            context.wrong(
                node.place,
                format!("invalid close code {number}"),
                "it is one of 1000 to 1003, 1007 to 1014, 3000 to 4999 (RFC 6455 §7.4)",
            );
        }
        code.map(Self)
    }

    fn schema() -> Json {
        json!({
            "type": "integer",
            "anyOf": [
                { "minimum": 1000, "maximum": 1003 },
                { "minimum": 1007, "maximum": 1014 },
                { "minimum": 3000, "maximum": 4999 },
            ],
        })
    }
}

/// The factor by which a delay grows: 1 to 1000.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Factor(pub f64);

field! { Factor <=> f64: |factor| factor.0, |factor| *factor }

impl Read for Factor {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let factor = match node.value {
            Value::Float(number) => number,
            Value::Integer(number) => number as f64,
            _ => return context.wrong_type(node, "a number such as 2.0"),
        };
        if !(1.0..=1000.0).contains(&factor) {
            let message = format!("the factor {factor} is out of range");
            context.wrong(node.place, message, "write a number from 1.0 to 1000.0");
            return None;
        }
        Some(Self(factor))
    }

    fn schema() -> Json {
        json!({ "type": "number", "minimum": 1.0, "maximum": 1000.0 })
    }
}

/// How much memory all connections may use; "auto" depends on the machine.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct MemoryLimit(pub Option<usize>);

field! { MemoryLimit => Option<usize>: |limit| limit.0 }

impl MemoryLimit {
    /// With less, a single long message could not be received, in bytes.
    const LEAST: usize = 1 << 20;
}

impl Read for MemoryLimit {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        if matches!(&node.value, Value::String(text) if text == "auto") {
            return Some(Self(None));
        }
        let Size(size) = Size::read(node, context)?;
        if size < Self::LEAST {
            let message = format!("invalid memory: {size} bytes are too few");
            context.wrong(
                node.place,
                message,
                "write \"auto\", or a size of at least \"1MiB\"",
            );
            return None;
        }
        Some(Self(Some(size)))
    }

    fn schema() -> Json {
        json!({ "anyOf": [
            { "type": "string", "pattern": format!("^auto$|{}", units::SIZE_PATTERN) },
            { "type": "integer", "minimum": Self::LEAST, "maximum": units::MAX_SIZE },
        ] })
    }
}

/// A number of bytes: at least one, at most 1 TiB.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Size(pub usize);

field! { Size <=> usize: |size| size.0, |bytes| units::format_size(*bytes as u64) }

impl Read for Size {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        size(node, 1, context).and_then(|size| usize::try_from(size).ok().map(Self))
    }

    fn schema() -> Json {
        size_schema(1)
    }
}

/// A number of bytes that may be none: at most 1 TiB.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct ByteLimit(pub u64);

field! { ByteLimit => u64: |limit| limit.0 }
// Where nothing can be no limit, none of them is.
field! { ByteLimit => Option<u64>: |limit| Some(limit.0).filter(|bytes| *bytes > 0) }

impl Read for ByteLimit {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        size(node, 0, context).map(Self)
    }

    fn schema() -> Json {
        size_schema(0)
    }
}

/// A size in bytes, with a minimum.
fn size(node: &Node, least: u64, context: &mut Context<'_>) -> Option<u64> {
    let (parsed, text) = match &node.value {
        Value::String(text) => (units::parse_size(text), text.clone()),
        Value::Integer(number) => (units::parse_size(&number.to_string()), number.to_string()),
        _ => return context.wrong_type(node, "a size such as \"16MiB\""),
    };
    let help = match parsed {
        Ok(size) if size < least => "write a size of at least 1 byte".into(),
        Ok(size) => return Some(size),
        Err(help) => help,
    };
    context.wrong(
        node.place,
        format!("invalid size {}", backticked(&text)),
        help,
    );
    None
}

fn size_schema(least: u64) -> Json {
    json!({ "anyOf": [
        { "type": "string", "pattern": units::SIZE_PATTERN },
        { "type": "integer", "minimum": least, "maximum": units::MAX_SIZE },
    ] })
}
