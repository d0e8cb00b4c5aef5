"""What a client has begun ends with it."""

from __future__ import annotations

import asyncio

import pytest
from conftest import TOKEN, Service

from everwire import AsyncClient, Disconnected


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
