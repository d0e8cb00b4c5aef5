//! One token's clients, keys and names move those of another: it took all 192 places of SSE, WebSocket and raw, and the operator got
//! 503; it joined a rate of the file and used it up; and its required name with a dead URL had the process say that it is not
//! ready.

use serde_json::{Value, json};

use super::service_support::{
    http::{Answer, JSON, Service},
    sse::Sse,
};

const TOKENS: &str = "allow_urls = ['ws://127.0.0.1:*']\n\
    [[service.tokens]]\nname = 'operator'\nsecret = 's3cret-operator'\n\
    [[service.tokens]]\nname = 'acme'\nsecret = 's3cret-acme'\nnames = 'acme-*'\n\
    [[service.tokens]]\nname = 'other'\nsecret = 's3cret-other'\nnames = 'other-*'\n\
    [rates.site]\nmessages = 5\nper = '1s'\n\
    [groups.feeds]\nrate = 'site'\nrequired = true\n";

fn token(name: &str) -> (&'static str, String) {
    ("Authorization", format!("Bearer s3cret-{name}"))
}

#[test]
fn a_token_takes_its_share_of_the_places_and_others_find_theirs() {
    let service = Service::start("tenants-places", TOKENS);
    let listen = |name: &str| {
        let (header, value) = token(name);
        Sse::open(&service, "/v1/events", &[(header, &value)])
    };
    let taken: Vec<_> = (0..80).map(|_| listen("acme")).collect();
    let (header, value) = token("acme");
    let refused = service.ask("GET", "/v1/events", &[(header, &value)], b"");
    refused.problem(503, "80 clients of this token");
    assert_eq!(refused.header("retry-after"), Some("5"));
    // Those of others are theirs, to the last one.
    let others: Vec<_> = (0..80).map(|_| listen("other")).collect();
    let operators: Vec<_> = (0..32).map(|_| listen("operator")).collect();
    drop((taken, others, operators));
}

/// Puts `acme-1`.
fn put(service: &Service, by: &str, settings: &Value) -> Answer {
    let (header, value) = token(by);
    let body = settings.to_string();
    let headers = [JSON, (header, value.as_str())];
    service.ask("PUT", "/v1/connections/acme-1", &headers, body.as_bytes())
}

#[test]
fn a_token_joins_no_rate_that_others_share() {
    let service = Service::start("tenants-rates", TOKENS);
    let url = "ws://127.0.0.1:1/";
    let named = json!({ "url": url, "rate": "site" });
    put(&service, "acme", &named).problem(403, "invalid rate");
    // Nor by a group that has it.
    let grouped = json!({ "url": url, "group": "feeds", "required": false });
    put(&service, "acme", &grouped).problem(403, "invalid rate");
    let own = json!({ "url": url, "rate": { "messages": 5, "per": "1s" } });
    assert_eq!(put(&service, "acme", &own).status, 201);
    assert_eq!(put(&service, "operator", &named).status, 200);
}

#[test]
fn a_token_that_does_not_reach_all_names_decides_nothing_about_readiness() {
    let service = Service::start("tenants-required", TOKENS);
    let url = "ws://127.0.0.1:1/";
    let required = json!({ "url": url, "required": true });
    put(&service, "acme", &required).problem(403, "invalid required");
    let grouped = json!({ "url": url, "group": "feeds", "rate": { "messages": 5, "per": "1s" } });
    put(&service, "acme", &grouped).problem(403, "invalid required");
    let optional = json!({ "url": url });
    assert_eq!(put(&service, "acme", &optional).status, 201);
    assert_eq!(service.get("/readyz").status, 200);
    assert_eq!(put(&service, "operator", &required).status, 200);
    assert_eq!(service.get("/readyz").status, 503);
}
