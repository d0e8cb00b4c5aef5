//! The errors of `[nats]`, each reported once.

use std::path::Path;

use super::told;

#[test]
fn each_wrong_bridge_is_told_as_expected() {
    let cases = told::compare(Path::new("tests/config_nats/wrong.txt"), |keys| {
        format!("[nats]\n{keys}")
    });
    assert!(cases > 80, "{cases}");
}
