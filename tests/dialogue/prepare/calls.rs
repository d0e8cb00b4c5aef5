//! HTTP calls: the rules they follow, and servers that break rules.

use std::{net::TcpStream, sync::Mutex};

use super::*;

const PLAIN: &str = "url = \"WS\"\nprepare = [{ http = { url = \"HTTP/x\" }, within = \"500ms\" }]";

#[tokio::test]
async fn a_hostile_server_costs_no_more_than_its_bound() {
    let gibibyte = told_of(PLAIN, |_, stream| {
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
            1 << 30
        )?;
        while stream.write_all(&[b'x'; 1 << 16]).is_ok() {}
        Ok(())
    });
    assert!(
        gibibyte
            .await
            .ends_with(": the body is longer than 1048576 bytes")
    );
    let endless = told_of(PLAIN, |_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\n\r\n")?;
        while stream.write_all(&[b'x'; 1 << 16]).is_ok() {}
        Ok(())
    });
    assert!(
        endless
            .await
            .ends_with(": the body is longer than 1048576 bytes")
    );
    let chunks = told_of(PLAIN, |_, stream| {
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        )?;
        while stream.write_all(b"8\r\n12345678\r\n").is_ok() {}
        Ok(())
    });
    let chunks = chunks.await;
    assert!(
        chunks.ends_with(": the body is longer than 1048576 bytes")
            || chunks.contains("no whole answer"),
        "{chunks}"
    );
    let slow = told_of(PLAIN, |_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")?;
        say_nothing(stream)
    });
    let slow = slow.await;
    assert!(slow.contains("has no answer after "), "{slow}");
    assert!(
        slow.ends_with(": no whole answer came in its time"),
        "{slow}"
    );
    let silent = told_of(PLAIN, |_, stream| say_nothing(stream)).await;
    assert!(
        silent.ends_with(": no whole answer came in its time"),
        "{silent}"
    );
    let heads = told_of(PLAIN, |_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\n")?;
        while stream.write_all(b"X-Header: value\r\n").is_ok() {}
        Ok(())
    });
    let heads = heads.await;
    assert!(
        heads.contains("too many headers") || heads.contains("no whole answer"),
        "{heads}"
    );
    let short = told_of(PLAIN, |_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
    });
    assert!(
        short
            .await
            .ends_with(": the connection ended within the body")
    );
    let other = told_of(PLAIN, |_, stream| write!(stream, "SSH-2.0-OpenSSH\r\n\r\n")).await;
    assert!(other.contains("is not valid HTTP"), "{other}");
    let packed = told_of(PLAIN, |_, stream| {
        respond(stream, "200 OK", &["Content-Encoding: gzip"], "x")
    });
    assert!(
        packed
            .await
            .ends_with(": the answer is compressed, which was not asked for")
    );
    let nobody = told_of(&PLAIN.replace("HTTP", "http://127.0.0.1:1"), |_, _| Ok(())).await;
    assert!(nobody.contains("connection refused"), "{nobody}");
}

