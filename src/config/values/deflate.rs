//! The numbers of permessage-deflate.

use serde_json::{Value as Json, json};

use super::numbers::bounded;
use crate::{
    config::read::{Context, Node, Read, field},
    wire::deflate::{Level, WindowBits},
};

/// Declares a small number that has a type on the wire.
macro_rules! small {
    ($(#[doc = $doc:literal])* $name:ident($type:ty): $min:literal..=$max:literal) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug)]
        pub(in crate::config) struct $name(pub $type);

        impl Read for $name {
            fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
                let number = bounded(node, context, $min..=$max)?;
                <$type>::new(u8::try_from(number).ok()?).map(Self)
            }

            fn schema() -> Json {
                json!({ "type": "integer", "minimum": $min, "maximum": $max })
            }
        }
    };
}

field! { ClientWindowBits <=> WindowBits: |bits| bits.0, |bits| *bits }
field! { ServerWindowBits <=> WindowBits: |bits| bits.0, |bits| *bits }
field! { DeflateLevel <=> Level: |level| level.0, |level| level.get() }

small! {
    /// A window that we can compress with: zlib has none of 8 bits.
    ClientWindowBits(WindowBits): 9..=15
}
small! {
    /// A window that the server can compress with.
    ServerWindowBits(WindowBits): 8..=15
}
small! {
    /// How hard to try.
    DeflateLevel(Level): 1..=9
}
