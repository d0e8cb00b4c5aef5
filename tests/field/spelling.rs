//! The spelling of header names. Reported: `Sec-Websocket-Key` where RFC 6455 writes
//! `Sec-WebSocket-Key`, and `X-Mbx-Apikey` where the file said `X-MBX-APIKEY`. Header names are
//! case-insensitive, and still some servers and gateways refuse any other spelling than the usual
//! one.

use everwire::config::Compression;

use super::support::rig::*;

#[tokio::test]
async fn headers_are_spelled_as_the_standard_and_the_user_write_them() {
    let mut rig = Rig::new();
    let _feed = rig.open_with("/echo?subprotocol=first", |settings| {
        settings.headers = vec![
            ("X-MBX-APIKEY".into(), "k".into()),
            ("x-lower".into(), "l".into()),
            ("xMixed-CASE".into(), "m".into()),
        ];
        settings.subprotocols = vec!["v1.feed".into()];
        settings.compression = Some(Compression::default());
    });
    rig.watch.ready().await;
    let request = rig.peer.connections()[0].request.clone().unwrap();
    let names: Vec<_> = request.headers().map(|(name, _)| name).collect();
    assert_eq!(names[0], "Host", "{names:?}");
    for name in [
        "Host",
        "Upgrade",
        "Connection",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
        "User-Agent",
        "X-MBX-APIKEY",
        "x-lower",
        "xMixed-CASE",
    ] {
        let times = names.iter().filter(|given| **given == name).count();
        assert_eq!(times, 1, "{name}: {names:?}");
    }
    assert_eq!(names.len(), 11, "{names:?}");
}

#[tokio::test]
async fn a_header_of_ours_that_the_user_sets_is_spelled_as_the_user_does() {
    let mut rig = Rig::new();
    let _feed = rig.open_with("/echo", |settings| {
        settings.headers = vec![
            ("X-First".into(), "x".into()),
            ("user-AGENT".into(), "me".into()),
            ("HOST".into(), "front.example".into()),
            ("authorization".into(), "Bearer x".into()),
        ];
    });
    rig.watch.ready().await;
    let request = rig.peer.connections()[0].request.clone().unwrap();
    let given: Vec<_> = request.headers().collect();
    assert_eq!(given[0], ("HOST", "front.example"), "{given:?}");
    for header in [("user-AGENT", "me"), ("authorization", "Bearer x")] {
        assert!(given.contains(&header), "{given:?}");
    }
    for name in ["Host", "User-Agent", "Authorization"] {
        let same = |(other, _): &&(&str, &str)| other.eq_ignore_ascii_case(name);
        assert_eq!(given.iter().filter(same).count(), 1, "{given:?}");
    }
}
