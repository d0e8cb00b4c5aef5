//! What the document shows is what works.

use everwire::config::Settings;

use super::{Variables, support::root};

#[test]
fn each_configuration_of_the_document_is_valid() {
    let variables = Variables(&[
        ("HA_TOKEN", "token"),
        ("OKX_KEY", "key"),
        ("OKX_PASS", "pass"),
        ("OKX_SECRET", "secret"),
        ("TOKEN", "token"),
        ("BINANCE_KEY", "key"),
        ("SLACK_APP_TOKEN", "token"),
        ("CLIENT_SECRET", "secret"),
    ]);
    let document = std::fs::read_to_string(root().join("docs/dialogue.md")).unwrap();
    let snippets: Vec<_> = document
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(snippets.len() >= 14);
    for snippet in snippets {
        let settings = Settings::from_toml_with(snippet, &variables);
        let settings = settings.unwrap_or_else(|errors| panic!("{snippet}\n{errors}"));
        let mut names = settings.connections.values();
        assert!(names.all(|name| name.dialogue.is_some()), "{snippet}");
    }
}
