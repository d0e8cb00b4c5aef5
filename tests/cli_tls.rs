//! The commands over TLS.
#![cfg(feature = "service")]

mod service_support;
mod support;

use service_support::{Running, everwire, file, stderr, stdout};
use support::{PrivateCa, TestDir};

#[test]
fn a_service_over_tls_is_asked_with_the_authority_that_it_has() {
    let dir = TestDir::new("cli-tls");
    let ca = PrivateCa::new(dir.path());
    let (cert, key) = (ca.cert_file.display(), ca.key_file.display());
    let text = format!(
        "[service]\nlisten = '127.0.0.1:0'\nlog.format = 'json'\ntls = {{ cert_file = '{cert}', key_file = '{key}' }}\n\
         [connections.feed]\nurl = 'ws://127.0.0.1:1/'\nenabled = false\n"
    );
    let path = file("cli-tls", &text);
    let mut running = Running::start(&["run", path.to_str().unwrap()]);
    let up = running.event("everwire is up", None);
    let (_, port) = up["listen"].as_str().unwrap().rsplit_once(':').unwrap();
    let api = format!("https://localhost:{port}");
    let ls = |args: &[&str]| {
        let mut command = everwire(&["ls", "--api", &api]);
        command
            .args(args)
            .env_remove("EVERWIRE_TOKEN")
            .output()
            .unwrap()
    };

    let listed = ls(&["--ca-file", ca.ca_file.to_str().unwrap()]);
    assert_eq!(listed.status.code(), Some(0), "{listed:?}");
    assert!(stdout(&listed).contains("feed"), "{listed:?}");

    let other = TestDir::new("cli-tls-other");
    let other = PrivateCa::new(other.path());
    let refused = ls(&["--ca-file", other.ca_file.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(stderr(&refused).contains("certificate"), "{refused:?}");

    let unreadable = ls(&["--ca-file", path.to_str().unwrap()]);
    assert_eq!(unreadable.status.code(), Some(2), "{unreadable:?}");
    assert!(
        stderr(&unreadable).contains("no certificate"),
        "{unreadable:?}"
    );
}
