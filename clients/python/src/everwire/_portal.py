"""An event loop in a separate thread, used by the client without `async`."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Closed(RuntimeError):
    """The portal is closed."""


class Portal:
    """Runs coroutines for threads without an event loop. The thread ends with `close`, or when the
    portal is no longer used.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=_serve, args=[self._loop], name="everwire", daemon=True)
        self._thread.start()
        # A call comes either before the close, which cancels it, or is refused.
        self._lock = threading.Lock()
        self._closed = False
        weakref.finalize(self, _end_unused, self._loop).atexit = False

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Waits for the result of a coroutine. An interrupt (Ctrl-C) cancels it."""
        with self._lock:
            if self._closed:
                coroutine.close()
                raise Closed("the client is closed")
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise Closed("the client was closed during the call") from None
        except BaseException:
            future.cancel()
            raise

    def end(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Runs a coroutine that closes something. If the portal is closed, that has happened
        already.
        """
        with contextlib.suppress(Closed):
            self.run(coroutine)

    def close(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Runs a last coroutine, cancels the others, and ends the thread."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            ended = asyncio.run_coroutine_threadsafe(_end(last), self._loop)
        try:
            ended.result(20.0)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10.0)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


async def _end(last: Callable[[], Coroutine[Any, Any, None]]) -> None:
    try:
        await last()
    finally:
        await _cancel_all()


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=5.0)


def _end_unused(loop: asyncio.AbstractEventLoop) -> None:
    def end() -> None:
        loop.create_task(_cancel_all()).add_done_callback(lambda _: loop.stop())

    # The loop may be closed.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(end)
