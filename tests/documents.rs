//! The documents are correct: their links have a target, both READMEs have the same commands, and
//! their configuration is valid.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use everwire::config::{Settings, Source};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(name: &str) -> String {
    let path = root().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The fenced blocks of a document: their language, and their lines.
fn code_blocks(document: &str) -> Vec<(&str, Vec<&str>)> {
    let mut blocks = Vec::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let block = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((language, block));
        }
    }
    blocks
}

/// A line without the comment at its end. A comment begins after a space, so that no part of a
/// command or URL counts as one.
fn without_comment<'a>(language: &str, line: &'a str) -> &'a str {
    let mark = match language {
        "sh" | "toml" => " # ",
        "rust,no_run" => " // ",
        _ => return line,
    };
    line.split(mark).next().unwrap_or(line).trim_end()
}

fn code(name: &str) -> Vec<(String, Vec<String>)> {
    let document = text(name);
    let blocks = code_blocks(&document).into_iter().map(|(language, lines)| {
        let lines = lines.iter().map(|line| without_comment(language, line));
        (language.to_owned(), lines.map(str::to_owned).collect())
    });
    blocks.collect()
}

#[test]
fn both_readmes_have_the_same_code_but_for_its_comments() {
    let (english, chinese) = (code("README.md"), code("README.zh-CN.md"));
    let languages: Vec<_> = english
        .iter()
        .map(|(language, _)| language.as_str())
        .collect();
    assert_eq!(languages, ["sh", "text", "toml", "sh", "rust,no_run"]);
    for (english, chinese) in english.iter().zip(&chinese) {
        assert_eq!(english, chinese);
    }
    assert_eq!(english.len(), chinese.len());
}

#[test]
fn both_readmes_have_the_same_parts_and_links() {
    let shape = |name| {
        let document = text(name);
        let headings = document.lines().filter(|line| line.starts_with('#'));
        let rows = document.lines().filter(|line| line.starts_with('|'));
        let counts = (headings.count(), rows.count());
        let links: BTreeSet<_> = links(&document)
            .into_iter()
            .filter(|link| !link.starts_with("README"))
            .collect();
        (counts, links)
    };
    assert_eq!(shape("README.md"), shape("README.zh-CN.md"));
}

#[test]
fn a_comment_is_what_follows_its_mark_and_a_space() {
    assert_eq!(
        without_comment("sh", "everwire run my.toml   # ends"),
        "everwire run my.toml"
    );
    assert_eq!(
        without_comment("sh", "curl -d '{\"a\":\"#1\"}'"),
        "curl -d '{\"a\":\"#1\"}'"
    );
    assert_eq!(without_comment("text", "a # b"), "a # b");
}

/// The file that the README's configuration reads.
struct Token;

impl Source for Token {
    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn read(&self, _: &Path) -> io::Result<String> {
        Ok("token".to_owned())
    }

    fn list(&self, _: &Path) -> io::Result<Option<Vec<PathBuf>>> {
        Ok(None)
    }
}

#[test]
fn the_configuration_of_the_readme_is_valid() {
    let document = text("README.md");
    let blocks = code_blocks(&document);
    let (_, lines) = blocks
        .iter()
        .find(|(language, _)| *language == "toml")
        .unwrap();
    let settings = Settings::from_toml_with(&lines.join("\n"), &Token);
    let settings = settings.unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(settings.connections.len(), 1 + 1000);
}

/// All documents of the repository for readers.
fn documents() -> Vec<PathBuf> {
    let folders = [
        "",
        "docs",
        "crates/everwire-proto",
        "examples/dialogue",
        "examples/cluster",
    ];
    let mut found = Vec::new();
    for folder in folders {
        let Ok(entries) = fs::read_dir(root().join(folder)) else {
            continue;
        };
        let paths = entries.map(|entry| entry.unwrap().path());
        found.extend(paths.filter(|path| path.extension().is_some_and(|end| end == "md")));
    }
    found
}

/// The targets of a document's links and pictures, without those in code.
fn links(document: &str) -> Vec<String> {
    let mut fenced = false;
    let prose = document.lines().filter(|line| {
        fenced ^= line.starts_with("```");
        !fenced && !line.starts_with("    ")
    });
    let mut found = Vec::new();
    for line in prose {
        for rest in line.split("](").skip(1) {
            if let Some((target, _)) = rest.split_once(')') {
                found.push(target.to_owned());
            }
        }
    }
    found
}

/// The anchor of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|char| char.is_alphanumeric() || matches!(char, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn anchors(document: &str) -> BTreeSet<String> {
    let headings = document.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| anchor(line.trim_start_matches('#').trim()))
        .collect()
}

#[test]
fn the_links_of_all_documents_lead_somewhere() {
    let documents = documents();
    assert!(documents.len() >= 12, "{documents:?}");
    let (mut broken, mut checked) = (Vec::new(), 0);
    for path in documents {
        let document = fs::read_to_string(&path).unwrap();
        for link in links(&document) {
            if link.contains("://") {
                continue;
            }
            checked += 1;
            let (file, part) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() {
                path.clone()
            } else {
                path.parent().unwrap().join(file)
            };
            let found = if part.is_empty() {
                target.exists()
            } else {
                fs::read_to_string(&target).is_ok_and(|text| anchors(&text).contains(part))
            };
            if !found {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(checked > 40, "only {checked} links were found");
}

#[test]
fn the_index_of_the_decisions_has_each_group_in_its_order() {
    let document = text("docs/decisions.md");
    let indexed: Vec<_> = links(&document)
        .into_iter()
        .filter_map(|link| link.strip_prefix('#').map(str::to_owned))
        .collect();
    let groups: Vec<_> = document
        .lines()
        .filter_map(|line| line.strip_prefix("## ").map(anchor))
        .collect();
    assert!(groups.len() > 10);
    assert_eq!(indexed, groups);
}
