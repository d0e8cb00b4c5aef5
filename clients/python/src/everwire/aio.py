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
# The longest answer that is read: the longest message that a name can be set up for, and then some.
_LONGEST_ANSWER = 192 << 20


class AsyncClient:
    """A client of one everwire service.

    `token` is what the service's configuration has under `[[service.tokens]]`; it is in no text that this class makes.
    `timeout` bounds each request, in seconds, beside what the service itself is asked to wait. Neither proxies nor
    credentials are taken from the environment.
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
        # A list of attributes does not show it.
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
            # What the environment says would replace the token (.netrc).
            trust_env=False,
            follow_redirects=False,
            # A request waits for its fate, and a stream for ever: none waits for another's connection.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=16),
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._url}>"

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends its streams and sessions, and its connections to the service. It closes no connection of the service's."""
        await asyncio.gather(*(one.aclose() for one in self._begun))
        await self._http.aclose()

    def connection(self, name: str) -> AsyncConnection:
        """What is asked of one connection. Nothing is asked yet."""
        return AsyncConnection(self, name)

    async def connections(
        self, match: str = "", *, tags: Iterable[str] = (), states: Iterable[str] = ()
    ) -> AsyncIterator[Status]:
        """The status of all connections of a pattern that have one of these tags and are in one of these states."""
        tags, states = tuple(tags), tuple(states)
        cursor: str | None = ""
        while cursor is not None:
            page = await self._call(_calls.page(match, tags, states, cursor))
            for status in page["connections"]:
                yield status
            cursor = page.get("next_cursor")

    async def connect(self, match: str) -> Matched:
        """Has all connections of a pattern up."""
        return await self._call(_calls.in_bulk("connect", match))

    async def retry(self, match: str) -> Matched:
        """Dials now all connections of a pattern that wait in backoff or have failed."""
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
        """What happens to the connections of a pattern, from now on or behind the cursor `since`.

        `types`: all but `sent` by default; `lagged` is always told. `keys`: of messages only those of these subscriptions.
        With `give_up_after` it ends by `Disconnected` when the service could not be reached for so many seconds.
        """
        events = AsyncEvents(self._http, _calls.events(match, [str(kind) for kind in types], keys), since, give_up_after)
        self._begun.add(events)
        return events

    def session(self) -> AsyncSession:
        """A session that holds subscriptions for as long as it is open."""
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
    """What is asked of one connection of the service."""

    def __init__(self, client: AsyncClient, name: str) -> None:
        self._client = client
        self.name = name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} of {self._client!r}>"

    async def status(self) -> Status:
        """What it tells about itself."""
        return await self._client._call(_calls.status(self.name))

    async def why(self) -> Why:
        """Why it is up or down, and when it is tried again."""
        return await self._client._call(_calls.why(self.name))

    async def put(self, settings: Mapping[str, Any]) -> Status:
        """Creates or replaces it: the keys of `[connections.NAME]`."""
        return await self._client._call(_calls.put(self.name, settings))

    async def delete(self) -> None:
        """Closes and forgets it."""
        await self._client._call(_calls.delete(self.name))

    async def connect(self, data: Payload | None = None) -> Status:
        """Dials it now, unless it is up. `data` is sent whenever its socket opens, in the place of an earlier call's."""
        return await self._client._call(_calls.connect(self.name, data))

    async def close(self, code: int = 1000, reason: str = "") -> Status:
        """Closes it by hand: it stays closed until it is connected again."""
        return await self._client._call(_calls.close(self.name, code, reason))

    async def send(
        self, data: Payload, *, wait: Wanted = "queued", timeout: float = 5.0, idempotency_key: str | None = None
    ) -> Sent:
        """Sends a message, and waits for a fate.

        The answer's fate is the one that was asked for, or a better one; a lesser one where `timeout` seconds ran out first.
        With an `idempotency_key` it is asked again when the connection to the service breaks, and sent once all the same: over
        a restart of the service where the outbox is durable.

        Raises `Rejected` where it was not accepted; `NeverWritten` or `InDoubt` where the fate can no longer come;
        `Disconnected` where the answer did not come: without a key nobody knows then whether it was accepted.
        """
        call = _calls.send(self.name, data, wait, timeout, idempotency_key)
        if idempotency_key is None:
            return await self._client._call(call)
        return await self._until(call, timeout + self._client._timeout)

    async def fate(self, sent: Sent) -> Sent:
        """What has become of a message by now. Raises `Forgotten` where nobody knows any more."""
        return await self._client._call(_calls.fate(self.name, sent))

    async def wait_for(self, sent: Sent, wanted: Wanted = "confirmed", *, timeout: float = 60.0) -> Sent:
        """Waits for a fate of a message that was accepted earlier, over restarts of the service, too.

        Raises `DeadlineExceeded` when it has not come within `timeout` seconds; `NeverWritten` or `InDoubt` when it can no
        longer come; `Forgotten` when nobody knows.
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
        """Sends a message, and gives the one that answers it.

        Where the settings of the connection have no `request`, the answer is the first message that has the value `equals` at
        the JSON pointer `json`.

        Raises `Refused` with the peer's words; `NotSent` or `Unanswered` after `timeout` seconds; `InDoubt` when the
        socket was lost meanwhile.
        """
        return await self._client._call(_calls.request(self.name, data, json, equals, timeout))

    async def subscriptions(self, states: Iterable[str] = ()) -> AsyncIterator[Subscription]:
        """All its subscriptions, in the order of their keys: where each stands, and who holds it."""
        states = tuple(states)
        cursor: str | None = ""
        while cursor is not None:
            page = await self._client._call(_calls.subscriptions(self.name, states, cursor))
            for subscription in page["subscriptions"]:
                yield subscription
            cursor = page["next_cursor"]

    async def subscribe(self, key: str, **wish: Any) -> Subscription:
        """Subscribes to a key until `unsubscribe`, whoever goes away. `AsyncClient.session` holds one for as long as it is open.

        `wish`: `item`, and the keys of `subscribe` that are not to be those of the settings.
        """
        return await self._client._call(_calls.subscribe(self.name, key, wish))

    async def unsubscribe(self, key: str) -> None:
        """Ends what `subscribe` began. Sessions that hold the key go on holding it."""
        await self._client._call(_calls.unsubscribe(self.name, key))

    async def _until(self, call: Call[T], timeout: float) -> T:
        """Asks again while the service is away: only for what may be asked twice."""
        loop = asyncio.get_running_loop()
        deadline, backoff = loop.time() + timeout, Backoff()
        while True:
            try:
                return await asyncio.wait_for(self._client._call(call), max(deadline - loop.time(), 0.001))
            # One try that takes too long (a TimeoutError) is another one's reason, too.
            except (asyncio.TimeoutError, Disconnected, Unavailable) as error:
                pause = backoff.wait(error.retry_after if isinstance(error, Unavailable) else None)
                if loop.time() + pause >= deadline:
                    raise DeadlineExceeded(f"the service did not answer within {timeout:.3f} s") from error
                await asyncio.sleep(pause)
