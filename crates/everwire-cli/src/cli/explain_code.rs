//! `everwire explain`: the meaning of an error code, and its remedy.

use clap::{Args, builder::PossibleValuesParser};
use serde_json::json;

use super::{Failure, output, table, wrapped::wrapped};
use crate::service::codes::{self, Code, Place};

/// The column of the sentences.
const INDENT: usize = 11;

/// Explain the code of an error: what it means, and what helps
///
/// Codes, such as pong_timeout, are in `status`, `why`, events, metrics and the problems of the API. Without a code all codes are listed. No
/// service is needed.
#[derive(Debug, Args)]
pub struct Explain {
    /// The code
    #[arg(value_parser = PossibleValuesParser::new(known()), hide_possible_values = true)]
    code: Option<String>,

    /// Print an array of JSON objects
    #[arg(long)]
    json: bool,
}

impl Explain {
    /// Prints it.
    ///
    /// # Errors
    ///
    /// [`Failure::Output`].
    pub fn execute(self) -> Result<(), Failure> {
        let entries = match &self.code {
            Some(code) => codes::find(code),
            None => all().collect(),
        };
        if self.json {
            let entries: Vec<_> = entries.into_iter().map(object).collect();
            return output::print_json(&format!("{:#}", json!(entries)));
        }
        let width = table::terminal_width();
        let text: Vec<String> = entries
            .into_iter()
            .map(|(place, code)| entry(place, code, width))
            .collect();
        output::print(&text.join("\n\n"))
    }
}

fn all() -> impl Iterator<Item = (Place, &'static Code)> {
    let of = |place: Place| place.codes().iter().map(move |code| (place, code));
    Place::ALL.into_iter().flat_map(of)
}

/// Each code once.
fn known() -> Vec<&'static str> {
    let mut known: Vec<_> = all().map(|(_, code)| code.code).collect();
    known.sort_unstable();
    known.dedup();
    known
}

fn object((place, code): (Place, &Code)) -> serde_json::Value {
    json!({
        "code": code.code,
        "place": place.as_str(),
        "meaning": code.meaning,
        "remedy": code.remedy,
    })
}

/// A heading and two paragraphs.
fn entry(place: Place, code: &Code, width: Option<usize>) -> String {
    let mut lines = vec![format!("{} ({})", code.code, place.as_str())];
    for (label, text) in [("meaning", code.meaning), ("remedy", code.remedy)] {
        let paragraph = wrapped(text, INDENT, INDENT, width).join("\n");
        lines.push(format!("  {label:<9}{}", paragraph.trim_start()));
    }
    lines.join("\n")
}
