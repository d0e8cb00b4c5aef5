use std::{
    sync::{Arc, atomic::Ordering},
    thread,
};

use super::*;

const MIB: usize = 1 << 20;

#[test]
fn each_use_has_its_ceiling_and_what_is_held_stays() {
    let budget = MemoryBudget::new(100 * MIB);
    let mut outboxes = Charge::new(&budget, MemoryUse::Outboxes);
    let room = |of| budget.has_room(of, MIB);
    assert_eq!(outboxes.try_set(49 * MIB), Ok(()));
    assert!(room(MemoryUse::Histories));
    outboxes.set(50 * MIB);
    assert!(!room(MemoryUse::Histories) && room(MemoryUse::Readers));
    outboxes.set(75 * MIB);
    assert!(!room(MemoryUse::Readers) && room(MemoryUse::Bodies));
    assert_eq!(outboxes.try_set(91 * MIB), Err(OutOfMemory));
    assert_eq!(outboxes.try_set(90 * MIB), Ok(()));
    assert!(!room(MemoryUse::Outboxes) && !room(MemoryUse::Bodies));
    let mut rest = Charge::new(&budget, MemoryUse::Reassembly);
    assert_eq!(rest.try_set(8 * MIB), Ok(()));
    assert_eq!(rest.try_set(9 * MIB), Err(OutOfMemory));
    let usage = budget.usage();
    assert_eq!((usage.outboxes, usage.reassembly), (90 * MIB, 8 * MIB));
    budget.set_limit(50 * MIB);
    assert_eq!(budget.excess(MemoryUse::Histories), 73 * MIB);
    // A decrease is always possible.
    assert_eq!(outboxes.try_set(20 * MIB), Ok(()));
    drop((outboxes, rest));
    assert_eq!(budget.usage().used(), 0);
    assert_eq!(budget.taken.load(Ordering::Relaxed), 0);
}

#[test]
fn a_thread_with_a_lease_takes_ahead_and_never_holds_more_than_it_may() {
    let budget = MemoryBudget::new(100 * MIB);
    let own = Arc::clone(&budget);
    thread::spawn(move || {
        Lease::begin_here(&own);
        let taken = || own.taken.load(Ordering::Relaxed);
        let mut charge = Charge::new(&own, MemoryUse::Outboxes);
        charge.set(1);
        assert_eq!((own.usage().outboxes, taken()), (2048, 2048 + 128 * 1024));
        let mut bytes = 1_usize;
        for step in 0..10_000_usize {
            bytes = bytes.wrapping_mul(0x2545_F491).rotate_left(7) ^ step;
            charge.set(bytes % MIB);
            let used = own.usage().used();
            assert!(
                used <= taken() && taken() <= used + 256 * 1024,
                "{used} {}",
                taken()
            );
        }
    })
    .join()
    .unwrap();
    assert_eq!(budget.usage().used(), 0);
    assert_eq!(
        budget.taken.load(Ordering::Relaxed),
        0,
        "the lease has ended"
    );
}

#[test]
fn what_one_thread_takes_another_may_give_back() {
    let budget = MemoryBudget::new(100 * MIB);
    let own = Arc::clone(&budget);
    let charge = thread::spawn(move || {
        Lease::begin_here(&own);
        let mut charge = Charge::new(&own, MemoryUse::Readers);
        charge.set(3 * MIB);
        charge
    });
    let charge = charge.join().unwrap();
    assert_eq!(budget.usage().readers, 3 * MIB);
    drop(charge);
    assert_eq!(
        budget.usage(),
        MemoryUsage {
            limit: 100 * MIB,
            histories_limit: 50 * MIB,
            ..MemoryUsage::default()
        }
    );
    assert_eq!(budget.taken.load(Ordering::Relaxed), 0);
}

#[test]
fn threads_that_ask_for_the_same_rest_never_have_more_than_there_is() {
    let budget = MemoryBudget::new(8 * MIB);
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let own = Arc::clone(&budget);
            thread::spawn(move || {
                if number % 2 == 0 {
                    Lease::begin_here(&own);
                }
                let mut charges = Vec::new();
                for round in 0..2000_usize {
                    let mut charge = Charge::new(&own, MemoryUse::Bodies);
                    let _full = charge.try_set((round * 7919 + number) % (256 << 10));
                    charges.push(charge);
                    let used = own.usage().used();
                    assert!(used <= 8 * MIB * 9 / 10 + 2 * (256 << 10), "{used}");
                    if round % 100 == 99 {
                        charges.clear();
                    }
                }
            })
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    assert_eq!(budget.usage().used(), 0);
    assert_eq!(budget.taken.load(Ordering::Relaxed), 0);
}
