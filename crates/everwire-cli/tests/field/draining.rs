//! A process that drains.
//!
//! Reported: `/readyz` was 200 until the process was gone, so a load balancer kept sending requests
//! to it while it drained, and a rolling update lost them.

use std::{
    io::ErrorKind,
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use everwire::testing::Peer;

use crate::service_support::{SOON, http::Service};

#[test]
fn a_process_that_drains_answers_and_is_not_ready() {
    let peer = Peer::spawn_thread().unwrap();
    let keys = format!(
        "drain_timeout = '60s'\n[defaults]\nclose_timeout = '60s'\n[connections.deaf]\nurl = '{}'\nrequired = true",
        peer.url("/echo?ignore_close=true")
    );
    let mut service = Service::start("field-draining", &keys);
    service.wait_for_state("deaf", "open");
    assert_eq!(service.get("/readyz").json()["ready"], true);
    service.running.signal("TERM");
    service.running.event("draining", None);
    let until = Instant::now() + SOON;
    while service.status("deaf")["state"] != "closing" {
        assert!(Instant::now() < until);
        thread::sleep(Duration::from_millis(5));
    }
    for _ in 0..3 {
        let ready = service.get("/readyz");
        assert_eq!(ready.status, 503, "{ready:?}");
        let ready = ready.json();
        assert_eq!(
            (&ready["ready"], &ready["ending"]),
            (&false.into(), &true.into())
        );
        assert_eq!(service.get("/healthz").status, 200);
        assert_eq!(service.get("/metrics").status, 200);
    }
    let refused = TcpStream::connect(&service.listen).map_err(|error| error.kind());
    assert_ne!(refused.err(), Some(ErrorKind::ConnectionRefused));
    service.kill();
}

#[test]
fn a_process_without_required_names_is_not_ready_either_while_it_drains() {
    let peer = Peer::spawn_thread().unwrap();
    let keys = format!(
        "drain_timeout = '60s'\n[defaults]\nclose_timeout = '60s'\n[connections.deaf]\nurl = '{}'",
        peer.url("/echo?ignore_close=true")
    );
    let mut service = Service::start("field-draining-any", &keys);
    service.wait_for_state("deaf", "open");
    assert_eq!(service.get("/readyz").status, 200);
    service.running.signal("TERM");
    service.running.event("draining", None);
    assert_eq!(service.get("/readyz").status, 503);
    service.kill();
}
