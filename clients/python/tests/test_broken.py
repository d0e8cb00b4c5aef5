"""Broken services, with faults that the real one does not produce on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from websockets.asyncio.server import ServerConnection, serve

from everwire import AsyncClient, AsyncEvents, AsyncSession, DeadlineExceeded, Disconnected, Unauthorized, UnexpectedAnswer
from everwire import _events

HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
BUSY = "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno"


def event(number: int) -> str:
    return f'id: c{number}\ndata: {{"type":"message","at":"","cursor":"c{number}","text":"{number}"}}\n\n'


def with_service(answers: list[str], run: Callable[[AsyncClient], Awaitable[None]]) -> list[str]:
    """Gives one of the answers to each connection, which stays open unless the answer ends with
    CUT. Returns the heads of the requests.
    """
    heads: list[str] = []
    # A writer without a reference would be closed.
    writers: list[asyncio.StreamWriter] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
        said = answers[min(len(heads), len(answers)) - 1]
        at_once, _, later = said.removesuffix("CUT").partition("PAUSE")
        writer.write(at_once.encode())
        if later:
            await asyncio.sleep(0.1)
            writer.write(later.encode())
        if said.endswith("CUT"):
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with AsyncClient(f"http://127.0.0.1:{port}", timeout=0.5) as client:
            await run(client)
        server.close()

    asyncio.run(main())
    return heads


async def texts(events: AsyncEvents, count: int) -> list[str | None]:
    return [(await events.next(10)).get("text") for _ in range(count)]


def test_a_stream_that_is_cut_within_an_event_goes_on_behind_the_last_whole_one() -> None:
    async def run(client: AsyncClient) -> None:
        async with client.events() as events:
            assert await texts(events, 3) == ["1", "2", "3"]
            assert (events.cursor, events.reconnects) == ("c3", 1)

    cut = HEAD + "id: c0\n\n" + event(1) + 'id: c2\ndata: {"type":"lost with the connection"}CUT'
    heads = with_service([cut, BUSY, HEAD + event(2) + event(3)], run)
    assert "last-event-id" not in heads[0]
    assert all("last-event-id: c1\r\n" in head for head in heads[1:])


@pytest.mark.parametrize("status", ["408 Request Timeout", "429 Too Many Requests"])
def test_a_proxy_that_is_busy_does_not_end_a_stream(status: str) -> None:
    async def run(client: AsyncClient) -> None:
        async with client.events() as events:
            assert await texts(events, 1) == ["1"]

    with_service([BUSY.replace("502 Bad Gateway", status), HEAD + event(1)], run)


def test_a_stream_that_falls_silent_is_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_events, "_SILENCE", 0.2)

    async def run(client: AsyncClient) -> None:
        async with client.events() as events:
            assert await texts(events, 2) == ["1", "2"]

    heads = with_service([HEAD + event(1), HEAD + event(2)], run)
    assert "last-event-id: c1\r\n" in heads[1]


@pytest.mark.parametrize("wrong", ["data: {\n\n", "data: []\n\n", "data: {}\n\n", "data: 7\n\n"])
def test_what_is_no_event_ends_the_stream(wrong: str) -> None:
    async def run(client: AsyncClient) -> None:
        events = client.events()
        assert await texts(events, 1) == ["1"]
        for _ in range(2):
            with pytest.raises(UnexpectedAnswer):
                await events.next(10)

    assert len(with_service([HEAD + event(1) + wrong], run)) == 1


def test_another_service_is_told_apart() -> None:
    async def run(client: AsyncClient) -> None:
        with pytest.raises(UnexpectedAnswer, match="not a problem document"):
            await client.connection("a").status()
        with pytest.raises(Disconnected):
            await client.events(give_up_after=0.3).next(10)

    with_service([BUSY], run)


def test_two_wait_for_one_event_and_neither_is_told_of_an_end() -> None:
    async def run(client: AsyncClient) -> None:
        async with client.events() as events:
            told = await asyncio.gather(events.next(0.5), events.next(0.5), return_exceptions=True)
            assert {type(one) for one in told} == {dict, DeadlineExceeded}, told

    later = HEAD + "id: c0\n\nPAUSE" + event(1)
    with_service([later], run)


def test_a_redirect_takes_the_token_nowhere() -> None:
    async def run(client: AsyncClient) -> None:
        with pytest.raises(UnexpectedAnswer, match="302"):
            await client.connection("a").status()
        with pytest.raises(UnexpectedAnswer, match="302"):
            await client.events().next(10)
        with pytest.raises(UnexpectedAnswer, match="302"):
            await client.session().open()

    heads = with_service(["HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\nCUT"], run)
    assert [head.split()[1] for head in heads] == ["/v1/connections/a", "/v1/events", "/v1/ws"]


def test_a_session_that_was_refused_is_not_open_at_the_second_try() -> None:
    problem = '{"type":"about:blank","title":"Unauthorized","status":401,"detail":"no token"}'
    head = f"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/problem+json\r\nContent-Length: {len(problem)}\r\n\r\n"

    async def run(client: AsyncClient) -> None:
        session = client.session()
        for _ in range(2):
            with pytest.raises(Unauthorized):
                await session.open()

    assert len(with_service([f"{head}{problem}CUT"], run)) == 1


def test_a_session_that_was_not_opened_in_time_stays_closed() -> None:
    async def run(client: AsyncClient) -> None:
        session = client.session()
        for _ in range(2):
            with pytest.raises(Disconnected, match="could not be reached"):
                await session.open()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    async def main() -> None:
        async with AsyncClient("http://127.0.0.1:9", timeout=0.3) as client:
            await run(client)

    asyncio.run(main())


def test_a_wait_for_a_beginning_that_is_given_up_leaves_nothing_behind() -> None:
    async def enter(something: AsyncSession | AsyncEvents) -> None:
        async with something:
            raise AssertionError("it has begun")

    async def run(client: AsyncClient) -> None:
        for something in (client.session(), client.events()):
            task = asyncio.ensure_future(enter(something))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert [task for task in asyncio.all_tasks() if "Async" in str(task)] == []

    with_service([""], run)


def test_two_open_one_session_and_both_wait_until_it_is() -> None:
    async def answer(socket: ServerConnection) -> None:
        await socket.wait_closed()

    async def run(client: AsyncClient) -> None:
        session = client.session()

        async def opened() -> bool:
            await session.open()
            return session.connected

        assert all(await asyncio.gather(opened(), opened()))
        await session.aclose()
        with pytest.raises(Disconnected, match="closed"):
            await session.open()

    asyncio.run(with_sessions(answer, run))


def test_a_session_takes_the_clients_proxy() -> None:
    asked: list[str] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[0])
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(proxy, "127.0.0.1", 0)
        address = f"http://me:s3cret@127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with AsyncClient("http://127.0.0.1:9", timeout=0.3, proxy=address) as client:
            session = client.session()
            with pytest.raises(Disconnected) as told:
                await session.open()
            for text in (str(told.value), str(vars(client)), str(vars(session)), repr(session)):
                assert "s3cret" not in text
        server.close()

    asyncio.run(main())
    assert asked[0] == "CONNECT 127.0.0.1:9 HTTP/1.1"


def test_a_service_that_says_nothing_costs_its_deadline() -> None:
    async def run(client: AsyncClient) -> None:
        with pytest.raises(DeadlineExceeded, match="0.5 s"):
            await client.connection("a").status()
        with pytest.raises(DeadlineExceeded):
            await client.connection("a").send("x", timeout=0.1, idempotency_key="k")
        with pytest.raises(Disconnected):
            await client.session().open()

    with_service([""], run)


async def with_sessions(
    answer: Callable[[ServerConnection], Awaitable[None]], run: Callable[[AsyncClient], Awaitable[None]], timeout: float = 2.0
) -> None:
    """A service with only sessions."""
    async with serve(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with AsyncClient(f"http://127.0.0.1:{port}", timeout=timeout) as client:
            await run(client)


def test_a_stream_that_ends_at_once_is_begun_anew_ever_more_rarely() -> None:
    async def run(client: AsyncClient) -> None:
        with pytest.raises(DeadlineExceeded):
            await client.events().next(1.5)

    # After at most 0.1, 0.3 and 0.7 s, and at least half of that.
    assert 3 <= len(with_service([HEAD + "id: c0\n\nCUT"], run)) <= 6


def test_a_session_that_ends_at_once_is_begun_anew_ever_more_rarely() -> None:
    connections = []

    async def answer(socket: ServerConnection) -> None:
        connections.append(socket)

    async def run(client: AsyncClient) -> None:
        async with client.session():
            await asyncio.sleep(1.5)

    asyncio.run(with_sessions(answer, run))
    assert 3 <= len(connections) <= 6


def test_a_session_that_hears_no_answer_costs_each_its_deadline() -> None:
    async def answer(socket: ServerConnection) -> None:
        await socket.wait_closed()

    async def run(client: AsyncClient) -> None:
        async with client.session() as session:
            begun = asyncio.get_running_loop().time()
            told = await asyncio.gather(*(session.hold("a", f"k{number}") for number in range(6)), return_exceptions=True)
            assert {type(one) for one in told} == {DeadlineExceeded}, told
            # One second for the turn, and one for the answer.
            assert asyncio.get_running_loop().time() - begun < 1.5

    asyncio.run(with_sessions(answer, run, timeout=0.5))
