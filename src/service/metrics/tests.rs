use everwire::{ConnectionName, ConnectionSettings, Settings};

use super::*;

#[test]
fn who_comes_first_has_series_until_the_name_is_gone() {
    let names = Names::new(1);
    let name = |name: &str| ConnectionName::new(name).unwrap();
    assert!(names.admit(&name("b")) && names.admit(&name("b")) && !names.admit(&name("a")));
    assert!(names.forget(&name("b")) && !names.forget(&name("b")));
    assert!(names.admit(&name("a")));
    names.keep(|_| false);
    assert!(names.admit(&name("c")));
}

#[tokio::test]
async fn names_beyond_the_bound_have_no_series_and_are_counted() {
    let manager = Manager::spawn(Settings::default()).unwrap();
    for name in ["a", "b", "c"] {
        let mut settings = ConnectionSettings::new("ws://127.0.0.1:1/").unwrap();
        settings.enabled = false;
        manager.open(name, settings).unwrap();
    }
    let metrics = Metrics::start(&manager, 2);
    let text = metrics.text(&manager).await.unwrap();
    assert!(text.contains("everwire_names_left_out 1\n"), "{text}");
    assert!(
        text.contains("everwire_ready{name=\"b\",group=\"\"} 0\n"),
        "{text}"
    );
    assert!(!text.contains("name=\"c\""), "{text}");
    assert!(
        text.contains("everwire_connections{state=\"idle\"} 3\n"),
        "{text}"
    );
    assert!(text.ends_with("# EOF\n"), "{text}");
    manager.remove("a").await.unwrap();
    let text = metrics.text(&manager).await.unwrap();
    assert!(
        text.contains("name=\"c\"") && !text.contains("name=\"a\""),
        "{text}"
    );
}
