//! Delivery of the page's files.

mod service_support;

use service_support::{http::Service, ways::Way};

#[test]
fn the_page_needs_no_token_and_runs_nothing_but_its_own_scripts() {
    let tokens = "[[service.tokens]]\nname = 'all'\nsecret = 's3cret-all'\n";
    for way in Way::ALL {
        let service = Service::start_by(way, "page-headers", tokens);
        the_page_is_served(&service);
    }
}

fn the_page_is_served(service: &Service) {
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/page/app.js", "text/javascript"),
        ("/page/style.css", "text/css"),
        ("/page/icon.svg", "image/svg+xml"),
    ] {
        let answer = service.get(path);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some(kind))
        );
        let policy = answer.header("content-security-policy").unwrap();
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "connect-src 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    }
    service
        .post("/", "")
        .problem(405, "POST is not allowed here");
    service.get("/page/other.js").problem(404, "no such path");
    // Another host name for this machine is refused here, too.
    let other = service.ask("GET", "/", &[("Host", "example.com")], b"");
    other.problem(403, "Host");
}
