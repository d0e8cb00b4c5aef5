//! `everwire check` also looks at the files that only a dial reads.

use std::{fs, path::PathBuf};

use everwire::config::{Base, Settings};

/// A temporary folder, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("everwire-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

/// `line:column message | help` of each.
fn told<'a>(all: impl IntoIterator<Item = &'a everwire::config::Diagnostic>) -> Vec<String> {
    let all = all.into_iter().map(|one| {
        let help = one.help.as_deref().unwrap_or_default();
        format!("{}:{} {} | {help}", one.line, one.column, one.message)
    });
    all.collect()
}

#[test]
fn a_file_of_tls_that_cannot_be_used_is_told_at_its_place_with_all_other_errors() {
    let folder = Folder::new("check-tls");
    let empty = folder.write("empty.pem", "");
    let path = folder.write(
        "everwire.toml",
        r#"
[defaults]
tls.ca_file = "nope.pem"
[connections.a]
url = "wss://h.example"
idle_timeout = "10 sec"
[connections.b]
url = "wss://h.example"
tls.cert_file = "empty.pem"
tls.key_file = "empty.pem"
[service.tls]
cert_file = "gone.pem"
key_file = "gone.pem"
"#,
    );
    let errors = Base::NONE.check(&path).unwrap_err();
    let nope = folder.0.join("nope.pem");
    let gone = folder.0.join("gone.pem");
    let help = "write the path of a PEM file; a relative one starts at the folder of this file";
    assert_eq!(
        told(&errors),
        [
            format!(
                "3:15 tls.ca_file {} cannot be used: no such file or directory | {help}",
                nope.display()
            ),
            "6:16 invalid duration `10 sec` | write \"10s\"".into(),
            format!(
                "9:17 tls.cert_file {} cannot be used: it holds no certificate | {help}",
                empty.display()
            ),
            format!(
                "12:13 tls.cert_file {} cannot be used: no such file or directory | {help}",
                gone.display()
            ),
        ]
    );
    // Only a dial reads them, so that reading the text reports nothing about them.
    let errors = Settings::load(&path).unwrap_err();
    assert_eq!(
        told(&errors),
        ["6:16 invalid duration `10 sec` | write \"10s\""]
    );
}

#[test]
fn the_authorities_of_a_connection_that_accepts_any_certificate_are_not_asked() {
    let folder = Folder::new("check-insecure");
    let path = folder.write(
        "everwire.toml",
        "connections.a = { url = 'wss://h', tls = { insecure = true, ca_file = 'nope.pem' } }",
    );
    let settings = Base::NONE.check(path).unwrap();
    assert!(settings.warnings.is_empty());
}

#[test]
fn a_secret_file_that_is_missing_is_a_warning_at_its_place() {
    let folder = Folder::new("check-secret");
    folder.write("there", "s3cret");
    let path = folder.write(
        "everwire.toml",
        r#"
[connections.a]
url = "wss://h.example"
headers = { A = "x ${file:nope}", B = "${file:there}" }
on_open = ["${file:gone}"]
let = { s = '${hmac("sha256", "k", id) ~ "x"}${file:lost}' }
open_script = []
"#,
    );
    let settings = Base::NONE.check(&path).unwrap();
    let told = told(&settings.warnings);
    let expected = [("4:20", "nope"), ("5:13", "gone"), ("6:46", "lost")];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, (place, name)) in told.iter().zip(expected) {
        let file = folder.0.join(name);
        let text = format!(
            "{place} the secret file {} cannot be read: no such file or directory | it is read",
            file.display()
        );
        assert!(told.starts_with(&text), "{told}");
    }
    assert!(Settings::load(&path).unwrap().warnings.is_empty());
}

#[test]
fn a_token_that_is_short_is_a_warning_and_never_shown() {
    let text = |secret: &str| {
        format!(
            "connections.a.url = 'wss://h'\n[[service.tokens]]\nname = 'x'\nsecret = '{secret}'"
        )
    };
    let settings = Settings::from_toml(&text("0123456789abcde")).unwrap();
    let [warning] = &settings.warnings[..] else {
        panic!("{:?}", settings.warnings);
    };
    assert_eq!((warning.line, warning.column), (4, 10));
    assert_eq!(warning.message, "this token is short enough to be guessed");
    assert!(!warning.to_string().contains("abcde"), "{warning}");
    let settings = Settings::from_toml(&text("0123456789abcdef")).unwrap();
    assert!(settings.warnings.is_empty());
}

/// The errors of a text.
fn wrong(text: &str) -> Vec<String> {
    told(&Settings::from_toml(text).unwrap_err())
}

#[test]
fn one_mistake_is_told_once() {
    let token =
        "connections.a.url = 'wss://h'\n[[service.tokens]]\nname = 'x'\nsecret = '${file:/nope}'";
    let told = wrong(token);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("4:10 the secret file /nope cannot be read"),
        "{told:?}"
    );
    let twice = "[connections.a]\nurl = 'wss://h'\ntags = ['x']\n[connections.a]\nurl = 'wss://h'\ntags = ['x']\n[connections.b]\nurl = 'wss://h'\nurl = 'wss://h'";
    assert_eq!(
        wrong(twice),
        [
            "4:14 `a` is written twice | each name and each key may be written once",
            "9:1 `url` is written twice | each name and each key may be written once",
        ]
    );
}

#[test]
fn help_stands_with_what_is_wrong() {
    for (text, expected) in [
        (
            "connections.a = { url = 'wss://h', subprotocols = 'x' }",
            "1:51 expected an array of subprotocols, found the string \"x\" | write a list: [\"x\"]",
        ),
        (
            "[connections.a\nurl = 'wss://h'",
            "1:15 unclosed header of a table | write `]` at its end, as in [connections.feed]",
        ),
        (
            "[connections.'my feed']\nurl = 'wss://h'",
            "1:14 invalid connection name `my feed`: ' ' at position 2 is outside the alphabet A-Z a-z 0-9 . _ : - | write a name such as \"my-feed\"",
        ),
        (
            "[connections.-x]\nurl = 'wss://h'",
            "1:14 invalid connection name `-x`: a name starts and ends with a letter or a digit | write a name such as \"x\"",
        ),
    ] {
        assert_eq!(wrong(text), [expected]);
    }
}
