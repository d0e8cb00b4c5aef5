//! Reads small files off the arbiter's thread.

use std::{fs::File, io, io::Read, path::Path};

use tokio::{sync::Semaphore, task::spawn_blocking};

/// Limits the threads of the process that read files for dials. A read that hangs keeps its permit
/// even after its dial was abandoned, so that hanging reads cannot pile up.
static READERS: Semaphore = Semaphore::const_new(16);

/// Runs blocking `work` on its own thread.
pub(super) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let permit = READERS.acquire().await.map_err(io::Error::other)?;
    spawn_blocking(move || {
        let _permit = permit;
        work()
    })
    .await
    .map_err(io::Error::other)?
}

/// The content of a regular file of at most `max` bytes. Blocks.
pub(super) fn read_bounded(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    // Opening a FIFO waits for a writer, perhaps for ever.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut content = Vec::new();
    File::open(path)?.take(max + 1).read_to_end(&mut content)?;
    if content.len() as u64 > max {
        return Err(io::Error::other(format!("it is longer than {max} bytes")));
    }
    Ok(content)
}
