//! Overlapping changes of one name.
//!
//! Reported: a PUT and a DELETE of one name arrived together. The DELETE was answered 404, the name
//! was not listed, and after the next start 29 of 40 such names were back and dialled: the state in
//! the process and in the store differed.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::service_support::{
    SOON,
    http::{Client, Service},
};

const KEYS: &str = "allow_urls = ['ws://127.0.0.1:*']";
/// An address where nobody listens.
const NOBODY: &str = "ws://127.0.0.1:1/";

fn settings(round: usize) -> Value {
    json!({ "url": format!("{NOBODY}{round}"), "enabled": false })
}

/// The state of each name: its settings, and whether it was closed by hand.
fn known(service: &Service) -> BTreeMap<String, Value> {
    let listed = service.get("/v1/connections?limit=1000").json();
    let listed = listed["connections"].as_array().unwrap();
    let told = listed.iter().map(|status| {
        let name = status["name"].as_str().unwrap();
        let config = service.get(&format!("/v1/connections/{name}/config"));
        let config = config.json();
        (
            name.to_owned(),
            json!({ "url": config["url"], "state": status["state"] }),
        )
    });
    told.collect()
}

/// The work of one of several clients.
type Work = Box<dyn Fn(&Client) + Send>;

/// Runs all work at the same time.
fn at_once(client: &Client, work: Vec<Work>) {
    let racing: Vec<_> = work
        .into_iter()
        .map(|work| {
            let client = client.clone();
            thread::spawn(move || work(&client))
        })
        .collect();
    for racer in racing {
        racer.join().unwrap();
    }
}

fn put_and_delete(client: &Client, name: &str) {
    let (put, delete) = (name.to_owned(), format!("/v1/connections/{name}"));
    let control = format!("/v1/connections/{name}");
    at_once(
        client,
        vec![
            Box::new(move |client| {
                for round in 0..5 {
                    let status = client.put(&put, &settings(round)).status;
                    assert!([200, 201].contains(&status), "{status}");
                }
            }),
            Box::new(move |client| {
                for _ in 0..5 {
                    let status = client.delete(&delete).status;
                    assert!([204, 404].contains(&status), "{status}");
                }
            }),
            Box::new(move |client| {
                for verb in ["close", "connect", "close"] {
                    let status = client.post(&format!("{control}/{verb}"), "").status;
                    assert!([202, 404].contains(&status), "{status}");
                }
            }),
        ],
    );
}

/// Asserts that the next process, after a kill, has the same state.
fn assert_that_the_next_process_knows_the_same(service: Service, test: &str) {
    let before = known(&service);
    service.kill();
    let service = Service::start(test, KEYS);
    assert_eq!(known(&service), before);
}

#[test]
fn what_overlapping_changes_leave_is_what_the_next_process_has() {
    let test = "field-overlapping-changes";
    let service = Service::start(test, KEYS);
    let racing: Vec<_> = (0..8)
        .map(|racer| {
            let client = Client::plain(&service.listen);
            thread::spawn(move || {
                for n in 0..5 {
                    put_and_delete(&client, &format!("n{racer}-{n}"));
                }
            })
        })
        .collect();
    for racer in racing {
        racer.join().unwrap();
    }
    assert_that_the_next_process_knows_the_same(service, test);
}

#[test]
fn a_name_that_a_delete_did_not_find_is_not_in_the_next_process() {
    let test = "field-overlapping-deletes";
    let service = Service::start(test, KEYS);
    let names: Vec<_> = (0..40).map(|n| format!("n{n}")).collect();
    for name in &names {
        assert_eq!(service.put(name, &settings(0)).status, 201);
    }
    let deletes = names.iter().map(|name| {
        let (client, path) = (
            Client::plain(&service.listen),
            format!("/v1/connections/{name}"),
        );
        thread::spawn(move || {
            let twice = [client.clone(), client].map(|client| {
                let path = path.clone();
                thread::spawn(move || client.delete(&path).status)
            });
            twice.map(|delete| delete.join().unwrap())
        })
    });
    for delete in deletes.collect::<Vec<_>>() {
        let mut answers = delete.join().unwrap();
        answers.sort_unstable();
        assert_eq!(answers, [204, 404]);
    }
    service.kill();
    let service = Service::start(test, KEYS);
    assert_eq!(known(&service), BTreeMap::new());
}

