//! The format of log lines. They go to standard output.

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

/// Starts the log of this process. Only the first call has an effect.
///
/// A JSON line is a flat object: `timestamp` (RFC 3339, microseconds), `level`, `message` (for
/// connections the type of the event), the fields of the event, and `target` (`everwire::event` for
/// connections).
pub fn start(settings: &LogSettings) {
    let level = match settings.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // Only the messages of libraries that an operator needs.
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
    // Only a second start can fail, and then the first log continues.
    let _started_before = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .try_init();
}

/// Standard output for a log line. It escapes characters that a terminal would interpret, wherever
/// they come from.
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
