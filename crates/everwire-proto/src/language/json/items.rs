//! The elements of an array.

use super::{raw::RawJson, scan::Scan};

/// Iterates over the elements of an array, in order.
///
/// ```
/// use everwire_proto::language::json::RawJson;
///
/// let array = RawJson::parse(r#"[1, [2, 3], "x"]"#).ok_or("no JSON")?;
/// let written: Vec<&str> = array.items().map(|item| item.as_str()).collect();
/// assert_eq!(written, ["1", "[2, 3]", r#""x""#]);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Debug)]
pub struct Items<'a> {
    array: &'a str,
    /// Where the next one begins, perhaps after white space.
    at: usize,
}

impl<'a> RawJson<'a> {
    /// The elements of an array; empty for any other value.
    pub fn items(&self) -> Items<'a> {
        let inside = self.as_str().strip_prefix('[');
        Items {
            array: inside
                .and_then(|inside| inside.strip_suffix(']'))
                .unwrap_or_default(),
            at: 0,
        }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = RawJson<'a>;

    fn next(&mut self) -> Option<RawJson<'a>> {
        let scan = Scan::new(self.array);
        let (first, from) = scan.token(self.at)?;
        let to = scan.value(first, from, 0)?;
        // After the comma, or at the end.
        self.at = scan.token(to).map_or(to, |(_, comma)| comma + 1);
        scan.text(from, to).map(RawJson::new)
    }
}
