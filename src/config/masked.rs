//! Settings in a form that is safe to show to readers of the status.

use serde_json::Value as Json;

use super::{dialogue, keys::ConnectionTable, read::ShowSettings, values::escaped_template};
use everwire_proto::settings::ConnectionSettings;

/// The settings under the keys and in the notation of the TOML file, including defaults.
///
/// Variables are shown by name, and header values and passwords as `***` around them. The URL, the
/// messages of `on_open`, and the templates and expressions of the dialogue are shown as they were
/// written.
///
/// ```
/// use everwire::{ConnectionSettings, config};
///
/// let mut settings = ConnectionSettings::new("wss://example.com/feed")?;
/// settings.headers.push(("Authorization".into(), "Bearer abc".into()));
/// let masked = config::masked(&settings);
/// assert_eq!(masked["headers"]["Authorization"], "***");
/// assert_eq!(masked["connect_timeout"], "10s");
/// # Ok::<(), everwire::config::InvalidUrl>(())
/// ```
pub fn masked(settings: &ConnectionSettings) -> Json {
    let mut keys = ConnectionTable::masked(settings);
    // `urls` replaces `url`, and has all of them.
    if let (Json::Object(keys), false) = (&mut keys, settings.failover_urls.is_empty()) {
        keys.remove("url");
        let urls = settings.urls().map(escaped_template);
        keys.insert("urls".into(), urls.collect());
    }
    if let Json::Object(keys) = &mut keys {
        dialogue::show(settings, keys);
        dialogue::show_subscriptions(settings, keys);
    }
    keys
}
