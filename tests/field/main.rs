//! Situations that users of other clients reported, or that real servers and hostile peers made, each recreated against the
//! library or the program. A file is one kind of fault; its header says what was reported.

#[path = "../support/mod.rs"]
mod support;

use support::rig::*;

/// The rig itself works: each file of this target rests on it.
#[test]
fn a_name_is_quick_to_set_up() {
    let settings = quick("ws://127.0.0.1:1/");
    assert!(settings.enabled);
}
