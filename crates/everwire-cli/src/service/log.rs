//! How log lines look, and where they go: standard output.

use std::io::{self, IsTerminal, Write};

use everwire::{
    config::{LogFormat, LogLevel, LogSettings},
    core::displayable_json,
};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

use crate::terminal::{harmless, is_colored};

/// Starts the log of this process; the first call counts.
///
/// A JSON line is one flat object: `timestamp` (RFC 3339, microseconds), `level`, `message` (what happened: for
/// connections the event's type), the fields of what happened, and `target` (`everwire::event` for connections).
pub fn start(settings: &LogSettings) {
    let level = match settings.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // Of the libraries below only what an operator should hear.
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("everwire", level);
    let json = match settings.format {
        LogFormat::Json => true,
        LogFormat::Pretty => false,
        LogFormat::Auto => !io::stdout().is_terminal(),
    };
    let lines = fmt::layer()
        .log_internal_errors(false)
        .with_writer(move || Line { json });
    let lines = if json {
        lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .boxed()
    } else {
        lines
            .with_target(false)
            .with_ansi(is_colored(&io::stdout()))
            .boxed()
    };
    // Only a second start can fail, and the log of the first goes on.
    let _started_before = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .try_init();
}

/// Standard output for one line of the log: whatever wrote a field of it, what a terminal would obey does not get there.
struct Line {
    json: bool,
}

impl Write for Line {
    /// A line is written at once, so that no character is cut.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let written = match self.json {
            true => displayable_json(&text),
            false => harmless(&text).into(),
        };
        io::stdout().write_all(written.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}
