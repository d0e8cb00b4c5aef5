//! A recording for the peer: what it sends on each socket, and what it waits for.

use super::answers::Wanted;
use crate::cli::recording::Entry;

/// A recording to play back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Playback {
    /// The actions of the peer on each socket.
    pub sockets: Vec<Vec<Act>>,
    /// The decisions of the dialogue, in order.
    pub decisions: Vec<String>,
    /// Whether the name gave up at the end.
    pub has_failed: bool,
}

/// An action of the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Sends this text.
    Say(String),
    /// Waits for the message of a step of `open_script`, from 0.
    Await(usize),
    /// Makes a new answer to that step, because the recorded one contains a secret.
    Answer(usize, Wanted),
    /// Makes a message that this rule matches, from 0, for the same reason.
    Rule(usize),
    /// Ends the socket, with a close frame or without one.
    End(Option<u16>),
}

impl Playback {
    /// The playback of a recording.
    pub fn of(entries: &[Entry]) -> Self {
        let mut playback = Self {
            decisions: entries.iter().filter_map(Entry::decision).collect(),
            has_failed: entries
                .iter()
                .any(|entry| matches!(entry, Entry::Failed { .. })),
            ..Self::default()
        };
        for (at, entry) in entries.iter().enumerate() {
            if let Entry::Opened = entry {
                playback.sockets.push(Vec::new());
                continue;
            }
            let behind = entries.get(at + 1..).unwrap_or_default();
            if let Some(acts) = playback.sockets.last_mut() {
                acts.extend(act(entry, behind));
            }
        }
        playback
    }
}

/// The action for an entry, with the entries behind it.
fn act(entry: &Entry, behind: &[Entry]) -> Option<Act> {
    match entry {
        Entry::Sent { step, .. } if step.script == "open_script" => {
            Some(Act::Await(step.number.checked_sub(1)?))
        }
        Entry::Came { text, whole, .. } => came(text, *whole, behind),
        Entry::Closed {
            code,
            by_peer: true,
        } => Some(Act::End(*code)),
        _ => None,
    }
}

/// The action for a message. The entries behind it show its effect.
fn came(text: &str, whole: bool, behind: &[Entry]) -> Option<Act> {
    let is_next = |entry: &&Entry| {
        matches!(
            entry,
            Entry::Came { .. } | Entry::Opened | Entry::Closed { .. } | Entry::Sent { .. }
        )
    };
    let mut made = behind.iter().take_while(|entry| !is_next(entry));
    // Pings and periodic messages come at their own time: the peer answers them itself.
    let is_timed = |entry: &Entry| match entry {
        Entry::Ponged => true,
        Entry::Decided { step, .. } => step.script != "open_script",
        _ => false,
    };
    if made.clone().any(is_timed) {
        return None;
    }
    if whole {
        return Some(Act::Say(text.to_owned()));
    }
    made.find_map(|entry| match entry {
        Entry::Decided { step, key, .. } => {
            let wanted = match &**key {
                "expect" => Wanted::Expect,
                "fail" => Wanted::Fail,
                "give_up" => Wanted::GiveUp,
                _ => Wanted::Again,
            };
            Some(Act::Answer(step.number.checked_sub(1)?, wanted))
        }
        Entry::Ruled { rule } => Some(Act::Rule(rule.checked_sub(1)?)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::recording::Step;

    fn open(number: usize) -> Step {
        Step {
            script: "open_script".into(),
            number,
        }
    }

    fn came(text: &str, whole: bool) -> Entry {
        Entry::Came {
            text: text.into(),
            bytes: text.len(),
            whole,
        }
    }

    fn decided(step: Step, key: &str, verdict: &str) -> Entry {
        Entry::Decided {
            step,
            key: key.into(),
            verdict: verdict.into(),
        }
    }

    #[test]
    fn what_was_said_is_said_and_what_was_secret_is_made_anew() {
        let (one, two) = (open(1), open(2));
        let sent = |step: &Step| Entry::Sent {
            step: step.clone(),
            send: None,
        };
        let entries = [
            Entry::Opened,
            came("hello", true),
            decided(one.clone(), "expect", "passes"),
            sent(&two),
            came("***", false),
            decided(two.clone(), "expect", "passes"),
            came("pong", true),
            Entry::Ponged,
            came("*** for you", false),
            Entry::Ruled { rule: 3 },
            Entry::Closed {
                code: Some(1001),
                by_peer: true,
            },
            Entry::Opened,
            Entry::TimedOut { step: one },
            Entry::Closed {
                code: None,
                by_peer: false,
            },
        ];
        let playback = Playback::of(&entries);
        let first = vec![
            Act::Say("hello".into()),
            Act::Await(1),
            Act::Answer(1, Wanted::Expect),
            Act::Rule(2),
            Act::End(Some(1001)),
        ];
        assert_eq!(playback.sockets, [first, Vec::new()]);
        let decisions = [
            "step 1: expect passes",
            "step 2: expect passes",
            "rule 3 matches",
            "step 1 has no answer in its time",
        ];
        assert_eq!(playback.decisions, decisions);
    }
}
