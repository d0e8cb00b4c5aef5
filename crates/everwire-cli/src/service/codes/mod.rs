//! The stable codes of errors: their meaning, and what the reader can do.
//!
//! Codes appear in statuses, events, metrics and problems. `everwire explain CODE` prints an entry,
//! `docs/errors.md` lists all of them, and the OpenAPI document takes its known values from here.

mod bridge;
mod causes;
mod cluster;
mod code;
mod drops;
mod fates;
mod problems;

pub use self::{
    bridge::{BRIDGE, BRIDGE_DROPS},
    causes::{LOSSES, STATES},
    cluster::CLUSTER,
    code::Code,
    drops::DROPS,
    fates::FATES,
    problems::REASONS,
};

/// Where codes of a kind appear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `cause` of a status, of `why`, and of the events of a loss.
    Cause,
    /// `cause` of a status that is not the result of a loss.
    State,
    /// `reason` of a problem.
    Problem,
    /// `fate` of a problem, besides the fates of messages.
    Fate,
    /// `reason` of the event `dropped`.
    Drop,
    /// `nats.error.code` of the service's status.
    Bridge,
    /// `reason` of `everwire_nats_dropped_total`.
    BridgeDrop,
    /// `ended.code` of the cluster's status.
    Cluster,
}

impl Place {
    /// All places, in the order in which they are listed.
    pub const ALL: [Self; 8] = [
        Self::Cause,
        Self::State,
        Self::Problem,
        Self::Fate,
        Self::Drop,
        Self::Bridge,
        Self::BridgeDrop,
        Self::Cluster,
    ];

    /// The place as text for a reader.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cause => "cause of a loss",
            Self::State => "cause of a state",
            Self::Problem => "reason of a problem",
            Self::Fate => "fate of a problem",
            Self::Drop => "reason of dropped messages",
            Self::Bridge => "error of the bridge to NATS",
            Self::BridgeDrop => "reason of messages that the bridge to NATS dropped",
            Self::Cluster => "reason of a node of a cluster that holds nothing any more",
        }
    }

    /// The codes of this place.
    pub fn codes(self) -> &'static [Code] {
        match self {
            Self::Cause => &LOSSES,
            Self::State => &STATES,
            Self::Problem => &REASONS,
            Self::Fate => &FATES,
            Self::Drop => &DROPS,
            Self::Bridge => &BRIDGE,
            Self::BridgeDrop => &BRIDGE_DROPS,
            Self::Cluster => &CLUSTER,
        }
    }
}

/// All meanings of a code: it may appear in several places.
pub fn find(code: &str) -> Vec<(Place, &'static Code)> {
    let all = Place::ALL.into_iter().flat_map(|place| {
        let codes = place.codes().iter();
        codes.map(move |code| (place, code))
    });
    all.filter(|(_, known)| known.code == code).collect()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use everwire::{core::Cause, events::DropReason};

    use super::*;

    fn words(codes: &[Code]) -> Vec<&'static str> {
        codes.iter().map(|code| code.code).collect()
    }

    #[test]
    fn each_cause_and_each_drop_of_the_library_is_explained() {
        assert_eq!(words(&LOSSES), Cause::KINDS);
        assert_eq!(words(&DROPS), DropReason::ALL.map(DropReason::as_str));
    }

    #[cfg(feature = "nats")]
    #[test]
    fn each_error_of_the_bridge_is_explained() {
        assert_eq!(words(&BRIDGE), everwire_nats::BridgeError::CODES);
        let drops = everwire_nats::DropReason::ALL;
        assert_eq!(words(&BRIDGE_DROPS), drops.map(|reason| reason.as_str()));
    }

    #[cfg(feature = "nats")]
    #[test]
    fn each_end_of_a_node_is_explained() {
        assert_eq!(words(&CLUSTER), everwire_cluster::CODES);
    }

    /// The literals of the handlers, whoever writes the next one.
    #[test]
    fn each_reason_that_a_handler_gives_is_explained() {
        let (known, mut found) = (words(&REASONS), BTreeSet::new());
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/service/http")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = fs::read_to_string(path).unwrap_or_default();
                let given = text.split("member(\"reason\", \"").skip(1);
                found.extend(given.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
            }
        }
        assert!(found.len() >= 10, "{found:?}");
        for reason in found {
            assert!(known.contains(&&*reason), "{reason} is not explained");
        }
    }

    #[test]
    fn no_place_has_a_code_twice_and_each_entry_is_a_sentence() {
        for place in Place::ALL {
            let codes = place.codes();
            let different: BTreeSet<_> = words(codes).into_iter().collect();
            assert_eq!(different.len(), codes.len(), "{place:?}");
            for code in codes {
                for text in [code.meaning, code.remedy] {
                    let first = text.chars().next();
                    let is_begun =
                        first.is_some_and(|c| c.is_uppercase() || c == '`' || c.is_ascii_digit());
                    assert!(is_begun && text.ends_with('.'), "{}: {text}", code.code);
                }
            }
        }
    }

    #[test]
    fn a_code_is_found_in_each_place_where_it_stands() {
        let places = |code| find(code).into_iter().map(|(place, _)| place);
        assert!(places("pong_timeout").eq([Place::Cause]));
        assert!(places("closed").eq([Place::Cause, Place::Problem]));
        assert!(places("pong_timeouts").next().is_none());
    }
}
