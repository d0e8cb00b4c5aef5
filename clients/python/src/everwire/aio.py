"""The client for asyncio."""

from __future__ import annotations

import asyncio
import ssl
import weakref
from collections.abc import AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import Any, TypeVar

import httpx

from . import _calls
from ._api import EventType, Matched, Status, Subscription, Why
from ._backoff import Backoff
from ._calls import Answer, Call, Payload, Sent, Wanted
from ._events import AsyncEvents
from ._session import AsyncSession
from ._token import Token
from .errors import DeadlineExceeded, Disconnected, Unavailable, UnexpectedAnswer, fate_error

T = TypeVar("T")

DEFAULT_URL = "http://127.0.0.1:9180"
# The longest answer that is read: the longest message that settings allow, and some more.
_LONGEST_ANSWER = 192 << 20


class AsyncClient:
    """A client of one everwire service.

    `token` is a token of the service's configuration, under `[[service.tokens]]`; this class never
    puts it into a text. `timeout` bounds each request, in seconds, in addition to a wait that is
    requested from the service. Neither proxies nor credentials are read from the environment.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        token: str | None = None,
        timeout: float = 10.0,
        tls: ssl.SSLContext | None = None,
        proxy: str | None = None,
    ) -> None:
        base = httpx.URL(url)
        if base.scheme not in ("http", "https") or not base.host or base.userinfo:
            raise ValueError("invalid url: write http://HOST:PORT or https://HOST, without a user")
        self._url = str(base).rstrip("/")
        self._timeout = timeout
        # The repr of attributes does not show it.
        self._token = Token(token)
        self._tls = tls
        self._proxy = None if proxy is None else httpx.URL(proxy)
        self._begun: weakref.WeakSet[AsyncEvents | AsyncSession] = weakref.WeakSet()
        headers = {"User-Agent": "everwire-python"}
        headers |= self._token.headers()
        self._http = httpx.AsyncClient(
            base_url=self._url,
            headers=headers,
            timeout=timeout,
            verify=tls or True,
            proxy=self._proxy,
            # The environment would replace the token (.netrc).
            trust_env=False,
            follow_redirects=False,
            # A request may wait for its fate, and a stream for ever: none waits for another's
            # connection.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=16),
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._url}>"

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes its streams, its sessions, and its HTTP connections to the service. The
        connections that the service keeps up stay.
        """
        await asyncio.gather(*(one.aclose() for one in self._begun))
        await self._http.aclose()

    def connection(self, name: str) -> AsyncConnection:
        """The methods for one connection. This sends no request."""
        return AsyncConnection(self, name)

    async def connections(
        self, match: str = "", *, tags: Iterable[str] = (), states: Iterable[str] = ()
    ) -> AsyncIterator[Status]:
        """The status of all connections of a pattern that have one of these tags and are in one of
        these states.
        """
        tags, states = tuple(tags), tuple(states)
        cursor: str | None = ""
        while cursor is not None:
            page = await self._call(_calls.page(match, tags, states, cursor))
            for status in page["connections"]:
                yield status
            cursor = page.get("next_cursor")

    async def connect(self, match: str) -> Matched:
        """Connects all connections of a pattern."""
        return await self._call(_calls.in_bulk("connect", match))

    async def retry(self, match: str) -> Matched:
        """Dials at once all connections of a pattern that wait in backoff or have failed."""
        return await self._call(_calls.in_bulk("retry", match))

    def events(
        self,
        match: str = "",
        *,
        types: Iterable[EventType | str] = (),
        keys: Iterable[str] = (),
        since: str | None = None,
        give_up_after: float | None = None,
    ) -> AsyncEvents:
        """The events of the connections of a pattern, from now on or after the cursor `since`.

        `types`: all but `sent` by default; `lagged` is always included. `keys`: only messages of
        these subscriptions. With `give_up_after` it ends with `Disconnected` if the service cannot
        be reached for so many seconds.
        """
        events = AsyncEvents(self._http, _calls.events(match, [str(kind) for kind in types], keys), since, give_up_after)
        self._begun.add(events)
        return events

    def session(self) -> AsyncSession:
        """A session, which holds subscriptions for as long as it is open."""
        session = AsyncSession(self._url, self._token, tls=self._tls, proxy=self._proxy, timeout=self._timeout)
        self._begun.add(session)
        return session

    async def _call(self, call: Call[T]) -> T:
        deadline = self._timeout + call.waits
        try:
            answer = await asyncio.wait_for(self._exchange(call, deadline), deadline)
        except (asyncio.TimeoutError, httpx.TimeoutException):
            raise DeadlineExceeded(f"the service did not answer within {deadline} s") from None
        except httpx.HTTPError as error:
            raise Disconnected(f"{type(error).__name__}: {error}") from error
        if answer.status >= 300:
            raise answer.error()
        return call.read(answer)

    async def _exchange(self, call: Call[T], deadline: float) -> Answer:
        timeout = httpx.Timeout(self._timeout, read=deadline)
        headers = dict(call.headers)
        async with self._http.stream(
            call.method, call.path, content=call.body or None, headers=headers, timeout=timeout
        ) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _LONGEST_ANSWER:
                    raise UnexpectedAnswer(f"an answer has more than {_LONGEST_ANSWER} bytes")
            return Answer(response.status_code, response.headers, bytes(body))


