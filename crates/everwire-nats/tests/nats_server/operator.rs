//! A server in operator mode: users have JWTs, and the bridge a credentials file.

use std::{fs, time::Duration};

use crate::support::{
    Names,
    faults::{start, trouble, up},
    numbers_of,
    operator::Operator,
    read::{all_by, published, texts},
    settings,
};
use async_nats::ConnectOptions;
use everwire::{Pattern, config::NatsOutSettings};

#[tokio::test]
async fn a_credentials_file_of_the_account_works_and_any_other_is_told() {
    let operator = Operator::new();
    let server = operator.serve("operator");
    let names = Names::open(&["a"]).await;
    let file = server.folder().join("user.creds");
    let mut settings = settings(&server);
    settings.creds_file = Some(file.clone());
    settings.outbound = Some(NatsOutSettings::new(Pattern::all()));

    // Of an account that the server does not know.
    let others = Operator::new().credentials(None);
    fs::write(&file, &others).unwrap();
    let (bridge, log) = start(&names, settings, &server);
    let refused = "the NATS servers refuse the credentials: ";
    let text = trouble(&bridge, "nats_credentials").await;
    assert!(text.starts_with(refused), "{text}");
    names.say("a", "0");

    // Of the right account, and too old.
    let old = operator.credentials(Some(-60));
    fs::write(&file, &old).unwrap();
    let text = trouble(&bridge, "nats_credentials").await;
    assert!(text.starts_with(refused), "{text}");

    let right = operator.credentials(None);
    fs::write(&file, &right).unwrap();
    up(&bridge).await;
    let client = ConnectOptions::with_credentials(&operator.credentials(None)).unwrap();
    let client = client.connect(server.url()).await.unwrap();
    let answer = client.request("everwire.out.a", "1".into()).await.unwrap();
    let answer = std::str::from_utf8(&answer.payload).unwrap().to_owned();
    assert!(answer.contains("\"fate\":\"confirmed\""), "{answer}");
    published(&bridge, 2).await;
    let read = all_by(client, "EVERWIRE_IN").await;
    assert_eq!(texts(&read)["everwire.in.a"], numbers_of(["0", "1"]));

    let told = format!("{:?} {:?} {:?}", log.lines(), bridge.status(), bridge);
    for secret in [&others, &old, &right] {
        let mut lines = secret
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('-'));
        assert!(lines.all(|line| !told.contains(line)), "{told}");
    }
}

#[tokio::test]
async fn credentials_that_expire_are_told_and_read_anew() {
    let operator = Operator::new();
    let server = operator.serve("expires");
    let names = Names::open(&["a"]).await;
    let file = server.folder().join("user.creds");
    let mut settings = settings(&server);
    settings.creds_file = Some(file.clone());
    fs::write(&file, operator.credentials(Some(4))).unwrap();
    let (bridge, log) = start(&names, settings, &server);
    up(&bridge).await;
    names.say("a", "0");
    published(&bridge, 1).await;
    trouble(&bridge, "nats_credentials").await;
    let lines = log.lines();
    let first = lines.iter().find(|line| line.contains("carries nothing"));
    assert_eq!(
        first.map(String::as_str),
        Some(
            "nats.in carries nothing: the NATS servers refuse the credentials: User Authentication Expired"
        )
    );
    names.say("a", "1");
    fs::write(&file, operator.credentials(None)).unwrap();
    up(&bridge).await;
    published(&bridge, 2).await;
    assert_eq!(bridge.stop(Duration::from_secs(5)).await, Some(0));
}
