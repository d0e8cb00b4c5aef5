//! Invariants that hold for every sequence of inputs.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    /// `World::input` asserts that an incarnation has at most one link, and only publishes after
    /// its end.
    #[test]
    fn no_trace_leads_to_two_links_to_a_dial_after_a_close_or_to_a_delay_out_of_bounds(steps in steps()) {
        let mut world = World::new(Reconnect::Backoff(backoff()));
        let mut closed = true;
        let mut dials = 0;
        for (step, random) in steps {
            match step {
                Step::Connect => { world.connect(); closed = false; }
                Step::Close => { world.close(); closed = true; }
                Step::Rest => { world.rest(); closed = true; }
                Step::Reopen => world.reopen(),
                // Inputs of a link occur only while there is one; a restart removes it first.
                _ if world.restart_due => world.restart(),
                Step::Opened if world.links == 1 => world.open(),
                Step::Lost(kind) => world.lost(cause(kind), random),
                Step::PeerClosed if world.links == 1 => {
                    world.input(|life, policy, now, out| life.peer_closed(frame(1012), policy, now, out));
                }
                Step::Violated if world.links == 1 => {
                    world.input(|life, policy, now, out| life.violated(Cause::Eof, 1002, policy, now, out));
                }
                Step::Flushed => {
                    world.input(|life, policy, now, out| life.flushed(random % 2 == 0, policy, now, out));
                }
                Step::CloseScriptOver => {
                    world.input(|life, policy, now, out| life.close_script_over(policy, now, out));
                }
                Step::Replace => {
                    world.input(|life, _, _, out| { life.replace(out); });
                }
                Step::Rotate => {
                    world.input(|life, _, _, out| { life.rotate(out); });
                }
                Step::SuccessorReady if world.successor => {
                    world.input(|life, policy, now, out| life.successor_ready(frame(1001), random % 2 == 0, policy, now, out));
                }
                Step::SuccessorFailed(kind) if world.successor => {
                    world.input(|life, policy, now, out| life.successor_failed(cause(kind), policy, now, random, out));
                }
                Step::GiveWay if world.successor => {
                    world.input(|life, policy, now, out| life.give_way(frame(1001), false, policy, now, out));
                }
                Step::Wait(millis) => {
                    world.now += Duration::from_millis(millis);
                    world.timer(random);
                }
                Step::Restart
                | Step::Opened
                | Step::PeerClosed
                | Step::Violated
                | Step::SuccessorReady
                | Step::GiveWay
                | Step::SuccessorFailed(_) => world.restart(),
            }
            prop_assert!(!closed || world.dials == dials, "dialled after a close by hand");
            let is_idle = world.life.state() == &State::Idle || world.life.goes_idle();
            prop_assert_eq!(!closed || is_idle, world.accepting || world.life.state() == &State::Failed);
            dials = world.dials;
            for delay in world.delays.drain(..) {
                let least = if delay >= 7 * SECOND { backoff().min } else { Duration::ZERO };
                prop_assert!(least <= delay && delay <= 7 * SECOND + backoff().max, "{:?}", delay);
            }
            if world.links == 0 && !world.restart_due {
                prop_assert!(!world.life.holds_a_link() || world.life.state() == &State::Connecting, "a socket without a link");
            }
        }
        // With a healthy peer and no further faults, a wanted name comes up.
        if !closed {
            for _ in 0..8 {
                world.restart();
                world.now += 3700 * SECOND;
                world.timer(0);
                world.open();
            }
            let is_up = matches!(world.life.state(), State::Open { .. });
            prop_assert!(is_up, "{:?}", world.life.state());
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Connect,
    Close,
    Rest,
    Reopen,
    Opened,
    Lost(u8),
    PeerClosed,
    Violated,
    Flushed,
    CloseScriptOver,
    Replace,
    Rotate,
    SuccessorReady,
    SuccessorFailed(u8),
    GiveWay,
    Wait(u64),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<(Step, u64)>> {
    let step = prop_oneof![
        2 => Just(Step::Connect),
        2 => Just(Step::Close),
        1 => Just(Step::Rest),
        1 => Just(Step::Reopen),
        4 => Just(Step::Opened),
        3 => (0u8..4).prop_map(Step::Lost),
        2 => Just(Step::PeerClosed),
        1 => Just(Step::Violated),
        2 => Just(Step::Flushed),
        2 => Just(Step::CloseScriptOver),
        1 => Just(Step::Replace),
        2 => Just(Step::Rotate),
        2 => Just(Step::SuccessorReady),
        1 => (0u8..4).prop_map(Step::SuccessorFailed),
        1 => Just(Step::GiveWay),
        6 => (0u64..40_000).prop_map(Step::Wait),
        6 => Just(Step::Restart),
    ];
    prop::collection::vec((step, any::<u64>()), 0..120)
}

fn cause(kind: u8) -> Cause {
    match kind {
        0 => Cause::Eof,
        1 => Cause::TlsCertificate("expired".into()),
        2 => Cause::HandshakeStatus {
            status: 429,
            retry_after: Some(7 * SECOND),
            text: String::new(),
        },
        _ => Cause::Panic("here".into()),
    }
}
