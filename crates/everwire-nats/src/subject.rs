//! Names in subjects.

use everwire::{ConnectionName, core::InvalidName};

/// The subject of a name below a prefix: `market.btc:usd` becomes `PREFIX.market.btc=3Ausd`.
///
/// A colon is written `=3A`, as in keys of NATS' key-value buckets. All other characters of names
/// are valid in a subject.
pub fn subject_of(prefix: &str, name: &ConnectionName) -> String {
    let name: &str = name.as_ref();
    let colons = name.bytes().filter(|byte| *byte == b':').count();
    let mut subject = String::with_capacity(prefix.len() + 1 + name.len() + 2 * colons);
    subject.push_str(prefix);
    subject.push('.');
    for part in name.split_inclusive(':') {
        match part.strip_suffix(':') {
            Some(part) => {
                subject.push_str(part);
                subject.push_str("=3A");
            }
            None => subject.push_str(part),
        }
    }
    subject
}

/// The name in a subject below a prefix.
///
/// # Errors
///
/// If the subject is not below the prefix, or does not contain a valid name.
pub fn name_in(prefix: &str, subject: &str) -> Result<ConnectionName, InvalidName> {
    let rest = subject
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('.'));
    ConnectionName::new(rest.unwrap_or_default().replace("=3A", ":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_back_out_of_its_subject() {
        for (name, subject) in [
            ("a", "everwire.in.a"),
            ("market.btc-usd", "everwire.in.market.btc-usd"),
            ("a:b:c", "everwire.in.a=3Ab=3Ac"),
            ("x_1.y", "everwire.in.x_1.y"),
        ] {
            let name = ConnectionName::new(name).unwrap();
            assert_eq!(subject_of("everwire.in", &name), subject);
            assert_eq!(name_in("everwire.in", subject).unwrap(), name);
        }
    }

    #[test]
    fn what_is_no_name_below_the_prefix_is_refused() {
        for subject in [
            "everwire.in",
            "everwire.in.",
            "everwire.into.a",
            "other.a",
            "everwire.in.a=3B",
            "everwire.in.a b",
        ] {
            assert!(name_in("everwire.in", subject).is_err(), "{subject}");
        }
    }
}
