//! A table that fits the terminal.

use std::io::{self, IsTerminal};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::words;
use crate::terminal;

/// The minimum width of a column.
const NARROWEST: usize = 4;
/// The gap between two columns.
const GAP: &str = "  ";

/// Rows under a header.
#[derive(Debug)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// The properties of a column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    title: &'static str,
    is_number: bool,
}

/// A cell of a table.
#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    color: Option<Color>,
}

/// A colour of the terminal's palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    Red,
    Green,
    Yellow,
    Cyan,
    Dim,
}

impl Color {
    /// The colour of a state.
    pub fn of_state(state: &str) -> Self {
        match state {
            "open" => Self::Green,
            "failed" => Self::Red,
            "idle" | "closed" => Self::Dim,
            _ => Self::Yellow,
        }
    }

    /// The text in this colour.
    pub fn paint(self, text: &str) -> String {
        let code = match self {
            Self::Red => 31,
            Self::Green => 32,
            Self::Yellow => 33,
            Self::Cyan => 36,
            Self::Dim => 2,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

impl Column {
    /// A column of texts, aligned left.
    pub fn text(title: &'static str) -> Self {
        Self {
            title,
            is_number: false,
        }
    }

    /// A column of numbers, aligned right.
    pub fn number(title: &'static str) -> Self {
        Self {
            title,
            is_number: true,
        }
    }
}

impl Cell {
    /// A text in a colour.
    pub fn colored(text: &str, color: Color) -> Self {
        Self {
            color: Some(color),
            ..text.into()
        }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self {
            text: words::one_line(text.as_ref()),
            color: None,
        }
    }
}

impl Table {
    /// A table without rows.
    pub fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self {
            columns: columns.into(),
            rows: Vec::new(),
        }
    }

    /// Adds a row with a cell for each column.
    pub fn push<const N: usize>(&mut self, row: [Cell; N]) {
        self.rows.push(row.into());
    }

    /// The lines for standard output, cut to the width of the terminal if it is one.
    pub fn render(&self) -> String {
        self.lines(terminal_width(), terminal::is_colored(&io::stdout()))
            .join("\n")
    }

    fn lines(&self, width: Option<usize>, is_colored: bool) -> Vec<String> {
        let widths = self.widths(width);
        let titles: Vec<_> = self
            .columns
            .iter()
            .map(|column| Cell::colored(column.title, Color::Dim))
            .collect();
        std::iter::once(&titles)
            .chain(&self.rows)
            .map(|row| self.line(row, &widths, is_colored))
            .collect()
    }

    fn line(&self, row: &[Cell], widths: &[usize], is_colored: bool) -> String {
        let cells = row.iter().zip(&self.columns).zip(widths);
        let cells: Vec<_> = cells
            .map(|((cell, column), &width)| {
                let text = truncate(&cell.text, width);
                let space = " ".repeat(width.saturating_sub(text.width()));
                let text = match cell.color.filter(|_| is_colored) {
                    Some(color) => color.paint(&text),
                    None => text,
                };
                match column.is_number {
                    true => space + &text,
                    false => text + &space,
                }
            })
            .collect();
        cells.join(GAP).trim_end().to_owned()
    }

    /// The widths of the columns. The widest columns are reduced first.
    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<_> = self
            .columns
            .iter()
            .map(|column| column.title.width())
            .collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.width());
            }
        }
        let Some(limit) = limit else { return widths };
        let gaps = GAP.len() * widths.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > limit {
            match widths.iter_mut().max() {
                Some(widest) if *widest > NARROWEST => *widest -= 1,
                _ => break,
            }
        }
        widths
    }
}

/// At most `width` columns of the text. `…` marks omitted text.
pub fn truncate(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let fits = |c: &char| {
        let fits = c.width().unwrap_or(0) <= left;
        left = left.saturating_sub(c.width().unwrap_or(0));
        fits
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    cut.push('…');
    cut
}

/// The number of columns of standard output, if it is a terminal.
pub fn terminal_width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
    // A terminal that does not know its size reports 0.
    Some(usize::from(width.0)).filter(|width| *width > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new([
            Column::text("NAME"),
            Column::number("N"),
            Column::text("DETAIL"),
        ]);
        table.push([
            "市場".into(),
            "12".into(),
            Cell::colored("a long story\nin two lines", Color::Red),
        ]);
        table.push(["feed-with-a-name".into(), "7".into(), "".into()]);
        table
    }

    #[test]
    fn columns_stand_under_each_other_whatever_their_letters_width() {
        let expected = [
            "NAME               N  DETAIL",
            "市場              12  a long story in two lines",
            "feed-with-a-name   7",
        ];
        assert_eq!(table().lines(None, false), expected);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in 20..60 {
            for line in table().lines(Some(width), false) {
                assert!(line.width() <= width, "{width}: {line:?}");
            }
        }
        let narrow = table().lines(Some(30), false);
        assert_eq!(narrow[1], "市場          12  a long stor…");
        assert_eq!(narrow[2], "feed-with-a…   7");
    }

    #[test]
    fn colours_take_no_width() {
        let line = &table().lines(Some(30), true)[1];
        assert_eq!(line, "市場          12  \x1b[31ma long stor…\x1b[0m");
    }

    #[test]
    fn a_wide_letter_is_never_halved() {
        assert_eq!(truncate("市場市場", 4), "市…");
        assert_eq!(truncate("市場市場", 5), "市場…");
        assert_eq!(truncate("abc", 3), "abc");
    }
}
