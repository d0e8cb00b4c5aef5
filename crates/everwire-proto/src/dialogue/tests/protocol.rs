//! Protocols in code: their possible requests, and the limits.

use std::sync::atomic::{AtomicU32, Ordering};

use super::{protocol_told::*, *};

#[test]
fn what_is_sent_goes_in_turn_and_the_name_is_ready_behind_it() {
    let mut rehearsal = open(|| Told {
        opened: Some(|cx| {
            cx.send("one");
            cx.compose(TurnId(7));
            cx.compose(TurnId(8));
            cx.ready();
            cx.send("behind");
            cx.answer("ahead");
            cx.beat();
        }),
        compose: Some(|turn, _| (turn == TurnId(7)).then(|| Message::text("seven"))),
        written: Some(|turn, cx| cx.send(format!("{turn:?} is written"))),
        ready: Some(|cx| cx.send("last")),
        ..Told::default()
    });
    assert_eq!(
        told(&mut rehearsal),
        "sent one; answer ahead; beat; sent seven; ready; sent behind; sent TurnId(7) is written; sent last"
    );
    assert!(rehearsal.is_ready());
}

#[test]
fn timers_run_out_at_their_times_once_and_are_clamped() {
    let mut rehearsal = open(|| Told {
        opened: Some(|cx| {
            cx.set_timer(TimerId(1), secs(5));
            cx.set_timer(TimerId(2), secs(3));
            cx.set_timer(TimerId(3), secs(4));
            cx.set_timer(TimerId(4), Duration::ZERO);
            cx.set_timer(TimerId(5), Duration::MAX);
            cx.set_timer(TimerId(1), secs(1));
            cx.cancel_timer(TimerId(3));
        }),
        timer: Some(|timer, cx| {
            cx.send(format!("{} at {}", timer.0, cx.wall().as_millis() % 60_000))
        }),
        ..Told::default()
    });
    rehearsal.wait(millis(9));
    assert_eq!(told(&mut rehearsal), "");
    rehearsal.wait(secs(10));
    assert_eq!(
        told(&mut rehearsal),
        "sent 4 at 10; sent 1 at 1000; sent 2 at 3000"
    );
    rehearsal.wait(LONGEST_TIMER);
    assert!(told(&mut rehearsal).starts_with("sent 5 at "));
    rehearsal.wait(LONGEST_TIMER);
    assert_eq!(told(&mut rehearsal), "");
}

#[test]
fn a_timer_of_an_earlier_socket_runs_no_more_and_nothing_of_it_is_sent() {
    let mut rehearsal = open(|| Told {
        opened: Some(|cx| cx.set_timer(TimerId(1), secs(5))),
        timer: Some(|_, cx| cx.send("late")),
        ..Told::default()
    });
    rehearsal.lose(Cause::Eof);
    assert_eq!(
        told(&mut rehearsal),
        "lost eof: the connection ended without a close frame"
    );
    rehearsal.wait(secs(60));
    assert_eq!(told(&mut rehearsal), "");
}

#[test]
fn what_has_no_room_costs_the_socket() {
    let mut rehearsal = open(|| Told {
        opened: Some(|cx| (0..=64).for_each(|timer| cx.set_timer(TimerId(timer), secs(9)))),
        ..Told::default()
    });
    assert_eq!(told(&mut rehearsal), "lost rule: 64 timers run already");

    let mut rehearsal = open(|| Told {
        // One of them is in progress.
        opened: Some(|cx| (0..=MAX_QUEUED).for_each(|_| cx.send("more"))),
        ..Told::default()
    });
    assert!(told(&mut rehearsal).contains("lost rule: 1024 messages, or 16777216 bytes, wait"));

    let mut rehearsal = open(|| Told {
        opened: Some(|cx| (0..3).for_each(|_| cx.send("x".repeat(6 << 20)))),
        ..Told::default()
    });
    assert!(told(&mut rehearsal).contains("lost rule: 1024 messages"));
}