class AsyncConnection:
    """The methods for one connection of the service."""

    def __init__(self, client: AsyncClient, name: str) -> None:
        self._client = client
        self.name = name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} of {self._client!r}>"

    async def status(self) -> Status:
        """Its status."""
        return await self._client._call(_calls.status(self.name))

    async def why(self) -> Why:
        """Why it is up or down, and when it is dialled again."""
        return await self._client._call(_calls.why(self.name))

    async def put(self, settings: Mapping[str, Any]) -> Status:
        """Creates or replaces it. The settings are the keys of `[connections.NAME]`."""
        return await self._client._call(_calls.put(self.name, settings))

    async def delete(self) -> None:
        """Closes and deletes it."""
        await self._client._call(_calls.delete(self.name))

    async def connect(self, data: Payload | None = None) -> Status:
        """Dials it now, unless it is up. `data` is sent each time its socket opens, and replaces
        the data of an earlier call.
        """
        return await self._client._call(_calls.connect(self.name, data))

    async def close(self, code: int = 1000, reason: str = "") -> Status:
        """Closes it by hand: it stays closed until it is connected again."""
        return await self._client._call(_calls.close(self.name, code, reason))

    async def send(
        self, data: Payload, *, wait: Wanted = "queued", timeout: float = 5.0, idempotency_key: str | None = None
    ) -> Sent:
        """Sends a message, and waits for a fate.

        The result has the requested fate or a better one; or a lesser one if `timeout` seconds have
        passed first. With an `idempotency_key` the request is repeated when the connection to the
        service breaks, and the message is still sent only once; with a durable outbox also over a
        restart of the service.

        Raises `Rejected` if it was not accepted; `NeverWritten` or `InDoubt` if the fate can no
        longer be reached; `Disconnected` if there was no answer: without a key it is then unknown
        whether the message was accepted.
        """
        call = _calls.send(self.name, data, wait, timeout, idempotency_key)
        if idempotency_key is None:
            return await self._client._call(call)
        return await self._until(call, timeout + self._client._timeout)

    async def fate(self, sent: Sent) -> Sent:
        """The present fate of a message. Raises `Forgotten` if it is no longer known."""
        return await self._client._call(_calls.fate(self.name, sent))

    async def wait_for(self, sent: Sent, wanted: Wanted = "confirmed", *, timeout: float = 60.0) -> Sent:
        """Waits for a fate of a message that was accepted earlier, also over restarts of the
        service.

        Raises `DeadlineExceeded` if it is not reached within `timeout` seconds; `NeverWritten` or
        `InDoubt` if it can no longer be reached; `Forgotten` if it is no longer known.
        """
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + timeout, 0.02
        while True:
            sent = await self._until(_calls.fate(self.name, sent), max(deadline - loop.time(), 0.001))
            if sent.reaches(wanted):
                return sent
            if sent.is_final:
                raise fate_error(sent.id, sent.epoch, sent.fate)
            if loop.time() + pause >= deadline:
                raise DeadlineExceeded(f"the message is not {wanted} after {timeout} s; it is {sent.fate}")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 1.0)

    async def request(
        self, data: Payload, *, json: str | None = None, equals: str | None = None, timeout: float = 10.0
    ) -> Payload:
        """Sends a message, and returns the message that answers it.

        If the settings of the connection have no `request`, the answer is the first message that
        has the value `equals` at the JSON pointer `json`.

        Raises `Refused` with the peer's answer; `NotSent` or `Unanswered` after `timeout` seconds;
        `InDoubt` if the socket was lost meanwhile.
        """
        return await self._client._call(_calls.request(self.name, data, json, equals, timeout))

    async def subscriptions(self, states: Iterable[str] = ()) -> AsyncIterator[Subscription]:
        """All its subscriptions, ordered by key, with their states and holders."""
        states = tuple(states)
        cursor: str | None = ""
        while cursor is not None:
            page = await self._client._call(_calls.subscriptions(self.name, states, cursor))
            for subscription in page["subscriptions"]:
                yield subscription
            cursor = page["next_cursor"]

    async def subscribe(self, key: str, **wish: Any) -> Subscription:
        """Subscribes to a key until `unsubscribe`, even if this client ends. `AsyncClient.session`
        holds one for as long as it is open.

        `wish`: `item`, and keys of `subscribe` that replace those of the settings.
        """
        return await self._client._call(_calls.subscribe(self.name, key, wish))

    async def unsubscribe(self, key: str) -> None:
        """Ends a subscription of `subscribe`. Sessions with the same key keep it."""
        await self._client._call(_calls.unsubscribe(self.name, key))

    async def _until(self, call: Call[T], timeout: float) -> T:
        """Repeats a request while the service is down. Only for requests that may be repeated."""
        loop = asyncio.get_running_loop()
        deadline, backoff = loop.time() + timeout, Backoff()
        while True:
            try:
                return await asyncio.wait_for(self._client._call(call), max(deadline - loop.time(), 0.001))
            # An attempt that takes too long (a TimeoutError) is also a reason for another one.
            except (asyncio.TimeoutError, Disconnected, Unavailable) as error:
                pause = backoff.wait(error.retry_after if isinstance(error, Unavailable) else None)
                if loop.time() + pause >= deadline:
                    raise DeadlineExceeded(f"the service did not answer within {timeout:.3f} s") from error
                await asyncio.sleep(pause)
