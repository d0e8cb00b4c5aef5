//! One run: a name, a peer that is generated from its dialogue, and one fault.

use std::{rc::Rc, sync::Arc, time::Duration};

use everwire::{
    ConnectionName, Delivery, Handle, Heartbeat, Manager, Pattern, Settings, State,
    config::Secret,
    dialogue::{DialogueRule, RuleAction},
    testing::Detour,
};
use tokio::{sync::mpsc, time::Instant};

use super::{
    fault::{Fault, Place, What},
    judge,
    outcome::{Outcome, Trouble},
    peer::Peer,
    placeholders::Planted,
    playback::Playback,
    rehearsed::Rehearsed,
    secrets::{self, Leak},
    stage::{Command, Stage},
    state_dir::StateDir,
    watching::{Seen, Watching},
};

/// The time limit of a run.
const LIMIT: Duration = Duration::from_secs(30);
/// The time limit for the end of a run.
const END: Duration = Duration::from_secs(3);
/// The most events, happenings and notes of the peer that may wait.
const EVENTS: usize = 16_384;

/// Runs one run. Call it where `spawn_local` works.
pub async fn run(rehearsed: &Rehearsed, fault: Fault) -> Outcome {
    let began = Instant::now();
    let result = rehearse(rehearsed, fault, began).await;
    Outcome {
        fault,
        result,
        took: began.elapsed(),
    }
}

async fn rehearse(rehearsed: &Rehearsed, fault: Fault, began: Instant) -> Result<String, Trouble> {
    let broken = |error: &dyn std::fmt::Display| Trouble::Broken(error.to_string());
    let subject = Arc::new(rehearsed.subject(fault));
    let (notes, noted) = mpsc::channel(EVENTS);
    let model = rehearsed.model();
    let stage = Stage::new(Arc::clone(&subject), fault, model, notes);
    let stage = Rc::new(stage.playing(rehearsed.playback.clone()));
    let peer = Peer::start(Rc::clone(&stage))
        .await
        .map_err(|error| broken(&error))?;
    let mut detour = Detour::new(peer.addr());
    for (path, content) in &rehearsed.files {
        detour = detour.file(path, Secret::new(&**content));
    }
    let state = StateDir::new();
    let mut settings = Settings::default();
    settings.service.workers = 1;
    settings.service.state_dir = state.path().to_owned();
    let manager = Manager::spawn_with_detour(settings, detour).map_err(|error| broken(&error))?;
    for (id, content) in &rehearsed.stored {
        if let Ok(id) = ConnectionName::new(id) {
            let _full = manager.put_secret(id, Secret::new(&**content));
        }
    }
    let delivery = Delivery::default().events(EVENTS);
    let events = manager.subscribe(Pattern::all(), delivery);
    let handle = manager.open(&*subject.name, subject.settings.clone());
    let handle = handle.map_err(|error| broken(&error))?;
    let watch = handle.watch(EVENTS).await.map_err(|gone| broken(&gone))?;
    let watch = watch.ok_or_else(|| Trouble::Broken("the connection has no dialogue".into()))?;
    let planted = rehearsed.looked_for(fault);
    let watching = Watching::new(events, watch, noted, planted.clone(), began + LIMIT);
    let playback = rehearsed.playback.as_deref();
    let watching = watching.with_dials(playback.map_or(0, |playback| playback.sockets.len()));
    let mut run = Run {
        stage: &stage,
        fault,
        handle: &handle,
        watching,
        playback,
    };
    let done = run.through().await;
    let shown = run.status_is_clean(&planted).await;
    manager.shutdown(END).await;
    let rest = run.watching.rest().await;
    let done = done?;
    shown.and(rest)?;
    Ok(done)
}

struct Run<'r> {
    stage: &'r Stage,
    fault: Fault,
    handle: &'r Handle,
    watching: Watching,
    playback: Option<&'r Playback>,
}

