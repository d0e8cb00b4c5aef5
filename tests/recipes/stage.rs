//! A shipped recipe with a user's credentials, and servers that check what the real ones check.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use everwire::{
    ConnectionSettings, Handle, Heartbeat, Manager, Reconnect, State,
    config::{Secret, Settings, Source, System},
    dialogue::{
        Dialogue, Preparation, Prepare, ScriptStep, SharedPreparation, SubscribeSettings,
        SubscriptionState, SubscriptionWords,
    },
    testing::Detour,
};

use super::{
    plan::{CUTS, Mishap, Plan},
    support::{
        TestDir, poll_until,
        rig::{Watch, wait_for, wait_for_state},
        root,
    },
    world::{Servers, World},
};

/// For tests with many sockets, on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// A recipe, and one of its names.
#[derive(Clone, Copy)]
pub struct Recipe {
    /// `config/recipes/FILE.toml`.
    pub file: &'static str,
    pub name: &'static str,
    /// The environment of its user.
    pub variables: &'static [(&'static str, &'static str)],
    /// The files that it reads, with their content; paths are relative to the recipe.
    pub files: &'static [(&'static str, &'static str)],
}

/// A name that runs its recipe against servers.
pub struct Stage {
    pub world: World,
    pub plan: Arc<Plan>,
    /// Kept so that the name stays open.
    _manager: Manager,
    pub handle: Handle,
    pub watch: Watch,
    secrets: Vec<&'static str>,
    _state: TestDir,
}

struct Environment(&'static [(&'static str, &'static str)]);

impl Source for Environment {
    fn variable(&self, name: &str) -> Option<String> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        System.read(path)
    }

    fn list(&self, path: &Path) -> io::Result<Option<Vec<PathBuf>>> {
        System.list(path)
    }
}

impl Recipe {
    fn path(&self) -> PathBuf {
        root().join(format!("config/recipes/{}.toml", self.file))
    }

    /// The settings of the shipped file.
    pub fn settings(&self) -> Settings {
        Settings::load_with(self.path(), &Environment(self.variables))
            .unwrap_or_else(|errors| panic!("{errors}"))
    }

    /// Opens its name with all hosts mapped to these servers. `change` may change times only.
    pub fn play(
        &self,
        servers: impl Servers,
        plan: Plan,
        times: impl FnOnce(&mut ConnectionSettings),
    ) -> Stage {
        let plan = Arc::new(plan);
        let world = World::start(Arc::new(servers), Arc::clone(&plan));
        let mut settings = self.settings();
        let mut own = settings
            .connections
            .iter()
            .find(|(name, _)| name.as_str() == self.name)
            .map(|(_, own)| own.clone())
            .unwrap_or_else(|| panic!("{} has no {}", self.file, self.name));
        times(&mut own);
        settings.connections.clear();
        settings.service.workers = 1;
        let state = TestDir::new(self.file);
        settings.service.state_dir = state.path().to_owned();
        let mut detour = Detour::new(world.address());
        for (path, content) in self.files {
            let path = self.path().with_file_name(path);
            detour = detour.file(path, Secret::new(*content));
        }
        let manager = Manager::spawn_with_detour(settings, detour).unwrap();
        let watch = Watch::new(&manager, "*");
        let handle = manager.open(self.name, own).unwrap();
        let values = self.variables.iter().chain(self.files);
        Stage {
            world,
            plan,
            _manager: manager,
            handle,
            watch,
            secrets: values
                .map(|(_, value)| *value)
                .filter(|value| value.contains("s3cret"))
                .collect(),
            _state: state,
        }
    }
}

/// The expected behaviour when the server falls silent.
pub struct Silent<'s> {
    /// Steps at which the socket is lost, with the reported loss.
    pub losses: &'s [(&'static str, &'static str)],
    /// A step at which this key is reported unanswered before the socket is lost.
    pub unanswered: (&'static str, &'static str),
    /// The keys that are active at the end.
    pub keys: &'s [&'static str],
}

