"""Events, over as many connections as necessary."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
from collections import deque
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import cast

import httpx

from ._api import Event
from ._backoff import Backoff
from ._calls import Answer, Payload, may_pass, read_json, visible_ascii
from ._sse import Frame, Parser
from .errors import DeadlineExceeded, Disconnected, EverwireError, ProblemError, UnexpectedAnswer

# The service sends something every 15 s: after a longer silence the connection counts as lost.
_SILENCE = 45.0
_CONNECT = 10.0
# The longest message that settings allow, in base64, with room for the rest of the event.
_LONGEST_EVENT = 192 << 20
_LONGEST_PROBLEM = 1 << 20
# The events that may wait for a reader here. Beyond that nothing is read, and the service queues
# them within its own limits.
_MAX_EVENTS = 1024
_MAX_BYTES = 8 << 20


def payload(event: Event) -> Payload:
    """The payload of an event of type `message`: a text or bytes."""
    encoded = event.get("base64")
    if encoded is None:
        return event.get("text", "")
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise UnexpectedAnswer("invalid message: it is not base64") from error


class AsyncEvents:
    """The events as an asynchronous iterator. After a lost connection it continues after the last
    cursor.

    It ends by `aclose`, by leaving its `async with` block, or by a permanent error (a wrong token,
    an unknown type). Where events may be missing there is an event of type `lagged`.
    """

    def __init__(self, http: httpx.AsyncClient, path: str, since: str | None, give_up_after: float | None) -> None:
        self._http = http
        self._path = path
        self._give_up_after = give_up_after
        # The cursor of the last event read from the service, and of the last one returned to the
        # caller.
        self._read_cursor = self._cursor = None if since is None else visible_ascii("cursor", since)
        self._waiting: deque[tuple[Event, int]] = deque()
        self._bytes = 0
        self._error: BaseException | None = None
        self._ended = False
        self._something = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._started = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self.reconnects = 0
        """How often the connection to the service was lost and restored."""

    @property
    def cursor(self) -> str | None:
        """The position of this reader: pass it as `since` to continue from there, also in another
        process.
        """
        return self._cursor

    def __repr__(self) -> str:
        return f"<AsyncEvents {self._path} cursor={self._cursor}>"

    async def ready(self, timeout: float = 10.0) -> None:
        """Waits until the service has started the stream: all later events are received.

        Raises `DeadlineExceeded`, or the error that prevents the start.
        """
        self._start()
        try:
            await asyncio.wait_for(self._started.wait(), timeout)
        except asyncio.TimeoutError:
            raise DeadlineExceeded(f"the service did not begin the stream of events within {timeout} s") from None
        if self._error is not None and not self._waiting:
            raise self._error

    async def next(self, timeout: float | None = None) -> Event:
        """The next event.

        Raises `DeadlineExceeded` if there is none within `timeout` seconds; no event is lost.
        Raises `StopAsyncIteration` once it is closed.
        """
        self._start()
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else loop.time() + timeout
        # Another reader may have taken the event.
        while not self._has_something():
            try:
                await asyncio.wait_for(self._wait(), None if deadline is None else deadline - loop.time())
            except asyncio.TimeoutError:
                raise DeadlineExceeded(f"no event within {timeout} s") from None
        if self._waiting:
            return self._take()
        if self._error is not None:
            raise self._error
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Closes the stream. Unread events are dropped; `cursor` is the position before them."""
        self._ended = True
        self._waiting.clear()
        self._something.set()
        pump, self._pump = self._pump, None
        if pump is not None:
            pump.cancel()
            await asyncio.wait([pump], timeout=5.0)

    def __aiter__(self) -> AsyncEvents:
        return self

    async def __anext__(self) -> Event:
        return await self.next()

    async def __aenter__(self) -> AsyncEvents:
        try:
            await self.ready()
        except BaseException:
            # `__aexit__` is not called if `__aenter__` fails.
            await self.aclose()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    # --- the queue

    def _has_something(self) -> bool:
        return bool(self._waiting) or self._error is not None or self._ended

    async def _wait(self) -> None:
        while not self._has_something():
            self._something.clear()
            await self._something.wait()

    def _take(self) -> Event:
        event, size = self._waiting.popleft()
        self._bytes -= size
        self._cursor = event.get("cursor", self._cursor)
        if len(self._waiting) < _MAX_EVENTS and self._bytes < _MAX_BYTES:
            self._room.set()
        return event

    async def _put(self, event: Event, size: int) -> None:
        # The limit may be exceeded by one event.
        await self._room.wait()
        self._waiting.append((event, size))
        self._bytes += size
        if len(self._waiting) >= _MAX_EVENTS or self._bytes >= _MAX_BYTES:
            self._room.clear()
        self._something.set()

    # --- the connection that fills it

    def _start(self) -> None:
        if self._pump is None and not self._ended and self._error is None:
            self._pump = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            await self._reconnect_for_ever()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._error = error
        finally:
            self._ended = True
            self._started.set()
            self._something.set()

    async def _reconnect_for_ever(self) -> None:
        backoff = Backoff()
        loop = asyncio.get_running_loop()
        down_since = loop.time()
        while True:
            at_least = None
            up_since = None
            try:
                async with contextlib.aclosing(self._connection()) as frames:
                    async for frame in frames:
                        if up_since is None:
                            up_since = loop.time()
                            self.reconnects += self._started.is_set()
                        await self._hear(frame)
                cause: Exception = Disconnected("the service has ended the stream")
            except ProblemError as error:
                if not may_pass(error.status):
                    raise
                cause, at_least = error, error.retry_after
            except (httpx.HTTPError, Disconnected, asyncio.TimeoutError) as error:
                cause = error
            if up_since is not None:
                down_since = loop.time()
                backoff.worked(down_since - up_since)
            if self._give_up_after is not None and loop.time() - down_since >= self._give_up_after:
                raise Disconnected(f"the service could not be reached for {self._give_up_after} s") from cause
            await asyncio.sleep(backoff.wait(at_least))

    async def _hear(self, frame: Frame) -> None:
        if frame.data is not None:
            event = read_json(frame.data, "an event")
            if not isinstance(event, dict) or not isinstance(event.get("type"), str):
                raise UnexpectedAnswer("invalid event: it has no type")
            await self._put(cast(Event, event), len(frame.data))
        if frame.id is not None:
            self._read_cursor = frame.id
            if not self._started.is_set():
                # The start: a reader without an event continues from here.
                self._cursor = self._cursor or frame.id
                self._started.set()

    async def _connection(self) -> AsyncGenerator[Frame, None]:
        """The frames of one connection."""
        headers = {"Accept": "text/event-stream"}
        if self._read_cursor is not None:
            headers["Last-Event-ID"] = self._read_cursor
        timeout = httpx.Timeout(_CONNECT, read=_SILENCE)
        request = self._http.build_request("GET", self._path, headers=headers, timeout=timeout)
        response = await asyncio.wait_for(self._http.send(request, stream=True), _CONNECT)
        try:
            if response.status_code != 200:
                raise await asyncio.wait_for(_refusal(response), _CONNECT)
            if not response.headers.get("content-type", "").startswith("text/event-stream"):
                raise UnexpectedAnswer("invalid answer: there are no events at this address; is it everwire's?")
            parser = Parser(_LONGEST_EVENT)
            async for chunk in response.aiter_bytes():
                for frame in parser.feed(chunk):
                    yield frame
        finally:
            await response.aclose()


async def _refusal(response: httpx.Response) -> EverwireError:
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _LONGEST_PROBLEM:
            break
    error = Answer(response.status_code, response.headers, body).error()
    if isinstance(error, UnexpectedAnswer) and may_pass(response.status_code):
        # An answer of a proxy.
        return Disconnected(f"an answer of status {response.status_code}")
    return error
