//! Service accounts: a call is signed with RSA, which is slow.

use super::{
    super::rsa::{RSA, is_signed},
    *,
};

const ACCOUNT: &str = r#"
[connections.name]
url = "WS"
headers = { Authorization = "Bearer ${token}" }
let = { claims = '{"iss":"me","iat":${now("s")},"nonce":"${random(8, "hex")}"}' }
prepare = [{ http = { method = "POST", url = "HTTP/token", headers = { X-Nonce = '${random(4, "hex")}' }, body = 'assertion=${jwt("RS256", PEM, "{\"alg\":\"RS256\"}", claims)}' }, capture = { token = "/token" } }]
"#;

/// Refuses the first request and repeats it in the refusal; answers signed later ones with a token.
fn account() -> Http {
    Http::start(|request, stream| {
        let assertion = request.body.strip_prefix("assertion=").unwrap_or_default();
        let (data, signature) = assertion.rsplit_once('.').unwrap_or_default();
        if request.number == 0 || !is_signed(data, signature) {
            let told = format!(r#"{{"error":"invalid_grant","assertion":"{assertion}"}}"#);
            return respond(stream, "400 Bad Request", &[], &told);
        }
        let number = request.number;
        respond(
            stream,
            "200 OK",
            &[],
            &format!(r#"{{"token":"t-{number}"}}"#),
        )
    })
}

fn settings(http: &str, ws: &str) -> ConnectionSettings {
    let text = ACCOUNT.replace("HTTP", http).replace("WS", ws).replace(
        "[connections.name]",
        &format!("[connections.name]\n{QUICK}"),
    );
    let read = Settings::from_toml_with(&text, &Variables(&[("PEM", RSA)]));
    read.unwrap_or_else(|errors| panic!("{errors}")).connections["name"].clone()
}

#[tokio::test]
async fn a_service_account_signs_in_before_each_dial_and_what_it_said_is_shown_nowhere() {
    let http = account();
    let server = Server::guarded(
        |request| {
            let token = request.headers().get("authorization");
            let is_known = token.is_some_and(|token| token.as_bytes().starts_with(b"Bearer t-"));
            if is_known { Ok(None) } else { Err(401) }
        },
        |line| line.until_gone(),
    );
    let (_manager, handle, mut watch) = open(settings(&http.url(), &server.url()));
    let refused = failure(&mut watch).await.to_string();
    assert!(refused.contains("answered 400"), "{refused}");
    watch.ready().await;
    handle.rotate().await.unwrap();
    watch.rotated().await;
    let asked = http.requests();
    assert_eq!((asked.len(), server.sockets()), (3, 2));
    catch_up(&handle, &mut watch).await;
    for request in asked {
        let assertion = request.body.strip_prefix("assertion=").unwrap();
        holds_no_secret(&watch, &assertion[..60]);
    }
}
