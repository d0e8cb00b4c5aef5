//! Draws totals, a row for each name, the last events, and the keys.
//!
//! Uses only the terminal's own colours, and each state also has a mark. So it can be read on light
//! and dark terminals, and without colours.

use everwire::State;
use jiff::Timestamp;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style, Stylize},
    text::{Line, Span},
    widgets::{Block, Borders, Cell, Paragraph, Row as TableRow, Table},
};

use super::{
    board::{Board, Row},
    words,
};

/// Draws the screen.
pub fn draw(frame: &mut Frame<'_>, board: &Board, page_url: &str, now: Timestamp) {
    let rows = u16::try_from(board.rows().len()).unwrap_or(u16::MAX);
    let [head, table, recent, foot] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Max(rows.saturating_add(2)),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    draw_head(frame, head, board, page_url);
    frame.render_widget(names(board, now), table);
    draw_recent(frame, recent, board);
    let hidden = board
        .rows()
        .len()
        .saturating_sub(usize::from(table.height.saturating_sub(2)));
    draw_foot(frame, foot, hidden);
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, board: &Board, page_url: &str) {
    let mut states = vec![
        " everwire demo ".bold(),
        Span::raw(format!(" {} names ", board.rows().len())),
    ];
    for (state, count) in board.states() {
        let text = format!(" {} {count} {}", words::mark(state), state.as_str());
        states.push(Span::styled(text, color(state)));
    }
    let total = board.total();
    let rates = format!(
        " {:.1} messages/s in, {:.1} out",
        total.received, total.sent
    );
    let places = vec![rates.into(), format!("   page {page_url}").dim()];
    let head = vec![Line::from(states), Line::from(places)];
    frame.render_widget(Paragraph::new(head), area);
}

fn names(board: &Board, now: Timestamp) -> Table<'_> {
    let titles = [
        "name",
        "state",
        "for",
        "next, and why",
        "rtt ms",
        "in/s",
        "out/s",
        "lost",
    ];
    let titles = titles
        .into_iter()
        .enumerate()
        .map(|(column, title)| match column {
            4.. => Cell::from(Line::from(title).right_aligned()),
            _ => Cell::from(title),
        });
    let name = board
        .rows()
        .iter()
        .map(|row| row.name.len())
        .max()
        .unwrap_or(4);
    let widths = [
        Constraint::Length(u16::try_from(name.min(24)).unwrap_or(24)),
        Constraint::Length(12),
        Constraint::Length(4),
        Constraint::Fill(1),
        Constraint::Length(6),
        Constraint::Length(5),
        Constraint::Length(5),
        Constraint::Length(4),
    ];
    Table::new(board.rows().iter().map(|row| table_row(row, now)), widths)
        .header(TableRow::new(titles).add_modifier(Modifier::DIM))
        .block(
            Block::new()
                .borders(Borders::TOP)
                .border_style(Modifier::DIM),
        )
        .column_spacing(1)
}

fn table_row(row: &Row, now: Timestamp) -> TableRow<'_> {
    let state = format!("{} {}", words::mark(row.state), row.state.as_str());
    let why = match row.state {
        State::Backoff | State::Failed => Style::new(),
        _ => Style::new().add_modifier(Modifier::DIM),
    };
    let right = |text: String| Cell::from(Line::from(text).right_aligned());
    let rtt = row.rtt.filter(|_| row.state == State::Open);
    TableRow::new([
        Cell::from(row.name.as_str()),
        Cell::from(state).style(color(row.state)),
        right(words::span(words::between(row.since, now))),
        Cell::from(row.waits_for(now)).style(why),
        right(rtt.map_or(String::new(), |rtt| {
            format!("{:.1}", rtt.as_secs_f64() * 1e3)
        })),
        right(rate(row.rates.received)),
        right(rate(row.rates.sent)),
        right(if row.reconnects == 0 {
            String::new()
        } else {
            row.reconnects.to_string()
        }),
    ])
}

