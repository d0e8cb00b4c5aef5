//! Texts of which there are some today: a later version may say others, and a client that was made from the document takes them.

use everwire::{Fate as Known, core::Cause as KnownCause, hub::Kinds};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        extensions::ExtensionsBuilder,
        schema::{ObjectBuilder, Schema, Type},
    },
};

/// Where the values stand that there are today. It is no `enum`: that would refuse those of a later version.
const KNOWN: &str = "x-extensible-enum";

/// What fate a problem tells beside those of a message.
const FATES_OF_PROBLEMS: [&str; 4] = ["rejected", "failed", "not_sent", "unanswered"];

/// What a state is caused by beside what a socket can be lost for.
const OTHER_CAUSES: [&str; 6] = [
    "store",
    "sessions_only",
    "closed_by_hand",
    "shutdown",
    "removed",
    "rotation",
];

/// What a problem gives as its reason.
const REASONS: [&str; 19] = [
    "full",
    "closed",
    "too_large",
    "sessions_only",
    "not_text",
    "not_stored",
    "store_outage",
    "feature_missing",
    "other_item",
    "too_long",
    "no_subscribe",
    "idle",
    "failed",
    "unreachable",
    "no_turn",
    "reconfigured",
    "unavailable",
    "key_used",
    "no_fence",
];

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
    ProblemFate: Known::ALL.into_iter().map(Known::as_str).chain(FATES_OF_PROBLEMS)
}
words! {
    /// Why something cannot be done. There may be others one day.
    Reason: REASONS.into_iter()
}
words! {
    /// What something was caused by. There may be others one day.
    Cause: KnownCause::KINDS.into_iter().chain(OTHER_CAUSES)
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
