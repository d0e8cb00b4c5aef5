//! Random sends, departures and delays, in any order.

use proptest::{collection::vec, prelude::*};

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Pass(u64),
    Send(usize, u32),
    Spend(u32),
    Leave(usize),
    Stuck(usize, bool),
}

const SENDERS: usize = 4;

fn steps(stuck: bool) -> impl Strategy<Value = Vec<Step>> {
    let by = || 0..SENDERS;
    let mut kinds = vec![
        (4, (0_u64..700).prop_map(Step::Pass).boxed()),
        (
            4,
            (by(), 1_u32..30)
                .prop_map(|(by, n)| Step::Send(by, n))
                .boxed(),
        ),
        (2, (1_u32..6).prop_map(Step::Spend).boxed()),
        (1, by().prop_map(Step::Leave).boxed()),
    ];
    if stuck {
        let step = (by(), any::<bool>()).prop_map(|(by, is)| Step::Stuck(by, is));
        kinds.push((2, step.boxed()));
    }
    vec(proptest::strategy::Union::new_weighted(kinds), 1..60)
}

/// Few and many messages per window: timed one by one, and subdivided.
fn rates() -> impl Strategy<Value = RateSettings> {
    let messages = prop_oneof![4 => 1_u32..12, 1 => 1_025_u32..1_200];
    (messages, 50_u64..1_500, any::<prop::sample::Index>()).prop_map(|(messages, per, burst)| {
        settings(messages, ms(per), burst.index(messages as usize) as u32 + 1)
    })
}

impl World {
    fn step(&mut self, step: &Step) {
        match *step {
            Step::Pass(time) => self.advance(ms(time)),
            // Enough to reach a limit of many messages.
            Step::Send(by, messages) => match self.settings.messages.get() > 1_000 {
                true => self.send(by, 20 * messages),
                false => self.send(by, messages),
            },
            Step::Spend(messages) => self.spend(messages),
            Step::Leave(by) => self.leave(by),
            Step::Stuck(by, is_stuck) => self.set_stuck(by, is_stuck),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Any combination: no window holds too many messages, and every waiting sender gets its turn.
    #[test]
    fn no_window_holds_more_and_nobody_is_forgotten(rate in rates(), steps in steps(true)) {
        let mut world = World::new(rate, SENDERS);
        for step in &steps {
            world.step(step);
        }
        for by in 0..SENDERS {
            world.set_stuck(by, false);
        }
        world.run();
        prop_assert_eq!(world.backlog(), 0);
        prop_assert!(world.limiter.queue.is_empty());
        world.check_windows();
    }

    /// Senders on blocked threads delay no others.
    #[test]
    fn the_others_go_on_without_those_who_do_not_come(rate in rates(), steps in steps(true)) {
        let mut world = World::new(rate, SENDERS);
        for step in &steps {
            world.step(step);
        }
        world.run();
        prop_assert!(world.senders.iter().all(|sender| sender.is_stuck || sender.backlog == 0));
        world.check_windows();
    }

    /// Free capacity belongs to the sender that has waited longest.
    #[test]
    fn turns_are_taken_in_the_order_of_waiting(rate in rates(), steps in steps(false)) {
        let mut world = World::new(rate, SENDERS);
        for step in &steps {
            let before = world.log.len();
            let mut line = world.line.clone();
            world.step(step);
            if let Step::Leave(by) = step {
                line.retain(|waiting| waiting != by);
            }
            let turns = world.log[before..].iter().filter_map(|written| written.by);
            for (turn, waiting) in turns.zip(line) {
                prop_assert_eq!(turn, waiting);
            }
        }
    }

    /// The spacing, if all messages can wait.
    #[test]
    fn no_more_than_a_burst_goes_back_to_back(
        rate in rates(),
        steps in vec((0_u64..700, 0..SENDERS, 1_u32..30), 1..20),
    ) {
        let mut world = World::new(rate, SENDERS);
        for (pass, by, messages) in steps {
            world.advance(ms(pass));
            world.send(by, messages);
        }
        world.run();
        world.check_windows();
        world.check_spacing();
    }
}
