"""The client without `async`: the same as `everwire.aio`, whose coroutines run in a thread of the
client.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, TypeVar

from ._api import EventType, Event, Matched, Status, Subscription, Why
from ._calls import Payload, Sent, Wanted
from ._events import AsyncEvents
from ._portal import Portal
from ._session import AsyncSession, Held
from .aio import DEFAULT_URL, AsyncClient, AsyncConnection

T = TypeVar("T")


async def _at(make: Callable[[], T]) -> T:
    """Creates an object within the event loop."""
    return make()


def _each(portal: Portal, make: Callable[[], AsyncIterator[T]]) -> Iterator[T]:
    items = portal.run(_at(make))

    async def after() -> tuple[T] | None:
        try:
            return (await items.__anext__(),)
        except StopAsyncIteration:
            return None

    while (item := portal.run(after())) is not None:
        yield item[0]


class Client:
    """A client of one everwire service. Several threads may use it. See `AsyncClient`."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        token: str | None = None,
        timeout: float = 10.0,
        tls: ssl.SSLContext | None = None,
        proxy: str | None = None,
    ) -> None:
        self._client = AsyncClient(url, token=token, timeout=timeout, tls=tls, proxy=proxy)
        self._portal = Portal()

    def __repr__(self) -> str:
        return repr(self._client).replace("AsyncClient", "Client")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.shut()

    def shut(self) -> None:
        """Closes its streams, its sessions, and its HTTP connections to the service. The
        connections that the service keeps up stay.
        """
        self._portal.close(self._client.aclose)

    def connection(self, name: str) -> Connection:
        """The methods for one connection. This sends no request."""
        return Connection(self._portal, self._client.connection(name))

    def connections(self, match: str = "", *, tags: Iterable[str] = (), states: Iterable[str] = ()) -> Iterator[Status]:
        """The status of all connections of a pattern that have one of these tags and are in one of
        these states.
        """
        return _each(self._portal, lambda: self._client.connections(match, tags=tags, states=states))

    def connect(self, match: str) -> Matched:
        """Connects all connections of a pattern."""
        return self._portal.run(self._client.connect(match))

    def retry(self, match: str) -> Matched:
        """Dials at once all connections of a pattern that wait in backoff or have failed."""
        return self._portal.run(self._client.retry(match))

    def events(
        self,
        match: str = "",
        *,
        types: Iterable[EventType | str] = (),
        keys: Iterable[str] = (),
        since: str | None = None,
        give_up_after: float | None = None,
    ) -> Events:
        """The events of the connections of a pattern. See `AsyncClient.events`."""

        def make() -> AsyncEvents:
            return self._client.events(match, types=types, keys=keys, since=since, give_up_after=give_up_after)

        return Events(self._portal, self._portal.run(_at(make)))

    def session(self) -> Session:
        """A session, which holds subscriptions for as long as it is open."""
        return Session(self._portal, self._portal.run(_at(self._client.session)))


