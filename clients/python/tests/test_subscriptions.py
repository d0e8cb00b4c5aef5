"""Live subscriptions: held by a session, or by the API."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from conftest import TOKEN, Peer, Service, eventually

from everwire import AsyncClient, BadRequest, Client, Conflict, Connection, Disconnected, NotFound, Reason


def holders(connection: Connection) -> dict[str, list[str]]:
    return {told["key"]: told["holders"] for told in connection.subscriptions()}


def open_subs(client: Client) -> Connection:
    subs = client.connection("subs")
    eventually("subs is open", lambda: subs.status()["ready"])
    return subs


def heard(peer: Peer) -> Any:
    return peer.told_of("heard")


def test_two_clients_hold_one_subscription(service: Service, peer: Peer) -> None:
    with Client(service.url, token=TOKEN) as one, Client(service.url, token=TOKEN) as two:
        subs = open_subs(one)
        with one.session() as first, two.session() as second:
            assert first.hold("subs", "trades").key == "trades"
            assert heard(peer)["args"] == ["trades"]
            second.hold("subs", "trades")
            assert len(holders(subs)["trades"]) == 2
            # The other session still holds it: the peer is not told.
            first.release("subs", "trades")
            assert len(holders(subs)["trades"]) == 1
            second.hold("subs", "book")
            assert heard(peer)["args"] == ["book"]
            assert [held.key for held in second.held] == ["trades", "book"] and first.held == []
            with pytest.raises(NotFound):
                first.release("subs", "trades")
        # The end of a session releases all its keys.
        ended = [heard(peer), heard(peer)]
        assert {(told["op"], *told["args"]) for told in ended} == {("unsub", "trades"), ("unsub", "book")}
        eventually("nothing is held", lambda: holders(subs) == {})


def test_a_session_holds_again_what_it_held(service: Service, peer: Peer) -> None:
    with Client(service.url, token=TOKEN) as client, client.session() as session:
        subs = open_subs(client)
        session.hold("subs", "trades", item="trades.all")
        session.hold("subs", "book")
        assert [heard(peer)["args"] for _ in range(2)] == [["trades.all"], ["book"]]
        service.kill()
        with pytest.raises(Disconnected):
            for _ in range(100):
                session.hold("subs", "gone")
        service.start()
        eventually("it is back", lambda: session.connected)
        assert session.reconnects == 1 and [held.error for held in session.held] == [None, None]
        assert sorted([heard(peer)["args"][0] for _ in range(2)]) == ["book", "trades.all"]
        assert sorted(holders(subs)) == ["book", "trades"]


def test_what_the_api_holds_stays(service: Service, peer: Peer) -> None:
    with Client(service.url, token=TOKEN) as client:
        subs = open_subs(client)
        assert subs.subscribe("a/b c")["holders"] == ["api"]
        assert heard(peer)["args"] == ["a/b c"]
        eventually("it is active", lambda: [s["key"] for s in subs.subscriptions(["active"])] == ["a/b c"])
        assert [s["key"] for s in subs.subscriptions(["refused", "ended"])] == []
        with pytest.raises(Conflict) as other:
            subs.subscribe("a/b c", item={"other": 1})
        assert other.value.reason == Reason.OTHER_ITEM
        subs.unsubscribe("a/b c")
        assert heard(peer) == {"op": "unsub", "args": ["a/b c"]}
        with pytest.raises(NotFound):
            subs.unsubscribe("a/b c")
        with pytest.raises(BadRequest) as told:
            client.connection("echo").subscribe("k")
        assert told.value.reason == Reason.NO_SUBSCRIBE
        with client.session() as session, pytest.raises(BadRequest) as told:
            session.hold("echo", "k")
        assert told.value.reason == Reason.NO_SUBSCRIBE


def test_asyncio_holds_many_at_once(service: Service) -> None:
    async def main() -> None:
        async with AsyncClient(service.url, token=TOKEN) as client, client.session() as session:
            while not (await client.connection("subs").status())["ready"]:
                await asyncio.sleep(0.02)
            held = await asyncio.gather(*(session.hold("subs", f"k{number}") for number in range(50)))
            assert [one.key for one in held] == [f"k{number}" for number in range(50)]
            listed = [told["key"] async for told in client.connection("subs").subscriptions()]
            assert len(listed) == 50
            # A cancelled call does not block the others.
            cancelled = asyncio.ensure_future(session.hold("subs", "cancelled"))
            # The request is sent, and not answered.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            cancelled.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cancelled
            await session.release("subs", "k0")
            # The service does not hold it either.
            listed = [told["key"] async for told in client.connection("subs").subscriptions()]
            assert sorted(listed) == sorted(f"k{number}" for number in range(1, 50))

    asyncio.run(main())
