//! Turns the arguments into a configuration, so that the same checks apply.

use std::{fmt::Write as _, path::Path};

use everwire::{ConnectionName, ConnectionSettings, Settings};
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
/// [`Failure::Config`] with all errors.
pub fn of(
    url: &str,
    headers: &[(String, String)],
    subprotocols: &[String],
    keys: &[String],
) -> Result<Target, Failure> {
    let text = toml(url, headers, subprotocols, keys);
    let mut settings = Settings::from_toml(&text).map_err(Failure::Config)?;
    let connection = settings.connections.remove(NAME);
    let connection =
        connection.ok_or_else(|| Failure::Undone("the keys of --set name no connection".into()))?;
    Ok(Target {
        name: NAME.to_owned(),
        settings,
        connection,
    })
}

fn toml(
    url: &str,
    headers: &[(String, String)],
    subprotocols: &[String],
    keys: &[String],
) -> String {
    // A JSON string or array of strings is also valid TOML.
    let mut text = format!(
        "service.workers = 1\n[connections.{NAME}]\nurl = {}\n",
        json!(url)
    );
    if !subprotocols.is_empty() {
        let _infallible = writeln!(text, "subprotocols = {}", json!(subprotocols));
    }
    for (name, value) in headers {
        let _infallible = writeln!(text, "headers.{} = {}", json!(name), json!(value));
    }
    for key in keys {
        text.push_str(key);
        text.push('\n');
    }
    text
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
    fn what_is_wrong_with_them_is_told_as_in_a_file() {
        for (key, part) in [
            ("hearbeat=1", "hearbeat"),
            ("heartbeat", "expected"),
            ("url=\"ws://other/\"", "written twice"),
        ] {
            let told = connection(&[key]).unwrap_err();
            assert!(told.contains(part), "{key}: {told}");
        }
        assert!(header("no colon").is_err());
    }
}
