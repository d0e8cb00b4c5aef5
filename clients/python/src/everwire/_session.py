"""Subscriptions that last as long as a session is open, over `/v1/ws`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from ._api import SubscriptionState
from ._backoff import Backoff
from ._calls import Answer, may_pass, read_json
from ._token import Token
from .errors import DeadlineExceeded, Disconnected, EverwireError, ProblemError, UnexpectedAnswer, problem_error

# The service's limits for unanswered requests and for held subscriptions.
_MAX_PENDING = 1024
_MAX_HELD = 10_000
_LONGEST_MESSAGE = 1 << 20
_SILENCE = 20.0


def _silent_logger() -> logging.Logger:
    """`websockets` logs the token of a handshake, so it gets a logger that cannot be enabled by
    name.
    """
    logger = logging.Logger("everwire.websockets")
    logger.disabled = True
    return logger


class _Connect(connect):
    """A handshake that follows no redirect: the token would be sent elsewhere."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


@dataclass(frozen=True)
class Held:
    """A subscription that a session holds."""

    name: str
    key: str
    state: SubscriptionState | None
    """The state when the service accepted it; `None` while it is not accepted."""
    error: EverwireError | None = None
    """The reason if the service has not accepted it again after the last lost connection."""


class AsyncSession:
    """Holds subscriptions for as long as it is open. Other sessions may hold the same ones.

    After a lost connection to the service it connects again, and requests its subscriptions again.
    The peer is told to end a subscription when nobody holds it any more.
    """

    def __init__(
        self, url: str, token: Token, *, tls: ssl.SSLContext | None, proxy: httpx.URL | None, timeout: float
    ) -> None:
        parts = urlsplit(url)
        self._url = urlunsplit(("wss" if parts.scheme == "https" else "ws", parts.netloc, parts.path + "/v1/ws", "", ""))
        self._token = token
        self._tls = tls
        # The repr of attributes does not show its password.
        self._proxy = proxy
        self._timeout = timeout
        self._socket: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None
        # Whether it was opened once, or has ended; and whether the service has all its
        # subscriptions.
        self._up = asyncio.Event()
        self._connected = False
        self._error: BaseException | None = None
        self._pending: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._wishes: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._held: dict[tuple[str, str], Held] = {}
        # Holds and releases are sent in the order of the calls, also after a lost connection.
        self._turn = asyncio.Lock()
        # References keep these background tasks alive until they end.
        self._releasing: set[asyncio.Task[None]] = set()
        self._ids = 0
        self.reconnects = 0
        """How often the connection to the service was lost and restored."""

    def __repr__(self) -> str:
        return f"<AsyncSession {self._url} holds={len(self._wishes)} connected={self.connected}>"

    @property
    def connected(self) -> bool:
        """Whether the connection is up, and the service has all subscriptions of this session."""
        return self._connected

    @property
    def held(self) -> list[Held]:
        """The held subscriptions, in the order of the calls."""
        return [self._held[place] for place in self._wishes]

    async def __aenter__(self) -> AsyncSession:
        await self.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    async def open(self) -> None:
        """Connects. Raises `Disconnected`, or the reason why the service refuses. A closed session
        cannot be opened again.
        """
        if self._error is None:
            begins = self._task is None
            if begins:
                self._task = asyncio.get_running_loop().create_task(self._run())
            try:
                await asyncio.wait_for(self._up.wait(), self._timeout)
            except asyncio.TimeoutError:
                self._error = Disconnected(f"the service could not be reached within {self._timeout} s")
                await self.aclose()
            except asyncio.CancelledError:
                if begins:
                    await self.aclose()
                raise
        if self._error is not None:
            raise self._error

    async def aclose(self) -> None:
        """Closes the session, which releases all its subscriptions."""
        self._error = self._error or Disconnected("the session is closed")
        self._up.set()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task], timeout=self._timeout)

    async def hold(self, name: str, key: str, **wish: Any) -> Held:
        """Subscribes to a key of a connection.

        `wish`: `item`, and keys of `subscribe` that replace those of the settings. Raises the
        reason if the service refuses, and `Disconnected` or `DeadlineExceeded` if it did not
        answer. Then the key is not held, unless it was before.
        """
        place = (name, key)
        async with self._in_turn():
            if len(self._wishes) >= _MAX_HELD and place not in self._wishes:
                raise ValueError(f"a session holds at most {_MAX_HELD} subscriptions")
            try:
                told = await self._ask(op="hold", name=name, key=key, **wish)
            except ProblemError:
                raise
            except BaseException:
                # The service may have accepted it, or may do so later: the release comes after the
                # request.
                if place not in self._wishes:
                    self._release_later(name, key)
                raise
            self._wishes[place] = wish
            self._held[place] = Held(name, key, cast(SubscriptionState, told.get("state")))
            return self._held[place]

    async def release(self, name: str, key: str) -> None:
        """Releases a key. Raises `NotFound` if the session does not hold it."""
        async with self._in_turn():
            # After a lost connection it must not be requested again, whatever the answer.
            self._wishes.pop((name, key), None)
            self._held.pop((name, key), None)
            await self._ask(op="release", name=name, key=key)

    @contextlib.asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        """Waits for the turn of a hold or a release, at most as long as for an answer."""
        if self._turn.locked():
            await self._wait_for_turn()
        else:
            await self._turn.acquire()
        try:
            yield
        finally:
            self._turn.release()

    async def _wait_for_turn(self) -> None:
        # In Python 3.10 and 3.11 `asyncio.wait_for` can ignore the cancellation of its caller.
        waiting = asyncio.ensure_future(self._turn.acquire())
        try:
            done, _ = await asyncio.wait([waiting], timeout=self._timeout)
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():
                self._turn.release()
            waiting.cancel()
            raise
        if not done:
            waiting.cancel()
            raise DeadlineExceeded(f"the session's earlier questions were not answered within {self._timeout} s")

    def _release_later(self, name: str, key: str) -> None:
        async def release() -> None:
            with contextlib.suppress(EverwireError):
                await self._ask(op="release", name=name, key=key)

        if self._socket is not None:
            task = asyncio.get_running_loop().create_task(release())
            self._releasing.add(task)
            task.add_done_callback(self._releasing.discard)

    async def _ask(self, **question: Any) -> dict[str, Any]:
        socket = self._socket
        if socket is None:
            raise self._error or Disconnected("the session's connection to the service is lost; it comes back by itself")
        if len(self._pending) >= _MAX_PENDING:
            raise ValueError(f"{_MAX_PENDING} requests of this session have no answer yet, and no more are allowed")
        self._ids += 1
        number = str(self._ids)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._pending[number] = answer
        try:
            await asyncio.wait_for(self._exchange(socket, json.dumps({**question, "id": number}), answer), self._timeout)
        except asyncio.TimeoutError:
            raise DeadlineExceeded(f"the service did not answer within {self._timeout} s") from None
        except WebSocketException as error:
            raise Disconnected("the session's connection to the service broke") from error
        finally:
            del self._pending[number]
            answer.cancel()
        return answer.result()

    @staticmethod
    async def _exchange(socket: ClientConnection, question: str, answer: asyncio.Future[dict[str, Any]]) -> None:
        await socket.send(question)
        await asyncio.wait([answer])

    # --- the connection

    async def _run(self) -> None:
        backoff = Backoff()
        try:
            while True:
                try:
                    await self._one_connection(backoff)
                except (OSError, WebSocketException, asyncio.TimeoutError):
                    pass
                await asyncio.sleep(backoff.wait())
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._error = error
            self._up.set()

    async def _one_connection(self, backoff: Backoff) -> None:
        options: dict[str, Any] = {} if self._tls is None else {"ssl": self._tls}
        try:
            socket = await _Connect(
                self._url,
                additional_headers=self._token.headers(),
                open_timeout=self._timeout,
                ping_interval=_SILENCE,
                ping_timeout=_SILENCE,
                close_timeout=1.0,
                max_size=_LONGEST_MESSAGE,
                proxy=None if self._proxy is None else str(self._proxy),
                logger=_silent_logger(),
                **options,
            )
        except InvalidStatus as error:
            response = error.response
            known = {name.lower(): value for name, value in response.headers.raw_items()}
            refusal = Answer(response.status_code, known, bytes(response.body or b"")).error()
            if not may_pass(response.status_code):
                raise refusal from None
            raise OSError("not now") from None
        loop = asyncio.get_running_loop()
        reader = loop.create_task(self._read(socket))
        try:
            self._socket = socket
            await self._hold_again()
            up_since = loop.time()
            self.reconnects += self._up.is_set()
            self._connected = True
            self._up.set()
            await asyncio.wait([reader])
            backoff.worked(loop.time() - up_since)
        finally:
            self._socket, self._connected = None, False
            for answer in self._pending.values():
                if not answer.done():
                    answer.set_exception(Disconnected("the session's connection to the service broke"))
            reader.cancel()
            await socket.close()

    async def _hold_again(self) -> None:
        async with self._in_turn():
            for (name, key), wish in list(self._wishes.items()):
                try:
                    told = await self._ask(op="hold", name=name, key=key, **wish)
                    held = Held(name, key, cast(SubscriptionState, told.get("state")))
                except ProblemError as error:
                    held = Held(name, key, None, error)
                except (Disconnected, DeadlineExceeded) as error:
                    raise OSError("lost again") from error
                self._held[name, key] = held

    async def _read(self, socket: ClientConnection) -> None:
        async for message in socket:
            try:
                told = read_json(message, "a message")
                number, kind = told.get("id"), told.get("type")
            except (UnexpectedAnswer, AttributeError):
                # Not an answer of everwire: the request runs into its deadline.
                continue
            answer = self._pending.get(number) if isinstance(number, str) else None
            if answer is None or answer.done():
                continue
            if kind == "ack":
                answer.set_result(told)
            elif kind == "error":
                answer.set_exception(problem_error(told.get("problem")))
            else:
                answer.set_exception(UnexpectedAnswer("invalid answer: it is neither an ack nor an error"))
