"""Events, over restarts of the service."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import TOKEN, Peer, Service, eventually

from everwire import AsyncClient, AsyncEvents, Client, DeadlineExceeded, Event, Events, payload
from everwire import _events


def number(event: Event) -> int:
    told: int = json.loads(payload(event))["n"]
    return told


def open_feed(client: Client) -> None:
    eventually("feed is open", lambda: client.connection("feed").status()["ready"])


def numbers(events: Events, last: int) -> list[Event]:
    """All events up to the message with this number."""
    heard: list[Event] = []
    while not heard or heard[-1]["type"] != "message" or number(heard[-1]) < last:
        heard.append(events.next(20))
    return heard


def test_nothing_is_lost_or_doubled_when_the_service_is_killed(service: Service, peer: Peer) -> None:
    with Client(service.url, token=TOKEN) as client:
        open_feed(client)
        with client.events("feed", types=["message"]) as events:
            for told in range(1, 51):
                peer.say(json.dumps({"n": told}))
            heard = numbers(events, 50)
            service.kill()
            peer.until_nobody_listens()
            # The next process receives these, most of them before the client is back.
            for told in range(51, 101):
                peer.say(json.dumps({"n": told}))
            service.start()
            heard += numbers(events, 100)
            assert events.reconnects == 1
    messages = [event for event in heard if event["type"] == "message"]
    assert [number(event) for event in messages] == list(range(1, 101))
    cursors = [event["cursor"] for event in messages]
    assert len(set(cursors)) == 100
    # The last messages before a kill are unknown. That is reported once, at the place where
    # messages may be missing.
    assert [event.get("missed", "") for event in heard if event["type"] == "lagged"] == [None]
    assert heard[50]["type"] == "lagged"


def test_a_kill_within_a_stream_doubles_nothing_and_tells_what_may_be_missing(service: Service, peer: Peer) -> None:
    with Client(service.url, token=TOKEN) as client:
        open_feed(client)
        with client.events("feed", types=["message"]) as events:
            peer.say("tick 1500 1")
            heard = numbers(events, 300)
            service.kill()
            service.start()
            heard += numbers(events, 1500)
    last = 0
    may_miss = False
    for event in heard:
        if event["type"] == "lagged":
            may_miss = True
        else:
            # The peer also ticks while nobody listens: gaps may be only where the service was down.
            assert number(event) == last + 1 or (may_miss and number(event) > last), (last, event)
            last, may_miss = number(event), False
    assert last == 1500


def test_an_orderly_restart_loses_nothing_and_says_nothing(service: Service, peer: Peer) -> None:
    with Client(service.url, token=TOKEN) as client:
        open_feed(client)
        with client.events("feed", types=["message"]) as events:
            for told in range(1, 21):
                peer.say(json.dumps({"n": told}))
            heard = numbers(events, 10)
            service.signal(signal.SIGTERM)
            peer.until_nobody_listens()
            for told in range(21, 41):
                peer.say(json.dumps({"n": told}))
            service.start()
            heard += numbers(events, 40)
    assert [number(event) for event in heard] == list(range(1, 41))


def test_another_process_goes_on_behind_the_cursor(service: Service, peer: Peer) -> None:
    with Client(service.url, token=TOKEN) as client:
        open_feed(client)
        with client.events("feed", types=["message"]) as events:
            beginning = events.cursor
            assert beginning is not None
            peer.say('{"n":1}')
            peer.say('{"n":2}')
            assert number(events.next(10)) == 1
            # Fetched but unread events do not count.
            cursor = events.cursor
        with client.events("feed", types=["message"], since=cursor) as events:
            assert number(events.next(10)) == 2
        with client.events("feed", types=["message"], since=beginning) as events:
            assert [number(event) for event in numbers(events, 2)] == [1, 2]


def test_events_are_chosen_by_name_type_and_key(service: Service, peer: Peer) -> None:
    with Client(service.url, token=TOKEN) as client:
        eventually("echo is open", lambda: client.connection("echo").status()["ready"])
        with client.events("e*", types=["sent", "message"], keys=["k,1"]) as some, client.events("feed") as other:
            client.connection("echo").send("x", wait="confirmed")
            # The echo belongs to no subscription.
            assert [some.next(10)["type"] for _ in range(2)] == ["sent", "sent"]
            with pytest.raises(DeadlineExceeded):
                some.next(0.3)
            with pytest.raises(DeadlineExceeded):
                other.next(0)
            # A wait that timed out loses nothing.
            client.connection("echo").send("y", wait="confirmed")
            assert some.next(10)["id"] == 2


def test_what_waits_is_bounded_and_a_slow_reader_is_told(
    service: Service, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_events, "_MAX_EVENTS", 8)
    monkeypatch.setattr(_events, "_MAX_BYTES", 100_000)
    with Client(service.url, token=TOKEN) as client:
        open_feed(client)
        with client.events("feed", types=["message"]) as events:
            filler = "x" * 30_000
            for told in range(1, 1001):
                peer.say(json.dumps({"n": told, "filler": filler}))
            eventually("the peer has said it", lambda: client.connection("feed").status()["received"]["messages"] == 1000)
            time.sleep(0.5)
            assert len(events._events._waiting) <= 8 and events._events._bytes <= 100_000 + 31_000
            heard = numbers(events, 1000)
    told_missing = sum(event.get("missed") or 0 for event in heard if event["type"] == "lagged")
    messages = [number(event) for event in heard if event["type"] == "message"]
    assert told_missing > 0 and told_missing + len(messages) == 1000
    assert messages == sorted(set(messages))


def test_a_reader_is_ended_from_elsewhere(service: Service) -> None:
    with Client(service.url, token=TOKEN) as client, ThreadPoolExecutor() as pool:
        events = client.events("nobody")
        events.ready()
        waiting = pool.submit(list, events)
        time.sleep(0.2)
        events.close()
        assert waiting.result(10) == []
        with pytest.raises(StopIteration):
            events.next()
        # Closing the client ends its streams.
        other = client.events("nobody")
        other.ready()
        still = pool.submit(other.next)
        time.sleep(0.2)
        client.shut()
        with pytest.raises((RuntimeError, StopIteration)):
            still.result(10)
        with pytest.raises(RuntimeError, match="closed"):
            client.connection("echo").status()
    assert not [thread for thread in threading.enumerate() if thread.name == "everwire"]


def test_asyncio_reads_them_too(service: Service, peer: Peer) -> None:
    async def main() -> list[int]:
        async with AsyncClient(service.url, token=TOKEN) as client:
            while not (await client.connection("feed").status())["ready"]:
                await asyncio.sleep(0.02)
            async with client.events("feed", types=["message"]) as events:
                peer.say('{"n":1}')
                first = await events.next(10)
                service.kill()
                peer.until_nobody_listens()
                peer.say('{"n":2}')
                service.start()
                return [number(first)] + [number(event) async for event in messages(events)]

    async def messages(events: AsyncEvents) -> AsyncIterator[Event]:
        async for event in events:
            if event["type"] == "message":
                yield event
                return

    assert asyncio.run(main()) == [1, 2]
