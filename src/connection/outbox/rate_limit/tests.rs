//! Buckets with a stopped clock, and over restarts.

use std::{num::NonZeroU32, path::PathBuf, sync::atomic::AtomicUsize, task::Wake};

use tokio::time::advance;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn settings(bucket: Option<&str>, messages: u32, per: Duration) -> RateSettings {
    let messages = NonZeroU32::new(messages).unwrap();
    let mut settings = RateSettings::new(messages, per);
    settings.bucket = bucket.map(Into::into);
    settings
}

fn unstored() -> TokenBuckets {
    TokenBuckets::new(Persistence::new(PathBuf::from("unused")))
}

fn name(name: &str) -> ConnectionName {
    ConnectionName::new(name).unwrap()
}

/// The only bucket of a name.
fn only(
    buckets: &TokenBuckets,
    name: &ConnectionName,
    settings: &RateSettings,
    current: Option<Arc<TokenBucket>>,
) -> Arc<TokenBucket> {
    let current = BucketSet::of(current);
    let settings = std::slice::from_ref(settings);
    let set = buckets.get(name, settings, current.as_deref()).unwrap();
    assert_eq!(set.iter().count(), 1);
    Arc::clone(set.iter().next().unwrap())
}

/// The bucket of the name `a`.
fn bucket(buckets: &TokenBuckets, settings: &RateSettings) -> Arc<TokenBucket> {
    only(buckets, &name("a"), settings, None)
}

/// How many messages may be written now.
fn free(bucket: &Arc<TokenBucket>) -> usize {
    let take = || bucket.take(None, Waker::noop()).ok();
    std::iter::from_fn(take).take(10_000).count()
}

