//! Texts with known values. A later version may have other values, and generated clients must
//! accept them.

use everwire::{Fate as Known, hub::Kinds};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        extensions::ExtensionsBuilder,
        schema::{ObjectBuilder, Schema, Type},
    },
};

use crate::service::codes::Place;

/// The member for the values of this version. An `enum` would refuse the values of a later version.
const KNOWN: &str = "x-extensible-enum";

/// The codes of this place.
fn codes(place: Place) -> impl Iterator<Item = &'static str> {
    place.codes().iter().map(|code| code.code)
}

/// Declares a kind of text with some known values.
macro_rules! words {
    ($(#[doc = $doc:literal])* $name:ident: $known:expr) => {
        $(#[doc = $doc])*
        pub enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let known: Vec<&'static str> = $known.collect();
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some(concat!($($doc),*).trim()))
                    .extensions(Some(ExtensionsBuilder::new().add(KNOWN, known).build()))
                    .into()
            }
        }

        impl ToSchema for $name {}
    };
}

words! {
    /// The fate of a message. Other values are possible.
    Fate: Known::ALL.into_iter().map(Known::as_str)
}
words! {
    /// The fate of the message that a problem is about. Other values are possible.
    ProblemFate: Known::ALL.into_iter().map(Known::as_str).chain(codes(Place::Fate))
}
words! {
    /// Why something cannot be done. Other values are possible.
    Reason: codes(Place::Problem)
}
words! {
    /// The cause of something. Other values are possible.
    Cause: codes(Place::Cause).chain(codes(Place::State))
}
words! {
    /// The kind of an event. Other values are possible.
    EventType: Kinds::all().names()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_known_is_told_without_refusing_the_rest() {
        let fate = json!(Fate::schema());
        assert_eq!(fate["type"], "string");
        assert!(fate["enum"].is_null());
        assert_eq!(fate[KNOWN].as_array().map(Vec::len), Some(Known::ALL.len()));
        let types = json!(EventType::schema());
        assert_eq!(types[KNOWN][0], "connecting");
        assert!(
            json!(Cause::schema())[KNOWN]
                .as_array()
                .unwrap()
                .contains(&json!("closed_by_hand"))
        );
    }
}