impl Run<'_> {
    /// What was observed if all went well.
    async fn through(&mut self) -> Result<String, Trouble> {
        let asked = self.handle.connect(None).await;
        asked.map_err(|error| Trouble::Broken(error.to_string()))?;
        let done = self.course().await;
        match done {
            Err(Trouble::GaveUp(cause))
                if judge::is_to_give_up(&self.stage.subject, self.fault) =>
            {
                Ok(format!("gives up, as it should: {cause}"))
            }
            Ok(()) if self.fault.ends_name() => Err(Trouble::GoesOn),
            Ok(()) => Ok(self.told()),
            Err(trouble) => Err(trouble),
        }
    }

    async fn course(&mut self) -> Result<(), Trouble> {
        let Fault { place, what } = self.fault;
        match place {
            Place::Whole => match self.playback {
                Some(playback) => self.as_recorded(playback).await,
                None => self.as_written().await,
            },
            Place::Prepare(_) | Place::Upgrade | Place::Open(_) => {
                self.reached(place).await?;
                self.back().await
            }
            Place::Subscribe => {
                self.reached(place).await?;
                self.back().await?;
                self.subscribed().await
            }
            Place::Message => {
                self.watching.steady().await?;
                match what {
                    What::Rotation => self.rotated().await,
                    _ => self.commanded(what).await,
                }
            }
            Place::Rule(at) => {
                self.watching.steady().await?;
                match what {
                    What::Said => self.ruled(at).await,
                    _ => self.commanded(what).await,
                }
            }
            Place::Pong => {
                self.faulted().await?;
                let dials = "another socket";
                self.watching.until(dials, |seen| seen.dials > 1).await?;
                self.back().await
            }
            Place::Periodic(_) => {
                self.watching.steady().await?;
                self.faulted().await?;
                self.back().await
            }
            Place::Close(_) => {
                self.watching.steady().await?;
                self.close().await?;
                self.faulted().await
            }
        }
    }

    /// Waits until the subscriptions of the settings are requested and answered.
    async fn subscribed(&mut self) -> Result<(), Trouble> {
        let subscribe = self.stage.subject.dialogue.subscribe.as_deref();
        let is_asked = subscribe.is_some_and(|subscribe| {
            let mut words = subscribe.declared.iter().map(|declared| {
                let own = declared.words.as_ref();
                own.unwrap_or(&subscribe.words)
            });
            words.any(|words| words.on.is_some() && words.condition.is_none())
        });
        if is_asked {
            let place = Place::Subscribe;
            let what = "what it subscribes to";
            self.watching
                .until(what, |seen| seen.passed.contains(&place))
                .await?;
        }
        Ok(())
    }

    /// Checks the dialogue as written, up to the close.
    async fn as_written(&mut self) -> Result<(), Trouble> {
        self.watching.steady().await?;
        self.subscribed().await?;
        let stage = self.stage;
        let (settings, dialogue) = (&stage.subject.settings, &stage.subject.dialogue);
        for (at, periodic) in dialogue.periodic.iter().enumerate() {
            if periodic.step.condition.is_none() {
                let place = Place::Periodic(at);
                let what = format!("{place} to pass");
                self.watching
                    .until(&what, |seen| seen.passed.contains(&place))
                    .await?;
            }
        }
        if let Heartbeat::Text { .. } = settings.heartbeat {
            self.watching
                .until("a ping", |seen| seen.pinged > 0)
                .await?;
        }
        self.watching.steady().await?;
        if self.watching.seen.dials > 1 {
            let last = self.watching.seen.last.clone().unwrap_or_default();
            return Err(Trouble::Spins(self.watching.seen.dials, last));
        }
        self.close().await?;
        for (at, step) in dialogue.close_script.iter().enumerate() {
            if step.condition.is_none() {
                let place = Place::Close(at);
                let what = format!("{place} to pass");
                self.watching
                    .until(&what, |seen| seen.passed.contains(&place))
                    .await?;
            }
        }
        Ok(())
    }

    /// Checks that the dialogue makes the recorded decisions when the same messages are played
    /// back.
    async fn as_recorded(&mut self, playback: &Playback) -> Result<(), Trouble> {
        let recorded = &playback.decisions;
        let is_told = |seen: &Seen| {
            let is_other = seen
                .decisions
                .iter()
                .zip(recorded)
                .any(|(now, then)| now != then);
            is_other || seen.decisions.len() >= recorded.len()
        };
        let waited = self.watching.until("what was recorded", is_told).await;
        let now = &self.watching.seen.decisions;
        let both = recorded.iter().zip(now);
        let same = both.take_while(|(then, now)| then == now).count();
        match recorded.get(same) {
            None if playback.has_failed => {
                self.watching.until("the name to give up", |_| false).await
            }
            None => waited,
            Some(then) => {
                let now = match (now.get(same), waited) {
                    (Some(now), _) => format!("it is {now:?}"),
                    (None, Err(trouble)) => format!("it {trouble}"),
                    (None, Ok(())) => "there is none".into(),
                };
                Err(Trouble::Differs(same + 1, then.clone(), now))
            }
        }
    }

    /// A fault during the opening happens on the first socket or on the next.
    async fn reached(&mut self, place: Place) -> Result<(), Trouble> {
        for is_last in [false, true] {
            let what = format!("{place} to come");
            self.watching
                .until(&what, |seen| seen.faulted || seen.ready)
                .await?;
            if !self.watching.seen.faulted {
                // It may be ready on the previous socket.
                self.watching.steady().await?;
            }
            if self.watching.seen.faulted {
                return Ok(());
            }
            if !is_last {
                self.another_socket(Command::Do(What::CutBehind)).await?;
            }
        }
        Err(Trouble::NotTaken(place))
    }

    /// The peer ends the socket, and the name opens another one.
    async fn another_socket(&mut self, command: Command) -> Result<(), Trouble> {
        let dials = self.watching.seen.dials;
        self.tell(command).await?;
        self.watching
            .until("another socket", |seen| seen.dials > dials)
            .await
    }

    async fn faulted(&mut self) -> Result<(), Trouble> {
        let what = format!("{} to come", self.fault.place);
        self.watching.until(&what, |seen| seen.faulted).await
    }

    /// Waits until the name is up again.
    async fn back(&mut self) -> Result<(), Trouble> {
        self.watching.steady().await
    }

    async fn commanded(&mut self, what: What) -> Result<(), Trouble> {
        let command = Command::Do(what);
        match what {
            What::CutBehind | What::Closed(_) | What::Silence => {
                self.another_socket(command).await?
            }
            _ => self.tell(command).await?,
        }
        self.back().await
    }

    /// The peer carries out a command.
    async fn tell(&mut self, command: Command) -> Result<(), Trouble> {
        let obeyed = self.watching.seen.obeyed;
        if !self.stage.command(command) {
            return Err(Trouble::Broken("there is no socket to speak on".into()));
        }
        self.watching
            .until("the peer", |seen| seen.obeyed > obeyed)
            .await
    }

    async fn rotated(&mut self) -> Result<(), Trouble> {
        let dials = self.watching.seen.dials;
        let asked = self.handle.rotate().await;
        asked.map_err(|error| Trouble::Broken(error.to_string()))?;
        self.watching
            .until("another socket", |seen| seen.dials > dials)
            .await?;
        self.watching.steady().await
    }

    /// A rule has its effect.
    async fn ruled(&mut self, at: usize) -> Result<(), Trouble> {
        let before = (self.watching.seen.dials, self.watching.seen.pinged);
        self.tell(Command::Rule(at)).await?;
        self.watching
            .until("the rule to match", |seen| seen.ruled.contains(&at))
            .await?;
        let stage = self.stage;
        let Some(rule) = stage.subject.dialogue.rules.get(at) else {
            return Ok(());
        };
        if rule.send.is_some() {
            self.watching
                .until("its answer", |seen| seen.answered.contains(&at))
                .await?;
        }
        let has_acted = |seen: &Seen| acted(rule, before, seen);
        self.watching.until("what it does", has_acted).await?;
        self.watching.steady().await
    }

    async fn close(&mut self) -> Result<(), Trouble> {
        let asked = self.handle.close(1000, "").await;
        asked.map_err(|error| Trouble::Broken(error.to_string()))?;
        loop {
            let closed = self.watching.seen.closed;
            if self.state().await? == State::Closed {
                return Ok(());
            }
            self.watching
                .until("the close", |seen| seen.closed > closed)
                .await?;
        }
    }

    async fn state(&self) -> Result<State, Trouble> {
        let status = self.handle.status().await;
        status
            .map(|status| status.state)
            .map_err(|gone| Trouble::Broken(gone.to_string()))
    }

    async fn status_is_clean(&self, planted: &[Planted]) -> Result<(), Trouble> {
        let status = self.handle.status().await;
        let leak = status
            .ok()
            .and_then(|status| secrets::in_status(&status, planted));
        match leak {
            Some(Leak { what, place }) => Err(Trouble::Shows(what, place)),
            None => Ok(()),
        }
    }

    fn told(&self) -> String {
        let seen = &self.watching.seen;
        if let Some(playback) = self.playback {
            return format!("{} decisions as recorded", playback.decisions.len());
        }
        let sockets = match seen.dials {
            1 => "ready on 1 socket".to_owned(),
            dials => format!("ready again, {dials} sockets"),
        };
        match seen.unknown {
            true => format!("{sockets}; it says what nobody expects"),
            false => sockets,
        }
    }
}

/// Whether a rule has had its effect.
fn acted(rule: &DialogueRule, (dials, pinged): (usize, usize), seen: &Seen) -> bool {
    match rule.action {
        None => true,
        Some(RuleAction::Rotate | RuleAction::Reconnect) => seen.dials > dials,
        Some(RuleAction::Beat) => seen.pinged > pinged,
        Some(RuleAction::GiveUp) => false,
    }
}
