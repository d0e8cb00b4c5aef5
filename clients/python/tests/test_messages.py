"""Sends with their fates, requests, and operations on a connection."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import READER, TOKEN, Peer, Service, eventually

from everwire import (
    AsyncClient,
    BadRequest,
    Cause,
    Client,
    DeadlineExceeded,
    Disconnected,
    Fate,
    Forbidden,
    Forgotten,
    NeverWritten,
    NotFound,
    Reason,
    Refused,
    Rejected,
    Sent,
    Unanswered,
    Unauthorized,
    Why,
    _calls,
)


def test_a_send_has_the_fate_that_was_asked_for(service: Service) -> None:
    with Client(service.url, token=TOKEN) as client:
        echo = client.connection("echo")
        eventually("echo is open", lambda: echo.status()["state"] == "open")
        with client.events("echo", types=["message"]) as events:
            sent = echo.send("grüße", wait="confirmed", timeout=10)
            assert (sent.fate, sent.id, sent.is_final) == (Fate.CONFIRMED, 1, True)
            assert events.next(10).get("text") == "grüße"
            assert echo.send(b"\x00\xff", wait="written", timeout=10).reaches("written")
            assert events.next(10).get("base64") == "AP8="
        assert echo.fate(sent) == sent
        with pytest.raises(Forgotten):
            echo.fate(Sent(1, 99, Fate.QUEUED))
        with pytest.raises(NotFound):
            echo.fate(Sent(99, sent.epoch, Fate.QUEUED))


def test_a_send_while_the_name_is_down_has_its_fate_later(service: Service) -> None:
    with Client(service.url, token=TOKEN) as client:
        later = client.connection("later")
        queued = later.send("one", wait="confirmed", timeout=0.2)
        assert queued.fate == Fate.QUEUED and not queued.is_final
        with pytest.raises(DeadlineExceeded):
            later.wait_for(queued, "written", timeout=0.3)
        # A restart keeps its place, too.
        service.kill()
        with pytest.raises(DeadlineExceeded):
            later.wait_for(queued, "written", timeout=0.3)
        service.start()
        peer = Peer(service.later)
        try:
            assert later.wait_for(queued, "confirmed", timeout=20).fate == Fate.CONFIRMED
        finally:
            peer.end()


def test_a_message_that_is_never_written_says_so(service: Service) -> None:
    with Client(service.url, token=TOKEN) as client:
        name = client.connection("made")
        name.put({"url": f"ws://127.0.0.1:{service.later}/echo", "outbox": {"messages": 1}})
        sent = name.send("one")
        with pytest.raises(Rejected) as full:
            name.send("two")
        assert (full.value.reason, full.value.retry_after) == (Reason.FULL, 1.0)
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(name.wait_for, sent, "written", timeout=20)
            name.close()
            with pytest.raises(NeverWritten) as cancelled:
                waiting.result(20)
        assert (cancelled.value.fate, cancelled.value.id) == ("cancelled", sent.id)
        with pytest.raises(Rejected) as closed:
            name.send("three")
        assert closed.value.reason == Reason.CLOSED
        name.delete()
        with pytest.raises(NotFound):
            name.status()


def test_a_key_sends_once_over_a_restart(service: Service) -> None:
    with Client(service.url, token=TOKEN) as client:
        later = client.connection("later")
        first = later.send("once", idempotency_key="k")
        service.kill()
        with ThreadPoolExecutor() as pool:
            again = pool.submit(later.send, "once", timeout=10, idempotency_key="k")
            time.sleep(0.3)
            service.start()
            assert again.result(20).id == first.id
        with pytest.raises(BadRequest) as used:
            later.send("other", idempotency_key="k")
        assert used.value.reason == Reason.KEY_USED


def test_a_wrong_token_and_a_name_that_does_not_exist(service: Service) -> None:
    with Client(service.url, token="wrong") as client:
        for ask in (client.connection("echo").status, client.events().ready, client.session().open):
            with pytest.raises(Unauthorized):
                ask()
        with pytest.raises(Unauthorized):
            client.events().next()
    with Client(service.url) as client, pytest.raises(Unauthorized):
        client.connection("echo").send("x")
    with Client(service.url, token=READER) as client:
        with pytest.raises(Forbidden, match="control"):
            client.connection("echo").close()
    with Client(service.url, token=TOKEN) as client:
        nobody = client.connection("nobody")
        for wrong in (nobody.status, nobody.why, nobody.connect, lambda: nobody.send("x"), lambda: list(nobody.subscriptions())):
            with pytest.raises(NotFound, match="nobody"):
                wrong()
        with pytest.raises(BadRequest, match="types"):
            client.events(types=["shut"]).ready()


def refused(why: Why) -> bool:
    return why["cause"] is not None and why["cause"]["kind"] == Cause.REFUSED


def test_names_are_listed_explained_closed_and_connected(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    with Client(service.url, token=TOKEN) as client:
        for page in (2, 500):
            monkeypatch.setattr(_calls, "_PAGE", page)
            names = [status["name"] for status in client.connections()]
            assert names == ["calls", "echo", "feed", "later", "subs"]
        eventually("echo is open", lambda: client.connection("echo").status()["ready"])
        assert [status["name"] for status in client.connections("e*,f*", states=["open"])][:1] == ["echo"]
        why = client.connection("later").why()
        assert why["name"] == "later" and not why["ready"]
        eventually("a cause", lambda: refused(client.connection("later").why()))
        echo = client.connection("echo")
        echo.close(4000, "enough")
        eventually("it is closed", lambda: echo.status()["state"] == "closed")
        assert echo.connect("first")["name"] == "echo"
        eventually("it is open", lambda: echo.status()["state"] == "open")
        assert client.connect("echo")["matched"] == 1
        assert client.retry("lat*")["matched"] == 1


def test_two_ask_at_once_and_each_has_its_answer(service: Service) -> None:
    with Client(service.url, token=TOKEN) as one, Client(service.url, token=TOKEN) as two:
        eventually("calls is open", lambda: one.connection("calls").status()["ready"])

        def ask(client: Client, of: int) -> bool:
            # Both choose the same id.
            answer = client.connection("calls").request(json.dumps({"id": 7, "op": "ask", "of": of}), timeout=10)
            assert isinstance(answer, str)
            return bool(json.loads(answer) == {"id": 7, "result": of})

        with ThreadPoolExecutor(max_workers=8) as pool:
            assert all(pool.map(lambda of: ask((one, two)[of % 2], of), range(100)))
        with pytest.raises(Refused) as refused:
            one.connection("calls").request('{"id":7,"op":"refuse"}')
        assert json.loads(refused.value.answer) == {"id": 7, "error": "no"}
        with pytest.raises(Rejected, match="leave out json"):
            one.connection("calls").request('{"id":7,"op":"ask"}', json="/id", equals="7")


def test_a_request_has_a_deadline(service: Service) -> None:
    with Client(service.url, token=TOKEN) as client:
        calls = client.connection("calls")
        eventually("calls is open", lambda: calls.status()["ready"])
        begun = time.monotonic()
        with pytest.raises(Unanswered):
            calls.request('{"id":7,"op":"silence"}', timeout=0.3)
        assert 0.25 < time.monotonic() - begun < 3
        with pytest.raises(ValueError):
            calls.request("x", timeout=301)


def test_a_service_that_is_not_there_is_told(service: Service) -> None:
    service.kill()
    with Client(service.url, token=TOKEN) as client:
        with pytest.raises(Disconnected):
            client.connection("echo").send("x")
        with pytest.raises(Disconnected):
            client.events(give_up_after=0.3).next(10)
        with pytest.raises(DeadlineExceeded):
            client.events().ready(0.3)
        with pytest.raises(Disconnected):
            Client(service.url, timeout=0.3).session().open()


@pytest.mark.parametrize("wrong", ["", "a\n", "a b", "→"])
def test_what_no_header_can_say_is_refused_at_once(wrong: str) -> None:
    with Client("http://127.0.0.1:9", timeout=0.5) as client:
        with pytest.raises(ValueError, match="invalid cursor"):
            client.events(since=wrong)
        with pytest.raises(ValueError, match="invalid idempotency key"):
            client.connection("a").send("x", timeout=0.5, idempotency_key=wrong)


def test_asyncio_cancels_what_waits(service: Service) -> None:
    async def main() -> None:
        async with AsyncClient(service.url, token=TOKEN) as client:
            calls = client.connection("calls")
            while not (await calls.status())["ready"]:
                await asyncio.sleep(0.02)
            for waits in (
                calls.request('{"id":7,"op":"silence"}', timeout=60),
                client.connection("later").send("x", wait="confirmed", timeout=60),
                client.events("nobody").next(),
            ):
                task = asyncio.ensure_future(waits)
                await asyncio.sleep(0.2)
                assert not task.done()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            # The client still works.
            assert (await calls.request('{"id":8,"op":"ask","of":1}')) == '{"id": 8, "result": 1}'
            both = await asyncio.gather(*(calls.request(f'{{"id":1,"op":"ask","of":{of}}}') for of in (1, 2)))
            assert both == ['{"id": 1, "result": 1}', '{"id": 1, "result": 2}']

    asyncio.run(main())


def test_a_token_is_in_no_text(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Client(service.url, token=TOKEN) as client:
        session = client.session()
        session.open()
        client.connection("echo").status()
        shown = [repr(client), repr(session), repr(client.connection("echo")), repr(client.events())]
        shown += [str(vars(client._client)), str(vars(session._session)), repr(client._client._http.headers)]
        session.close()
    assert caplog.text, "nothing was logged"
    for text in [*shown, caplog.text]:
        assert TOKEN not in text
    for url in ("ftp://x", "http://me:pass@x", "x"):
        with pytest.raises(ValueError) as told:
            Client(url)
        assert "pass" not in str(told.value)
