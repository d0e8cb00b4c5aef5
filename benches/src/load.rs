//! The load of an echo.

/// The number of connections that echo at once.
pub const SOCKETS: usize = 50;

/// The load of an echo.
#[derive(Clone, Copy)]
pub struct Load {
    /// Messages under way on each socket.
    pub in_flight: usize,
    /// Payload bytes of each message.
    pub size: usize,
    /// Messages over all sockets.
    pub messages: usize,
}

impl Load {
    /// Parses the three arguments of a sample.
    pub fn parse(arguments: &[String]) -> Self {
        let number = |n: usize| arguments[n].parse().expect("a number");
        Self {
            in_flight: number(0),
            size: number(1),
            messages: number(2),
        }
    }

    /// The number of echoes for each socket.
    pub fn each(&self) -> usize {
        self.messages / SOCKETS
    }
}
