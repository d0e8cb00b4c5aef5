//! The keys of a connection as JSON, for an API, where a file uses TOML.

use std::{net::IpAddr, sync::Arc};

use url::Url;

use super::{
    InvalidJson, api_limits, cluster,
    dialogue::Dialogues,
    finish::finish,
    keys::{ConnectionTable, StepTable, WordsTable},
    layers::{InheritedTables, Layers},
    read::{Buckets, Context, Origin, Place, Pointers, Read, parse_json},
    values::Written,
};
use crate::settings::{ApiLimits, Inherited, System};
use everwire_proto::{
    language::{Part, Template},
    settings::{ConnectionSettings, DialPolicy, Proxy},
};

impl Inherited {
    /// Reads the settings of a connection from a JSON object whose members are the keys of the TOML
    /// file.
    ///
    /// The sender is not trusted with the process's own data: `${NAME}`, `${file:PATH}`, paths and
    /// `proxy = "env"` are errors; `${secret:ID}` is allowed. Keys that decide where to dial, or
    /// that may be secret, are not inherited: `url`, `urls`, `headers`, `basic_auth`, `on_open`,
    /// the keys of the dialogue, `prepare`, subprotocols with variables and the client certificate.
    /// `policy` decides which URLs may be dialled. It does not apply to an inherited proxy, which
    /// is the operator's choice.
    ///
    /// ```
    /// use everwire::config::{DialPolicy, Inherited};
    ///
    /// let json = br#"{"url": "wss://example.com/feed", "tags": ["a"]}"#;
    /// let settings = Inherited::default().connection(json, &DialPolicy::PublicOnly)?;
    /// assert_eq!(settings.tags, ["a"]);
    /// # Ok::<(), everwire::config::InvalidJson>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidJson`] with all errors.
    pub fn connection(
        &self,
        json: &[u8],
        policy: &DialPolicy,
    ) -> Result<ConnectionSettings, InvalidJson> {
        self.connection_within(json, policy, &ApiLimits::NONE)
    }

    /// Like [`connection`](Self::connection), within limits.
    ///
    /// # Errors
    ///
    /// [`InvalidJson`] with all errors, including values beyond the limits.
    pub fn connection_within(
        &self,
        json: &[u8],
        policy: &DialPolicy,
        limits: &ApiLimits,
    ) -> Result<ConnectionSettings, InvalidJson> {
        let empty = InheritedTables::default();
        let InheritedTables {
            layers,
            buckets,
            shards,
        } = self.tables().unwrap_or(&empty);
        let mut pointers = Pointers::default();
        let root = parse_json(json, &mut pointers)?;
        let mut context = Context::new(&System);
        context.origin = Origin::Api;
        context.buckets = buckets.clone();
        let own = ConnectionTable::read(&root, &mut context).unwrap_or_default();
        refuse_urls(&own, policy, &mut context);
        let brings_proxy = own.proxy.is_some();
        let written = api_limits::Written::of(&own, root.place);
        let keys = cluster::Written::of(&own, root.place);
        let table = layers.inherit_harmless(own, &mut context);
        layers.check_rules(&table, &mut context);
        let mut settings = finish(table, root.place, &mut Dialogues::default(), &mut context);
        if let Some(mut shards) = shards.clone() {
            shards.check(None, &settings, &keys, &mut context);
        }
        settings.dial_policy = policy.clone();
        if brings_proxy {
            settings.proxy_policy = policy.clone();
        }
        let usual = usual(layers, root.place, buckets.clone());
        limits.check(&settings, &written, &usual, &mut context);
        let (errors, omitted) = context.problems.into_key_errors(&pointers);
        match errors.is_empty() {
            true => Ok(settings),
            false => Err(InvalidJson::Keys { errors, omitted }),
        }
    }
}

/// The settings of a name without keys; its missing URL does not matter.
fn usual(layers: &Layers, place: Place, buckets: Arc<Buckets>) -> ConnectionSettings {
    let mut unheard = Context::new(&System);
    unheard.origin = Origin::Api;
    unheard.buckets = buckets;
    let table = layers.inherit_harmless(ConnectionTable::default(), &mut unheard);
    finish(table, place, &mut Dialogues::default(), &mut unheard)
}

/// Reports URLs, of proxies too, that can never be dialled. URLs with secrets are checked at each
/// dial.
fn refuse_urls(own: &ConnectionTable, policy: &DialPolicy, context: &mut Context<'_>) {
    let one = own.url.iter().map(|url| (&url.value.0.template, url.place));
    let several = own.urls.iter();
    let several =
        several.flat_map(|urls| urls.value.0.iter().map(|url| (&url.template, urls.place)));
    let proxy = own.proxy.iter().filter_map(|proxy| match &proxy.value.0 {
        Some(Proxy::Url(url)) => Some((url.template(), proxy.place)),
        Some(Proxy::Environment(_)) | None => None,
    });
    let urls = one.chain(several).map(|(url, place)| ("URL", url, place));
    // Patterns are meant for peers. A proxy with a host name is checked at each dial.
    let proxies = proxy.filter(|(url, _)| *policy == DialPolicy::PublicOnly || has_an_address(url));
    let proxies = proxies.map(|(url, place)| ("proxy", url, place));
    for (what, template, place) in urls.chain(proxies) {
        if let Some(reason) = refusal(template, policy) {
            let message = format!("this {what} must not be dialled: {reason}");
            let help = "service.allow_urls has the patterns of those that may be";
            context.wrong(place, message, help);
        }
    }
    let prepare = own.prepare.iter();
    let urls = prepare.flat_map(|prepare| prepare.value.urls());
    let called = own.steps().filter_map(StepTable::url);
    let urls = urls.chain(called).chain(subscription_urls(own));
    for Written { text, place } in urls {
        let start = before_hole(text);
        let reason = match start == text {
            true => Url::parse(text).ok().and_then(|url| policy.refusal(&url)),
            false => policy.refusal_of_start(start),
        };
        if let Some(reason) = reason {
            let message = format!("this URL must not be called: {reason}");
            let help = "service.allow_urls has the patterns of those that may be";
            context.wrong(*place, message, help);
        }
    }
}

/// The URLs of subscriptions by HTTP, as they are written.
fn subscription_urls(own: &ConnectionTable) -> impl Iterator<Item = &Written> {
    let words = own.subscribe.iter().map(|layer| &layer.value.words);
    let long = own.subscriptions.iter();
    let long = long.flat_map(|layer| layer.value.long_forms());
    let words = words.chain(long.map(|long| &long.words));
    let requests = words.flat_map(WordsTable::requests);
    requests.filter_map(|http| http.url.as_ref().map(|url| &url.value.0))
}

/// Whether the host is written as an address.
fn has_an_address(template: &Template) -> bool {
    let url = Url::parse(&template.to_string());
    url.is_ok_and(|url| {
        let host = url.host_str().unwrap_or_default();
        host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
    })
}

fn refusal(template: &Template, policy: &DialPolicy) -> Option<String> {
    if template.is_static() {
        return policy.refusal(&Url::parse(&template.to_string()).ok()?);
    }
    match template.parts().first()? {
        Part::Literal(start) => policy.refusal_of_start(start),
        Part::Hole(text) => policy.refusal_of_start(before_hole(text)),
        Part::Env { .. } | Part::File(_) | Part::Stored(_) => None,
    }
}

/// The text before the first hole.
fn before_hole(text: &str) -> &str {
    text.split_once("${").map_or(text, |(start, _)| start)
}
