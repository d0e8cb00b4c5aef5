//! `prepare` before a dial that replaces a socket, for servers that allow one at a time.

use std::sync::{Mutex, mpsc};

use super::*;

/// Answers with `{"n":0}` and so on; from the second request on, each answer waits for a permit.
fn held_tickets() -> (Http, mpsc::Sender<&'static str>) {
    let (let_go, held) = mpsc::channel::<&'static str>();
    let held = Mutex::new(held);
    let http = Http::start(move |request, stream| {
        let number = request.number;
        let status = match number {
            0 => "200 OK",
            _ => held.lock().unwrap().recv().unwrap_or("500 Gone"),
        };
        respond(stream, status, &[], &format!(r#"{{"n":{number}}}"#))
    });
    (http, let_go)
}

/// A server that accepts one socket at a time, echoes, and receives the client's close script.
fn single() -> Server {
    let open_now = Arc::new(AtomicUsize::new(0));
    Server::start(move |line| {
        let others = open_now.fetch_add(1, Ordering::SeqCst);
        line.ask(
            others == 0,
            format!("{others} sockets beside {}", line.path),
        );
        line.say(format!("at {}", line.path))?;
        loop {
            let Ok(text) = line.hear_text() else {
                // Its session ends with the close frame.
                open_now.fetch_sub(1, Ordering::SeqCst);
                return Ok(());
            };
            line.say(format!("{text} at {}", line.path))?;
        }
    })
}

const KEYS: &str = r#"
url = "WS${n}"
rotation = "replace"
prepare = [{ http = { url = "HTTP/" }, capture = { n = "/n" }, within = "1m" }]"#;

/// Waits for this number of requests.
async fn asked(http: &Http, times: usize) {
    poll_until("a request", SOON, || http.requests().len() == times).await;
}

#[tokio::test]
async fn the_old_socket_serves_until_all_is_prepared_and_the_dial_takes_that() {
    let (http, let_go) = held_tickets();
    let server = single();
    let (_manager, handle, mut watch) = open(name(KEYS, &http.url(), &server.url()));
    watch.text("at /0").await;
    for number in 1..3 {
        handle.rotate().await.unwrap();
        asked(&http, number + 1).await;
        let before = number - 1;
        handle.send(Message::text("still")).unwrap();
        watch.text(&format!("still at /{before}")).await;
        let status = handle.status().await.unwrap();
        assert_eq!(status.state, State::Open);
        assert_eq!(status.preparing, Some(format!("GET {}/", http.url())));
        let_go.send("200 OK").unwrap();
        watch.rotated().await;
        watch.text(&format!("at /{number}")).await;
    }
    assert_eq!((http.requests().len(), server.sockets()), (3, 3));
    assert_eq!(server.faults(), Vec::<String>::new());
    let seen = watch.seen().join("\n");
    for (kind, count) in [("closed", 2), ("error", 0), ("retrying", 0)] {
        let told = format!(r#""type":"{kind}""#);
        assert_eq!(seen.matches(&told).count(), count, "{seen}");
    }
}

#[tokio::test]
async fn what_fails_before_the_dial_leaves_the_old_socket_and_is_tried_again() {
    let (http, let_go) = held_tickets();
    let server = single();
    let (_manager, handle, mut watch) = open(name(KEYS, &http.url(), &server.url()));
    watch.text("at /0").await;
    handle.rotate().await.unwrap();
    let_go.send("503 Service Unavailable").unwrap();
    let cause = failure(&mut watch).await;
    assert_eq!(cause.kind(), "prepare");
    handle.send(Message::text("still")).unwrap();
    watch.text("still at /0").await;
    assert_eq!(server.sockets(), 1);
    let_go.send("200 OK").unwrap();
    watch.rotated().await;
    watch.text("at /2").await;
    assert_eq!((http.requests().len(), server.sockets()), (3, 2));
    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(handle.status().await.unwrap().reconnects, 0);
}

#[tokio::test]
async fn what_cannot_be_filled_leaves_the_old_socket_too() {
    let http = Http::start(|request, stream| {
        let path = match request.number {
            0 => "/0",
            _ => "/bad\\r\\n",
        };
        respond(stream, "200 OK", &[], &format!(r#"{{"path":"{path}"}}"#))
    });
    let server = single();
    let keys = r#"
url = "WS${path}"
rotation = "replace"
prepare = [{ http = { url = "HTTP/" }, capture = { path = "/path" } }]"#;
    let ws = server.url().trim_end_matches('/').to_owned();
    let (_manager, handle, mut watch) = open(name(keys, &http.url(), &ws));
    watch.text("at /0").await;
    handle.rotate().await.unwrap();
    assert_eq!(failure(&mut watch).await.kind(), "template");
    handle.send(Message::text("still")).unwrap();
    watch.text("still at /0").await;
    assert_eq!(server.sockets(), 1);
}

#[tokio::test]
async fn a_close_by_hand_drops_what_is_prepared() {
    // Before it has an answer, and after the answer while the old socket is closing.
    for has_answer in [false, true] {
        let (http, let_go) = held_tickets();
        let (leave, left) = mpsc::channel::<()>();
        let left = Mutex::new(left);
        let server = Server::start(move |line| {
            line.say(format!("at {}", line.path))?;
            if line.number == 0 {
                // It does not answer the close frame before the permit.
                let _may = left.lock().unwrap().recv();
            }
            line.until_gone()
        });
        let (_manager, handle, mut watch) = open(name(KEYS, &http.url(), &server.url()));
        watch.text("at /0").await;
        handle.rotate().await.unwrap();
        asked(&http, 2).await;
        if has_answer {
            let_go.send("200 OK").unwrap();
            wait_for_state(&handle, State::Closing).await;
        }
        let closing = tokio::spawn({
            let handle = handle.clone();
            async move { handle.close(1000, "").await }
        });
        wait_for("a close by hand", async || {
            let status = handle.status().await.unwrap();
            match status.preparing {
                None if status.state == State::Closing => Ok(()),
                _ => Err(status),
            }
        })
        .await;
        leave.send(()).unwrap();
        closing.await.unwrap().unwrap();
        wait_for_state(&handle, State::Closed).await;
        assert_eq!((http.requests().len(), server.sockets()), (2, 1));
        handle.connect(None).await.unwrap();
        asked(&http, 3).await;
        // An answer that nobody waits for any more may fail to be sent.
        if !has_answer {
            let_go.send("200 OK").unwrap();
        }
        let_go.send("200 OK").unwrap();
        watch.text("at /2").await;
    }
}

#[tokio::test]
async fn a_loss_while_it_is_prepared_is_a_usual_one() {
    let (http, let_go) = held_tickets();
    let server = Server::start(|line| {
        line.say(format!("at {}", line.path))?;
        match line.hear_text() {
            Ok(_) => Err(line.cut()),
            Err(gone) => Err(gone),
        }
    });
    let (_manager, handle, mut watch) = open(name(KEYS, &http.url(), &server.url()));
    watch.text("at /0").await;
    handle.rotate().await.unwrap();
    asked(&http, 2).await;
    handle.send(Message::text("go")).unwrap();
    watch.retrying().await;
    for _ in 0..2 {
        let_go.send("200 OK").unwrap();
    }
    watch.text("at /2").await;
    assert_eq!((http.requests().len(), server.sockets()), (3, 2));
}

#[tokio::test]
async fn what_names_share_counts_as_used_by_the_dial_that_follows() {
    let http = tokens();
    let dials = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&dials);
    let server = Server::guarded(
        // The second dial is refused, which makes its token invalid.
        move |_| match count.fetch_add(1, Ordering::SeqCst) {
            1 => Err(401),
            _ => Ok(None),
        },
        |line| {
            line.say(format!("at {}", line.path))?;
            line.until_gone()
        },
    );
    let text = format!(
        "[prepare.login]\nkeep = \"1h\"\nsteps = [{{ http = {{ url = \"HTTP/\" }}, capture = {{ token = \"/token\" }} }}]\n[connections.name]\n{QUICK}url = \"WS${{token}}\"\nrotation = \"replace\"\nprepare = \"login\""
    );
    let settings = all(&text, &http.url(), &server.url());
    let (_manager, handle, mut watch) = open(settings.connections["name"].clone());
    watch.text("at /t-0").await;
    handle.rotate().await.unwrap();
    watch.text("at /t-1").await;
    assert_eq!(http.requests().len(), 2);
    handle.rotate().await.unwrap();
    watch.rotated().await;
    watch.text("at /t-1").await;
    assert_eq!(
        (http.requests().len(), dials.load(Ordering::SeqCst)),
        (2, 4)
    );
}
