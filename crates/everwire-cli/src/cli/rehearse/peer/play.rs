//! Plays a recording back on a socket.

use std::io;

use everwire::language::{BuiltIn, Name, Value};

use super::{
    session::{Flow, Names, Session},
    socket::Heard,
};
use crate::cli::rehearse::{answers::Wanted, fault::Place, playback::Act, stage::Command};

impl Session<'_> {
    /// Plays a recording back, after the open script.
    pub async fn play(&mut self, acts: &[Act]) -> io::Result<Flow> {
        let mut names = Names::new();
        for act in acts {
            match act {
                Act::Say(text) => self.socket.say(text).await?,
                Act::Await(at) => match self.awaited(*at).await? {
                    Some(said) => names = said,
                    None => return Ok(Flow::Ends),
                },
                Act::Answer(at, wanted) => self.answer_anew(*at, *wanted, &names).await?,
                Act::Rule(at) => {
                    self.obey(Command::Rule(*at)).await?;
                }
                Act::End(Some(code)) => {
                    self.socket.close(*code).await?;
                    return Ok(Flow::Ends);
                }
                Act::End(None) => return Ok(Flow::Ends),
            }
        }
        self.at = self.dialogue().open_script.len();
        Ok(Flow::Goes)
    }

    /// Waits for the message of a step; `None` if the socket has ended before.
    async fn awaited(&mut self, at: usize) -> io::Result<Option<Names>> {
        let send = self
            .dialogue()
            .open_script
            .get(at)
            .and_then(|step| step.send.as_ref());
        while let Some(heard) = self.socket.next().await? {
            let text = match heard {
                Heard::Text(text) => text,
                Heard::Binary(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Heard::Ping => continue,
                Heard::Close => break,
            };
            if let Some(names) = send.and_then(|send| self.said(send, &text)) {
                // The number belongs to this message.
                let names = self.with_id(names);
                self.heard += 1;
                return Ok(Some(names));
            }
            if let Some(names) = self.ping(&text) {
                self.pong(&names).await?;
            }
            self.heard += 1;
        }
        Ok(None)
    }

    fn with_id(&self, mut names: Names) -> Names {
        let id = Name::BuiltIn(BuiltIn::Id);
        if names.iter().all(|(name, _)| *name != id) {
            let first = self.dialogue().first_id.max(1);
            names.push((id, Value::from(first + self.heard)));
        }
        names
    }

    /// Makes a new message with this effect, because the recorded one contains a secret.
    async fn answer_anew(&mut self, at: usize, wanted: Wanted, names: &Names) -> io::Result<()> {
        let Some(step) = self.dialogue().open_script.get(at) else {
            return Ok(());
        };
        let made = {
            let model = self.stage.model.borrow();
            self.stage
                .answers()
                .to_step(step, wanted, &self.seen(&model, names))
        };
        match made {
            Some(Ok(made)) => self.socket.say(&made.text).await,
            Some(Err(reason)) => self.not_inverted(Place::Open(at), reason).await.map(drop),
            None => Ok(()),
        }
    }
}