#[test]
fn answers_go_a_hundred_a_second_and_too_many_cost_the_socket() {
    let answers = |rehearsal: &mut Rehearsal<'_>| {
        let done = rehearsal.done();
        done.iter()
            .filter(|done| matches!(done, Done::Answered(_)))
            .count()
    };
    let mut rehearsal = open(|| Told {
        message: Some(|_, cx| {
            cx.answer("yes");
            Deliver::No
        }),
        ..Told::default()
    });
    for _ in 0..228 {
        assert_eq!(rehearsal.hear("there?"), Deliver::No);
    }
    assert_eq!(answers(&mut rehearsal), 100);
    rehearsal.wait(secs(1));
    assert_eq!(answers(&mut rehearsal), 100);
    rehearsal.wait(secs(1));
    assert_eq!(answers(&mut rehearsal), 28);
    for _ in 0..229 {
        rehearsal.hear("there?");
    }
    assert!(told(&mut rehearsal).ends_with("lost rule: 128 answers wait already"));
}

#[test]
fn behind_the_end_of_a_socket_nothing_is_done_or_told() {
    let mut rehearsal = open(|| Told {
        message: Some(|_, cx| {
            cx.next_url("wss://other.example/");
            cx.refused("no");
            cx.send("more");
            cx.answer("more");
            cx.ready();
            cx.rotate();
            cx.next_url("wss://third.example/");
            cx.give_up("really");
            Deliver::No
        }),
        ..Told::default()
    });
    assert_eq!(rehearsal.hear("x"), Deliver::No);
    assert_eq!(
        told(&mut rehearsal),
        "next wss://other.example/; lost script_refused: no"
    );
    assert_eq!(rehearsal.hear("x"), Deliver::Yes);
    assert_eq!(told(&mut rehearsal), "");
}

#[test]
fn of_a_loss_only_where_to_dial_and_that_it_is_final_counts() {
    let mut rehearsal = open(|| Told {
        lost: Some(|cause, cx| {
            cx.send("hello?");
            cx.answer("hello?");
            cx.ready();
            cx.rotate();
            cx.reconnect("anyway");
            cx.set_timer(TimerId(0), secs(1));
            cx.error("it is gone");
            cx.next_url("wss://other.example/");
            if close_code(cause) == Some(4003) {
                cx.give_up("the key is revoked");
            }
        }),
        opened: Some(|cx| cx.send(format!("handover: {}", cx.is_handover()))),
        ..Told::default()
    });
    assert_eq!(told(&mut rehearsal), "sent handover: false");
    rehearsal.lose(closed(4000));
    assert_eq!(
        told(&mut rehearsal),
        "lost closed: the peer closed: 4000; error rule: it is gone; next wss://other.example/"
    );
    rehearsal.open();
    assert_eq!(told(&mut rehearsal), "sent handover: true");
    rehearsal.lose(closed(4003));
    assert!(told(&mut rehearsal).ends_with("failed script_refused: the key is revoked"));
}

#[test]
fn a_panic_costs_the_socket_and_the_next_has_a_new_protocol() {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let mut rehearsal = open(|| {
        MADE.fetch_add(1, Ordering::SeqCst);
        Told {
            message: Some(|message, cx| {
                cx.answer("half an answer");
                cx.next_url("wss://other.example/");
                match message.as_text() {
                    Some("break") => panic!("a fault of the author's"),
                    _ => Deliver::No,
                }
            }),
            ..Told::default()
        }
    });
    rehearsal.hear("x");
    assert_eq!(
        told(&mut rehearsal),
        "answer half an answer; next wss://other.example/"
    );
    assert_eq!(rehearsal.hear("break"), Deliver::Yes);
    // No request of that call takes effect.
    assert_eq!(told(&mut rehearsal), "lost panic: a fault of the author's");
    rehearsal.open();
    rehearsal.hear("how many?");
    assert!(told(&mut rehearsal).contains("sent 1"));
    assert_eq!(MADE.load(Ordering::SeqCst), 2);
}

