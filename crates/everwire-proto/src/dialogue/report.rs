//! Texts about errors for an operator.

use std::{fmt, time::Duration};

use super::{
    captures::{Captures, MAX_CAPTURED, NotCaught},
    place::StepPlace,
};
use crate::{
    core::Message,
    language::{Expression, Names},
    settings::dialogue::{
        Capture, DialogueRule, HttpRequest, ScriptStep, Sending, StepCall, Trigger,
    },
};

/// How many bytes of a message, and of its settings, are shown.
const SHOWN: usize = 256;

/// A close script that had no time.
pub(super) const NOT_BEGUN: &str =
    "close_script was not begun: what waited to be sent took all of close_timeout";

/// The parts of a text about a step: its place, its message, and its expectation.
pub(super) struct StepText<'a> {
    pub place: StepPlace,
    pub step: &'a ScriptStep,
}

impl fmt::Display for StepText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)?;
        if let Some(send) = &self.step.send {
            write!(f, " sent {}", clipped(&send.as_written()))?;
        }
        if let Some(called) = &self.step.call {
            write!(f, " called {}", call(called))?;
        }
        let Some(expect) = &self.step.expect else {
            return Ok(());
        };
        let and = match self.step.acts() {
            true => " and",
            false => "",
        };
        write!(f, "{and} expected {}", clipped(expect.as_str()))?;
        match self.step.count.get() {
            1 => Ok(()),
            count => write!(f, " {count} times"),
        }
    }
}

/// The parts of a text about a call: its place, and the call.
pub(super) struct CallText<'a> {
    /// The place of the step.
    pub place: Box<str>,
    pub call: &'a StepCall,
}

impl fmt::Display for CallText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {},", self.place, call(self.call))
    }
}

/// A call: its method and its URL as it was written, without its query, or the program.
pub(super) fn call(call: &StepCall) -> String {
    match call {
        StepCall::Http(request) => http(request),
        StepCall::Exec(program) => format!("exec {}", program.path.display()),
    }
}

/// An HTTP request: its method and its URL as it was written, without its query.
pub(super) fn http(request: &HttpRequest) -> String {
    let url = request.url.as_str();
    format!("{} {}", request.method, clipped(without_query(url)))
}

