//! The answers of rules, and their rate.

use std::time::Duration;

use everwire_proto::dialogue::MAX_ANSWERS;
use serde_json::Value as Json;
use tokio::time::Instant;

use super::{Talk, sha256};

/// This peer reads and writes in turns, so it may read an answer this much late.
pub(super) const LATE: Duration = Duration::from_millis(100);

impl Talk {
    /// Checks a rule's answer: to the questions of this socket, in order, with captures of this
    /// socket.
    pub(super) fn answered(&mut self, said: &Json) {
        let question = self.questions.pop_front();
        let question =
            question.unwrap_or_else(|| panic!("nobody asked on socket {}: {said}", self.number));
        assert_eq!(
            said["q"].as_u64(),
            Some(question.number),
            "another question was asked on socket {}",
            self.number
        );
        if question.greeted {
            assert_eq!(
                said["nonce"].as_str(),
                Some(self.nonce.as_str()),
                "the nonce of another socket"
            );
        }
        if let Some(token) = &question.token {
            assert_eq!(
                said["token"].as_str(),
                Some(sha256(token).as_str()),
                "the token of another socket"
            );
        }
        match question.mark {
            Some(mark) => {
                let shown = said["mark"].as_u64();
                assert_eq!(shown, Some(mark), "the mark of another socket");
                self.standing(|standing| standing.shown = shown);
            }
            None => self.borrowed(said["mark"].as_u64(), question.inherits),
        }
        self.expect_rate();
        self.standing(|standing| standing.unanswered -= 1);
        self.count(|said| said.answers += 1);
    }

    /// Checks an answer with a mark of another socket or with none; `known`: that mark or a later
    /// one was captured when this socket began to serve.
    fn borrowed(&self, mark: Option<u64>, known: Option<u64>) {
        assert!(mark >= known, "mark {known:?} was lost at a cut: {mark:?}");
        if let Some(mark) = mark {
            let mut talks = self.talks.borrow_mut();
            talks.said.inherited += 1;
            let told_on = talks.told_on[&mark];
            talks.borrowed.insert(told_on);
        }
    }

    /// Asserts that there are not too many answers within a second.
    fn expect_rate(&mut self) {
        let now = Instant::now();
        self.answered_at.push_back(now);
        if self.answered_at.len() <= MAX_ANSWERS as usize {
            return;
        }
        let first = self.answered_at.pop_front();
        let within = first.map_or(Duration::MAX, |first| now - first);
        assert!(
            !self.is_clean || within + LATE >= Duration::from_secs(1),
            "{} answers came within {within:?}",
            MAX_ANSWERS + 1
        );
    }
}
