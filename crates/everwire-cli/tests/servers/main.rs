//! Real servers, each with its configuration of `examples/dialogue/`: started, used, restarted, and
//! frozen for 30 seconds. Each time the connection comes back by itself, logs in and subscribes
//! again, and reports the gap.
//!
//! Each test runs in its own network namespace, so that the files are used unchanged, with their
//! ports.
#![cfg(unix)]

mod cases;
mod server;
#[path = "../service_support/mod.rs"]
mod service_support;
mod stage;
mod subscriptions;
#[path = "../../../../tests/support/mod.rs"]
mod support;
mod tail;

use std::{collections::BTreeSet, fs};

macro_rules! servers {
    ($($name:ident),+ $(,)?) => {
        $(#[test]
        fn $name() {
            cases::$name().run(stringify!($name));
        })+

        #[test]
        fn each_example_has_its_server() {
            assert_eq!(examples(), BTreeSet::from([$(cases::$name().file.to_owned()),+]));
        }
    };
}

servers! { devtools, ganache, graphql_ws, jupyter, nats, ocpp, socket_io, stomp }

/// The content of the folder, which its README lists.
fn examples() -> BTreeSet<String> {
    let folder = support::root().join("examples/dialogue");
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    let files = fs::read_dir(&folder).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let names = names.filter_map(|name| Some(name.strip_suffix(".toml")?.to_owned()));
    names
        .inspect(|name| assert!(readme.contains(&format!("({name}.toml)")), "{name}"))
        .collect()
}
