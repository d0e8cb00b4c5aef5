//! What happens to nodes and to the log.

use std::collections::BTreeSet;

use super::{
    super::{Command, Labels},
    node::Node,
    world::World,
};

impl World {
    /// Another process of the node's name, on a machine of its own.
    pub fn add_twin(&mut self, of: usize) {
        let twin = Node {
            name: self.nodes[of].name.clone(),
            weight: 1,
            labels: Labels::default(),
            rate: 1000,
            offset: self.random.below(1_000_000),
            wall: 0,
            kept: None,
            process: None,
            starts_at: self.now,
            is_cut: false,
            is_cut_from_nodes: false,
            stopped_until: 0,
            lags: (0, 0),
        };
        self.nodes.push(twin);
    }

    /// Ends all but the first machine of each name.
    pub fn end_twins(&mut self) {
        let mut names = BTreeSet::new();
        for node in &mut self.nodes {
            if !names.insert(node.name.clone()) {
                (node.process, node.starts_at) = (None, u64::MAX);
            }
        }
    }

    /// Kills the process with SIGKILL.
    pub fn kill(&mut self, node: usize, away: u64) {
        let node = &mut self.nodes[node];
        node.process = None;
        if node.starts_at < u64::MAX {
            node.starts_at = self.now + away;
        }
    }

    /// Starts the machine anew: its clock begins again, and a lease of before means nothing.
    pub fn reboot(&mut self, node: usize, away: u64) {
        self.kill(node, away);
        let node = &mut self.nodes[node];
        node.offset = 0;
        if let Some(kept) = &mut node.kept {
            kept.until = None;
        }
    }

    pub fn lose_state(&mut self, node: usize) {
        self.nodes[node].kept = None;
    }

    pub fn jump(&mut self, node: usize, by: i64) {
        self.nodes[node].wall += by;
    }

    pub fn drain(&mut self, node: usize) {
        let boot = self.nodes[node]
            .process
            .as_ref()
            .and_then(|process| process.member.boot());
        if let Some(boot) = boot {
            self.append(Command::Drain { boot });
        }
    }

    pub fn leave(&mut self, node: usize, away: u64) {
        let here = self.here(node);
        let Some(process) = &mut self.nodes[node].process else {
            return;
        };
        let effects = process.member.leave(here);
        self.carry_out(node, effects);
        self.kill(node, away);
    }

    /// The log loses its last records, and somebody who has seen them is cut off at the same time.
    pub fn disaster(&mut self) {
        let node = usize::try_from(self.random.below(self.nodes.len() as u64)).unwrap();
        self.nodes[node].is_cut = true;
        let records = self.random.between(1, 40);
        self.go_back(records);
    }

    /// The log loses its last records.
    pub fn go_back(&mut self, records: u64) {
        let kept = u64::try_from(self.log.entries.len())
            .unwrap()
            .saturating_sub(records);
        self.log.entries.truncate(usize::try_from(kept).unwrap());
        if self.log.entries.is_empty() {
            self.log.first = 1;
        }
        self.log.broken = self.now;
        self.has_gone_back = true;
    }

    /// The log loses all but its first records.
    pub fn go_back_to(&mut self, records: u64) {
        let lost = self.log.len().saturating_sub(records);
        self.log.coming.clear();
        self.go_back(lost);
    }
}