impl Recipe {
    /// Asserts that it recovers from cuts before, within and after each of these steps, with one
    /// more socket for each, and that these keys are active then.
    pub async fn comes_back(
        &self,
        servers: impl Servers,
        steps: &[&'static str],
        keys: &[&str],
    ) -> Stage {
        let mut stage = self.play(servers, Plan::cuts(steps), hasty);
        stage.all_went_wrong().await;
        let sockets = CUTS.len() * steps.len() + 1;
        stage.sockets(sockets).await;
        stage.active(keys).await;
        stage.is_clean().await;
        assert_eq!(stage.world.sockets(), sockets);
        stage
    }

    /// Asserts that a silent server is abandoned in time, and that the next one serves.
    pub async fn leaves_the_silent(&self, servers: impl Servers + Clone, silent: Silent<'_>) {
        let play = |step| {
            let plan = Plan::of([(step, Mishap::Silence)]);
            self.play(servers.clone(), plan, impatient)
        };
        for (step, told) in silent.losses {
            let mut stage = play(*step);
            let error = stage.watch.error().await.to_string();
            assert!(error.contains(told), "{step}: {error}");
            stage.serves_again(silent.keys).await;
        }
        let (step, key) = silent.unanswered;
        let mut stage = play(step);
        stage.told_of(key, "unanswered", "").await;
        stage.serves_again(silent.keys).await;
    }
}

impl Stage {
    /// Waits until a second socket has all of these keys.
    async fn serves_again(&mut self, keys: &[&str]) {
        self.sockets(2).await;
        self.active(keys).await;
        self.is_clean().await;
    }

    /// Waits until all planned failures have happened.
    pub async fn all_went_wrong(&self) {
        poll_until("all that goes wrong", LONG, || self.plan.left().is_empty()).await;
    }

    pub async fn open(&self) {
        wait_for_state(&self.handle, State::Open).await;
    }

    /// Waits for this number of sockets.
    pub async fn sockets(&self, count: usize) {
        let what = format!("{count} sockets");
        poll_until(&what, LONG, || self.world.sockets() >= count).await;
    }

    pub async fn status(&self) -> String {
        serde_json::to_string(&self.handle.status().await.unwrap()).unwrap()
    }

    /// Asserts that the client made no mistake and revealed no secret. All secrets of these tests
    /// contain `s3cret`.
    pub async fn is_clean(&mut self) {
        let status = self.status().await;
        self.watch.take_told();
        let told = self.watch.seen();
        assert_eq!(self.world.faults(), Vec::<String>::new(), "{told:#?}");
        for secret in &self.secrets {
            assert!(!status.contains(secret), "{status}");
            for event in self.watch.seen() {
                assert!(!event.contains(secret), "{event}");
            }
        }
    }

    /// Waits until exactly these keys are active.
    pub async fn active(&self, keys: &[&str]) {
        wait_for("each key to be active", async || {
            let told = self.handle.subscriptions().await.unwrap();
            let active = |key: &&str| {
                let of_key = told.iter().find(|status| *status.key == **key);
                of_key.is_some_and(|status| status.state == SubscriptionState::Active)
            };
            let all = told.len() == keys.len() && keys.iter().all(active);
            all.then_some(()).ok_or(told)
        })
        .await;
    }

    /// The first event that contains all of these parts, as JSON; it may be in the past.
    pub async fn told(&mut self, parts: &[&str]) -> String {
        let is_it = |event: &&String| parts.iter().all(|part| event.contains(part));
        if let Some(told) = self.watch.seen().iter().find(is_it) {
            return told.clone();
        }
        let what = format!("an event with {parts:?}");
        self.watch
            .until(&what, |update| {
                let event = serde_json::to_string(update).unwrap();
                parts
                    .iter()
                    .all(|part| event.contains(part))
                    .then_some(event)
            })
            .await
    }

