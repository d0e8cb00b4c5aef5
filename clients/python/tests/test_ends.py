"""The end of a client ends all its work."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import threading
from typing import Any

import pytest
from conftest import TOKEN, Service, eventually

from everwire import AsyncClient, Client, Disconnected
from everwire._portal import Portal


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "everwire"]


def test_a_client_that_is_closed_ends_its_streams_and_sessions(service: Service) -> None:
    async def main() -> None:
        async with AsyncClient(service.url, token=TOKEN) as client:
            events, session = client.events("nobody"), client.session()
            await asyncio.gather(events.ready(), session.open())
            waiting = asyncio.ensure_future(events.next())
            await asyncio.sleep(0)
        with pytest.raises(StopAsyncIteration):
            await waiting
        assert not session.connected
        with pytest.raises(Disconnected, match="closed"):
            await session.hold("subs", "k")
        assert [task for task in asyncio.all_tasks() if "Async" in str(task)] == []

    asyncio.run(main())


def test_what_is_left_after_its_client_was_shut_is_left_in_peace(service: Service) -> None:
    client = Client(service.url, token=TOKEN)
    with client.events("nobody"), client.session():
        client.shut()
        client.shut()
    with pytest.raises(RuntimeError, match="closed"):
        client.connection("echo").status()
    assert threads() == []


def test_a_call_while_the_client_is_shut_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    portal = Portal()
    submit = asyncio.run_coroutine_threadsafe

    async def nothing() -> None:
        pass

    async def forever() -> None:
        await asyncio.Event().wait()

    def shut_meanwhile(*arguments: Any) -> concurrent.futures.Future[Any]:
        monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", submit)
        closing.append(pool.submit(portal.close, nothing))
        # It cannot overtake the running call.
        concurrent.futures.wait(closing, timeout=0.2)
        return submit(*arguments)

    closing: list[concurrent.futures.Future[None]] = []
    with concurrent.futures.ThreadPoolExecutor() as pool:
        monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", shut_meanwhile)
        with pytest.raises(RuntimeError, match="the client"):
            portal.run(forever())
        closing[0].result(10)
    assert threads() == []


def test_a_client_that_nobody_has_ends_its_thread() -> None:
    client = Client("http://127.0.0.1:9")
    connection = client.connection("a")
    assert threads() == ["everwire"]
    del client, connection
    gc.collect()
    eventually("the thread has ended", lambda: threads() == [])
