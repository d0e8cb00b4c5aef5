//! What a terminal allows.

use std::io::IsTerminal;

/// Whether colours may be used: on a terminal that knows them, unless `NO_COLOR` is set (no-color.org).
pub fn is_colored(stream: &impl IsTerminal) -> bool {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    stream.is_terminal()
        && set("NO_COLOR").is_none()
        && set("TERM").is_none_or(|term| term != "dumb")
}
