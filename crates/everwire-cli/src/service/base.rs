//! The defaults of this program for connections, below the configuration.

use everwire::config::Base;

use super::nats_feature;

/// Readers of a service disconnect and come back. So unlike in the library, its names keep their
/// last messages. Everything that reads or describes a configuration puts these defaults below
/// `[defaults]`, and refuses settings that this build does not support.
pub const BASE: Base = nats_feature::judged(Base::new(include_str!("base.toml")));

#[cfg(test)]
mod tests {
    use everwire::config::DialPolicy;
    use serde_json::Value as Json;

    use super::*;

    const HISTORY: (usize, usize) = (100, 256 << 10);

    fn history(toml: &str) -> (usize, usize) {
        let settings = BASE.from_toml(toml).unwrap();
        let history = settings.connections["a"].history;
        (history.messages, history.bytes)
    }

    #[test]
    fn a_file_that_says_nothing_has_it_and_what_is_nearer_wins_key_by_key() {
        for (keys, expected) in [
            ("", HISTORY),
            ("[defaults]\ntags = ['x']", HISTORY),
            ("[defaults]\nhistory.messages = 7", (7, HISTORY.1)),
            ("[defaults]\nhistory.bytes = '1KiB'", (HISTORY.0, 1024)),
            (
                "[defaults]\nhistory = { messages = 0, bytes = '1MiB' }",
                (0, 1 << 20),
            ),
        ] {
            let toml = format!("{keys}\n[connections.a]\nurl = 'ws://h'");
            assert_eq!(history(&toml), expected, "{keys}");
            let own = format!("{toml}\nhistory.messages = 9");
            assert_eq!(history(&own), (9, expected.1), "{keys}");
        }
        let grouped =
            "[groups.g]\nhistory.messages = 5\n[connections.a]\nurl = 'ws://h'\ngroup = 'g'";
        assert_eq!(history(grouped), (5, HISTORY.1));
        let fleet = "[fleet.f]\nnames = ['a']\nurl = 'ws://h/{name}'";
        assert_eq!(history(fleet), HISTORY);
    }

    #[test]
    fn a_name_that_the_api_is_given_inherits_it() {
        for (toml, messages) in [("", 100), ("[defaults]\nhistory.messages = 3", 3)] {
            let inherited = BASE.from_toml(toml).unwrap().inherited;
            let read = |json: &str| inherited.connection(json.as_bytes(), &DialPolicy::Any);
            let settings = read(r#"{"url": "ws://h"}"#).unwrap();
            assert_eq!(settings.history.messages, messages);
            assert_eq!(settings.history.bytes, HISTORY.1);
            let own = read(r#"{"url": "ws://h", "history": {"messages": 8}}"#).unwrap();
            assert_eq!((own.history.messages, own.history.bytes), (8, HISTORY.1));
        }
    }

    #[test]
    fn the_schema_has_it_wherever_a_connection_is_described() {
        let schema = BASE.schema();
        let fleet = &schema["properties"]["fleet"]["additionalProperties"];
        for table in [&schema["$defs"]["connection"], fleet] {
            let keys = &table["properties"]["history"]["properties"];
            let declared = |key: &str| keys[key]["default"].clone();
            assert_eq!(declared("messages"), Json::from(HISTORY.0));
            assert_eq!(declared("bytes"), Json::from("256KiB"));
            assert_eq!(declared("durable"), Json::from(false));
        }
    }

    /// Errors in a file are reported as without it.
    #[test]
    fn it_says_nothing_that_is_wrong() {
        assert_eq!(BASE.from_toml("").unwrap().warnings, []);
        let told = BASE.from_toml("[defaults]\nhistory.bytes = 0").unwrap_err();
        assert_eq!(told.count(), 1);
        assert!(told.render(false).contains("<toml>:2:"), "{told}");
    }
}
