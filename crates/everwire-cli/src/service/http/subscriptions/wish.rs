//! The subscription that a caller asks for, with the check of its permissions.

use everwire::{ConnectionName, SubscriptionWish};
use serde::de::IgnoredAny;
use serde_json::Value as Json;

use crate::service::{
    holds::wish,
    http::{access::Caller, problem::Problem},
};

/// Parses a request, and checks that the caller may make it.
///
/// # Errors
///
/// 400 if it is not JSON, 422 if it is not a valid request, 403 for a secret or a bucket that the
/// caller does not reach.
pub fn read_wish(caller: &Caller, text: &[u8]) -> Result<SubscriptionWish, Problem> {
    if !text.trim_ascii().is_empty() {
        let read = serde_json::from_slice::<IgnoredAny>(text);
        read.map_err(|error| {
            Problem::bad_request(error.to_string())
                .member("line", error.line())
                .member("column", error.column())
        })?;
    }
    let wish = wish(text).map_err(Problem::unprocessable)?;
    refuse_foreign(caller, &wish)?;
    Ok(wish)
}

/// A token that reaches some names also reaches the secrets with such ids, but no shared bucket.
///
/// # Errors
///
/// 403.
pub fn refuse_foreign(caller: &Caller, wish: &SubscriptionWish) -> Result<(), Problem> {
    if caller.reaches_all() {
        return Ok(());
    }
    let is_foreign = |id: &&str| !ConnectionName::new(*id).is_ok_and(|id| caller.reaches(&id));
    let mut foreign = None;
    for value in wish.item.iter().chain(wish.words.values()) {
        each_text(value, &mut |text| {
            let found = secrets(text).find(is_foreign).map(str::to_owned);
            foreign = foreign.take().or(found);
        });
    }
    if let Some(id) = foreign {
        let detail = format!("the token does not reach the secret {id:?}");
        return Err(Problem::forbidden(detail));
    }
    match wish.words.get("rate") {
        None | Some(Json::Null | Json::Object(_)) => Ok(()),
        Some(_) => Err(Problem::forbidden(
            "invalid rate: the token does not reach all names, but others share the buckets; leave it out",
        )),
    }
}

/// The ids of the secrets in a text, also of escaped ones.
fn secrets(text: &str) -> impl Iterator<Item = &str> {
    let behind = text.split("${secret:").skip(1);
    behind.filter_map(|behind| Some(behind.split_once('}')?.0))
}

/// Visits each text in a value, with the names of members.
fn each_text(value: &Json, look: &mut impl FnMut(&str)) {
    match value {
        Json::String(text) => look(text),
        Json::Array(values) => values.iter().for_each(|value| each_text(value, look)),
        Json::Object(members) => {
            for (name, value) in members {
                look(name);
                each_text(value, look);
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_wherever_they_stand() {
        let body = serde_json::json!({
            "item": { "a ${secret:one}": ["x${secret:two}y${secret:three}", 7] },
            "on": { "send": "${secret:four} ${secret:" },
        });
        let wish = SubscriptionWish::from_json(&body).unwrap();
        let mut found = Vec::new();
        for value in wish.item.iter().chain(wish.words.values()) {
            each_text(value, &mut |text| {
                found.extend(secrets(text).map(str::to_owned));
            });
        }
        assert_eq!(found, ["one", "two", "three", "four"]);
    }
}
