use everwire::{ConnectionName, ConnectionSettings, Owner, Settings};

use crate::service::http::access::Access;

use super::*;

#[test]
fn who_comes_first_has_series_until_the_name_is_gone() {
    let names = Names::new(1);
    let name = |name: &str| ConnectionName::new(name).unwrap();
    let admit = |text| names.admit(&name(text), || None);
    assert!(admit("b") && admit("b") && !admit("a"));
    assert!(names.forget(&name("b")) && !names.forget(&name("b")));
    assert!(admit("a"));
    names.keep(|_| false);
    assert!(admit("c"));
}

#[test]
fn names_of_a_token_have_its_share_of_the_series_and_leave_those_of_others() {
    let names = Names::new(16);
    let admit = |owner: &str, number: usize| {
        let name = ConnectionName::new(format!("{owner}-{number}")).unwrap();
        names.admit(&name, || Some((Owner::new(owner), 2)))
    };
    let count = |owner| (0..16).filter(|number| admit(owner, *number)).count();
    assert_eq!((count("acme"), count("other"), count("third")), (6, 6, 0));
    let file = |number| ConnectionName::new(format!("file-{number}")).unwrap();
    assert_eq!(
        (0..16)
            .filter(|number| names.admit(&file(*number), || None))
            .count(),
        4
    );
    // A removed name makes room for other names of its owner.
    assert!(names.forget(&ConnectionName::new("acme-0").unwrap()));
    assert!(admit("acme", 7) && !admit("acme", 8));
    names.keep(|name| name.as_str().starts_with("file"));
    assert_eq!((count("other"), count("acme")), (6, 6));
}

#[tokio::test]
async fn names_beyond_the_bound_have_no_series_and_are_counted() {
    let manager = Manager::spawn(Settings::default()).unwrap();
    for name in ["a", "b", "c"] {
        let mut settings = ConnectionSettings::new("ws://127.0.0.1:1/").unwrap();
        settings.enabled = false;
        manager.open(name, settings).unwrap();
    }
    let access = Arc::<Access>::default();
    let metrics = Metrics::start(&manager, 2, Tenants::new(manager.clone(), access));
    let text = metrics.text(&manager, None, None).await.unwrap();
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
    let text = metrics.text(&manager, None, None).await.unwrap();
    assert!(
        text.contains("name=\"c\"") && !text.contains("name=\"a\""),
        "{text}"
    );
}
