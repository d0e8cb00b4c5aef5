//! The order of dials among owners: the shares of tenants, and the rest.

use super::*;

fn acme() -> Owner {
    Owner::new("acme")
}

fn other() -> Owner {
    Owner::new("other")
}

/// A limiter with an operator and two tenants.
fn shared(max: u32, rate: Rate) -> DialLimiter {
    let mut limiter = limiter(max, rate, []);
    let operator = (Owner::new("operator"), true);
    let tokens = [operator, (acme(), false), (other(), false)];
    limiter.set_shares(OwnerShares::of_tokens(tokens), Instant::now());
    limiter
}

impl DialLimiter {
    /// One dial to each of several hosts of an owner.
    fn crowd(&mut self, owner: &Owner, count: usize, t: Instant) -> Vec<DialId> {
        (0..count)
            .map(|host| self.request(&format!("{owner}-{host}:1"), Some(owner), t))
            .collect()
    }
}

#[test]
fn a_tenant_holds_at_most_its_part_and_leaves_some_to_the_other_tenants() {
    let t = Instant::now();
    let mut limiter = shared(64, Rate::Unlimited);
    limiter.crowd(&acme(), 100, t);
    // Seven eighths of its 32, since its hosts are unknown.
    assert_eq!(limiter.granted(t).len(), 28);
    limiter.crowd(&other(), 100, t);
    let taken = limiter.granted(t).len();
    assert_eq!(
        taken, 13,
        "20 are left to tenants, and it leaves half as many as it has"
    );
    let gone = Owner::new("gone");
    limiter.crowd(&gone, 100, t);
    assert_eq!(limiter.granted(t).len(), 4);
    let file: Vec<_> = (0..20)
        .map(|n| limiter.request(&format!("f{n}:1"), None, t))
        .collect();
    // A quarter is reserved, and an eighth of the rest for hosts that have answered; here tenants
    // leave a little more.
    let granted = limiter.granted(t);
    assert_eq!(granted.len(), 17);
    assert!(granted.iter().all(|id| file.contains(id)));
}

#[test]
fn a_tenant_that_has_answered_hosts_alone_holds_half_of_the_places() {
    let t = Instant::now();
    let mut limiter = shared(64, Rate::Unlimited);
    for id in limiter.crowd(&acme(), 40, t) {
        limiter.grant(t);
        limiter.end(id, DialOutcome::Answered, t);
    }
    limiter.crowd(&acme(), 40, t);
    assert_eq!(limiter.granted(t).len(), 32);
}

#[test]
fn owners_that_are_no_more_have_an_eighth_together() {
    let t = Instant::now();
    let mut limiter = shared(64, Rate::Unlimited);
    for gone in ["gone", "lost"] {
        limiter.crowd(&Owner::new(gone), 20, t);
    }
    // Seven of eight, since their hosts are unknown.
    assert_eq!(limiter.granted(t).len(), 7);
}

#[test]
fn an_operators_names_are_as_those_of_the_file() {
    let t = Instant::now();
    let mut limiter = shared(64, Rate::Unlimited);
    let file: Vec<_> = (0..30)
        .map(|n| limiter.request(&format!("f{n}:1"), None, t))
        .collect();
    let operators = limiter.crowd(&Owner::new("operator"), 30, t);
    let granted = limiter.granted(t);
    assert_eq!(granted.len(), 56);
    assert!(
        granted
            .iter()
            .all(|id| file.contains(id) || operators.contains(id))
    );
}

#[test]
fn a_single_place_is_taken_by_turns() {
    let t = Instant::now();
    let mut limiter = shared(1, Rate::Unlimited);
    let crowd = limiter.crowd(&acme(), 3, t);
    let file = [(); 3].map(|()| limiter.request("file:1", None, t));
    let mut order = Vec::new();
    while let [id] = limiter.granted(t)[..] {
        order.push(if crowd.contains(&id) { 'a' } else { 'f' });
        limiter.end(id, GONE, t);
    }
    assert_eq!(order, ['f', 'a', 'f', 'a', 'f', 'a']);
    assert!(!limiter.is_waiting(file[2]));
}

#[test]
fn a_tenants_names_at_a_host_leave_room_for_the_files_names_there() {
    let t = Instant::now();
    let mut limiter = shared(64, Rate::Unlimited);
    let ask = |limiter: &mut DialLimiter, owner: Option<&Owner>| limiter.request("h:1", owner, t);
    for _ in 0..1000 {
        ask(&mut limiter, Some(&acme()));
    }
    assert_eq!(limiter.granted(t).len(), 8, "half of the host's sixteen");
    for _ in 0..1000 {
        ask(&mut limiter, Some(&other()));
    }
    assert_eq!(
        limiter.granted(t).len(),
        4,
        "three quarters are for all tenants"
    );
    let file = [(); 5].map(|()| ask(&mut limiter, None));
    assert_eq!(limiter.granted(t), file[..4]);
    // They hang, which does not count for the file's URLs.
    let later = t + PROMPT;
    limiter.end(file[0], DialOutcome::Answered, t);
    assert_eq!(limiter.granted(later), file[4..]);
}