#[test]
fn a_secret_that_was_put_and_deleted_at_once_is_as_the_next_process_has_it() {
    let test = "field-overlapping-secrets";
    let service = Service::start(test, KEYS);
    let ids: Vec<_> = (0..20).map(|n| format!("s{n}")).collect();
    for id in &ids {
        let path = format!("/v1/secrets/{id}");
        let other = path.clone();
        at_once(
            &service,
            vec![
                Box::new(move |client| {
                    for _ in 0..3 {
                        let status = client.ask("PUT", &path, &[], b"x").status;
                        assert!([201, 204].contains(&status), "{status}");
                    }
                }),
                Box::new(move |client| {
                    for _ in 0..3 {
                        let status = client.delete(&other).status;
                        assert!([204, 404].contains(&status), "{status}");
                    }
                }),
            ],
        );
    }
    // Submitting it again shows whether it was there: for half of them in this process, for the
    // others in the next.
    let is_there = |service: &Service, id: &str| {
        let path = format!("/v1/secrets/{id}");
        match service.ask("PUT", &path, &[], b"y").status {
            204 => true,
            201 => service.delete(&path).status == 0,
            status => panic!("{status}"),
        }
    };
    let before: Vec<_> = ids.iter().map(|id| is_there(&service, id)).collect();
    service.kill();
    let service = Service::start(test, KEYS);
    let after: Vec<_> = ids.iter().map(|id| is_there(&service, id)).collect();
    assert_eq!(after, before);
}

#[test]
fn a_reload_and_a_put_of_one_name_leave_what_the_next_process_has() {
    let test = "field-overlapping-reloads";
    let with = |names: &str| format!("{KEYS}\n{names}");
    let owned: String = (0..6)
        .map(|n| format!("[connections.n{n}]\nurl = '{NOBODY}file'\nenabled = false\n"))
        .collect();
    let service = Service::start(test, KEYS);
    let stop = Arc::new(AtomicBool::new(false));
    let racing: Vec<_> = (0..6)
        .map(|n| {
            let (client, stop) = (Client::plain(&service.listen), Arc::clone(&stop));
            thread::spawn(move || {
                let name = format!("n{n}");
                for round in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let put = client.put(&name, &settings(round)).status;
                    assert!([200, 201, 409].contains(&put), "{put}");
                    if round % 3 == 2 {
                        let deleted = client.delete(&format!("/v1/connections/{name}")).status;
                        assert!([204, 404, 409].contains(&deleted), "{deleted}");
                    }
                }
            })
        })
        .collect();
    for round in 0..30 {
        let keys = if round % 2 == 0 {
            with(&owned)
        } else {
            KEYS.into()
        };
        Service::configure(test, &keys);
        let reloaded = service.post("/v1/reload", "");
        assert_eq!(reloaded.status, 200, "{reloaded:?}");
        let reloaded = reloaded.json();
        assert_eq!(reloaded["failed"], json!([]), "{reloaded}");
    }
    stop.store(true, Ordering::Relaxed);
    for racer in racing {
        racer.join().unwrap();
    }
    assert_that_the_next_process_knows_the_same(service, test);
}

#[test]
fn a_change_whose_client_has_left_is_done_whole_or_not_at_all() {
    let test = "field-overlapping-leavers";
    let service = Service::start(test, KEYS);
    for n in 0..40 {
        let name = format!("n{}", n % 4);
        let body = settings(n).to_string();
        let request = match n % 3 {
            2 => format!(
                "DELETE /v1/connections/{name} HTTP/1.1\r\nHost: {}\r\n\r\n",
                service.listen
            ),
            _ => format!(
                "PUT /v1/connections/{name} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                service.listen,
                body.len()
            ),
        };
        use std::io::Write as _;
        let mut tcp = std::net::TcpStream::connect(&service.listen).unwrap();
        tcp.write_all(request.as_bytes()).unwrap();
        drop(tcp);
    }
    // Everything is done once the last request is done.
    let until = Instant::now() + SOON;
    let mut before = known(&service);
    loop {
        thread::sleep(Duration::from_millis(100));
        let now = known(&service);
        if now == before || Instant::now() > until {
            break;
        }
        before = now;
    }
    assert_eq!(service.put("last", &settings(0)).status, 201);
    assert_that_the_next_process_knows_the_same(service, test);
}
