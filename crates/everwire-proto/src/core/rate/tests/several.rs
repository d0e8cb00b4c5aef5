//! Messages that need several limiters.

use super::*;

#[test]
fn what_waits_for_another_limiter_lets_the_others_pass_and_keeps_its_place() {
    let now = Instant::now();
    let mut limiter = RateLimiter::new(&settings(1, ms(1_000), 1), now);
    let aside = limiter.wait_aside(None, &0, now);
    // Nobody has to wait for it.
    assert_eq!(limiter.take(None, &1, now), Ok(()));
    let other = limiter.take(None, &1, now).unwrap_err();
    assert_eq!(other.until, Some(now + ms(1_000)));
    let now = now + ms(999);
    assert_eq!(limiter.ask(Some(aside), now), Err(Some(now + ms(1))));
    // It is first again, and gets the free capacity.
    assert_eq!(limiter.wait(Some(aside), &0, now), aside);
    let now = now + ms(1);
    assert!(limiter.take(Some(other.turn), &1, now).is_err());
    let free = limiter.ask(Some(aside), now).unwrap();
    // It also needs another limiter: the next one is woken.
    limiter.take_woken();
    limiter.wait_aside(free.turn, &0, now);
    assert_eq!(limiter.take_woken(), [1]);
    assert_eq!(limiter.take(Some(other.turn), &1, now), Ok(()));
    limiter.leave(aside, now);
    assert!(limiter.is_idle(now + ms(1_000)));
}

#[test]
fn two_that_wait_for_two_limiters_do_not_wake_each_other_while_no_time_passes() {
    let now = Instant::now();
    let mut limiters = [0, 1].map(|_| RateLimiter::new(&settings(1, ms(1_000), 1), now));
    for limiter in &mut limiters {
        assert_eq!(limiter.take(None, &9, now), Ok(()));
    }
    // Each waits for one limiter, and keeps its place at the other.
    let turns = [0, 1].map(|who: usize| {
        [0, 1].map(|at: usize| match at == who {
            true => limiters[at].wait(None, &who, now),
            false => limiters[at].wait_aside(None, &who, now),
        })
    });
    for who in [0, 1, 0, 1] {
        for (at, limiter) in limiters.iter_mut().enumerate() {
            let turn = Some(turns[who][at]);
            assert!(limiter.ask(turn, now).is_err());
            match at == who {
                true => limiter.wait(turn, &who, now),
                false => limiter.wait_aside(turn, &who, now),
            };
            assert_eq!(limiter.take_woken(), [] as [usize; 0]);
        }
    }
}
