//! The arguments as a configuration: what is checked there is checked here.

use std::fmt::Write as _;

use everwire::{ConnectionSettings, Settings};
use serde_json::json;

use crate::cli::Failure;

/// What the connection is called.
pub const NAME: &str = "dial";

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

/// Settings of a manager without connections, and those of the one to open.
///
/// # Errors
///
/// [`Failure::Config`] with all that is wrong.
pub fn of(
    url: &str,
    headers: &[(String, String)],
    subprotocols: &[String],
    keys: &[String],
) -> Result<(Settings, ConnectionSettings), Failure> {
    let text = toml(url, headers, subprotocols, keys);
    let mut settings = Settings::from_toml(&text).map_err(Failure::Config)?;
    let connection = settings.connections.remove(NAME);
    let connection =
        connection.ok_or_else(|| Failure::Undone("the keys of --set name no connection".into()))?;
    Ok((settings, connection))
}

fn toml(
    url: &str,
    headers: &[(String, String)],
    subprotocols: &[String],
    keys: &[String],
) -> String {
    // A JSON string is a TOML string, and so is an array of them.
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
            .map(|(_, connection)| connection)
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
