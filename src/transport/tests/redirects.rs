use std::sync::mpsc;

use super::{
    success::{assert_echoes, echo},
    *,
};
use crate::settings::BasicAuth;

/// A server that redirects every request to `location` with `status`.
pub(super) fn redirecting(status: u16, location: String) -> SocketAddr {
    answer(move |_| {
        format!("HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 9\r\n\r\n")
            .into()
    })
}

/// A server that echoes, and reports its requests.
fn telling() -> (SocketAddr, mpsc::Receiver<String>) {
    let (told, requests) = mpsc::channel();
    let told = std::sync::Mutex::new(told);
    let address = serve(move |mut tcp| {
        let request = read_head(&mut tcp);
        tcp.write_all(&accept(&request, "", b"")).unwrap();
        told.lock().unwrap().send(request).unwrap();
        echo(&mut tcp);
    });
    (address, requests)
}

#[actix_rt::test]
async fn each_kind_of_redirect_is_followed_without_credentials_to_another_host() {
    for status in [301, 302, 307, 308] {
        let (end, requests) = telling();
        let middle = redirecting(status, format!("http://{end}/end?x=1"));
        let mut settings = settings("ws", redirecting(status, format!("ws://{middle}/")));
        settings.headers = vec![
            ("Authorization".into(), "Bearer s3cret".into()),
            ("Origin".into(), "https://o.example".into()),
        ];
        let mut opened = dial_with(&settings).await.unwrap();
        assert_eq!(opened.peer, end);
        assert_echoes(&mut opened.stream).await;
        let request = requests.recv_timeout(LONG).unwrap();
        assert!(
            request.starts_with("GET /end?x=1 HTTP/1.1\r\n"),
            "{request}"
        );
        assert!(request.contains(&format!("Host: {end}\r\n")), "{request}");
        assert!(
            request.contains("Origin: https://o.example\r\n"),
            "{request}"
        );
        assert!(!request.contains("s3cret"), "{request}");
    }
}

#[actix_rt::test]
async fn within_one_host_credentials_go_along() {
    let (told, requests) = mpsc::channel();
    let told = std::sync::Mutex::new(told);
    let address = serve(move |mut tcp| {
        let request = read_head(&mut tcp);
        let answer = match request.starts_with("GET /there ") {
            true => accept(&request, "", b""),
            false => b"HTTP/1.1 307 There\r\nLocation: /there\r\n\r\n".to_vec(),
        };
        told.lock().unwrap().send(request).unwrap();
        tcp.write_all(&answer).unwrap();
        echo(&mut tcp);
    });
    let mut settings = settings("ws", address);
    settings.basic_auth = Some(BasicAuth {
        user: "me".into(),
        password: "s3cret".into(),
        encoding: Default::default(),
    });
    assert_echoes(&mut dial_with(&settings).await.unwrap().stream).await;
    let all: Vec<_> = requests.try_iter().collect();
    assert_eq!(all.len(), 2);
    assert!(
        all.iter()
            .all(|request| request.contains("Authorization: Basic "))
    );
}

#[actix_rt::test]
async fn a_circle_and_a_chain_without_end_are_refusals() {
    let circle = answer(|_| b"HTTP/1.1 302 Round\r\nLocation: /feed?a=1\r\n\r\n".to_vec());
    let cause = dial_to(circle).await.unwrap_err();
    assert_eq!(cause.status(), Some(302));
    assert!(cause.text().contains("in a circle"), "{cause}");

    let chain = answer(|request| {
        let path = request.split(' ').nth(1).unwrap();
        format!("HTTP/1.1 308 On\r\nLocation: {path}1\r\n\r\n").into()
    });
    let cause = dial_to(chain).await.unwrap_err();
    assert_eq!(cause.status(), Some(308));
    assert!(cause.text().contains("more than 5 redirects"), "{cause}");
}

#[actix_rt::test]
async fn all_hops_share_one_timeout() {
    let mut settings = settings(
        "ws",
        redirecting(302, format!("ws://{}/", failures::silent())),
    );
    settings.connect_timeout = Duration::from_millis(300);
    let cause = dial_with(&settings).await.unwrap_err();
    let Cause::Redirected { cause, .. } = cause else {
        panic!("{cause}");
    };
    assert_eq!(*cause, Cause::ConnectTimeout(crate::core::Phase::Upgrade));
}
