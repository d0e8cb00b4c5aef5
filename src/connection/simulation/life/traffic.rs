//! Actions on the name, and messages to it, during the trouble.

use std::{rc::Rc, sync::Arc, time::Duration};

use actix::Addr;
use tokio::{task::spawn_local, time::sleep};

use super::World;
use crate::{
    connection::{
        CloseMyself, Connect, Connection, Rotate, SharedOutbox,
        simulation::{keys::hold_at_close, oracle::Accepted, plan::Dice},
    },
    core::{Fate, Message},
};

impl World {
    /// Sends messages until the trouble is over, and waits for the fates of some.
    pub(super) async fn send(self: Rc<Self>, process: u64, outbox: Arc<SharedOutbox>) {
        let mut dice = self.dice();
        let pause = self.plan.trouble.as_millis() as u64 * 2 / self.plan.messages + 1;
        while self.is_troubled() {
            let burst = if dice.percent(20) {
                dice.within(2, 12)
            } else {
                1
            };
            for _ in 0..burst {
                self.send_one(process, &outbox, &mut dice);
            }
            sleep(Duration::from_millis(dice.within(0, pause * burst))).await;
        }
    }

    fn send_one(self: &Rc<Self>, process: u64, outbox: &Arc<SharedOutbox>, dice: &mut Dice) {
        let accepted = self.story.borrow().accepted.len();
        let number = accepted as u64;
        let padding = match dice.percent(4) {
            true => dice.within(0, 10_000),
            false => dice.within(0, 60),
        };
        let text = format!("{number}:{}", "x".repeat(padding as usize));
        let Ok(receipt) = outbox.send(Message::text(text)) else {
            return;
        };
        self.story.borrow_mut().accepted.push(Accepted {
            number,
            id: receipt.id(),
            process,
            queued: false,
        });
        let world = self.clone();
        let wait_for_end = dice.percent(30);
        spawn_local(async move {
            let fate = receipt.fate(Fate::Queued).await;
            world.story.borrow_mut().accepted[accepted].queued = fate.reaches(Fate::Queued);
            if wait_for_end {
                receipt.fate(Fate::Confirmed).await;
            }
        });
    }

    pub(super) async fn close_by_hand(self: Rc<Self>, addr: Addr<Connection>) {
        let mut dice = self.dice();
        let third = self.plan.trouble.as_millis() as u64 / 3;
        for _ in 0..self.plan.closes {
            sleep(dice.millis(third)).await;
            addr.do_send(CloseMyself::normal());
            if let Some(keys) = &self.keys {
                let farewell = self.plan.settings.close_timeout;
                hold_at_close(&addr, keys, farewell, &mut dice).await;
            }
            sleep(dice.millis(4_000)).await;
            addr.do_send(Connect::default());
        }
        self.log.borrow_mut().hands_off = true;
    }

    pub(super) async fn rotate(self: Rc<Self>, addr: Addr<Connection>) {
        let mut dice = self.dice();
        let part = self.plan.trouble.as_millis() as u64 / (self.plan.rotations + 1) * 2;
        for _ in 0..self.plan.rotations {
            sleep(dice.millis(part + 1)).await;
            addr.do_send(Rotate);
        }
    }

    /// The peer sends broadcasts on all its sockets now and then, until everything has settled.
    pub(super) async fn keep_broadcasting(self: Rc<Self>) {
        let mut dice = self.dice();
        loop {
            sleep(dice.millis(2_000)).await;
            // More than fit into one turn, if a rule reads each message.
            let most = if self.plan.moods.is_some() { 400 } else { 50 };
            let numbers = match dice.percent(4) {
                true => dice.within(2, most),
                false => 1,
            };
            for _ in 0..numbers {
                self.broadcast.borrow_mut().broadcast();
            }
        }
    }

    /// Fills the disk now and then.
    pub(super) async fn fill_disk(self: Rc<Self>) {
        let mut dice = self.dice();
        while self.is_troubled() {
            sleep(dice.millis(20_000)).await;
            self.disk.borrow_mut().full = dice.percent(30);
            sleep(dice.millis(3_000)).await;
            self.disk.borrow_mut().full = false;
        }
    }
}