/// How often it was woken.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Bell {
    fn rung(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_holds_no_more_than_its_messages() {
    let bucket = bucket(&unstored(), &settings(None, 4, Duration::from_secs(1)));
    assert_eq!(free(&bucket), 4);
    let start = clock::now();
    let waiting = bucket.take(None, Waker::noop()).unwrap_err();
    assert_eq!(waiting.until(), Some(start + Duration::from_secs(1)));
    advance(Duration::from_millis(999)).await;
    let waiting = bucket.take(Some(waiting), Waker::noop()).unwrap_err();
    advance(Duration::from_millis(1)).await;
    assert!(bucket.take(Some(waiting), Waker::noop()).is_ok());
    assert_eq!(free(&bucket), 3);
}

#[tokio::test(start_paused = true)]
async fn control_frames_count_only_where_the_settings_say_so_and_never_wait() {
    let mut counted = settings(None, 2, Duration::from_secs(1));
    counted.control = true;
    let bucket = bucket(&unstored(), &counted);
    (0..3).for_each(|_| bucket.spend_for_control());
    assert_eq!(free(&bucket), 0);
    counted.control = false;
    bucket.set_settings(&counted);
    advance(Duration::from_secs(1)).await;
    (0..3).for_each(|_| bucket.spend_for_control());
    assert_eq!(free(&bucket), 2);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_ends_or_is_given_back_wakes_the_next() {
    let bucket = bucket(
        &unstored(),
        &settings(Some("site"), 1, Duration::from_secs(1)),
    );
    assert_eq!(free(&bucket), 1);
    let bells = [(); 3].map(|()| Arc::new(Bell::default()));
    let wakers = bells.clone().map(Waker::from);
    let [first, second, third] = wakers
        .each_ref()
        .map(|waker| bucket.take(None, waker).unwrap_err());
    drop(second);
    drop(first);
    assert!(bells[2].rung() > 0);
    advance(Duration::from_secs(1)).await;
    assert!(bucket.take(Some(third), &wakers[2]).is_ok());
    // Nobody is left to wake.
    bells.iter().for_each(|bell| _ = bell.rung());
    advance(Duration::from_secs(1)).await;
    assert_eq!(free(&bucket), 1);
    assert_eq!(bells.map(|bell| bell.rung()), [0; 3]);
    assert!(Arc::strong_count(&bucket) <= 2, "tickets hold it no longer");
}

#[tokio::test(start_paused = true)]
async fn a_ticket_of_another_bucket_is_given_back() {
    let buckets = unstored();
    let old = bucket(&buckets, &settings(Some("old"), 1, Duration::from_secs(1)));
    let new = bucket(&buckets, &settings(Some("new"), 1, Duration::from_secs(1)));
    assert_eq!(free(&old), 1);
    let waiting = old.take(None, Waker::noop()).unwrap_err();
    let bell = Arc::new(Bell::default());
    let _behind = old.take(None, &Waker::from(Arc::clone(&bell))).unwrap_err();
    assert!(new.take(Some(waiting), Waker::noop()).is_ok());
    assert!(bell.rung() > 0, "the next of the old bucket is the first");
}

#[test]
fn names_with_a_key_share_a_bucket_and_changed_numbers_forget_nothing() {
    let buckets = unstored();
    let shared = settings(Some("site"), 5, MINUTE / 2);
    let get = |name: &str, settings: &RateSettings, current| {
        let name = ConnectionName::new(name).unwrap();
        only(&buckets, &name, settings, current)
    };
    let one = get("a", &shared, None);
    assert!(Arc::ptr_eq(&one, &get("b", &shared, None)));
    assert_eq!(free(&one), 5);
    let more = settings(Some("site"), 8, MINUTE / 2);
    let same = get("a", &more, Some(Arc::clone(&one)));
    assert!(Arc::ptr_eq(&one, &same));
    drop((one, same));
    // Nobody uses it any more, and it still has its record.
    let again = get("c", &shared, None);
    assert_eq!(free(&again), 0);
    let own = settings(None, 5, MINUTE / 2);
    let (a, b) = (get("a", &own, None), get("b", &own, None));
    assert!(!Arc::ptr_eq(&a, &b));
    assert!(Arc::ptr_eq(&a, &get("a", &own, Some(Arc::clone(&a)))));
    assert!(!Arc::ptr_eq(&a, &get("a", &shared, Some(Arc::clone(&a)))));
    assert!(
        buckets
            .get(&name("a"), &[], BucketSet::of([a]).as_deref())
            .is_none()
    );
}

/// Buckets that a message needs at the same time.
fn set<const N: usize>(buckets: [&Arc<TokenBucket>; N]) -> Box<BucketSet> {
    BucketSet::of(buckets.map(Arc::clone)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_several_buckets_holds_none_of_them_meanwhile() {
    let buckets = unstored();
    let second = bucket(&buckets, &settings(Some("fast"), 1, Duration::from_secs(1)));
    let slow = bucket(&buckets, &settings(Some("slow"), 1, Duration::from_secs(5)));
    let both = set([&second, &slow]);
    let start = clock::now();
    assert!(both.take(None, Waker::noop()).is_ok());
    let mut waiting = both.take(None, Waker::noop()).unwrap_err();
    // At the latest of their times.
    assert_eq!(waiting.until(), Some(start + Duration::from_secs(5)));
    for _ in 0..3 {
        advance(Duration::from_secs(1)).await;
        assert!(second.take(None, Waker::noop()).is_ok(), "it is held");
        waiting = both.take(Some(waiting), Waker::noop()).unwrap_err();
        assert_eq!(waiting.until(), Some(start + Duration::from_secs(5)));
    }
    advance(Duration::from_millis(1_999)).await;
    waiting = both.take(Some(waiting), Waker::noop()).unwrap_err();
    // A new one for one of these buckets is after it.
    let behind = slow.take(None, Waker::noop()).unwrap_err();
    advance(Duration::from_millis(1)).await;
    let behind = slow.take(Some(behind), Waker::noop()).unwrap_err();
    assert!(both.take(Some(waiting), Waker::noop()).is_ok());
    assert_eq!((free(&second), free(&slow)), (0, 0));
    drop(behind);
    advance(Duration::from_secs(5)).await;
    assert_eq!((free(&second), free(&slow)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn names_that_share_a_slow_bucket_come_one_after_another() {
    let buckets = unstored();
    let identify = bucket(
        &buckets,
        &settings(Some("identify"), 1, 5 * Duration::from_secs(1)),
    );
    let own = |n: u32| {
        let name = name(&format!("n{n}"));
        only(&buckets, &name, &settings(None, 120, MINUTE / 2), None)
    };
    let sets: Vec<_> = (0..4).map(|n| set([&own(n), &identify])).collect();
    let mut waiting: Vec<Option<Waiting>> = sets.iter().map(|_| None).collect();
    let (start, mut taken) = (clock::now(), Vec::new());
    for _ in 0..160 {
        for (at, set) in sets.iter().enumerate() {
            if taken.iter().any(|(other, _)| *other == at) {
                continue;
            }
            match set.take(waiting[at].take(), Waker::noop()) {
                Ok(()) => taken.push((at, (clock::now() - start).as_millis())),
                Err(more) => waiting[at] = Some(more),
            }
        }
        advance(Duration::from_millis(100)).await;
    }
    assert_eq!(taken, [(0, 0), (1, 5_000), (2, 10_000), (3, 15_000)]);
}

#[test]
fn who_takes_the_same_buckets_in_another_order_never_waits_for_ever() {
    let buckets = unstored();
    let many = |key| settings(Some(key), 1_000_000, MINUTE / 2);
    let [a, b, c] = ["a", "b", "c"].map(|key| bucket(&buckets, &many(key)));
    let sets = [set([&a, &b, &c]), set([&c, &b, &a]), set([&b, &a, &b])];
    std::thread::scope(|scope| {
        for set in &sets {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    assert!(set.take(None, Waker::noop()).is_ok());
                }
            });
        }
    });
    let written = |bucket: &TokenBucket| -> u32 {
        let mut inside = bucket.inside.lock();
        let written = inside.limiter.written(clock::now());
        written.map(|(_, count)| count).sum()
    };
    assert_eq!(
        [&a, &b, &c].map(|bucket| written(bucket)),
        [6_000, 6_000, 4_000]
    );
}

#[tokio::test(start_paused = true)]
async fn a_step_waits_for_the_buckets_of_its_name_too_and_changes_no_numbers() {
    let buckets = unstored();
    let own = buckets.get(&name("a"), &[settings(None, 2, MINUTE / 2)], None);
    let step = settings(Some("login"), 1, MINUTE / 2);
    let first = buckets.with_step(&name("a"), own.as_deref(), std::slice::from_ref(&step));
    let first = first.unwrap();
    assert_eq!(first.iter().count(), 2);
    assert!(first.take(None, Waker::noop()).is_ok());
    assert_eq!(free(own.as_ref().unwrap().iter().next().unwrap()), 1);
    // Other numbers belong to new settings, not to a running conversation.
    let more = settings(Some("login"), 5, MINUTE / 2);
    buckets.set_limits(&name("a"), [&more].into_iter());
    let again = buckets.with_step(&name("b"), None, std::slice::from_ref(&step));
    advance(MINUTE / 2).await;
    assert_eq!(free(again.unwrap().iter().next().unwrap()), 5);
    // A bucket without users cannot be changed.
    buckets.set_limits(&name("a"), [&settings(Some("none"), 5, MINUTE)].into_iter());
    assert!(buckets.with_step(&name("a"), None, &[]).is_none());
}

/// A process: its buckets, and its store.
struct Process {
    buckets: TokenBuckets,
    persistence: Persistence,
}

impl Process {
    fn start(dir: &Dir) -> Self {
        let persistence = Persistence::new(dir.0.clone());
        persistence.open().unwrap();
        Self {
            buckets: TokenBuckets::new(persistence.clone()),
            persistence,
        }
    }

    async fn end(self) {
        self.buckets.store(true);
        self.persistence.finish(None).await;
    }

    /// The store stays as after the last commit.
    async fn kill(self) {
        self.persistence.finish(None).await;
    }
}

/// Removed on drop.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = format!("everwire-rate-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(dir))
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _removed = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn what_was_written_within_a_minute_or_more_counts_in_the_next_process() {
    let dir = Dir::new("end");
    let (shared, own) = (
        settings(Some("site"), 100, MINUTE),
        settings(None, 100, 60 * MINUTE),
    );
    let process = Process::start(&dir);
    for settings in [&shared, &own] {
        let bucket = bucket(&process.buckets, settings);
        (0..40).for_each(|_| bucket.spend());
    }
    process.end().await;
    let process = Process::start(&dir);
    for settings in [&shared, &own] {
        assert_eq!(free(&bucket(&process.buckets, settings)), 60);
    }
    process.end().await;
    let process = Process::start(&dir);
    assert_eq!(free(&bucket(&process.buckets, &shared)), 0);
    let other = only(&process.buckets, &name("b"), &own, None);
    assert_eq!(free(&other), 100);
    process.end().await;
}

#[tokio::test]
async fn after_a_kill_no_less_is_counted_than_was_written_and_little_more() {
    for (messages, written, at_least, at_most) in [
        // One at a time.
        (5, 3, 3, 3),
        (160, 0, 0, 0),
        // A sixteenth may be written before the store is updated again.
        (160, 1, 1, 11),
        (160, 77, 77, 87),
        (160, 160, 160, 160),
        (32_000, 9_000, 9_000, 11_000),
    ] {
        let dir = Dir::new("kill");
        let settings = settings(Some("site"), messages, 10 * MINUTE);
        let process = Process::start(&dir);
        let first = bucket(&process.buckets, &settings);
        (0..written).for_each(|_| first.spend());
        process.kill().await;
        let process = Process::start(&dir);
        let next = bucket(&process.buckets, &settings);
        let mut take = || next.take(None, Waker::noop()).ok();
        let free = std::iter::from_fn(&mut take).count();
        let counted = messages as usize - free;
        assert!(
            (at_least..=at_most).contains(&counted),
            "{messages}, {written}: {counted}"
        );
        process.kill().await;
    }
}

#[tokio::test]
async fn what_is_written_within_less_than_a_minute_is_not_stored() {
    let dir = Dir::new("short");
    let settings = settings(Some("site"), 5, MINUTE - Duration::from_millis(1));
    let process = Process::start(&dir);
    bucket(&process.buckets, &settings).spend();
    process.end().await;
    let process = Process::start(&dir);
    assert_eq!(free(&bucket(&process.buckets, &settings)), 5);
    assert_eq!(process.persistence.recall_rate("shared site"), None);
    process.end().await;
}

#[test]
fn what_a_clock_that_was_set_back_has_in_the_future_counts_as_new() {
    let wall = Timestamp::from_second(1_000).unwrap();
    let at = |second| Timestamp::from_second(second).unwrap();
    let stored = StoredRate {
        per: MINUTE,
        reserve: 2,
        written: vec![(at(990), 3), (at(2_000), 4)],
    };
    let ages: Vec<_> = ages(&stored, wall).collect();
    let age = Duration::from_secs;
    assert_eq!(ages, [(age(10), 3), (age(0), 4), (age(0), 2)]);
}