#[test]
fn owners_take_turns_within_a_host_that_is_full() {
    let t = Instant::now();
    let one = host(Rate::Unlimited, 1);
    let mut limiter = limiter(64, Rate::Unlimited, [("h", one)]);
    let tokens = [(acme(), false), (other(), false)];
    limiter.set_shares(OwnerShares::of_tokens(tokens), t);
    let mut whose = BTreeMap::new();
    for (owner, letter) in [(Some(acme()), 'a'), (Some(other()), 'o'), (None, 'f')] {
        for _ in 0..3 {
            whose.insert(limiter.request("h:1", owner.as_ref(), t).number(), letter);
        }
    }
    let mut order = String::new();
    while let [id] = limiter.granted(t)[..] {
        order.push(whose[&id.number()]);
        limiter.end(id, GONE, t);
    }
    assert_eq!(order, "fafofaoao");
}

#[test]
fn a_line_that_loses_its_turn_to_another_owners_at_its_host_is_not_behind_those_that_came_later() {
    let t = Instant::now();
    let one = host(Rate::Unlimited, 1);
    let mut limiter = limiter(2, Rate::Unlimited, [("h", one)]);
    limiter.set_shares(OwnerShares::of_tokens([(acme(), false)]), t);
    let [first, waits, older, newer] =
        ["x0:1", "h:1", "x1:1", "x2:1"].map(|host| limiter.request(host, Some(&acme()), t));
    assert_eq!(limiter.granted(t), [first]);
    let file = limiter.request("h:1", None, t);
    assert_eq!(limiter.granted(t), [file]);
    limiter.end(file, GONE, t);
    let mut last = first;
    // The newest one gets every second turn.
    for next in [newer, waits, older] {
        limiter.end(last, GONE, t);
        assert_eq!(limiter.granted(t), [next]);
        last = next;
    }
}

#[test]
fn an_eighth_is_left_to_tenants_where_the_files_hosts_are_dead() {
    let t = Instant::now();
    let mut limiter = shared(64, Rate::Unlimited);
    let known = limiter.crowd(&acme(), 1, t);
    assert_eq!(limiter.granted(t), known);
    for host in 0..100 {
        limiter.request(&format!("dead-{host}:1"), None, t);
    }
    assert_eq!(limiter.granted(t).len(), 49, "seven eighths of 56");
    limiter.crowd(&other(), 100, t);
    assert!(limiter.granted(t).len() >= 7);
}

#[test]
fn what_fails_at_once_does_not_use_up_the_rate_of_the_files_names() {
    let t = Instant::now();
    let mut limiter = shared(64, limit(20, SECOND * 60));
    // Each fails at once, and is tried again.
    for round in 0..5 {
        for id in limiter.crowd(&acme(), 200, t) {
            let granted = limiter.granted(t);
            assert!(round == 0 || granted.is_empty());
            for granted in granted {
                limiter.end(granted, DialOutcome::Failed, t);
            }
            limiter.end(id, GONE, t);
        }
    }
    let file = [(); 11].map(|()| limiter.request("file:1", None, t));
    assert_eq!(limiter.granted(t), file[..10], "half of the window is left");
}

#[test]
fn what_is_under_way_counts_for_the_new_shares_at_once() {
    let t = Instant::now();
    let mut limiter = shared(64, Rate::Unlimited);
    let crowd = limiter.crowd(&acme(), 100, t);
    let mut granted = limiter.granted(t);
    assert_eq!(granted.len(), 28);
    // Its token is removed.
    limiter.set_shares(OwnerShares::of_tokens([(other(), false)]), t);
    assert_eq!(limiter.granted(t), []);
    for id in granted.drain(..21) {
        limiter.end(id, GONE, t);
        assert_eq!(limiter.granted(t).len(), 0, "{id:?}");
    }
    limiter.end(granted.remove(0), GONE, t);
    assert_eq!(
        limiter.granted(t).len(),
        1,
        "seven of the eight that removed ones have"
    );
    // Without tokens there is no limit for anybody.
    limiter.set_shares(OwnerShares::default(), t);
    assert_eq!(limiter.granted(t).len(), 56 - 7);
    for id in crowd {
        limiter.end(id, GONE, t);
    }
    assert!(limiter.is_empty());
}

#[test]
fn tenants_that_come_and_go_leave_nothing_behind() {
    let t = Instant::now();
    let mut limiter = shared(4, Rate::Unlimited);
    for number in 0..1000 {
        let tokens = [(Owner::new(format!("t{number}")), false)];
        limiter.set_shares(OwnerShares::of_tokens(tokens), t);
        let owner = Owner::new(format!("t{number}"));
        for id in limiter.crowd(&owner, 3, t) {
            limiter.grant(t);
            limiter.end(id, DialOutcome::Answered, t);
        }
    }
    assert!(limiter.groups.len() <= 4, "{}", limiter.groups.len());
    assert!(
        limiter.host_queues.len() <= 3,
        "{}",
        limiter.host_queues.len()
    );
}

#[test]
fn what_is_known_of_the_files_hosts_outlives_a_tenants_thousands() {
    let t = Instant::now();
    let mut limiter = shared(64, Rate::Unlimited);
    let mut dial = |host: &str, owner: Option<&Owner>| {
        let id = limiter.request(host, owner, t);
        assert_eq!(limiter.granted(t), [id]);
        limiter.end(id, DialOutcome::Answered, t);
        limiter.host_queues.len()
    };
    dial("file:1", None);
    for host in 0..MAX_RESTING + 10 {
        dial(&format!("h{host}:1"), Some(&acme()));
    }
    assert_eq!(dial("file:1", None), MAX_RESTING + 1);
}
