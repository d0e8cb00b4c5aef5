//! The manual pages: one for each command, with the same content as `--help`.

mod service_support;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use service_support::{run, stderr, stdout};

/// The macros that a page may begin a line with.
const MACROS: [&str; 9] = [
    ".TH ", ".SH ", ".TP", ".PP", ".br", ".RS", ".RE", ".IP ", ".ie ",
];

/// A new folder with the pages of this program.
fn pages(folder: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    let _ = fs::remove_dir_all(&folder);
    let output = run(&["man", "--out", folder.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), "");
    folder
}

fn help(args: &[&str]) -> String {
    stdout(&run(&[args, &["--help"]].concat()))
}

/// The first words of the lines below `Commands:`.
fn commands() -> BTreeSet<String> {
    let help = help(&[]);
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    // A description may continue on the next line, with more indentation.
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names = names.filter(|name| !name.is_empty() && *name != "help");
    names.map(str::to_owned).collect()
}

/// The options at the beginning of help lines, such as `--api`.
fn options(help: &str) -> BTreeSet<String> {
    let words = help
        .lines()
        .filter(|line| line.trim_start().starts_with('-'));
    let words = words.flat_map(|line| line.split([' ', ',', '=', '[', ']']));
    let options = words.filter(|word| word.starts_with("--") && word.len() > 2);
    options.map(str::to_owned).collect()
}

/// A page without its escapes.
fn plain(page: &str) -> String {
    let page = page.replace("\\-", "-").replace("\\&", "");
    page.replace("\\fB", "")
        .replace("\\fI", "")
        .replace("\\fR", "")
}

#[test]
fn each_command_has_a_page_and_what_is_hidden_has_none() {
    let folder = pages("man-names");
    let found: BTreeSet<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let commands = commands();
    assert!(commands.len() >= 23, "{commands:?}");
    let mut expected: BTreeSet<_> = commands
        .iter()
        .map(|command| format!("everwire-{command}.1"))
        .collect();
    expected.insert("everwire.1".into());
    assert_eq!(found, expected);

    let first = plain(&fs::read_to_string(folder.join("everwire.1")).unwrap());
    for command in &commands {
        assert!(first.contains(&format!("everwire-{command}(1)")), "{first}");
    }
    assert!(!commands.contains("man") && !first.contains("everwire-man"));
}

#[test]
fn a_page_has_each_option_of_the_help_and_how_it_ends() {
    let folder = pages("man-options");
    for command in commands() {
        let page = folder.join(format!("everwire-{command}.1"));
        let page = plain(&fs::read_to_string(page).unwrap());
        let options = options(&help(&[&command]));
        assert!(options.contains("--help"), "{command}: {options:?}");
        for option in options {
            assert!(page.contains(&option), "{command}: {option}\n{page}");
        }
        for part in [
            concat!("everwire ", env!("CARGO_PKG_VERSION")),
            "SH NAME",
            "SH SYNOPSIS",
            "SH DESCRIPTION",
            "SH \"EXIT STATUS\"",
            "SH \"SEE ALSO\"",
        ] {
            assert!(page.contains(part), "{command}: {part}\n{page}");
        }
    }
    let page = fs::read_to_string(folder.join("everwire-ls.1")).unwrap();
    assert!(plain(&page).contains("EVERWIRE_API"), "{page}");
}

#[test]
fn the_synopsis_names_each_value() {
    let folder = pages("man-synopsis");
    for (command, parts) in [
        (
            "ls",
            &[
                "everwire ls [--state STATE]... ",
                " [--json] ",
                " [PATTERN]\n",
            ][..],
        ),
        ("dial", &[" [--linger[=DURATION]] ", " URL|NAME [DATA]\n"]),
        ("record", &[" --out FILE ", " NAME\n"]),
    ] {
        let page = folder.join(format!("everwire-{command}.1"));
        let page = plain(&fs::read_to_string(page).unwrap());
        for part in parts {
            assert!(page.contains(part), "{command}: {part:?}\n{page}");
        }
    }
    let page = plain(&fs::read_to_string(folder.join("everwire.1")).unwrap());
    assert!(
        page.contains("everwire [--help] [--version] COMMAND\n"),
        "{page}"
    );
}

#[test]
fn no_line_of_a_page_is_taken_for_a_macro_by_mistake() {
    for entry in fs::read_dir(pages("man-lines")).unwrap() {
        let page = fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in page.lines().filter(|line| line.starts_with(['.', '\''])) {
            let known =
                MACROS.iter().any(|known| line.starts_with(known)) || line.starts_with(".el ");
            assert!(known, "{line:?}");
        }
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("man-file");
    fs::write(&file, "").unwrap();
    let output = run(&["man", "--out", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = stderr(&output);
    assert!(
        told.contains("cannot write the manual pages") && told.contains("man-file"),
        "{told}"
    );
    assert_eq!(run(&["man"]).status.code(), Some(2));
}
