//! Which layer takes precedence for a key.

use std::path::PathBuf;

use everwire::config::{AuthEncoding, Heartbeat, Opening, Reconnect, Settings};

use super::{memory::Memory, s, settings};

#[test]
fn nearer_layers_win_and_only_tables_are_merged() {
    let settings = settings(
        "[defaults]\nurl = 'wss://default'\ntags = ['d']\nheaders = { A = 'd', B = 'd' }\n\
         reconnect = { initial = '1s', max = '8s' }\nheartbeat = { kind = 'text', ping = 'd', interval = '1s' }\n\
         [groups.g]\ntags = ['g']\nheaders = { b = '', C = 'g' }\nreconnect = { max = '9s' }\n\
         [connections.plain]\n\
         [connections.grouped]\ngroup = 'g'\n\
         [connections.own]\ngroup = 'g'\nurl = 'wss://own'\ntags = []\nheaders = { B = 'o' }\n\
         reconnect = 'never'\nheartbeat = 'protocol'\n",
    );
    let of = |name: &str| &settings.connections[name];
    let headers = |name: &str| -> Vec<(String, String)> {
        of(name)
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.expose().to_string()))
            .collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect()
    };
    assert_eq!(of("plain").tags, ["d"]);
    assert_eq!(of("grouped").tags, ["g"]);
    assert!(of("own").tags.is_empty());
    assert_eq!(headers("plain"), pairs(&[("A", "d"), ("B", "d")]));
    assert_eq!(headers("grouped"), pairs(&[("A", "d"), ("C", "g")]));
    assert_eq!(headers("own"), pairs(&[("A", "d"), ("B", "o"), ("C", "g")]));
    let Reconnect::Backoff(grouped) = &of("grouped").reconnect else {
        panic!()
    };
    assert_eq!((grouped.initial, grouped.max), (s(1), s(9)));
    assert_eq!(of("own").reconnect, Reconnect::Never);
    assert_eq!(
        of("own").heartbeat,
        Heartbeat::Protocol {
            interval: s(1),
            timeout: s(20)
        }
    );
    assert!(matches!(&of("plain").heartbeat, Heartbeat::Text { ping, .. } if ping == "d"));
    assert_eq!(of("plain").url, "wss://default".into());
    assert_eq!(of("own").url, "wss://own".into());
    assert_eq!(of("own").group.as_deref(), Some("g"));
}

#[test]
fn basic_auth_may_come_from_two_layers() {
    let settings = settings(
        "[defaults.basic_auth]\nuser = 'u'\nencoding = 'latin1'\n[connections.a]\nurl = 'ws://h'\nbasic_auth.password = 'p'",
    );
    let auth = settings.connections["a"].basic_auth.as_ref().unwrap();
    assert_eq!(
        (auth.user.to_string(), auth.encoding),
        ("u".into(), AuthEncoding::Latin1)
    );
}

#[test]
fn paths_start_at_the_folder_of_their_file() {
    let source = Memory::default().with_file(
        "etc/e.toml",
        "[connections.a]\nurl = 'wss://h'\ntls.ca_file = 'ca.pem'\non_open = ['${file:sub/t}', '${file:/abs}']",
    );
    let settings = Settings::load_with("etc/e.toml", &source).unwrap();
    let a = &settings.connections["a"];
    assert_eq!(a.tls.ca_file, Some(PathBuf::from("etc/ca.pem")));
    assert_eq!(
        settings.service.state_dir,
        PathBuf::from("etc/everwire-state")
    );
    let files = a.on_open.iter().flat_map(|opening| match opening {
        Opening::Text(template) => template.files().map(PathBuf::from).collect::<Vec<_>>(),
        Opening::Binary(_) => Vec::new(),
    });
    assert_eq!(
        files.collect::<Vec<_>>(),
        [PathBuf::from("etc/sub/t"), PathBuf::from("/abs")]
    );
}
