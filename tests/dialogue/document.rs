//! The configurations in the document work as described.

use std::collections::HashSet;

use everwire::{config::Settings, dialogue::SubscriptionState};
use serde_json::{Value, json};

use super::{
    Variables, open,
    peer::{Gone, Line, Server},
    recipe,
    support::{rig::wait_for, root},
};

fn document() -> String {
    std::fs::read_to_string(root().join("docs/dialogue.md")).unwrap()
}

/// The configurations of a part of the document.
fn snippets(text: &str) -> Vec<&str> {
    let behind = text.split("```toml\n").skip(1);
    behind
        .map(|rest| rest.split("```").next().unwrap())
        .collect()
}

/// The configurations under a heading.
fn under<'d>(document: &'d str, heading: &str) -> Vec<&'d str> {
    let behind = document.split_once(&format!("# {heading}\n"));
    let (_, behind) = behind.unwrap_or_else(|| panic!("there is no {heading:?}"));
    snippets(behind.split("\n## ").next().unwrap())
}

fn variables() -> Variables {
    Variables(&[
        ("HA_TOKEN", "token"),
        ("OKX_KEY", "key"),
        ("OKX_PASS", "pass"),
        ("OKX_SECRET", "secret"),
        ("TOKEN", "token"),
        ("BINANCE_KEY", "key"),
        ("SLACK_APP_TOKEN", "token"),
        ("CLIENT_SECRET", "secret"),
        ("DISCORD_TOKEN", "token"),
    ])
}

fn read(text: &str) -> Settings {
    let settings = Settings::from_toml_with(text, &variables());
    settings.unwrap_or_else(|errors| panic!("{text}\n{errors}"))
}

#[test]
fn each_configuration_of_the_document_is_valid() {
    let document = document();
    let snippets = snippets(&document);
    assert!(snippets.len() >= 16);
    for snippet in snippets {
        let settings = read(snippet);
        let mut names = settings.connections.values();
        assert!(names.all(|name| name.dialogue.is_some()), "{snippet}");
    }
}

/// The document shows a recipe that is tested elsewhere.
#[test]
fn the_whole_client_is_the_recipe() {
    let document = document();
    let [shown] = under(&document, "A whole client: Discord")[..] else {
        panic!("one configuration");
    };
    let shipped = root().join("config/recipes/discord.toml");
    let shipped = read(&std::fs::read_to_string(shipped).unwrap());
    assert_eq!(read(shown).connections, shipped.connections);
}

/// Like the real market: at most a hundred streams in a message, each once per socket.
fn market(line: &mut Line) -> Result<(), Gone> {
    let mut streams = HashSet::new();
    loop {
        let said = line.hear()?;
        if said["method"] == "CUT" {
            return Err(line.cut());
        }
        let params = said["params"].as_array().cloned().unwrap_or_default();
        line.ask(said["method"] == "SUBSCRIBE" && params.len() <= 100, "100");
        for stream in params {
            let is_new = streams.insert(stream.to_string());
            line.ask(is_new, format!("{stream} for the second time"));
        }
        line.say(json!({ "result": Value::Null, "id": said["id"] }).to_string())?;
    }
}

#[tokio::test]
async fn the_market_feed_has_its_thousand_subscriptions_on_each_socket() {
    let document = document();
    let [shown] = under(&document, "A market feed with a thousand subscriptions")[..] else {
        panic!("one configuration");
    };
    let server = Server::start(market);
    let keys: Vec<String> = (0..1000).map(|n| format!("coin{n}usdt@trade")).collect();
    let three = r#"["btcusdt@trade", "ethusdt@trade", "ltcusdt@trade"]"#;
    let url = "wss://stream.binance.com:9443/stream";
    assert!(shown.contains(three) && shown.contains(url));
    let shown = shown.replace(three, &json!(keys).to_string());
    let shown = shown.replace(url, "URL").replacen('\n', "\n# quick\n", 1);
    let settings = recipe(&shown, "market", &server.url(), variables());
    let (_manager, handle, mut watch) = open(settings);
    for socket in 1..=2 {
        watch.ready().await;
        wait_for("a thousand keys", async || {
            let all = handle.subscriptions().await.unwrap();
            let active = all
                .iter()
                .filter(|one| one.state == SubscriptionState::Active);
            let count = active.count();
            (count == 1000).then_some(()).ok_or(count)
        })
        .await;
        assert_eq!(server.sockets(), socket);
        handle.send(r#"{"method":"CUT"}"#).unwrap();
    }
    assert_eq!(server.faults(), Vec::<String>::new());
}
