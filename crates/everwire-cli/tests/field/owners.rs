//! Reported: a name over the API had no owner. A token could put any number of names, and shared
//! resources could not be divided among owners.

use std::sync::Barrier;

use serde_json::json;

use super::service_support::http::{Client, JSON, Service};

const OPERATOR: &str = "operator";

/// Tokens, one of which reaches some names, and may own this many.
fn keys(names: usize) -> String {
    format!(
        "allow_urls = ['ws://127.0.0.1:*']\napi_limits.names = {names}\n\
         [[service.tokens]]\nname = 'operator'\nsecret = 's3cret-operator'\n\
         [[service.tokens]]\nname = 'acme'\nsecret = 's3cret-acme'\nnames = 'acme-*'\n"
    )
}

/// The status of a request by a token about a connection.
fn ask(service: &Client, by: &str, method: &str, name: &str) -> u16 {
    let token = format!("Bearer s3cret-{by}");
    let body = json!({ "url": "ws://127.0.0.1:1/" }).to_string();
    let target = format!("/v1/connections/{name}");
    let (headers, body) = match method {
        "PUT" => (vec![JSON, ("Authorization", &*token)], body.as_bytes()),
        _ => (vec![("Authorization", &*token)], &b""[..]),
    };
    let answer = service.ask(method, &target, &headers, body);
    if answer.status == 409 {
        answer.problem(409, "service.api_limits.names");
    }
    answer.status
}

fn put(service: &Client, by: &str, name: &str) -> u16 {
    ask(service, by, "PUT", name)
}

fn delete(service: &Client, by: &str, name: &str) {
    assert_eq!(ask(service, by, "DELETE", name), 204);
}

fn reload(service: &Client, test: &str, keys: &str) {
    Service::configure(test, keys);
    let bearer = "Bearer s3cret-operator";
    let reloaded = service.ask("POST", "/v1/reload", &[("Authorization", bearer)], b"");
    assert_eq!(reloaded.json()["failed"], json!([]), "{reloaded:?}");
}

#[test]
fn a_token_owns_the_names_that_it_created_and_no_more_than_it_may_over_a_restart_too() {
    let test = "owners-names";
    let service = Service::start(test, &keys(3));
    for name in ["acme-1", "acme-2", "acme-3"] {
        assert_eq!(put(&service, "acme", name), 201);
    }
    assert_eq!(put(&service, "acme", "acme-4"), 409);
    assert_eq!(put(&service, "acme", "acme-1"), 200, "it is not one more");
    assert_eq!(put(&service, OPERATOR, "acme-4"), 201);
    // A change of another owner's name does not transfer it.
    assert_eq!(put(&service, "acme", "acme-4"), 200);
    assert_eq!(put(&service, OPERATOR, "acme-3"), 200);
    assert_eq!(put(&service, "acme", "acme-5"), 409);
    delete(&service, "acme", "acme-1");
    assert_eq!(put(&service, "acme", "acme-5"), 201);
    service.kill();

    let service = Service::start(test, &keys(3));
    assert_eq!(put(&service, "acme", "acme-6"), 409);
    assert_eq!(put(&service, "acme", "acme-4"), 200);
    // A new name belongs to its creator.
    delete(&service, OPERATOR, "acme-4");
    assert_eq!(put(&service, "acme", "acme-4"), 409);
    delete(&service, OPERATOR, "acme-5");
    assert_eq!(put(&service, "acme", "acme-4"), 201);
    assert_eq!(put(&service, OPERATOR, "acme-5"), 201);
    service.kill();

    // A lower limit removes no name.
    let service = Service::start(test, &keys(1));
    for name in ["acme-2", "acme-3", "acme-4", "acme-5"] {
        assert_eq!(put(&service, "acme", name), 200);
    }
    assert_eq!(put(&service, "acme", "acme-6"), 409);
}

#[test]
fn names_that_are_put_at_once_do_not_pass_the_limit_together() {
    let service = Service::start("owners-at-once", &keys(3));
    let together = Barrier::new(16);
    let client: &Client = &service;
    let put = |number: usize| {
        together.wait();
        put(client, "acme", &format!("acme-{number}"))
    };
    let answers: Vec<u16> = std::thread::scope(|scope| {
        let put = &put;
        let threads: Vec<_> = (0..16)
            .map(|number| scope.spawn(move || put(number)))
            .collect();
        let answers = threads.into_iter().map(|thread| thread.join());
        answers.map(Result::unwrap).collect()
    });
    let count = |status| answers.iter().filter(|answer| **answer == status).count();
    assert_eq!((count(201), count(409)), (3, 13), "{answers:?}");
}

#[test]
fn what_was_put_without_tokens_belongs_to_none_of_those_that_come_later() {
    let test = "owners-before";
    let service = Service::start(test, "allow_urls = ['ws://127.0.0.1:*']");
    for name in ["acme-1", "acme-2"] {
        let settings = json!({ "url": "ws://127.0.0.1:1/" });
        assert_eq!(service.put(name, &settings).status, 201);
    }
    service.kill();
    for _ in 0..2 {
        let service = Service::start(test, &keys(1));
        assert_eq!(put(&service, "acme", "acme-1"), 200);
        assert_eq!(put(&service, "acme", "acme-3"), 201);
        assert_eq!(put(&service, "acme", "acme-4"), 409);
        delete(&service, "acme", "acme-3");
        service.kill();
    }
}

#[test]
fn a_name_that_the_file_takes_over_is_its_tokens_no_more() {
    let test = "owners-reload";
    let service = Service::start(test, &keys(1));
    assert_eq!(put(&service, "acme", "acme-1"), 201);
    assert_eq!(put(&service, "acme", "acme-2"), 409);
    let taken = "[connections.acme-1]\nurl = 'ws://127.0.0.1:1/'\n";
    reload(&service, test, &format!("{}{taken}", keys(1)));
    assert_eq!(put(&service, "acme", "acme-2"), 201);
    // The file no longer has the name, so it is removed.
    reload(&service, test, &keys(1));
    assert_eq!(put(&service, "acme", "acme-1"), 409);
    service.kill();

    let service = Service::start(test, &keys(1));
    assert_eq!(put(&service, "acme", "acme-2"), 200);
    assert_eq!(put(&service, OPERATOR, "acme-1"), 201);
    assert_eq!(put(&service, "acme", "acme-1"), 200);
    delete(&service, "acme", "acme-2");
    assert_eq!(put(&service, "acme", "acme-3"), 201);
}
