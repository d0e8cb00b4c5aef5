//! Turns the arguments into a configuration, so that the same checks apply.

use std::path::Path;

use everwire::{ConnectionName, ConnectionSettings, Settings, config::Diagnostics};
use serde_json::json;

use crate::{
    cli::{Failure, explain, stderr},
    service::BASE,
};

/// The name of the connection for a URL.
const NAME: &str = "dial";

/// The connection to dial.
#[derive(Debug)]
pub struct Target {
    /// What the connection is called.
    pub name: String,
    /// The settings of a manager, without connections.
    pub settings: Settings,
    /// The settings of the connection.
    pub connection: ConnectionSettings,
}

/// `Name: value`.
///
/// # Errors
///
/// What is missing.
pub fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("write it as in 'Authorization: Bearer abc'")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// A connection of the configuration. It stores nothing on disk, because no later process would
/// read it.
///
/// # Errors
///
/// [`Failure::Config`] with all errors; [`Failure::Usage`] if there is no such name.
pub fn named(name: &str, config: &Path) -> Result<Target, Failure> {
    let mut read = BASE.load(config).map_err(Failure::Config)?;
    let found = ConnectionName::new(name)
        .ok()
        .and_then(|key| read.connections.remove(&key));
    let Some(mut connection) = found else {
        let there = explain::names_there(&read);
        let told = format!(
            "no connection of {} is called {name:?}{there}",
            config.display()
        );
        return Err(Failure::Usage(told));
    };
    for warning in &read.warnings {
        stderr::complain(&format!("warning: {}", warning.to_string().trim_end()));
    }
    (connection.enabled, connection.sessions_only) = (true, false);
    (connection.outbox.durable, connection.history.durable) = (false, false);
    Ok(Target {
        name: name.to_owned(),
        settings: Settings::from_toml("service.workers = 1").map_err(Failure::Config)?,
        connection,
    })
}

/// The connection for a URL with these keys.
///
/// # Errors
///
/// [`Failure::Usage`] with all that is wrong, each with its argument.
pub fn of(
    url: &str,
    headers: &[(String, String)],
    subprotocols: &[String],
    keys: &[String],
) -> Result<Target, Failure> {
    let text = Arguments::new(url, headers, subprotocols, keys);
    let read = Settings::from_toml(&text.toml);
    let mut settings = read.map_err(|wrong| Failure::Usage(text.told(&wrong)))?;
    let connection = settings.connections.remove(NAME);
    let connection =
        connection.ok_or_else(|| Failure::Undone("the keys of --set name no connection".into()))?;
    Ok(Target {
        name: NAME.to_owned(),
        settings,
        connection,
    })
}

/// The arguments as TOML, and which of them each line is.
struct Arguments {
    toml: String,
    lines: Vec<String>,
}

impl Arguments {
    fn new(
        url: &str,
        headers: &[(String, String)],
        subprotocols: &[String],
        keys: &[String],
    ) -> Self {
        let mut read = Self {
            toml: String::new(),
            lines: Vec::new(),
        };
        // A JSON string is a TOML string, and so is an array of them.
        let head = format!("service.workers = 1\n[connections.{NAME}]");
        read.push("the arguments", &head);
        read.push("URL", &format!("url = {}", json!(url)));
        if !subprotocols.is_empty() {
            let text = format!("subprotocols = {}", json!(subprotocols));
            read.push("--subprotocol", &text);
        }
        for (name, value) in headers {
            let text = format!("headers.{} = {}", json!(name), json!(value));
            read.push(&format!("--header {name:?}"), &text);
        }
        for text in keys {
            // Not the value: it may be a secret.
            let key = text.split('=').next().unwrap_or_default().trim();
            read.push(&format!("--set {key:?}"), text);
        }
        read
    }

    fn push(&mut self, argument: &str, text: &str) {
        for line in text.split('\n') {
            self.toml.push_str(line);
            self.toml.push('\n');
            self.lines.push(argument.to_owned());
        }
    }

    /// The errors, by argument: the user does not see the TOML text made from the arguments.
    fn told(&self, wrong: &Diagnostics) -> String {
        let told = wrong.iter().map(|error| {
            let line = error.line.checked_sub(1);
            let argument = line.and_then(|line| self.lines.get(line));
            let argument = argument.map_or("the arguments", String::as_str);
            match &error.help {
                Some(help) => format!("{argument}: {}; {help}", error.message),
                None => format!("{argument}: {}", error.message),
            }
        });
        told.collect::<Vec<_>>().join("\nerror: ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(keys: &[&str]) -> Result<ConnectionSettings, String> {
        let headers = [header("X-A: b: \"c\"").unwrap()];
        let keys: Vec<_> = keys.iter().map(|&key| key.to_owned()).collect();
        let settings = of("ws://h/", &headers, &["a".into(), "b".into()], &keys);
        settings
            .map(|target| target.connection)
            .map_err(|failure| failure.to_string())
    }

    #[test]
    fn arguments_are_keys_of_a_connection() {
        let settings = connection(&["heartbeat.interval=\"5s\"", "headers.Y=\"z\""]).unwrap();
        assert_eq!(settings.url.to_string(), "ws://h/");
        assert_eq!(settings.subprotocols, ["a", "b"]);
        let headers = settings.headers.iter();
        let headers: Vec<_> = headers
            .map(|(name, value)| (&**name, value.expose().to_string()))
            .collect();
        assert_eq!(headers, [("X-A", "b: \"c\"".into()), ("Y", "z".into())]);
    }

    #[test]
    fn what_is_wrong_with_them_is_told_with_the_argument() {
        for (key, part) in [
            ("hearbeat=1", "hearbeat"),
            ("heartbeat", "expected"),
            ("url=\"ws://other/\"", "written twice"),
        ] {
            let told = connection(&[key]).unwrap_err();
            assert!(told.contains(part), "{key}: {told}");
            assert!(
                told.starts_with("--set ") && !told.contains("<toml>"),
                "{told}"
            );
        }
        let told = of("http://h", &[], &["a b".into()], &[])
            .unwrap_err()
            .to_string();
        assert_eq!(
            told,
            "URL: invalid WebSocket URL `http://h`; the scheme is \"http\"; it must be ws or wss\n\
             error: --subprotocol: invalid subprotocol `a b`; it is a token: letters, digits and !#$%&'*+-.^_`|~ (RFC 9110 §5.6.2)"
        );
        let told = connection(&["max_message=\"s3cret\""]).unwrap_err();
        assert!(told.starts_with("--set \"max_message\": "), "{told}");
        assert!(header("no colon").is_err());
    }
}
