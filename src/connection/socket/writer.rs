//! The writing half of a socket: what goes out next, and how much of it the kernel has.

use std::{
    collections::VecDeque,
    io,
    num::NonZeroU64,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;

use super::{
    ahead::{Ahead, Next, StepTurn},
    allowed::{Allowed, Pings},
    encoder::{Compressor, Encoder, Ended, Origin},
};
use crate::{
    connection::{
        Traffic,
        arbiter::buffers::{WRITE, mask_key, with_write_buffer},
        outbox::{
            rate_limit::{BucketSet, Waiting},
            shared::{Locked, SharedOutbox},
        },
    },
    core::{Beat, Message},
    transport::Stream,
    wire::{CloseFrame, Opcode, encode_close, encode_frame},
};

/// Pongs that may wait: as many as a turn can ask for. Beyond that an older one need not be sent when a newer one is
/// (RFC 6455 §5.5.3).
const MAX_PONGS: usize = 128;

/// Messages that are encoded in one turn.
const MAX_MESSAGES: usize = 128;

/// So many compressed bytes weigh as much as a message in a turn.
const COMPRESSED_WEIGHT: usize = 8 << 10;

/// A message of the application that is encoded, and not with the kernel yet.
#[derive(Clone, Copy, Debug)]
enum Unwritten {
    /// One of the outbox, by its id.
    Outbox(u64),
    /// One that goes ahead of the outbox, by its length.
    Opening(u64),
    /// A step of the script, by its length.
    Step(u64),
}

/// What one look at what goes out next has brought.
#[derive(Clone, Copy, Debug)]
struct Filled {
    messages: usize,
    /// Whether nothing more could go out now. What comes later wakes the actor, or is seen before the actor rests.
    is_all: bool,
}

/// The writing half of one socket.
#[derive(Debug, Default)]
pub(in crate::connection) struct Writer {
    /// Control frames, ahead of all messages that are not encoded yet.
    urgent: VecDeque<(Opcode, Bytes)>,
    /// Messages of ours ahead of the outbox, which wait for the rate as those of the outbox do.
    opening: VecDeque<Ahead>,
    encoder: Encoder,
    /// Encoded bytes that the kernel did not take.
    pending: BytesMut,
    /// Encoded bytes in all.
    encoded: u64,
    /// Where the messages that are not written yet end, by encoded bytes, and what they are.
    ends: VecDeque<(u64, Unwritten)>,
    /// The last message that the kernel has whole, until the outbox is told.
    written: Option<u64>,
    /// The opening messages that it has whole, until they are counted.
    openings_written: Traffic,
    /// Where the ping ends, by encoded bytes, that the kernel has not whole. No ping is empty.
    ping_end: Option<NonZeroU64>,
    /// Whether the kernel has a ping whole that was not asked for yet.
    ping_written: bool,
    /// Whether it has a step of the script whole that was not asked for yet.
    step_written: bool,
    /// Over TLS: bytes given to the session and not flushed.
    unflushed: bool,
    close: Option<Box<CloseFrame>>,
    closed: bool,
    /// The next message has to wait for the rate.
    waiting: Option<Box<Waiting>>,
}

impl Writer {
    /// Compresses what is worth it with `compressor`.
    pub fn new(compressor: Option<Compressor>) -> Self {
        Self {
            encoder: Encoder::new(compressor),
            ..Self::default()
        }
    }

    /// A Pong: ahead of the messages that are not encoded yet.
    pub fn control(&mut self, opcode: Opcode, payload: Bytes) {
        let pongs = |(opcode, _): &(Opcode, Bytes)| *opcode == Opcode::Pong;
        if opcode == Opcode::Pong
            && self.urgent.iter().filter(|urgent| pongs(urgent)).count() >= MAX_PONGS
        {
            let oldest = self.urgent.iter().position(pongs);
            oldest.map(|at| self.urgent.remove(at));
        }
        self.urgent.push_back((opcode, payload));
    }

    /// A message of ours: ahead of the outbox, and of a step that waits for a rate of its own.
    pub fn message(&mut self, message: Message) {
        let is_own = |ahead: &Ahead| matches!(ahead, Ahead::Step(StepTurn::Own(_)));
        let behind = usize::from(self.opening.back().is_some_and(is_own));
        let at = self.opening.len() - behind;
        self.opening.insert(at, Ahead::Message(message));
    }

    /// The next step, behind the messages that are there. `own`: the buckets that it waits for, if they are not the connection's alone.
    pub fn step(&mut self, own: Option<Box<BucketSet>>) {
        self.opening.push_back(Ahead::Step(StepTurn::of(own)));
    }

    /// A step that has had its turn, and whose text can be made only now: behind the answers.
    pub fn step_now(&mut self) {
        self.opening
            .insert(self.answers(), Ahead::Step(StepTurn::Had));
    }

    /// No step is awaited any more: one whose turn has not come is not written, and what became of another one is not told.
    pub fn forget_steps(&mut self) {
        self.opening
            .retain(|ahead| !matches!(ahead, Ahead::Step(_)));
        for (_, message) in &mut self.ends {
            if let Unwritten::Step(len) = *message {
                *message = Unwritten::Opening(len);
            }
        }
        self.step_written = false;
    }

    /// An answer to what the peer has said: behind other answers, and ahead of all else.
    pub fn answer(&mut self, message: Message) {
        self.opening.insert(self.answers(), Ahead::Answer(message));
    }

    /// How many answers have not been encoded yet.
    pub fn answers(&self) -> usize {
        let is_answer = |ahead: &&Ahead| matches!(ahead, Ahead::Answer(_));
        self.opening.iter().take_while(is_answer).count()
    }

    /// Whether the kernel has a step of the script whole, if that was not asked for since it has it.
    pub fn take_step_written(&mut self) -> bool {
        std::mem::take(&mut self.step_written)
    }

    /// How many of our own messages have not been encoded yet.
    pub fn messages_ahead(&self) -> usize {
        self.opening.len()
    }

    /// Whether none of our own messages waits to be encoded, but for a step that waits for a rate of its own.
    pub fn has_none_ahead(&self) -> bool {
        self.opening.is_empty() || self.step_waiting().is_some()
    }

    /// The Close frame: the last frame of this socket, behind the message that is being written and the control frames
    /// that wait.
    pub fn close(&mut self, frame: CloseFrame) {
        if !self.closed && self.close.is_none() {
            self.opening.clear();
            self.close = Some(Box::new(frame));
        }
    }

    /// Whether encoded bytes wait for the kernel.
    pub fn is_blocked(&self) -> bool {
        !self.pending.is_empty() || self.unflushed
    }

    /// How many bytes the kernel, or the TLS session, has taken.
    pub fn accepted(&self) -> u64 {
        self.encoded - self.pending.len() as u64
    }

    /// The stream is gone. Messages that a TLS session took whole may have left it, flushed or not: they count as written.
    pub fn settle_on_close(&mut self) {
        self.note_accepted();
    }

    /// The last message that the kernel has whole, if that was not asked for since it has it. The outbox is to be told in the
    /// same turn.
    pub fn take_written(&mut self) -> Option<u64> {
        self.written.take()
    }

    /// The opening messages that the kernel has whole, if they were not asked for since it has them.
    pub fn take_openings(&mut self) -> Traffic {
        std::mem::take(&mut self.openings_written)
    }

    /// Whether the kernel has the last ping whole, if that was not asked for since it has it.
    pub fn take_ping_written(&mut self) -> bool {
        std::mem::take(&mut self.ping_written)
    }

    /// Whether the kernel has all that was given to this writer.
    pub fn is_idle(&self) -> bool {
        self.opening.is_empty() && self.is_flushed()
    }

    /// The same, but for a step that waits for another rate than messages do.
    pub fn is_flushed(&self) -> bool {
        self.pending.is_empty()
            && self.urgent.is_empty()
            && self.has_none_ahead()
            && !self.encoder.is_busy()
            && self.close.is_none()
            && !self.unflushed
    }

    /// When to ask whether the next message may go out, if the rate keeps it waiting.
    pub fn paced_until(&self) -> Option<Instant> {
        let usual = self.waiting.as_deref();
        let step = self.step_waiting();
        let waiting = usual.into_iter().chain(step);
        waiting.filter_map(Waiting::until).min()
    }

    /// What keeps a step waiting that other messages do not wait for.
    fn step_waiting(&self) -> Option<&Waiting> {
        match self.opening.front()? {
            Ahead::Step(StepTurn::Own(turn)) => turn.waiting.as_ref(),
            Ahead::Step(StepTurn::Usual | StepTurn::Had) | Ahead::Answer(_) | Ahead::Message(_) => {
                None
            }
        }
    }

    /// Whether the rate kept the next message waiting when that was asked last.
    pub fn is_held_back(&self) -> bool {
        self.waiting.is_some()
    }

    /// Whether the rate keeps the next message waiting.
    pub fn is_paced(&self, now: Instant) -> bool {
        let waits = |waiting: &Waiting| waiting.until().is_none_or(|until| until > now);
        self.waiting.as_deref().is_some_and(waits)
    }

    /// Writes until nothing is left (`Ready`), the socket takes no more, or it is another name's turn (`Pending`, with
    /// the waker called). `allowed`: what may go out of the outbox.
    pub fn poll_write(
        &mut self,
        stream: &mut Stream,
        outbox: &Arc<SharedOutbox>,
        allowed: &mut Allowed<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut turn = 0;
        loop {
            while !self.pending.is_empty() {
                match Pin::new(&mut *stream).poll_write(cx, &self.pending) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Poll::Ready(Ok(n)) => {
                        self.pending.advance(n);
                        self.unflushed = stream.holds_back();
                        self.note_written();
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => {
                        // Others need not wait for one that cannot write.
                        self.leave_queues();
                        return Poll::Pending;
                    }
                }
            }
            self.pending = BytesMut::new();
            if turn >= MAX_MESSAGES {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let filled = with_write_buffer(|buffer| {
                self.go_on(buffer)?;
                let filled =
                    outbox.with(|locked| self.fill(buffer, locked, allowed, cx.waker()))?;
                turn += self.encoder.take_compressed() / COMPRESSED_WEIGHT;
                self.encoded += buffer.len() as u64;
                self.write_once(stream, buffer, cx)?;
                io::Result::Ok(filled)
            })?;
            turn += filled.messages;
            self.note_written();
            if filled.is_all && self.pending.is_empty() {
                break;
            }
        }
        self.poll_flush(stream, cx)
    }

    /// Gives back the places in the queues of rates.
    fn leave_queues(&mut self) {
        self.waiting = None;
        if let Some(Ahead::Step(StepTurn::Own(turn))) = self.opening.front_mut() {
            turn.waiting = None;
        }
    }

    fn poll_flush(&mut self, stream: &mut Stream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.unflushed {
            match Pin::new(&mut *stream).poll_flush(cx) {
                Poll::Ready(Ok(())) => {
                    self.unflushed = false;
                    self.note_written();
                }
                other => return other,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Asks the kernel once to take the buffer; what it leaves becomes `pending`.
    fn write_once(
        &mut self,
        stream: &mut Stream,
        buffer: &BytesMut,
        cx: &mut Context<'_>,
    ) -> io::Result<()> {
        if buffer.is_empty() {
            return Ok(());
        }
        let taken = match Pin::new(&mut *stream).poll_write(cx, buffer) {
            Poll::Ready(Ok(taken)) => taken,
            Poll::Pending => 0,
            Poll::Ready(Err(error)) => {
                // A session may have taken a part of it, and sent that; a bare socket that fails has taken nothing.
                if stream.tls().is_none() {
                    self.pending = BytesMut::from(&buffer[..]);
                }
                return Err(error);
            }
        };
        if taken > 0 && stream.holds_back() {
            self.unflushed = true;
        }
        if taken < buffer.len() {
            self.pending = BytesMut::from(&buffer[taken..]);
        }
        Ok(())
    }

    /// Notes which messages the kernel has whole.
    fn note_written(&mut self) {
        // What a TLS session holds back is not with the kernel.
        if !self.unflushed {
            self.note_accepted();
        }
    }

    /// Notes the messages whose last byte was taken.
    fn note_accepted(&mut self) {
        let accepted = self.accepted();
        while let Some((_, message)) = self.ends.front().filter(|(end, _)| *end <= accepted) {
            match *message {
                Unwritten::Outbox(id) => self.written = Some(id),
                Unwritten::Opening(len) | Unwritten::Step(len) => {
                    self.step_written |= matches!(message, Unwritten::Step(_));
                    self.openings_written.messages += 1;
                    self.openings_written.bytes += len;
                }
            }
            self.ends.pop_front();
        }
        if self.ping_end.is_some_and(|end| end.get() <= accepted) {
            self.ping_end = None;
            self.ping_written = true;
        }
        if self.ends.is_empty() && self.ends.capacity() > MAX_MESSAGES {
            self.ends = VecDeque::new();
        }
    }

    /// Encodes what goes out next, up to the buffer's size.
    fn fill(
        &mut self,
        buffer: &mut BytesMut,
        locked: &mut Locked,
        allowed: &mut Allowed<'_>,
        waker: &Waker,
    ) -> io::Result<Filled> {
        let (mut messages, mut is_all) = (0, false);
        let mut waiting = self.waiting.take();
        // No interval passes within this turn.
        let mut beat_due = allowed.pings.as_ref().is_some_and(Pings::are_due);
        while buffer.len() < WRITE
            && self.encoder.compressed() < WRITE
            && !self.encoder.is_busy()
            && messages < MAX_MESSAGES
        {
            if self.closed {
                self.urgent.clear();
                is_all = true;
                break;
            }
            match self.urgent.pop_front() {
                Some((opcode, payload)) => {
                    allowed
                        .buckets
                        .inspect(|buckets| buckets.spend_for_control());
                    encode_frame(opcode, true, &payload, mask_key(), buffer);
                    continue;
                }
                // An idle socket keeps no room for what it does not send.
                None if self.urgent.capacity() > 0 => self.urgent = VecDeque::new(),
                None => {}
            }
            // Ahead of a beat: a rule answers before it has one sent.
            if let Some(answer) = self.next_answer() {
                messages += 1;
                allowed.buckets.inspect(|buckets| buckets.spend());
                self.begin(&answer, Origin::Opening, buffer)?;
                continue;
            }
            if std::mem::take(&mut beat_due)
                && let Some(beat) = allowed.next_beat(locked, self.position(buffer))
            {
                self.ping(beat, allowed, buffer)?;
                continue;
            }
            if let Some(frame) = self.close.take() {
                encode_close(&frame, mask_key(), buffer);
                self.closed = true;
            }
            let next = match self.closed {
                true => None,
                false => self.next(messages == 0, locked, allowed, &mut waiting, waker),
            };
            let Some(next) = next else {
                is_all = true;
                break;
            };
            if next == Next::Ahead
                && let Some(ahead) = self.opening.pop_front()
            {
                messages += 1;
                self.begin_ahead(ahead, allowed, buffer)?;
                continue;
            }
            let Some(next) = locked.outbox.take() else {
                is_all = true;
                break;
            };
            messages += 1;
            self.begin(&next.message, Origin::Outbox(next.id), buffer)?;
        }
        allowed.has_spoken |= messages > 0;
        self.fence(buffer, locked, allowed)?;
        Ok(Filled { messages, is_all })
    }

    fn next_answer(&mut self) -> Option<Message> {
        if self.closed || !matches!(self.opening.front(), Some(Ahead::Answer(_))) {
            return None;
        }
        match self.opening.pop_front()? {
            Ahead::Answer(message) => Some(message),
            Ahead::Message(_) | Ahead::Step(_) => None,
        }
    }

    fn begin_ahead(
        &mut self,
        ahead: Ahead,
        allowed: &mut Allowed<'_>,
        buffer: &mut BytesMut,
    ) -> io::Result<()> {
        match ahead {
            Ahead::Answer(message) | Ahead::Message(message) => {
                self.begin(&message, Origin::Opening, buffer)
            }
            Ahead::Step(_) => match allowed.compose() {
                Some(message) => self.begin(&message, Origin::Step, buffer),
                None => Ok(()),
            },
        }
    }

    /// A ping behind the last message, if one is due there: nothing can come between the two.
    fn fence(
        &mut self,
        buffer: &mut BytesMut,
        locked: &Locked,
        allowed: &mut Allowed<'_>,
    ) -> io::Result<()> {
        let is_paced = self.waiting.is_some();
        if self.closed || self.encoder.is_busy() || !allowed.outbox || !locked.wants_fence(is_paced)
        {
            return Ok(());
        }
        let position = self.position(buffer);
        let pings = allowed.pings.as_mut();
        match pings.and_then(|pings| pings.fence(locked, position)) {
            Some(beat) => self.ping(beat, allowed, buffer),
            None => Ok(()),
        }
    }

    fn ping(
        &mut self,
        beat: Beat,
        allowed: &mut Allowed<'_>,
        buffer: &mut BytesMut,
    ) -> io::Result<()> {
        let buckets = allowed.buckets;
        match beat {
            Beat::Ping(payload) => {
                buckets.inspect(|buckets| buckets.spend_for_control());
                encode_frame(Opcode::Ping, true, &payload, mask_key(), buffer);
            }
            Beat::Text(text) => {
                buckets.inspect(|buckets| buckets.spend());
                let Some(text) = allowed.ping(text) else {
                    return Ok(());
                };
                allowed.has_spoken = true;
                self.begin(&Message::text(text), Origin::Heartbeat, buffer)?;
            }
        }
        let end = NonZeroU64::new(self.position(buffer));
        self.ping_end = self.ping_end.or(end);
        Ok(())
    }

    /// How many bytes were encoded, with those in `buffer`.
    fn position(&self, buffer: &BytesMut) -> u64 {
        self.encoded + buffer.len() as u64
    }

    /// The next message, if there is one and the rate allows it. `is_first`: none went out before it in this turn. `waiting`: what the rate
    /// has said before.
    fn next(
        &mut self,
        is_first: bool,
        locked: &Locked,
        allowed: &Allowed<'_>,
        waiting: &mut Option<Box<Waiting>>,
        waker: &Waker,
    ) -> Option<Next> {
        let next = match self.opening.front_mut() {
            None => Next::Outbox,
            Some(Ahead::Step(StepTurn::Had)) => return Some(Next::Ahead),
            Some(Ahead::Step(StepTurn::Own(turn))) => {
                // Once a turn, and not for each message that passes it.
                if is_first || turn.waiting.is_none() {
                    match turn.buckets.take(turn.waiting.take(), waker) {
                        Ok(()) => return Some(Next::Ahead),
                        Err(waiting) => turn.waiting = Some(waiting),
                    }
                }
                // What waits for another rate than the outbox does not keep that waiting.
                Next::Outbox
            }
            Some(Ahead::Answer(_) | Ahead::Message(_) | Ahead::Step(StepTurn::Usual)) => {
                Next::Ahead
            }
        };
        if next == Next::Outbox && !allowed.outbox {
            return None;
        }
        let Some(buckets) = allowed.buckets else {
            return Some(next);
        };
        if next == Next::Outbox && locked.outbox.peek().is_none() {
            return None;
        }
        let before = waiting.take().map(|waiting| *waiting);
        self.waiting = buckets.take(before, waker).err().map(Box::new);
        self.waiting.is_none().then_some(next)
    }

    /// The next piece of a message that has begun. It needs no lock.
    fn go_on(&mut self, buffer: &mut BytesMut) -> io::Result<()> {
        let ended = self.encoder.go_on(buffer)?;
        self.mark(ended, buffer);
        Ok(())
    }

    fn begin(
        &mut self,
        message: &Message,
        origin: Origin,
        buffer: &mut BytesMut,
    ) -> io::Result<()> {
        let ended = self.encoder.begin(message, origin, buffer)?;
        self.mark(ended, buffer);
        Ok(())
    }

    fn mark(&mut self, ended: Option<Ended>, buffer: &BytesMut) {
        let Some(Ended { origin, len }) = ended else {
            return;
        };
        let message = match origin {
            Origin::Outbox(id) => Unwritten::Outbox(id),
            Origin::Opening => Unwritten::Opening(len as u64),
            Origin::Step => Unwritten::Step(len as u64),
            Origin::Heartbeat => return,
        };
        let end = self.encoded + buffer.len() as u64;
        self.ends.push_back((end, message));
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::{
        core::{ConnectionName, Outbox},
        memory::{Charge, MemoryBudget, MemoryUse},
        persistence::Persistence,
        settings::OutboxSettings,
        transport::Tcp,
    };

    /// All of the outbox, without a heartbeat.
    fn all() -> Allowed<'static> {
        Allowed {
            outbox: true,
            buckets: None,
            pings: None,
            conversation: None,
            has_spoken: false,
        }
    }

    fn outbox() -> Arc<SharedOutbox> {
        let outbox = Outbox::new(OutboxSettings::default(), 1 << 20);
        let name = ConnectionName::new("feed").unwrap();
        let charge = Charge::new(&MemoryBudget::unlimited(), MemoryUse::Outboxes);
        SharedOutbox::new(
            name,
            outbox,
            Persistence::new(PathBuf::from("unused")),
            charge,
        )
    }

    /// A stream whose peer has reset it.
    async fn reset() -> Stream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await;
        let (peer, _) = listener.accept().await.unwrap();
        peer.set_zero_linger().unwrap();
        drop(peer);
        let stream = stream.unwrap();
        stream.readable().await.unwrap();
        Stream::Tcp(Tcp::new(stream))
    }

    #[tokio::test]
    async fn what_a_failed_write_did_not_take_is_not_written() {
        let (outbox, mut writer) = (outbox(), Writer::new(None));
        outbox.send(Message::text("hello")).unwrap();
        let mut stream = reset().await;
        let mut cx = Context::from_waker(Waker::noop());
        let written = writer.poll_write(&mut stream, &outbox, &mut all(), &mut cx);
        assert!(matches!(written, Poll::Ready(Err(_))), "{written:?}");
        writer.settle_on_close();
        assert_eq!(writer.take_written(), None);
    }

    #[tokio::test]
    async fn what_the_kernel_has_is_told_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await;
        let (outbox, mut writer) = (outbox(), Writer::new(None));
        let ids = ["a", "b", "c"].map(|text| outbox.send(Message::text(text)).unwrap().id());
        let mut stream = Stream::Tcp(Tcp::new(stream.unwrap()));
        let mut cx = Context::from_waker(Waker::noop());
        let written = writer.poll_write(&mut stream, &outbox, &mut all(), &mut cx);
        assert!(matches!(written, Poll::Ready(Ok(()))), "{written:?}");
        assert_eq!(writer.take_written(), Some(ids[2]));
        assert_eq!(writer.take_written(), None);
    }
}
