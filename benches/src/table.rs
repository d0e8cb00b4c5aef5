//! The table that is printed, in Markdown.

use std::borrow::Cow;

use crate::pairs::Series;

/// The upper or lower limit of a number.
#[derive(Clone, Copy)]
pub enum Target {
    AtMost(f64),
    Below(f64),
    AtLeast(f64),
    /// The greatest of all rounds must meet it, not the median.
    AllAtMost(f64),
    /// For comparison only.
    None,
}

/// A line of the table.
pub struct Row {
    /// The description of the measurement.
    pub what: Cow<'static, str>,
    /// The number, round by round.
    pub series: Series,
    /// The limit that it must meet.
    pub target: Target,
    /// Its unit; empty for a ratio.
    pub unit: &'static str,
    /// The medians behind it.
    pub detail: String,
}

impl Row {
    /// Prints the head of the table.
    pub fn print_head() {
        println!("| measure | must reach | median | spread | | medians behind it |");
        println!("|---|---|---|---|---|---|");
    }

    /// Prints the line.
    pub fn print(&self) {
        let median = self.series.median();
        let (least, most) = self.series.spread();
        let (target, reached) = match self.target {
            Target::AtMost(target) => (format!("≤ {target}"), Some(median <= target)),
            Target::Below(target) => (format!("< {target}"), Some(median < target)),
            Target::AtLeast(target) => (format!("≥ {target}"), Some(median >= target)),
            Target::AllAtMost(target) => (format!("all ≤ {target}"), Some(most <= target)),
            Target::None => (String::new(), None),
        };
        let unit = self.unit;
        let verdict = match reached {
            Some(true) => "reached",
            Some(false) => "**missed**",
            None => "",
        };
        // The cost of a message is a fraction of a microsecond.
        let digits = if unit == " µs" { 3 } else { 2 };
        println!(
            "| {} | {target}{} | {median:.digits$}{unit} | {least:.digits$} to {most:.digits$} | {verdict} | {} |",
            self.what,
            if target.is_empty() { "" } else { unit },
            self.detail
        );
    }
}