/// The part before the first `?` outside of holes.
fn without_query(url: &str) -> &str {
    let mut depth = 0_usize;
    let end = url.char_indices().find(|(at, character)| {
        match character {
            '{' if depth > 0 || url[..*at].ends_with('$') => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && matches!(character, '?' | '#')
    });
    end.map_or(url, |(at, _)| &url[..at])
}

/// A missing capture of an answer.
pub(super) fn missing(capture: &Capture, names: &Names, body: Option<&str>) -> String {
    let name = names.captures().nth(usize::from(capture.name));
    let (name, value) = (name.unwrap_or_default(), clipped(capture.value.as_str()));
    let is_long = body.is_some_and(|body| body.len() > MAX_CAPTURED);
    let or_long = if is_long { ", or too long," } else { "" };
    format!("{name} ({value}) is not there{or_long}")
}

/// The start of an answer's body, with these secrets masked.
pub(super) fn show_body(body: &[u8], secrets: &Masked, out: &mut String) {
    match std::str::from_utf8(body) {
        Ok("") => out.push_str("an empty body"),
        Ok(text) => show_text_masked(text, secrets, out),
        Err(_) => out.push_str(&format!("{} bytes", body.len())),
    }
}

/// A refusal of the peer.
pub(super) fn refused(
    step: StepText<'_>,
    (key, expression): (&str, &Expression),
    after: Duration,
    message: &str,
) -> String {
    let expression = clipped(expression.as_str());
    format!(
        "{step}; {} later {key} ({expression}) held for {message}",
        Span(after)
    )
}

/// An answer in which a capture is missing.
pub(super) fn not_caught(
    step: StepText<'_>,
    not_caught: NotCaught<'_>,
    names: &Names,
    after: Duration,
    message: &str,
) -> String {
    let (NotCaught::Absent(capture) | NotCaught::TooLong(capture)) = not_caught;
    let Capture { name, value, .. } = capture;
    let name = names.captures().nth(usize::from(*name)).unwrap_or_default();
    let reason = match not_caught {
        NotCaught::Absent(_) => "is not there",
        NotCaught::TooLong(_) => "is too long to be captured",
    };
    let value = clipped(value.as_str());
    format!(
        "{step}; {} later {name} ({value}) {reason} in {message}",
        Span(after)
    )
}

/// A step that nothing has decided in time. `last` is the last message.
pub(super) fn timed_out(step: StepText<'_>, met: u32, last: &str) -> String {
    let (within, met) = (Span(step.step.within), met_so_often(met));
    match last {
        "" => format!("{step}{met}; no message came within {within}"),
        last => format!("{step}{met}; no answer came within {within}, the last message is {last}"),
    }
}

/// A step of a script whose total time is over.
pub(super) fn cut_off(step: StepText<'_>, met: u32, last: &str) -> String {
    let met = met_so_often(met);
    match last {
        "" if step.step.call.is_some() => {
            format!("{step}; close_timeout is over, and no answer came")
        }
        "" => format!("{step}{met}; close_timeout is over, and no message came"),
        last => format!("{step}{met}; close_timeout is over, the last message is {last}"),
    }
}

fn met_so_often(met: u32) -> String {
    match met {
        0 => String::new(),
        1 => ", met once".into(),
        met => format!(", met {met} times"),
    }
}

/// A rule that ends the socket.
pub(super) fn by_rule(rule: &str, does: &str, of: &str) -> String {
    format!("{rule} says {does}, of {of}")
}

/// The name of a rule: its place in the settings, and its condition.
pub(super) fn rule(at: usize, rule: &DialogueRule) -> String {
    match &rule.trigger {
        Trigger::Message(when) => format!("rule {} ({})", at + 1, clipped(when.as_str())),
        Trigger::Loss(losses) => {
            let losses: Vec<String> = losses.iter().map(ToString::to_string).collect();
            format!("rule {} (loss {})", at + 1, losses.join(", "))
        }
    }
}

/// A message, as it was written.
pub(super) fn sending(sending: &Sending) -> String {
    clipped(&sending.as_written())
}

/// The start of a message, with secrets masked.
pub(super) fn shown(message: &Message, captures: &Captures) -> String {
    let mut shown = String::new();
    show(message, captures, &mut shown);
    shown
}

/// Writes the start of a message, with secrets masked.
pub(super) fn show(message: &Message, captures: &Captures, out: &mut String) {
    show_masked(message, &Masked::of(captures), out);
}

/// The same with these secrets.
pub(super) fn show_masked(message: &Message, secrets: &Masked, out: &mut String) {
    match std::str::from_utf8(message.payload()) {
        Ok(text) => show_text_masked(text, secrets, out),
        Err(_) => out.push_str(&format!("{} bytes", message.len())),
    }
}

/// The start of a message with captured secrets masked; `None` if it contains none.
pub(super) fn masked(message: &Message, captures: &Captures) -> Option<String> {
    let secrets = Masked::of(captures);
    if secrets.0.is_empty() {
        return None;
    }
    let text = String::from_utf8_lossy(message.payload());
    let mut shown = String::new();
    show_text_masked(&text, &secrets, &mut shown);
    (shown != clipped(&text)).then_some(shown)
}

/// The start of a text, with secrets masked.
pub(super) fn start_of(text: &str, captures: &Captures) -> String {
    let mut start = String::new();
    show_text(text, captures, &mut start);
    start
}

/// The texts to mask, the longest first, since one may be the start of another.
pub(super) struct Masked(Vec<String>);

impl Masked {
    /// The current captures.
    pub fn of(captures: &Captures) -> Self {
        Self(captures.secrets().collect()).sorted()
    }

    /// These secrets.
    pub fn all(secrets: impl IntoIterator<Item = String>) -> Self {
        Self(secrets.into_iter().collect()).sorted()
    }

    /// Adds the current captures.
    pub fn with(mut self, captures: &Captures) -> Self {
        self.0.extend(captures.secrets());
        self.sorted()
    }

    fn sorted(mut self) -> Self {
        self.0.retain(|secret| !secret.is_empty());
        self.0
            .sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
        self
    }
}

fn show_text(text: &str, captures: &Captures, out: &mut String) {
    show_text_masked(text, &Masked::of(captures), out);
}

/// Writes the start of a text, with these secrets masked.
pub(super) fn show_text_masked(text: &str, Masked(secrets): &Masked, out: &mut String) {
    if secrets.is_empty() {
        return clip(text, out);
    }
    let begin = out.len();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if out.len() - begin + next.len_utf8() > SHOWN {
            out.push('…');
            break;
        }
        // Most characters begin none of them: JSON writes one as it is, or behind a backslash.
        let may_begin = |secret: &&String| next == '\\' || secret.starts_with(next);
        let mut secrets = secrets.iter().filter(may_begin);
        let found = secrets.find_map(|secret| behind(rest, secret));
        match found {
            Some(behind) => {
                out.push_str("***");
                rest = behind;
            }
            None => {
                out.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
    }
}

/// The rest of a text after a secret at its start, plain or in any JSON escaping.
fn behind<'t>(text: &'t str, secret: &str) -> Option<&'t str> {
    let written = || {
        let mut rest = text;
        for wanted in secret.chars() {
            let (found, length) = written_char(rest)?;
            if found != wanted {
                return None;
            }
            rest = &rest[length..];
        }
        Some(rest)
    };
    text.strip_prefix(secret).or_else(written)
}

/// The next character in the text of a JSON string, and its length there in bytes.
fn written_char(text: &str) -> Option<(char, usize)> {
    let Some(escape) = text.strip_prefix('\\') else {
        let next = text.chars().next()?;
        return Some((next, next.len_utf8()));
    };
    Some(match escape.chars().next()? {
        'u' => return escaped_char(text),
        'b' => ('\u{8}', 2),
        'f' => ('\u{c}', 2),
        'n' => ('\n', 2),
        'r' => ('\r', 2),
        't' => ('\t', 2),
        other => (other, 1 + other.len_utf8()),
    })
}

/// The character of `\uXXXX`, or of two of them.
fn escaped_char(text: &str) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let units = unit(0).into_iter().chain(unit(6));
    let found = char::decode_utf16(units).next()?.ok()?;
    Some((found, 6 * found.len_utf16()))
}

/// The start of a text of the settings.
pub(super) fn clipped(text: &str) -> String {
    let mut clipped = String::new();
    clip(text, &mut clipped);
    clipped
}

fn clip(text: &str, out: &mut String) {
    out.push_str(&text[..text.floor_char_boundary(SHOWN)]);
    if text.len() > SHOWN {
        out.push('…');
    }
}

/// A duration in its shortest form.
pub(super) struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        match (millis, millis % 1000) {
            (..1000, _) => write!(f, "{millis}ms"),
            (_, 0) => write!(f, "{}s", millis / 1000),
            _ => write!(f, "{:.1}s", self.0.as_secs_f64()),
        }
    }
}
