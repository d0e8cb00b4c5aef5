//! The parameters of a list: filters, page size and start.

use everwire::{ConnectionName, Pattern, State};

use super::problem::Problem;

/// The default page size.
const DEFAULT_LIMIT: usize = 100;
/// The largest page.
const MAX_LIMIT: usize = 1000;

/// `?match=&tag=&state=&limit=&cursor=`.
///
/// `tag` and `state` may be repeated and may contain commas: one of the values must match. An empty
/// parameter counts as absent.
#[derive(Debug, PartialEq)]
pub struct ListQuery {
    /// The names.
    pub pattern: Pattern,
    /// One of these tags; empty: any.
    pub tags: Vec<String>,
    /// One of these states; empty: any.
    pub states: Vec<State>,
    /// The size of a page.
    pub limit: usize,
    /// The last name of the previous page.
    pub after: Option<ConnectionName>,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            pattern: Pattern::all(),
            tags: Vec::new(),
            states: Vec::new(),
            limit: DEFAULT_LIMIT,
            after: None,
        }
    }
}

impl ListQuery {
    /// Reads the query of a target.
    ///
    /// # Errors
    ///
    /// 400, with the parameter and the valid values. An unknown parameter is an error: as a filter
    /// it would silently have no effect.
    pub fn parse(query: &str) -> Result<Self, Problem> {
        let mut list = Self::default();
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let wrong = |reason: String| Problem::bad_request(format!("invalid {key}: {reason}"));
            match &*key {
                "match" | "tag" | "state" | "limit" | "cursor" if value.is_empty() => {}
                "match" => {
                    list.pattern = Pattern::new(&value).map_err(|error| wrong(error.to_string()))?
                }
                "tag" => list.tags.extend(value.split(',').map(str::to_owned)),
                "state" => {
                    for state in value.split(',') {
                        let state = state.parse::<State>();
                        list.states
                            .push(state.map_err(|error| wrong(error.to_string()))?);
                    }
                }
                "limit" => list.limit = limit(&value).map_err(wrong)?,
                "cursor" => {
                    let after = ConnectionName::new(&value);
                    list.after = Some(after.map_err(|_| {
                        wrong("use next_cursor of the page before, as it is".into())
                    })?);
                }
                _ => {
                    let known = "the parameters are match, tag, state, limit and cursor";
                    return Err(Problem::bad_request(format!(
                        "unknown parameter {key}; {known}"
                    )));
                }
            }
        }
        Ok(list)
    }
}

/// The size of a page.
///
/// # Errors
///
/// What would be valid.
pub fn limit(value: &str) -> Result<usize, String> {
    match value.parse() {
        Ok(limit @ 1..=MAX_LIMIT) => Ok(limit),
        _ => Err(format!("{value:?} is not a number from 1 to {MAX_LIMIT}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_and_empty_ones_are_absent() {
        let list =
            ListQuery::parse("match=a*,b&tag=x&tag=y,z&state=open,backoff&limit=7&cursor=a.1").ok();
        let expected = ListQuery {
            pattern: Pattern::new("a*,b").unwrap(),
            tags: vec!["x".into(), "y".into(), "z".into()],
            states: vec![State::Open, State::Backoff],
            limit: 7,
            after: Some(ConnectionName::new("a.1").unwrap()),
        };
        assert_eq!(list, Some(expected));
        assert_eq!(
            ListQuery::parse("match=&state=&limit=").ok(),
            Some(ListQuery::default())
        );
    }

    #[test]
    fn a_bad_parameter_is_told_with_what_would_be_right() {
        for (query, part) in [
            ("limit=0", "1 to 1000"),
            ("limit=1001", "1 to 1000"),
            ("limit=x", "1 to 1000"),
            ("state=up", "the states are idle"),
            ("match=a%3F", "'?'"),
            ("cursor=..", "next_cursor"),
            ("states=open", "unknown parameter"),
        ] {
            let told = ListQuery::parse(query).unwrap_err().to_string();
            assert!(told.contains(part), "{query}: {told}");
        }
    }
}
