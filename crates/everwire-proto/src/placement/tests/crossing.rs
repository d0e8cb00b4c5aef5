//! How names cross from one node to another, one by one.

use super::{
    node::Word,
    world::{NAMES, World},
};

impl World {
    /// Names cross: the holder stops, and gives its word.
    pub(super) fn give(&mut self, node: usize) {
        let (now, cut) = (self.now, self.nodes[node].is_cut_from_nodes);
        let mut done = Vec::new();
        let mut said = Vec::new();
        let process = self.nodes[node].process.as_mut().unwrap();
        for (shard, giving) in &mut process.giving {
            let is_late = now >= giving.until;
            if !is_late && !self.random.permille(100) {
                continue;
            }
            let count = if is_late { NAMES } else { 1 };
            for _ in 0..count {
                let Some(name) = giving.left.pop_first() else {
                    break;
                };
                process.own.get_mut(shard).unwrap().remove(&name);
                let at = now + self.random.between(1, 1_000);
                // What is late moves break before make: without a word.
                if !cut && !is_late {
                    said.push(Word {
                        to: giving.to,
                        shard: *shard,
                        term: giving.term,
                        name,
                        at,
                    });
                }
            }
            if giving.left.is_empty() {
                done.push(*shard);
            }
        }
        self.words.extend(said);
        for shard in done {
            let here = self.here(node);
            let effects = self.member(node).given(shard, here);
            self.carry_out(node, effects);
        }
    }

    pub(super) fn take_words(&mut self, node: usize) {
        let (now, cut) = (self.now, self.nodes[node].is_cut_from_nodes);
        let process = self.nodes[node].process.as_mut().unwrap();
        let Some(boot) = process.member.boot() else {
            return;
        };
        self.words.retain(|word| {
            let comes = word.to == boot && word.at <= now;
            if comes && !cut {
                process.words.push(*word);
            }
            !comes
        });
        let words = std::mem::take(&mut process.words);
        for word in words {
            if process.member.takes(word.shard, word.term) {
                process.own.entry(word.shard).or_default().insert(word.name);
            } else if process
                .member
                .term(word.shard)
                .is_none_or(|term| term < word.term)
                && word.at + 60_000 > now
            {
                // It has not read the move yet.
                process.words.push(word);
            }
        }
    }
}
