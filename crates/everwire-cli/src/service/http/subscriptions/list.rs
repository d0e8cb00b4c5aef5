//! A page of the subscriptions of a connection.

use everwire::dialogue::{SubscriptionState, SubscriptionStatus};
use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};

use crate::service::http::{problem::Problem, query::limit};

/// The default page size.
const DEFAULT_LIMIT: usize = 100;
/// A page ends after this number of bytes in items.
const PAGE_BYTES: usize = 1 << 20;

/// A subscription in an answer: its item is JSON, not text.
pub struct Subscription<'a>(pub &'a SubscriptionStatus);

impl Serialize for Subscription<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut told = json!(self.0);
        if let Ok(item) = serde_json::from_str::<Json>(&self.0.item) {
            told["item"] = item;
        }
        told.serialize(serializer)
    }
}

/// `?state=&limit=&cursor=`; an empty parameter counts as absent.
#[derive(Debug, PartialEq)]
pub struct Query {
    /// One of these states; empty: any.
    states: Vec<SubscriptionState>,
    limit: usize,
    /// The last key of the previous page.
    after: Option<String>,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            states: Vec::new(),
            limit: DEFAULT_LIMIT,
            after: None,
        }
    }
}

impl Query {
    /// Reads the query of a target.
    ///
    /// # Errors
    ///
    /// 400.
    pub fn parse(query: &str) -> Result<Self, Problem> {
        let mut list = Self::default();
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let wrong = |reason: String| Problem::bad_request(format!("invalid {key}: {reason}"));
            match &*key {
                "state" | "limit" | "cursor" if value.is_empty() => {}
                "state" => {
                    for name in value.split(',') {
                        list.states.push(state(name).map_err(wrong)?);
                    }
                }
                "limit" => list.limit = limit(&value).map_err(wrong)?,
                "cursor" => list.after = Some(value.into_owned()),
                _ => {
                    let known = "the parameters are state, limit and cursor";
                    return Err(Problem::bad_request(format!(
                        "unknown parameter {key}; {known}"
                    )));
                }
            }
        }
        Ok(list)
    }
}

fn state(name: &str) -> Result<SubscriptionState, String> {
    let mut states = SubscriptionState::ALL.into_iter();
    let found = states.find(|state| state.as_str() == name);
    found.ok_or_else(|| {
        let known = SubscriptionState::ALL.map(SubscriptionState::as_str);
        format!(
            "unknown state {name:?} of a subscription; the states are {}",
            known.join(", ")
        )
    })
}

/// Some of the subscriptions in the order of their keys, and the start of the next page.
pub fn page(mut all: Vec<SubscriptionStatus>, query: &Query) -> Json {
    all.retain(|status| query.states.is_empty() || query.states.contains(&status.state));
    all.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    let after = query.after.as_deref();
    let from = after.map_or(0, |after| all.partition_point(|one| *one.key <= *after));
    let rest = all.get(from..).unwrap_or_default();
    let mut bytes = 0;
    let has_room = |status: &&SubscriptionStatus| {
        let has_room = bytes < PAGE_BYTES;
        bytes += status.item.len();
        has_room
    };
    let page = rest.iter().take(query.limit).take_while(has_room);
    let page: Vec<_> = page.collect();
    let last = page.last().map(|status| &*status.key);
    let next = last.filter(|_| page.len() < rest.len());
    let page: Vec<_> = page.into_iter().map(Subscription).collect();
    json!({ "subscriptions": page, "next_cursor": next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_and_wrong_ones_told() {
        let read = Query::parse("state=active,ended&state=sent&limit=7&cursor=a%2Fb").unwrap();
        let states = read.states.iter().map(|state| state.as_str());
        assert_eq!(states.collect::<Vec<_>>(), ["active", "ended", "sent"]);
        assert_eq!((read.limit, read.after.as_deref()), (7, Some("a/b")));
        assert_eq!(Query::parse("state=&limit=").unwrap(), Query::default());
        for (query, part) in [
            ("state=up", "the states are wanted, sent"),
            ("limit=0", "1 to 1000"),
            ("match=x", "state, limit and cursor"),
        ] {
            let told = Query::parse(query).unwrap_err().to_string();
            assert!(told.contains(part), "{query}: {told}");
        }
    }
}
