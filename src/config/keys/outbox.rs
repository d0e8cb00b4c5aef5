//! `outbox`.

use crate::config::{
    read::{Context, Place, Problem, table},
    values::{Count, Limit, Period, Size},
};
use everwire_proto::settings::{Fsync, OutboxSettings, Resend, WhenFull};

table! {
    /// How many messages may wait, and whether they are kept until they are confirmed.
    pub(in crate::config) struct OutboxTable <=> OutboxSettings {
        /// How many messages may wait.
        messages: Count = 1024,
        /// How many payload bytes may wait.
        bytes: Size = "4MiB",
        /// What happens to a new message when the outbox is full: it is rejected, or the oldest
        /// makes room.
        when_full: WhenFull = "reject",
        /// How long a message may wait before it expires; "0s" is no limit.
        ttl: Period = "0s",
        /// Whether messages are kept on disk until they are confirmed, and outlive the process.
        /// This needs a heartbeat that can confirm: "protocol", or "text" with fence = true.
        durable: bool = false,
        /// When durable messages are safe on disk: before they are accepted, or at intervals. With
        /// intervals a crash of the machine may lose the last of them.
        fsync: Fsync = "always",
        /// What happens to messages that were written and not confirmed when their socket died:
        /// they end in doubt, or are sent again before newer ones. Sending again needs a heartbeat
        /// that can confirm.
        resend: Resend = "never",
        /// The most messages that may be written and unconfirmed at a time, if they are kept until
        /// they are confirmed. After a loss at most this many arrive twice. 0: only the outbox
        /// limits it.
        in_flight: Limit = 0,
    }
}

impl OutboxTable {
    /// Reports keys that keep messages until they are confirmed, if the heartbeat at `heartbeat`
    /// cannot confirm anything.
    pub fn refuse_unconfirmed(&self, heartbeat: Place, context: &mut Context<'_>) {
        let durable = self.durable.as_ref().filter(|durable| durable.value);
        let resend = self
            .resend
            .as_ref()
            .filter(|resend| resend.value == Resend::InDoubt);
        let written = [
            durable.map(|durable| ("durable = true", durable.place)),
            resend.map(|resend| ("resend = \"in_doubt\"", resend.place)),
        ];
        for (key, place) in written.into_iter().flatten() {
            let problem = Problem::new(
                place,
                format!("`{key}` needs a heartbeat that confirms messages, and this one never does"),
            )
            .related(heartbeat, "the heartbeat is here")
            .help("write heartbeat.kind = \"protocol\"; or \"text\" with fence = true, if the server answers in order");
            context.problems.push(problem);
        }
    }
}
