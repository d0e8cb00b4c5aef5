//! `everwire check --explain`: describes in sentences what connections will do.

use everwire::{
    ConnectionName, Pattern, Settings,
    config::{self, Explanation, Line, Section},
};

use super::{Failure, words, wrapped::wrapped};

/// The most different explanations; a user can name others.
const MOST: usize = 100;
/// The column of the sentences.
const INDENT: usize = 13;

/// The explanations of the connections that these patterns select; of all without a pattern.
///
/// # Errors
///
/// [`Failure::Usage`] for a pattern that selects none.
pub fn of(settings: &Settings, patterns: &[Pattern]) -> Result<Vec<Explanation>, Failure> {
    let names = || settings.connections.keys();
    let is_unused = |pattern: &&Pattern| !names().any(|name| pattern.matches(name));
    if let Some(pattern) = patterns.iter().find(is_unused) {
        let pattern = pattern.to_string();
        let help = match std::path::Path::new(&pattern).exists() {
            true => format!("; the configuration stands first: everwire check {pattern} --explain"),
            false => names_there(settings),
        };
        return Err(Failure::Usage(format!(
            "no connection is {pattern:?}{help}"
        )));
    }
    let is_wanted = |name: &ConnectionName| {
        patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(name))
    };
    let connections = settings.connections.iter();
    Ok(config::explain(
        connections.filter(|(name, _)| is_wanted(name)),
    ))
}

/// Some of the existing names.
pub fn names_there(settings: &Settings) -> String {
    let names: Vec<&str> = settings
        .connections
        .keys()
        .take(5)
        .map(|name| name.as_str())
        .collect();
    match (names.len(), settings.connections.len()) {
        (0, _) => "; the configuration has no connections".into(),
        (1, 1) => format!("; there is {}", names.join(", ")),
        (shown, all) if shown < all => {
            format!("; there are {} and {} more", names.join(", "), all - shown)
        }
        _ => format!("; there are {}", names.join(", ")),
    }
}

/// The text, in lines of this width.
pub fn text(explanations: &[Explanation], width: Option<usize>) -> String {
    let mut lines = Vec::new();
    for explanation in explanations.iter().take(MOST) {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(wrapped(&title(&explanation.names), 0, 4, width));
        for section in &explanation.sections {
            section_lines(section, width, &mut lines);
        }
    }
    let rest = explanations.iter().skip(MOST);
    let rest: usize = rest.map(|explanation| explanation.names.len()).sum();
    if rest > 0 {
        let rest = words::count(rest as u64, "connection");
        lines.push(format!(
            "\nand {rest} that do something else each: name those that you want"
        ));
    }
    lines.join("\n")
}

/// What a bridge does, in lines of this width; only the sentences without details.
pub fn bridge(section: &Section, with_details: bool, width: Option<usize>) -> String {
    let mut section = section.clone();
    if !with_details {
        let lines = section.lines.iter_mut();
        lines.for_each(|line| line.details.clear());
    }
    let mut lines = Vec::new();
    section_lines(&section, width, &mut lines);
    lines.join("\n")
}

fn title(names: &[ConnectionName]) -> String {
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    match &*names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        few if few.len() <= 3 => format!("{} do the same", few.join(", ")),
        [first, .., last] => {
            format!("{first} … {last} ({} names) do the same", names.len())
        }
    }
}

fn section_lines(section: &Section, width: Option<usize>, out: &mut Vec<String>) {
    let mut subject = section.subject;
    for Line { text, details, .. } in &section.lines {
        let mut told = wrapped(text, INDENT, INDENT + 4, width);
        if let Some(first) = told.first_mut() {
            *first = format!(
                "  {subject:<width$}{}",
                first.trim_start(),
                width = INDENT - 2
            );
            subject = "";
        }
        out.extend(told);
        for detail in details {
            out.extend(wrapped(detail, INDENT + 2, INDENT + 6, width));
        }
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    fn told(file: &str, width: Option<usize>) -> String {
        let settings = Settings::from_toml(file).unwrap();
        text(&of(&settings, &[]).unwrap(), width)
    }

    #[test]
    fn names_that_do_the_same_are_told_together() {
        let file = "[fleet.sensor]\nname = 'sensor-{i:03}'\nrange = [1, 999]\nurl = 'wss://h/{name}'\n\
                    [connections.other]\nurl = 'wss://h/other/x'\n";
        let told = told(file, None);
        let mut lines = told.lines();
        let titles: Vec<&str> = lines
            .by_ref()
            .filter(|line| !line.is_empty() && !line.starts_with(' '))
            .collect();
        assert_eq!(titles.len(), 2, "{told}");
        assert!(
            told.contains("sensor-001 … sensor-999 (999 names) do the same"),
            "{told}"
        );
        assert!(told.contains("dials      wss://h/{name}\n"), "{told}");
        assert!(told.contains("dials      wss://h/other/x\n"), "{told}");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_but_for_a_word_that_is() {
        let file = "[connections.a]\nurl = 'wss://example.com/a-rather-long-path-that-is-one-word'\n\
                    [connections.b]\nurl = 'wss://h/'\nreconnect.give_up_on = ['status:401', 'status:403', 'close:4000-4999']\n";
        let told = told(file, Some(60));
        for line in told.lines() {
            assert!(
                line.width() <= 60 || line.split_whitespace().count() <= 2,
                "{line:?}"
            );
        }
        assert!(told.contains("\n                 "), "{told}");
    }

    #[test]
    fn a_bridge_is_told_in_sentences_or_with_what_belongs_to_them() {
        let file = "[nats]\nservers = ['nats://h']\nin = {}\nout = { match = 'a' }\n\
                    [connections.a]\nurl = 'wss://h/'\n";
        let settings = Settings::from_toml(file).unwrap();
        let section = config::explain_nats(&settings).unwrap();
        assert_eq!(
            bridge(&section, false, None),
            "  nats       connects to nats://h without credentials\n             \
             publishes the messages of all names (1 name) to everwire.in.NAME, in the stream EVERWIRE_IN\n             \
             sends what is put on everwire.out.NAME through a (1 name); a message leaves the work queue EVERWIRE_OUT once it is confirmed"
        );
        let told = bridge(&section, true, None);
        assert!(
            told.contains("\n               up to 1GiB wait on disk"),
            "{told}"
        );
    }

    #[test]
    fn a_pattern_that_selects_nothing_is_told_with_what_there_is() {
        let settings = Settings::from_toml("[connections.feed]\nurl = 'wss://h/'").unwrap();
        let pattern = Pattern::new("fed").unwrap();
        let failure = of(&settings, &[pattern]).unwrap_err();
        assert_eq!(
            failure.to_string(),
            "no connection is \"fed\"; there is feed"
        );
    }
}
