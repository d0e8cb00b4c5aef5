//! Faults for tests.

/// Where a panic happens, to show that it harms no other name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, actix::Message)]
#[rtype(result = "()")]
#[non_exhaustive]
pub enum Fault {
    /// In the handler of this very message.
    Handler,
    /// In the next beat of the heartbeat.
    Timer,
    /// In the next turn of the driver.
    Driver,
    /// Where nothing catches it: the actor dies, and the manager respawns it.
    Death,
}
