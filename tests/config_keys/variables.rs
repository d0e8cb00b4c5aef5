//! Values that come from variables.

use everwire::config::masked;

use super::{memory::Memory, settings};

#[test]
fn a_url_is_checked_after_its_variables() {
    let read = |url: &str, value: &str| {
        let source = Memory::default().with_variable("X", value);
        source.read(&format!("connections.a.url = '{url}'"))
    };
    for url in [
        "ws://h",
        "wss://h:1/p?q=1",
        "wss://[::1]/",
        "wss://${X}/",
        "${X}",
        "${file:x}",
    ] {
        let value = if url == "${X}" { "ws://h" } else { "h" };
        assert!(read(url, value).is_ok(), "{url}");
    }
    for url in [
        "",
        "h",
        "http://h",
        "wss://",
        "wss://h/#f",
        "wss://u@h",
        "wss://h:99999",
        "wss://${X}/",
        "${X}",
    ] {
        let errors = read(url, "geheim:zu#").unwrap_err();
        assert!(
            !format!("{errors}{errors:?}").contains("geheim"),
            "{errors}"
        );
    }
}

#[test]
fn variables_are_read_once_and_never_printed() {
    let source = Memory::default()
        .with_variable("TOKEN", "s3cr3t")
        .with_variable("X_1", "h");
    let a = source.connection("headers = { A = 'Bearer ${TOKEN}', B = 'x' }\nbasic_auth = { user = '${X_1}', password = 'pw' }").unwrap();
    let (_, header) = &a.headers[0];
    assert_eq!(
        header.expose().render(|_| unreachable!()).unwrap().expose(),
        "Bearer s3cr3t"
    );
    let printed = format!("{a:?} {}", masked(&a));
    assert!(!printed.contains("s3cr3t"), "{printed}");
    assert_eq!(masked(&a)["headers"]["A"], "***${TOKEN}");
    assert_eq!(masked(&a)["headers"]["B"], "***");
    assert_eq!(masked(&a)["basic_auth"]["password"], "***");
    assert_eq!(masked(&a)["basic_auth"]["user"], "${X_1}");
    let errors = source
        .connection("headers = { A = \"${TOKEN}\\u0007\", B = 'hidden' }\nnope = 1")
        .unwrap_err();
    let printed = format!(
        "{errors} {errors:?} {} {}",
        errors.render(true),
        serde_json::to_string(&errors).unwrap()
    );
    assert!(
        !printed.contains("s3cr3t") && !printed.contains("hidden"),
        "{printed}"
    );
}

#[test]
fn a_control_character_in_a_variable_is_told_by_its_name() {
    let source = Memory::default().with_variable("TOKEN", "abc\n");
    let errors = source
        .connection("headers = { A = '${TOKEN}' }")
        .unwrap_err();
    let message = &errors.iter().next().unwrap().message;
    assert!(
        message.starts_with("the value of `${TOKEN}` has a control character"),
        "{message}"
    );
}

#[test]
fn a_variable_without_braces_is_warned_of() {
    let warnings = |keys: &str| {
        let settings = settings(&format!("[connections.a]\nurl = 'wss://h'\n{keys}"));
        let told = settings.warnings.iter();
        told.map(|warning| (warning.line, warning.message.clone()))
            .collect::<Vec<_>>()
    };
    let token = "`$TOKEN` is sent as it is: it is not a variable".to_owned();
    for keys in [
        "headers = { Authorization = 'Bearer $TOKEN' }",
        "basic_auth = { user = '$TOKEN', password = 'p' }",
        "basic_auth = { user = 'u', password = '$TOKEN' }",
    ] {
        assert_eq!(warnings(keys), [(3, token.clone())], "{keys}");
    }
    let text = "connections.a.url = 'wss://h/?token=$TOKEN'";
    assert_eq!(settings(text).warnings[0].message, token);
    for keys in [
        "headers = { X = '$1 $ $a a$TOKEN $TOKENx' }",
        "basic_auth = { user = 'u', password = 'pa$WORD' }",
        "on_open = ['{\"$REF\":1}']",
    ] {
        assert_eq!(warnings(keys), [], "{keys}");
    }
}
