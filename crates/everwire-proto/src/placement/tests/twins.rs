//! Two processes with the name of one node.

use std::time::Duration;

use super::super::{
    BootId, Clocks, Command, Effect, Here, Join, LeaseSettings, Member, MemberSettings, Record,
    Report, Void,
};

fn member() -> Member {
    let seconds = Duration::from_secs;
    let settings = MemberSettings {
        node: "a".into(),
        weight: 1,
        labels: Default::default(),
        shards: 4,
        lease: LeaseSettings::new(seconds(30), seconds(2)).unwrap(),
        moves: 50,
        snapshot_after: 1000,
    };
    Member::new(settings, None, Clocks::default())
}

fn here(millis: u64) -> Here {
    let boot = Duration::from_millis(millis);
    Here {
        now: Clocks { boot, wall: boot },
        random: millis,
    }
}

fn joins(effects: &[Effect]) -> Vec<&Join> {
    let join = |effect| match effect {
        &Effect::Append(Command::Join(ref join)) => Some(join),
        _ => None,
    };
    effects.iter().filter_map(join).collect()
}

#[test]
fn a_join_that_was_lost_does_not_end_the_one_that_was_not() {
    let mut member = member();
    let read = |member: &mut Member, number, command, millis| {
        member
            .read(number, &Record::Command(command), here(millis))
            .unwrap()
    };
    read(&mut member, 1, Command::Create { shards: 4 }, 100);
    let effects = member.caught_up(here(200));
    assert_eq!(joins(&effects).len(), 1, "{effects:?}");
    // It is lost. Another process has joined meanwhile.
    read(
        &mut member,
        2,
        Command::Join(Join::new(BootId::new(9), "a", 4)),
        300,
    );
    let mut told = false;
    for millis in (400..=30_000).step_by(100) {
        let effects = member.tick(here(millis));
        assert!(
            joins(&effects).iter().all(|join| join.succeeds.is_none()),
            "{effects:?}"
        );
        for join in joins(&effects) {
            let next = member.places().applied() + 1;
            let refused = read(&mut member, next, Command::Join(join.clone()), millis);
            told |= refused.contains(&Effect::Report(Report::Refused(Void::NodeTaken(
                BootId::new(9),
            ))));
        }
    }
    assert!(told && member.boot().is_none());
}
