//! A process that was stopped beyond its lease begins no write when it goes on.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, Stdio},
    time::Duration,
};

use everwire::{WriteLease, boot_clock, testing::Peer};
use tokio::time::sleep;

use super::{
    leased,
    support::{
        SOON, TestDir,
        child::{self, child},
        heard::{Heard, number},
        poll_until,
        rig::*,
    },
};

const URL: &str = "EVERWIRE_FROZEN_URL";

/// From the start of the child's sending on.
const LEASE: Duration = Duration::from_millis(1_500);

fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args([name, &pid]).status().unwrap();
    assert!(sent.success());
}

/// A signal that was sent stops a process a little later.
fn is_stopped(child: &Child) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    stat.rsplit(')')
        .next()
        .unwrap()
        .trim_start()
        .starts_with('T')
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap()
}

#[tokio::test]
async fn a_process_that_was_stopped_beyond_its_lease_writes_nothing_when_it_goes_on() {
    let dir = TestDir::new("frozen");
    let heard = Heard::default();
    let peer = Peer::spawn_thread().unwrap();
    peer.script("/", heard.script());
    let mut life = child("frozen::life", dir.path());
    let mut life = life
        .env(URL, peer.url("/"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(life.stdout.take().unwrap()).lines();
    let until: u64 = lines
        .by_ref()
        .find_map(|line| line.unwrap().strip_prefix("until ")?.parse().ok())
        .unwrap();
    heard.wait_for(20).await;
    signal(&life, "-STOP");
    poll_until("the child is stopped", SOON, || is_stopped(&life)).await;
    let stopped = millis(boot_clock());
    assert!(stopped < until, "this machine is too slow");
    while millis(boot_clock()) < until + 500 {
        sleep(ms(10)).await;
    }
    let before = heard.len();
    let went_on = millis(boot_clock());
    signal(&life, "-CONT");
    poll_until("the child sends on", SOON, || {
        lines.by_ref().any(|line| line.unwrap() == "tried")
    })
    .await;
    sleep(ms(500)).await;
    let texts = heard.texts();
    // What the kernel had at the stop has long arrived.
    assert!(went_on > until);
    assert!(texts[before..].is_empty(), "{:?}", &texts[before..]);
    assert!(texts.iter().all(|text| number(text) <= stopped));
    assert!(peer.open_count() > 0, "the socket is still up");
    signal(&life, "-KILL");
    assert_eq!(life.wait().unwrap().signal(), Some(9));
}

/// The child: sends the time of the boot clock every millisecond.
#[tokio::test]
#[ignore = "started by the test above"]
async fn life() {
    let Some(_dir) = child::dir() else { return };
    let lease = WriteLease::new();
    let manager = leased(&lease);
    let url = std::env::var(URL).unwrap();
    let feed = manager.open("feed", quick(url)).unwrap();
    let until = boot_clock() + LEASE;
    lease.set(Some(until));
    // The test runner has left its line open.
    println!("\nuntil {}", millis(until));
    let mut is_told = false;
    // If the test above fails, nobody ends this process.
    while boot_clock() < until + SOON {
        let now = millis(boot_clock());
        // Without the lease the outbox fills up.
        let _full = feed.send(now.to_string());
        if now > millis(until) + 200 && !is_told {
            is_told = true;
            println!("tried");
        }
        sleep(ms(1)).await;
    }
}
