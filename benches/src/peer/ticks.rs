//! A feed.

use std::{io, time::Duration};

use rand::RngExt as _;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    time::{Instant, MissedTickBehavior, interval_at},
};

use super::{push_header, read};

/// Sends messages for `count=N&micros=M`, also late ones. Pings are answered.
pub async fn send(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    query: &str,
) -> io::Result<()> {
    let number = |key: &str| {
        let value = query.split('&').find_map(|pair| pair.strip_prefix(key));
        value
            .and_then(|value| value.parse::<u64>().ok())
            .ok_or(io::ErrorKind::InvalidData)
    };
    let (count, micros) = (number("count=")?, number("micros=")?);
    // Synchronised feeds would send in bursts.
    let first = Duration::from_micros(rand::rng().random_range(0..=micros));
    let mut ticks = interval_at(Instant::now() + first, Duration::from_micros(micros));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut tick, mut frame, mut rest) = (0, Vec::new(), Vec::new());
    loop {
        tokio::select! {
            _ = ticks.tick(), if tick < count => {
                tick += 1;
                let text = format!(r#"{{"tick":{tick},"bid":101.25,"ask":101.5,"size":1200}}"#);
                frame.clear();
                push_header(0x81, text.len(), &mut frame);
                frame.extend_from_slice(text.as_bytes());
                stream.write_all(&frame).await?;
            }
            answers = read(stream, &mut rest) => {
                let (answers, _) = answers?;
                if answers.is_empty() && rest.is_empty() {
                    return Ok(());
                }
                stream.write_all(&answers).await?;
            }
        }
    }
}