/// A rate in at most five characters; empty for zero.
fn rate(rate: f64) -> String {
    if rate < 0.05 {
        String::new()
    } else if rate < 1000.0 {
        format!("{rate:.1}")
    } else {
        format!("{:.0}k", rate / 1000.0)
    }
}

fn draw_recent(frame: &mut Frame<'_>, area: Rect, board: &Board) {
    let lines: Vec<_> = board.recent().map(Line::from).collect();
    let block = Block::new()
        .borders(Borders::TOP)
        .border_style(Modifier::DIM)
        .title("─ last events ".dim());
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn draw_foot(frame: &mut Frame<'_>, area: Rect, hidden: usize) {
    let mut keys = vec![
        " q".bold(),
        " quit   ".into(),
        "c".bold(),
        " cut all links".into(),
    ];
    if hidden > 0 {
        keys.push(format!("   {hidden} more names: make the terminal higher").dim());
    }
    frame.render_widget(Line::from(keys), area);
}

/// The terminal colour of a state.
fn color(state: State) -> Style {
    match state {
        State::Open => Style::new().fg(Color::Green),
        State::Connecting | State::Opening => Style::new().fg(Color::Cyan),
        State::Backoff => Style::new().fg(Color::Yellow),
        State::Failed => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
        State::Closing => Style::new().fg(Color::Magenta),
        _ => Style::new().add_modifier(Modifier::DIM),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ratatui::{Terminal, backend::TestBackend};

    use super::*;
    use crate::cli::demo::board::Rates;

    const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

    fn row(name: &str, state: State) -> Row {
        Row {
            name: name.to_owned(),
            state,
            since: NOW - Duration::from_secs(65),
            retry_at: None,
            cause: None,
            rtt: None,
            reconnects: 0,
            rates: Rates::default(),
        }
    }

    fn board() -> Board {
        let up = Row {
            rtt: Some(Duration::from_micros(430)),
            rates: Rates {
                received: 20.0,
                sent: 2.0,
            },
            ..row("ticks", State::Open)
        };
        let waiting = Row {
            retry_at: Some(NOW + Duration::from_millis(3_200)),
            cause: Some("status 503".to_owned()),
            reconnects: 7,
            ..row("busy-503", State::Backoff)
        };
        let failed = Row {
            cause: Some("status 401".to_owned()),
            ..row("denied-401", State::Failed)
        };
        Board::with_rows(NOW, vec![waiting, failed, up])
    }

    fn picture(width: u16, height: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal
            .draw(|frame| draw(frame, &board(), "http://127.0.0.1:2/v1", NOW))
            .unwrap();
        let buffer = terminal.backend().buffer();
        let line = |y| {
            (0..width)
                .map(|x| buffer[(x, y)].symbol())
                .collect::<String>()
        };
        (0..height).map(|y| line(y).trim_end().to_owned()).collect()
    }

    #[test]
    fn eighty_columns_tell_who_is_up_and_who_waits_for_what() {
        let expected = [
            " everwire demo  3 names  ● 1 open ↻ 1 backoff ✕ 1 failed",
            " 20.0 messages/s in, 2.0 out   page http://127.0.0.1:2/v1",
            "────────────────────────────────────────────────────────────────────────────────",
            "name       state        for  next, and why               rtt ms  in/s out/s lost",
            "busy-503   ↻ backoff      1m in 3.2s: status 503                               7",
            "denied-401 ✕ failed       1m gave up: status 401",
            "ticks      ● open         1m                                0.4  20.0   2.0",
        ];
        assert_eq!(picture(80, 12)[..7], expected);
    }

    #[test]
    fn any_size_of_a_terminal_is_drawn_on() {
        for (width, height) in [(1, 1), (20, 3), (39, 7), (80, 4), (300, 100)] {
            assert_eq!(picture(width, height).len(), usize::from(height));
        }
        assert!(
            picture(80, 6)[5].contains("more names"),
            "{:?}",
            picture(80, 6)
        );
    }
}
