//! `proxy = "env"`: the proxies of the environment.

use crate::settings::Source;
use everwire_proto::settings::{EnvironmentProxies, InvalidProxyVariable, Proxy};

/// The proxies that `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` name now.
///
/// ```
/// use everwire::{ConnectionSettings, config};
///
/// let mut settings = ConnectionSettings::new("wss://example.com/feed")?;
/// settings.proxy = Some(config::proxies_from(&config::System)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`InvalidProxyVariable`] if neither `ws` nor `wss` could be dialled, because their variables do
/// not name a proxy. If only one is affected, its dials fail.
pub fn proxies_from(source: &dyn Source) -> Result<Proxy, InvalidProxyVariable> {
    let proxies = EnvironmentProxies::from_variables(|name| source.variable(name));
    if let (Err(error), Err(_)) = (proxies.check(true), proxies.check(false)) {
        return Err(error.clone());
    }
    Ok(Proxy::Environment(Box::new(proxies)))
}