    /// Waits until a subscription is reported in this state, with this text.
    pub async fn told_of(&mut self, key: &str, state: &str, text: &str) {
        let key = format!(r#""key":"{key}""#);
        let state = format!(r#""state":"{state}""#);
        self.told(&[r#""type":"subscription""#, &key, &state, text])
            .await;
    }

    /// Waits for a message of this key.
    pub async fn routed(&mut self, key: &str, part: &str) {
        let key = format!(r#""subscription":"{key}""#);
        self.told(&[r#""type":"message""#, &key, part]).await;
    }

    /// Whether there was an event of this type.
    pub fn was_told(&self, kind: &str) -> bool {
        let kind = format!(r#""type":"{kind}""#);
        self.watch.seen().iter().any(|event| event.contains(&kind))
    }
}

/// Dials again after milliseconds: the file waits up to half a minute after a refusal.
pub fn eager(settings: &mut ConnectionSettings) {
    if let Reconnect::Backoff(backoff) = &mut settings.reconnect {
        backoff.min = Duration::from_millis(1);
        backoff.initial = Duration::from_millis(5);
        backoff.max = Duration::from_millis(50);
    }
}

/// Like `eager`, and without waits for rates or delays of rules: the failures would use up the
/// allowance of a minute or a day.
pub fn hasty(settings: &mut ConnectionSettings) {
    eager(settings);
    settings.rate.clear();
    steps(settings, |step| step.rate.clear());
    words(settings, |words| words.rate.clear());
    dialogue(settings, |dialogue| {
        for delay in dialogue
            .rules
            .iter_mut()
            .filter_map(|rule| rule.delay.as_mut())
        {
            (delay.min, delay.max) = (Duration::ZERO, Duration::from_millis(10));
        }
    });
}

/// Like `hasty`, with one second to wait for answers instead of the file's half minutes.
pub fn impatient(settings: &mut ConnectionSettings) {
    const SECOND: Duration = Duration::from_secs(1);
    hasty(settings);
    settings.connect_timeout = SECOND;
    settings.idle_timeout = settings.idle_timeout.map(|_| SECOND);
    match &mut settings.heartbeat {
        Heartbeat::Off => {}
        Heartbeat::Protocol { interval, timeout }
        | Heartbeat::Text {
            interval, timeout, ..
        } => (*interval, *timeout) = (SECOND, SECOND),
    }
    steps(settings, |step| step.within = SECOND);
    words(settings, |words| words.within = SECOND);
    dialogue(settings, |dialogue| {
        dialogue.prepare = dialogue.prepare.take().map(|prepare| match prepare {
            Prepare::Own(preparation) => Prepare::Own(Arc::new(hurried(&preparation))),
            Prepare::Shared(shared) => Prepare::Shared(Arc::new(SharedPreparation {
                preparation: Arc::new(hurried(&shared.preparation)),
                ..SharedPreparation::clone(&shared)
            })),
        });
    });
}

fn hurried(preparation: &Preparation) -> Preparation {
    let mut hurried = preparation.clone();
    for step in &mut hurried.steps {
        step.within = Duration::from_secs(1);
    }
    hurried
}

fn steps(settings: &mut ConnectionSettings, change: impl Fn(&mut ScriptStep)) {
    dialogue(settings, |dialogue| {
        let scripts = dialogue
            .open_script
            .iter_mut()
            .chain(&mut dialogue.close_script);
        scripts.for_each(&change);
        let periodic = dialogue.periodic.iter_mut();
        periodic.for_each(|periodic| change(&mut periodic.step));
    });
}

/// Changes the settings of `subscribe`, and those of single keys.
fn words(settings: &mut ConnectionSettings, change: impl Fn(&mut SubscriptionWords)) {
    let changed = |words: &Arc<SubscriptionWords>| {
        let mut words = SubscriptionWords::clone(words);
        change(&mut words);
        Arc::new(words)
    };
    dialogue(settings, |dialogue| {
        if let Some(shared) = &dialogue.subscribe {
            let mut own = SubscribeSettings::clone(shared);
            own.words = changed(&own.words);
            for declared in &mut own.declared {
                let declared = Arc::make_mut(declared);
                declared.words = declared.words.as_ref().map(&changed);
            }
            dialogue.subscribe = Some(Arc::new(own));
        }
    });
}

pub fn dialogue(settings: &mut ConnectionSettings, change: impl FnOnce(&mut Dialogue)) {
    if let Some(shared) = &settings.dialogue {
        let mut own = Dialogue::clone(shared);
        change(&mut own);
        settings.dialogue = Some(Arc::new(own));
    }
}
