//! `proxy`.

use serde_json::{Value as Json, json};

use super::template::{expand_template, known, secret_string};
use crate::config::read::{Context, Node, Problem, Read, field};
use everwire_proto::settings::{EnvironmentProxies, Proxy, ProxyUrl, parse_proxy};

/// What dials go through; `None` for "none".
#[derive(Clone, Debug)]
pub(in crate::config) struct ProxySetting(pub Option<Proxy>);

field! { ProxySetting <=> Option<Proxy>: |proxy| proxy.0, show }

fn show(proxy: &Option<Proxy>) -> String {
    match proxy {
        None => "none".into(),
        Some(Proxy::Environment(_)) => "env".into(),
        Some(Proxy::Url(url)) => url.to_string(),
    }
}

impl Read for ProxySetting {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        context.problems.hide(node.place);
        let text = secret_string(node, context, "a proxy's URL, \"env\" or \"none\"")?;
        match text {
            "none" => return Some(Self(None)),
            "env" => return environment(node, context),
            _ => {}
        }
        let template = expand_template(text, node.place, context)?;
        let rendered = template.render(|_| Err(std::io::ErrorKind::NotFound.into()));
        if let Ok(rendered) = &rendered
            && let Err(error) = parse_proxy(rendered.expose())
        {
            let has_variables = known(&template).any(|(variable, _)| variable.is_some());
            let message = match has_variables {
                true => "invalid proxy URL when its variables are expanded",
                false => "invalid proxy URL",
            };
            let help = format!(
                "{}; it must read http://, https://, socks5:// or socks5h://, then host:port, or be \"env\" or \"none\"",
                error.0
            );
            context
                .problems
                .push(Problem::new(node.place, message).help(help));
            return None;
        }
        Some(Self(Some(Proxy::Url(ProxyUrl::from_template(template)))))
    }

    fn schema() -> Json {
        json!({ "type": "string", "examples": ["http://proxy.example.com:3128", "env"] })
    }
}

fn environment(node: &Node, context: &mut Context<'_>) -> Option<ProxySetting> {
    let help = "write the proxy's URL, or have the configuration's file say it";
    if context.refuse_over_api(node.place, "\"env\"", help) {
        return None;
    }
    let proxies = EnvironmentProxies::from_variables(|name| context.source.variable(name));
    Some(ProxySetting(Some(Proxy::Environment(Box::new(proxies)))))
}
