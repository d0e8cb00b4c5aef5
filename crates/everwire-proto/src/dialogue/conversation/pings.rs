//! Pings of a heartbeat with templates, and their answers.

use super::Conversation;
use crate::{
    core::Cause,
    dialogue::{
        happening::Happening,
        here::Here,
        parts::Parts,
        reply::{Ping, Reply},
        report,
        surroundings::{Seen, Surroundings},
    },
    language::{Expression, Step},
    settings::dialogue::{Dialogue, HeartbeatTemplates},
};

impl Conversation {
    /// The text of a ping whose turn to be written has come. It takes its number now, under which
    /// an answer is awaited.
    pub fn ping(&mut self, here: &Here<'_>, out: &mut Vec<Reply>) -> Ping {
        let Parts { script, mut cx, .. } = self.parts(here, out);
        let dialogue = cx.dialogue;
        let template = dialogue
            .heartbeat
            .as_ref()
            .and_then(|heartbeat| heartbeat.ping.as_ref());
        let filled = template.map(|template| {
            let world = cx.world(None, Some(cx.ids.next()));
            let filled = template.render(&cx.step(&world));
            filled.map_err(|unfilled| {
                format!(
                    "heartbeat.ping {}: {unfilled}",
                    report::clipped(template.as_str())
                )
            })
        });
        let ping = match filled {
            None => Ping::Plain,
            Some(Ok(filled)) => Ping::Text(filled.into_text()),
            Some(Err(text)) => {
                script.end();
                cx.lose(Cause::Template(text));
                return Ping::Unfilled;
            }
        };
        let id = cx.ids.take();
        cx.tell(|_| Happening::Pinged {
            ping: template.map(|template| report::clipped(template.as_str())),
        });
        if self.matches_pongs() {
            self.seldom.pinged(id);
        }
        ping
    }

    /// Whether the message answers a ping, which is then answered.
    pub(super) fn takes_pong(&mut self, seen: Seen<'_>, here: &Here<'_>) -> bool {
        let Self {
            dialogue,
            captures,
            seldom,
            ..
        } = self;
        let Some(pong) = pong(dialogue).filter(|_| seldom.has_unanswered()) else {
            return false;
        };
        seldom.take_answered(|id| {
            let world = Surroundings::new(here, captures, Some(seen), Some(id));
            pong.holds(&Step::new(&world, &dialogue.lets))
        })
    }

    /// Whether an expression decides what answers a ping: [`message`](Self::message) then finds the
    /// answers.
    pub fn matches_pongs(&self) -> bool {
        pong(&self.dialogue).is_some()
    }
}

pub(super) fn pong(dialogue: &Dialogue) -> Option<&Expression> {
    let heartbeat: &HeartbeatTemplates = dialogue.heartbeat.as_ref()?;
    heartbeat.pong.as_ref()
}