#[tokio::test]
async fn a_redirect_is_followed_within_the_policy_and_takes_no_secret_along() {
    let other = Http::start(|_, stream| respond(stream, "200 OK", &[], r#"{"n":1}"#));
    let to = other.url().replace("127.0.0.1", "localhost");
    let keys = r#"
url = "WS"
prepare = [{ http = { url = "HTTP/a", headers = { X-Key = "${KEY}", Accept = "a/b" } }, capture = { n = "/n" } }]"#;
    for location in ["http://169.254.169.254/latest", "http://[::1]:9/", &to] {
        let answer = format!("Location: {location}");
        let told = told_of(keys, move |_, stream| {
            respond(stream, "302 Found", &[&answer], "")
        });
        let told = told.await;
        assert!(told.contains("not a public address"), "{location}: {told}");
    }
    for location in ["file:///etc/passwd", "http://me:pw@127.0.0.1/"] {
        let answer = format!("Location: {location}");
        let told = told_of(keys, move |_, stream| {
            respond(stream, "302 Found", &[&answer], "")
        });
        let told = told.await;
        assert!(
            told.contains("the redirect is not followed"),
            "{location}: {told}"
        );
    }
    let circle = told_of(keys, |_, stream| {
        respond(stream, "302 Found", &["Location: /a"], "")
    });
    assert!(circle.await.contains("in a circle"));

    // To the same host, and to one that the operator allows.
    let port = other.port();
    let http = Http::start(move |request, stream| match request.number {
        0 => respond(stream, "302 Found", &["Location: /b"], ""),
        _ => {
            let location = format!("Location: http://localhost:{port}/c");
            respond(stream, "307 Temporary Redirect", &[&location], "")
        }
    });
    let server = echo();
    let mut settings = name(keys, &http.url(), &server.url());
    settings.dial_policy = DialPolicy::Urls(["*".parse().unwrap()].into());
    let (_manager, _handle, mut watch) = open(settings);
    watch.ready().await;
    let asked = http.requests();
    assert_eq!(asked[1].line, "GET /b HTTP/1.1");
    assert_eq!(asked[1].header("x-key"), Some(SECRET));
    let led = other.requests();
    assert_eq!(led[0].line, "GET /c HTTP/1.1");
    assert_eq!(
        (led[0].header("x-key"), led[0].header("accept")),
        (None, Some("a/b"))
    );
}

#[tokio::test]
async fn what_is_posted_goes_to_no_other_host() {
    let keys = r#"
url = "WS"
prepare = [{ http = { method = "POST", url = "HTTP/a", body = "${KEY}" } }]"#;
    let told = told_of(keys, |_, stream| {
        respond(
            stream,
            "307 Temporary Redirect",
            &["Location: http://localhost:9/"],
            "",
        )
    });
    assert!(told.await.contains("answered 307"));
    let told = told_of(keys, |_, stream| {
        respond(stream, "303 See Other", &["Location: /b"], "")
    });
    assert!(told.await.contains("answered 303"));
}

#[tokio::test]
async fn a_call_obeys_the_policy_of_its_name() {
    let http = Http::start(|_, stream| respond(stream, "200 OK", &[], ""));
    let server = echo();
    let keys = "url = \"WS\"\nprepare = [{ http = { url = \"HTTP/x\" } }]";
    let mut settings = name(keys, &http.url(), &server.url());
    settings.dial_policy = DialPolicy::PublicOnly;
    let (_manager, _handle, mut watch) = open(settings);
    let told = failure(&mut watch).await.to_string();
    assert!(told.contains("127.0.0.1 is not a public address"), "{told}");
    assert_eq!(http.requests().len(), 0);
    let mut settings = name(keys, &http.url(), &server.url());
    settings.dial_policy = DialPolicy::Urls(["ws://127.0.0.1".parse().unwrap()].into());
    let (_manager, _handle, mut watch) = open(settings);
    let told = failure(&mut watch).await.to_string();
    assert!(told.contains("no URL that may be called"), "{told}");
}

/// A TLS server with a certificate for 127.0.0.1 and a fixed response.
fn https(ca: &PrivateCa, body: &'static str) -> u16 {
    let certificates = CertificateDer::pem_file_iter(&ca.cert_file).unwrap();
    let certificates = certificates.collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(&ca.key_file).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(session, stream);
            let mut asked = Vec::new();
            let mut byte = [0];
            while !asked.ends_with(b"\r\n\r\n")
                && stream.read(&mut byte).is_ok_and(|read| read == 1)
            {
                asked.push(byte[0]);
            }
            let length = body.len();
            let _gone = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"
            );
            stream.conn.send_close_notify();
            let _gone = stream.flush();
        }
    });
    port
}

#[tokio::test]
async fn a_call_trusts_the_authorities_of_its_name_and_no_others() {
    let dir = TestDir::new("prepare-tls");
    let ca = PrivateCa::new(dir.path());
    let url = format!("https://127.0.0.1:{}", https(&ca, r#"{"n":"1"}"#));
    let server = echo();
    let keys =
        "url = \"WS${n}\"\nprepare = [{ http = { url = \"HTTP/x\" }, capture = { n = \"/n\" } }]";
    let (_manager, _handle, mut watch) = open(name(keys, &url, &server.url()));
    let refused = failure(&mut watch).await;
    let Cause::Prepare { is_refusal, .. } = refused else {
        panic!("{refused:?}");
    };
    assert!(
        is_refusal && refused.to_string().contains("certificate"),
        "{refused}"
    );

    let trusting = format!("tls.ca_file = '{}'\n{keys}", ca.ca_file.display());
    let (_manager, _handle, mut watch) = open(name(&trusting, &url, &server.url()));
    watch.ready().await;
    assert_eq!(server.sockets(), 1);
}

/// A proxy (RFC 9110 §9.3.6), and the targets that were requested.
fn proxy() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let told = Arc::clone(&asked);
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let told = Arc::clone(&told);
            std::thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n")
                    && client.read(&mut byte).is_ok_and(|read| read == 1)
                {
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).unwrap();
                let to = head.split(' ').nth(1).unwrap().to_owned();
                told.lock().unwrap().push(to.clone());
                let mut server = TcpStream::connect(to).unwrap();
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
                let (mut from, mut back) =
                    (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut from, &mut server));
                let _ended = std::io::copy(&mut back, &mut client);
                let _ended = client.shutdown(std::net::Shutdown::Write);
            });
        }
    });
    (port, asked)
}

#[tokio::test]
async fn a_call_goes_through_the_proxy_of_its_name() {
    let (port, asked) = proxy();
    let http = tokens();
    let server = echo();
    let keys = format!(
        "proxy = \"http://127.0.0.1:{port}\"\nurl = \"WS${{token}}\"\n\
         prepare = [{{ http = {{ url = \"HTTP/\" }}, capture = {{ token = \"/token\" }} }}]"
    );
    let (_manager, _handle, mut watch) = open(name(&keys, &http.url(), &server.url()));
    watch.ready().await;
    let asked = asked.lock().unwrap().clone();
    let port_of = |url: &str| {
        url.trim_end_matches('/')
            .rsplit("//")
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(asked, [port_of(&http.url()), port_of(&server.url())]);
}
