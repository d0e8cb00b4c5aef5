//! The report of a rehearsal, as text and as JSON.

use serde_json::{Value as Json, json};

use super::outcome::{Outcome, Verdict};
use crate::cli::table::{Cell, Color, Column, Table};

/// The runs of a name.
pub struct NameReport {
    pub name: String,
    /// The number of other names that differ only in their name.
    pub alike: usize,
    /// The number of skipped runs, because the dialogue fails as written.
    pub left_out: usize,
    pub outcomes: Vec<Outcome>,
}

/// The number of runs with each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: usize,
    pub failed: usize,
    pub untold: usize,
}

impl Counts {
    /// The numbers of all names together.
    pub fn of(reports: &[NameReport]) -> Self {
        let mut counts = Self::default();
        for outcome in reports.iter().flat_map(|report| &report.outcomes) {
            match outcome.verdict() {
                Verdict::Passed => counts.passed += 1,
                Verdict::Failed => counts.failed += 1,
                Verdict::Untold => counts.untold += 1,
            }
        }
        counts
    }
}

/// A line about shortened waits and rates.
pub const SHORTENED: &str =
    "Waits were shortened, and rates left out: within 2s, heartbeats 500ms, backoff 200ms at most.";

/// A table of all runs.
pub fn table(reports: &[NameReport]) -> String {
    let mut table = Table::new([
        Column::text("NAME"),
        Column::text("WHERE"),
        Column::text("WHAT"),
        Column::text("OUTCOME"),
        Column::text("DETAIL"),
    ]);
    for report in reports {
        for outcome in &report.outcomes {
            let (word, color) = match outcome.verdict() {
                Verdict::Passed => ("passed", Color::Green),
                Verdict::Failed => ("FAILED", Color::Red),
                Verdict::Untold => ("skipped", Color::Yellow),
            };
            table.push([
                Cell::from(&report.name),
                outcome.fault.place.to_string().into(),
                outcome.fault.what.to_string().into(),
                Cell::colored(word, color),
                outcome.text().into(),
            ]);
        }
        if report.left_out > 0 {
            table.push([
                Cell::from(&report.name),
                format!("{} more", report.left_out).into(),
                "".into(),
                Cell::colored("left out", Color::Yellow),
                "rehearsed once the run as written passes".into(),
            ]);
        }
    }
    table.render()
}

/// The last line.
pub fn summary(reports: &[NameReport]) -> String {
    let Counts {
        passed,
        failed,
        untold,
    } = Counts::of(reports);
    let alike: usize = reports.iter().map(|report| report.alike).sum();
    let like = match alike {
        0 => String::new(),
        more => format!(", and {more} more that are like them"),
    };
    let names = match reports.len() {
        1 => "1 name".to_owned(),
        names => format!("{names} names"),
    };
    format!("{names}{like}: {passed} runs passed, {failed} failed, {untold} could not be made")
}

/// The report as one object.
pub fn json(reports: &[NameReport]) -> Json {
    let counts = Counts::of(reports);
    let names = reports.iter().map(|report| {
        let runs: Vec<Json> = report.outcomes.iter().map(Outcome::json).collect();
        json!({ "name": report.name, "alike": report.alike, "left_out": report.left_out, "runs": runs })
    });
    json!({
        "passed": counts.passed,
        "failed": counts.failed,
        "not_inverted": counts.untold,
        "names": names.collect::<Vec<_>>(),
    })
}
