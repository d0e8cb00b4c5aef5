//! Texts of which there are some today: a later version may say others, and a client that was made from the document takes them.

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

/// Where the values stand that there are today. It is no `enum`: that would refuse those of a later version.
const KNOWN: &str = "x-extensible-enum";

/// The codes that stand there.
fn codes(place: Place) -> impl Iterator<Item = &'static str> {
    place.codes().iter().map(|code| code.code)
}

/// Declares a kind of text of which some values are known.
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
    /// What becomes of a message. There may be others one day.
    Fate: Known::ALL.into_iter().map(Known::as_str)
}
words! {
    /// What became of a message that a problem is about. There may be others one day.
    ProblemFate: Known::ALL.into_iter().map(Known::as_str).chain(codes(Place::Fate))
}
words! {
    /// Why something cannot be done. There may be others one day.
    Reason: codes(Place::Problem)
}
words! {
    /// What something was caused by. There may be others one day.
    Cause: codes(Place::Cause).chain(codes(Place::State))
}
words! {
    /// What happened. There may be others one day.
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
