"""Code that needs no service."""

from __future__ import annotations

import pytest

from everwire import Cause, DeadlineExceeded, Fate, InDoubt, NotFound, ProblemError, Reason, Rejected, UnexpectedAnswer
from everwire import _calls
from everwire._backoff import Backoff
from everwire._calls import Answer, Sent
from everwire._sse import Frame, Parser
from everwire._token import Token
from everwire.errors import problem_error


def problem(status: int, **members: object) -> dict[str, object]:
    return {"type": "about:blank", "title": "Title", "status": status, "detail": "what is wrong", **members}


def test_an_enum_takes_what_it_does_not_know() -> None:
    assert Fate("written") is Fate.WRITTEN and Fate.WRITTEN == "written" and Fate.WRITTEN.is_known
    later = Fate("teleported")
    assert later == "teleported" and not later.is_known and later.value == "teleported"
    assert later == Fate("teleported") and hash(later) == hash("teleported") and later != Fate.WRITTEN
    assert str(later) == "teleported" and "teleported" in repr(later)
    assert len(list(Fate)) == 9
    with pytest.raises(ValueError):
        Fate(7)


def test_a_problem_becomes_the_error_of_its_fate_or_status() -> None:
    rejected = problem_error(problem(429, fate="rejected", reason="full"), 1.0)
    assert isinstance(rejected, Rejected)
    assert (rejected.status, rejected.reason, rejected.retry_after) == (429, Reason.FULL, 1.0)
    doubtful = problem_error(problem(409, fate="in_doubt", id=7, epoch=3))
    assert isinstance(doubtful, InDoubt) and (doubtful.id, doubtful.epoch) == (7, 3)
    assert isinstance(problem_error(problem(404)), NotFound)
    later = problem_error(problem(418, reason="teapot", cause="steam"))
    assert type(later) is ProblemError and later.reason == "teapot" and not later.reason.is_known
    memory = problem_error(problem(503, cause="memory"))
    assert isinstance(memory, ProblemError) and memory.cause is Cause.MEMORY
    raw = problem_error(problem(503, cause={"kind": "refused", "text": "no"}))
    assert isinstance(raw, ProblemError) and raw.cause is Cause.REFUSED
    wrong: object
    for wrong in (None, [], {}, {"status": "404"}, problem(404) | {"detail": None}, problem(404, fate=[]), problem(404, reason=7)):
        assert isinstance(problem_error(wrong), UnexpectedAnswer)


def test_an_answer_that_is_not_everwires_is_told_apart() -> None:
    page = Answer(502, {"content-type": "text/html", "retry-after": "x"}, b"<html>")
    assert isinstance(page.error(), UnexpectedAnswer)
    with pytest.raises(UnexpectedAnswer):
        Answer(200, {}, b"{").json()
    with pytest.raises(UnexpectedAnswer):
        Answer(200, {}, b"[" * 100_000).json()
    for told in (b"{}", b"[]", b'{"id":1,"epoch":1}', b'{"id":"x","epoch":1,"fate":"queued"}'):
        with pytest.raises(UnexpectedAnswer):
            _calls.read_sent(Answer(200, {}, told))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_frames_are_put_together_from_any_pieces(size: int) -> None:
    text = "retry: 1000\nid: c0\n\n: still here\n\nid: c1\ndata: {\"ü\":1}\n\ndata: a\r\ndata: b\r\n\r\nid: c2\ndata: cut o".encode()
    parser, frames = Parser(100), []
    for begin in range(0, len(text), size):
        frames += parser.feed(text[begin : begin + size])
    assert frames == [Frame("c0", None), Frame("c1", '{"ü":1}'), Frame(None, "a\nb")]


def test_a_frame_is_bounded() -> None:
    for pieces in ([b"data: " + b"x" * 200], [b"data: " + b"x" * 60 + b"\n"] * 3, [b"data:\n"] * 200):
        parser = Parser(100)
        with pytest.raises(UnexpectedAnswer):
            for piece in pieces:
                parser.feed(piece)
    with pytest.raises(UnexpectedAnswer):
        Parser(100).feed(b"data: \xff\n\n")


def test_paths_are_escaped() -> None:
    assert _calls.status("a:b.c").path == "/v1/connections/a%3Ab%2Ec"
    assert _calls.unsubscribe("a", "../x y/é").path == "/v1/connections/a/subscriptions/%2E%2E%2Fx%20y%2F%C3%A9"
    assert _calls.events("feed-*", ["message"], ["a,b", "c\\"]) == (
        "/v1/events?match=feed-%2A&types=message&subscription=a%5C%2Cb%2Cc%5C%5C"
    )
    assert _calls.request("a", "x", "", "7", 1.5).path == "/v1/connections/a/request?json=&equals=7&timeout=1500ms"


def test_waits_have_bounds() -> None:
    assert _calls.duration(0) == "0ms" and _calls.duration(300) == "300000ms"
    for wrong in (-1, 301, float("nan"), float("inf")):
        with pytest.raises(ValueError):
            _calls.duration(wrong)
    backoff = Backoff()
    waits = [backoff.wait() for _ in range(10)]
    assert 0.05 <= waits[0] <= 0.1 and 2.5 <= waits[-1] <= 5.0
    assert backoff.wait(30.0) == 30.0 and backoff.wait(1e9) == 60.0
    backoff.worked(4.9)
    assert backoff.wait() >= 2.5
    backoff.worked(5.0)
    assert backoff.wait() <= 0.1


def test_fates_have_an_order() -> None:
    confirmed, accepted, expired = (Sent(1, 1, Fate(fate)) for fate in ("confirmed", "accepted", "expired"))
    assert confirmed.reaches("written") and confirmed.is_final
    assert not accepted.reaches("queued") and not accepted.is_final
    assert not expired.reaches("queued") and expired.is_final
    assert not Sent(1, 1, Fate("teleported")).reaches("queued")


def test_a_token_is_not_shown() -> None:
    token = Token("s3cret")
    assert "s3cret" not in repr(token) and "s3cret" not in str([token])
    # A space at an end would be refused later, by an error that contains the header.
    for wrong in ("", "a\nb", "é", "s3cret ", " s3cret", "s3 cret"):
        with pytest.raises(ValueError, match="invalid token") as told:
            Token(wrong)
        assert not wrong or wrong not in str(told.value)


def test_a_deadline_is_a_timeout() -> None:
    assert issubclass(DeadlineExceeded, TimeoutError)