#[test]
fn a_panic_anywhere_is_a_loss_and_one_in_the_telling_of_a_loss_is_none_that_is_final() {
    fn broken(_: &mut Cx<'_>) {
        panic!("broken")
    }
    let mut rehearsal = open(|| Told {
        opened: Some(broken),
        ..Told::default()
    });
    assert_eq!(told(&mut rehearsal), "lost panic: broken");

    let mut rehearsal = open(|| Told {
        opened: Some(|cx| cx.ready()),
        ready: Some(broken),
        ..Told::default()
    });
    assert_eq!(told(&mut rehearsal), "ready; lost panic: broken");

    let mut rehearsal = open(|| Told {
        opened: Some(|cx| cx.compose(TurnId(1))),
        compose: Some(|_, _| panic!("broken")),
        ..Told::default()
    });
    assert_eq!(told(&mut rehearsal), "lost panic: broken");

    let mut rehearsal = open(|| Told {
        lost: Some(|_, _| panic!("broken")),
        ..Told::default()
    });
    rehearsal.lose(Cause::PongTimeout);
    assert_eq!(
        told(&mut rehearsal),
        "lost pong_timeout: no answer to a heartbeat in time; error panic: broken"
    );

    let mut rehearsal = open(|| panic!("none can be made"));
    assert_eq!(told(&mut rehearsal), "lost panic: none can be made");
    rehearsal.open();
    assert_eq!(told(&mut rehearsal), "lost panic: none can be made");
}

#[test]
fn what_is_hidden_is_shown_nowhere_and_texts_end() {
    let mut rehearsal = open(|| Told {
        opened: Some(|cx| {
            cx.hide("s3cret");
            cx.step("the answer to s3cret");
        }),
        message: Some(|message, cx| {
            let shown = cx.shown(message);
            cx.error(format!("{shown}, and s3cret"));
            cx.error("é".repeat(2_000));
            Deliver::Yes
        }),
        ..Told::default()
    });
    assert_eq!(rehearsal.step(), Some("the answer to ***"));
    rehearsal.hear("no such key: s3cret");
    let errors = rehearsal.done();
    let [Done::Error(first), Done::Error(long)] = errors.as_slice() else {
        panic!("{errors:?}");
    };
    assert_eq!(first.text(), "no such key: ***, and ***");
    assert_eq!(long.text().len(), 1_024 + "…".len());
    for _ in 0..200 {
        rehearsal.hear("x");
    }
    assert_eq!(rehearsal.done().len(), 98);
}

#[test]
fn a_goodbye_is_said_before_the_close_frame_by_a_name_that_was_ready() {
    let make = || Told {
        opened: Some(|cx| cx.ready()),
        goodbye: Some(|cx| {
            cx.send("bye");
            cx.close();
        }),
        ..Told::default()
    };
    let mut rehearsal = open(make);
    rehearsal.close();
    assert_eq!(told(&mut rehearsal), "ready; sent bye; closes");

    let mut rehearsal = open(move || Told {
        opened: None,
        ..make()
    });
    rehearsal.close();
    assert_eq!(told(&mut rehearsal), "closes");
}

#[test]
fn a_successor_takes_over_what_the_one_before_it_has_learned() {
    let mut rehearsal = open(|| Told {
        opened: Some(|cx| cx.send("hello")),
        message: Some(|_, cx| {
            cx.ready();
            Deliver::Own
        }),
        ..Told::default()
    });
    rehearsal.hear("welcome");
    rehearsal.hear("tick");
    told(&mut rehearsal);
    let mut successor = rehearsal.successor();
    successor.open();
    successor.hear("welcome");
    rehearsal.hear("tock");
    rehearsal.take_over(successor);
    assert_eq!(told(&mut rehearsal), "sent hello; ready");
    rehearsal.hear("how many?");
    assert_eq!(told(&mut rehearsal), "sent 5");
}

#[test]
fn times_are_clamped_and_told_when_they_change() {
    let mut rehearsal = open(|| Told {
        opened: Some(|cx| {
            cx.set_heartbeat(millis(1), secs(100 * 60 * 60));
            cx.set_heartbeat(millis(1), secs(100 * 60 * 60));
            cx.set_idle_timeout(secs(40));
        }),
        ..Told::default()
    });
    let told = told(&mut rehearsal);
    assert_eq!(told.matches("times").count(), 2, "{told}");
    assert!(
        told.ends_with("times Some(1s) Some(86400s) Some(40s)"),
        "{told}"
    );
}