class Connection:
    """The methods for one connection of the service. See `AsyncConnection`."""

    def __init__(self, portal: Portal, connection: AsyncConnection) -> None:
        self._portal = portal
        self._connection = connection
        self.name = connection.name

    def __repr__(self) -> str:
        return repr(self._connection).replace("Async", "")

    def status(self) -> Status:
        """Its status."""
        return self._portal.run(self._connection.status())

    def why(self) -> Why:
        """Why it is up or down, and when it is dialled again."""
        return self._portal.run(self._connection.why())

    def put(self, settings: Mapping[str, Any]) -> Status:
        """Creates or replaces it. The settings are the keys of `[connections.NAME]`."""
        return self._portal.run(self._connection.put(settings))

    def delete(self) -> None:
        """Closes and deletes it."""
        self._portal.run(self._connection.delete())

    def connect(self, data: Payload | None = None) -> Status:
        """Dials it now, unless it is up. `data` is sent each time its socket opens."""
        return self._portal.run(self._connection.connect(data))

    def close(self, code: int = 1000, reason: str = "") -> Status:
        """Closes it by hand: it stays closed until it is connected again."""
        return self._portal.run(self._connection.close(code, reason))

    def send(
        self, data: Payload, *, wait: Wanted = "queued", timeout: float = 5.0, idempotency_key: str | None = None
    ) -> Sent:
        """Sends a message, and waits for a fate. See `AsyncConnection.send`."""
        return self._portal.run(
            self._connection.send(data, wait=wait, timeout=timeout, idempotency_key=idempotency_key)
        )

    def fate(self, sent: Sent) -> Sent:
        """The present fate of a message."""
        return self._portal.run(self._connection.fate(sent))

    def wait_for(self, sent: Sent, wanted: Wanted = "confirmed", *, timeout: float = 60.0) -> Sent:
        """Waits for a fate of a message that was accepted earlier. See `AsyncConnection.wait_for`."""
        return self._portal.run(self._connection.wait_for(sent, wanted, timeout=timeout))

    def request(
        self, data: Payload, *, json: str | None = None, equals: str | None = None, timeout: float = 10.0
    ) -> Payload:
        """Sends a message, and returns the message that answers it. See `AsyncConnection.request`.
        """
        return self._portal.run(self._connection.request(data, json=json, equals=equals, timeout=timeout))

    def subscriptions(self, states: Iterable[str] = ()) -> Iterator[Subscription]:
        """All its subscriptions, ordered by key."""
        return _each(self._portal, lambda: self._connection.subscriptions(states))

    def subscribe(self, key: str, **wish: Any) -> Subscription:
        """Subscribes to a key until `unsubscribe`, even if this client ends."""
        return self._portal.run(self._connection.subscribe(key, **wish))

    def unsubscribe(self, key: str) -> None:
        """Ends a subscription of `subscribe`. Sessions with the same key keep it."""
        self._portal.run(self._connection.unsubscribe(key))


class Events:
    """The events as an iterator. See `AsyncEvents`."""

    def __init__(self, portal: Portal, events: AsyncEvents) -> None:
        self._portal = portal
        self._events = events

    def __repr__(self) -> str:
        return repr(self._events).replace("Async", "")

    @property
    def cursor(self) -> str | None:
        """The position of this reader: pass it as `since` to continue from there."""
        return self._events.cursor

    @property
    def reconnects(self) -> int:
        """How often the connection to the service was lost and restored."""
        return self._events.reconnects

    def ready(self, timeout: float = 10.0) -> None:
        """Waits until the service has started the stream: all later events are received."""
        self._portal.run(self._events.ready(timeout))

    def next(self, timeout: float | None = None) -> Event:
        """The next event. Raises `DeadlineExceeded` if there is none within `timeout` seconds; no
        event is lost.
        """
        event = self._portal.run(self._next(timeout))
        if event is None:
            raise StopIteration
        return event

    async def _next(self, timeout: float | None) -> Event | None:
        # A future cannot carry StopAsyncIteration.
        try:
            return await self._events.next(timeout)
        except StopAsyncIteration:
            return None

    def close(self) -> None:
        """Closes the stream. Unread events are dropped; `cursor` is the position before them."""
        self._portal.end(self._events.aclose())

    def __iter__(self) -> Events:
        return self

    def __next__(self) -> Event:
        return self.next()

    def __enter__(self) -> Events:
        self._portal.run(self._events.__aenter__())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class Session:
    """Holds subscriptions for as long as it is open. See `AsyncSession`."""

    def __init__(self, portal: Portal, session: AsyncSession) -> None:
        self._portal = portal
        self._session = session

    def __repr__(self) -> str:
        return repr(self._session).replace("Async", "")

    @property
    def connected(self) -> bool:
        """Whether the connection is up, and the service has all subscriptions of this session."""
        return self._session.connected

    @property
    def reconnects(self) -> int:
        """How often the connection to the service was lost and restored."""
        return self._session.reconnects

    @property
    def held(self) -> list[Held]:
        """The held subscriptions, in the order of the calls."""
        return self._session.held

    def open(self) -> None:
        """Connects. Raises `Disconnected`, or the reason why the service refuses."""
        self._portal.run(self._session.open())

    def close(self) -> None:
        """Closes the session, which releases all its subscriptions."""
        self._portal.end(self._session.aclose())

    def hold(self, name: str, key: str, **wish: Any) -> Held:
        """Subscribes to a key of a connection. See `AsyncSession.hold`."""
        return self._portal.run(self._session.hold(name, key, **wish))

    def release(self, name: str, key: str) -> None:
        """Releases a key."""
        self._portal.run(self._session.release(name, key))

    def __enter__(self) -> Session:
        self.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
