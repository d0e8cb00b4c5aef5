use super::{redirects::redirecting, success::echo, *};
use crate::settings::{DialPolicy, Proxy, ProxyUrl, UrlPattern};

/// A server that must never get a request.
fn forbidden_ground() -> SocketAddr {
    serve(|_| panic!("this server was connected to"))
}

fn open_ground() -> SocketAddr {
    serve(|mut tcp| {
        let request = read_head(&mut tcp);
        tcp.write_all(&accept(&request, "", b"")).unwrap();
        echo(&mut tcp);
    })
}

fn only(pattern: String) -> DialPolicy {
    DialPolicy::Urls([pattern.parse::<UrlPattern>().unwrap()].into())
}

async fn refused(settings: &ConnectionSettings) -> String {
    let cause = dial_with(settings).await.unwrap_err();
    assert_eq!(cause.kind(), "forbidden", "{cause}");
    cause.text().into_owned()
}

#[actix_rt::test]
async fn addresses_that_are_not_public_are_not_connected_to() {
    let server = forbidden_ground();
    let port = server.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
    ] {
        let mut settings = ConnectionSettings::new(format!("ws://{host}:{port}/s3cret")).unwrap();
        settings.connect_timeout = LONG;
        settings.dial_policy = DialPolicy::PublicOnly;
        let text = refused(&settings).await;
        assert!(text.contains("not a public address"), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[actix_rt::test]
async fn a_pattern_allows_what_it_matches_and_nothing_that_this_leads_to() {
    let server = open_ground();
    let mut settings = settings("ws", server);
    settings.dial_policy = only(format!("ws://{server}/feed*"));
    assert!(dial_with(&settings).await.is_ok());
    settings.dial_policy = only(format!("ws://{server}/other"));
    let text = refused(&settings).await;
    assert!(text.contains(&format!("ws://{server}")), "{text}");

    let inside = forbidden_ground();
    let gate = redirecting(307, format!("ws://{inside}/s3cret"));
    settings = super::settings("ws", gate);
    settings.dial_policy = only(format!("ws://{gate}"));
    let text = refused(&settings).await;
    assert!(!text.contains("s3cret"), "{text}");
}

#[actix_rt::test]
async fn a_proxy_is_no_way_around() {
    let inside = forbidden_ground();
    let through = |policy: DialPolicy, proxy_policy: DialPolicy| {
        let mut settings = settings("ws", SocketAddr::from(([127, 0, 0, 1], 9)));
        settings.dial_policy = policy;
        settings.proxy_policy = proxy_policy;
        let url = format!("http://{inside}");
        settings.proxy = Some(Proxy::Url(ProxyUrl::new(&url).unwrap()));
        settings
    };
    let public = DialPolicy::PublicOnly;
    for settings in [
        through(DialPolicy::Any, public.clone()),
        through(DialPolicy::Any, only("wss://example.com".into())),
        // The proxy is allowed, but its target is not.
        through(public, DialPolicy::Any),
    ] {
        refused(&settings).await;
    }
}
