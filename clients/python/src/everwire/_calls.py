"""Requests, and the meaning of their answers, without any I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote, urlencode

from ._api import Fate, Matched, Page, Status, Subscription, Subscriptions, Why
from .errors import EverwireError, UnexpectedAnswer, problem_error

T = TypeVar("T")
Payload = str | bytes
"""A text message or a binary one."""
Wanted = Literal["queued", "written", "confirmed"]
"""The fates that a caller can wait for."""

_RANKS = {"accepted": 0, "queued": 1, "written": 2, "confirmed": 3}
# The longest wait that the service accepts.
_LONGEST_WAIT = 300.0
_PAGE = 500


@dataclass(frozen=True)
class Sent:
    """An accepted message, and its fate so far.

    `id` and `epoch` together identify the message for as long as the state of its connection is
    kept.
    """

    id: int
    epoch: int
    fate: Fate

    def reaches(self, wanted: Wanted) -> bool:
        """Whether the fate is this one or a better one."""
        return _RANKS.get(self.fate, -1) >= _RANKS[wanted]

    @property
    def is_final(self) -> bool:
        """Whether the fate can no longer change."""
        return self.fate not in ("accepted", "queued", "written")


def read_json(text: str | bytes, what: str) -> Any:
    """Parses a JSON text of the service. Text that is nested too deeply for Python counts as
    invalid.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnexpectedAnswer(f"invalid JSON: {what} cannot be read") from error


@dataclass(frozen=True)
class Answer:
    """An answer of the service."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return read_json(self.body, f"an answer of status {self.status}")

    def error(self) -> EverwireError:
        retry_after = self.headers.get("retry-after", "")
        seconds = float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None
        if "problem+json" not in self.headers.get("content-type", ""):
            return UnexpectedAnswer(f"invalid answer of status {self.status}: it is not a problem document; is this everwire's address?")
        return problem_error(self.json(), seconds)


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request, and the function that reads its answer."""

    method: str
    path: str
    read: Callable[[Answer], T]
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    waits: float = 0.0
    """How long the service itself waits before it answers, in seconds."""


def visible_ascii(what: str, text: str) -> str:
    """Checks that a text can be a header value. The error does not contain it, since it may be a
    token.
    """
    if not text or not all("!" <= character <= "~" for character in text):
        raise ValueError(f"invalid {what}: write at least one character, only ASCII, and no spaces")
    return text


def may_pass(status: int) -> bool:
    """Whether another attempt may succeed: the service, or a proxy before it, is busy or down."""
    return status >= 500 or status in (408, 429)


def duration(seconds: float) -> str:
    """Seconds in the format of the service."""
    if not 0 <= seconds <= _LONGEST_WAIT:
        raise ValueError(f"invalid timeout {seconds}: write 0 to {_LONGEST_WAIT:.0f} seconds")
    return f"{round(seconds * 1000)}ms"


def _of(name: str, *rest: str) -> str:
    segments = (name, *rest)
    # A segment of dots would be interpreted as a relative path.
    return "/v1/connections/" + "/".join(quote(segment, safe="").replace(".", "%2E") for segment in segments)


def _query(**parameters: str | Iterable[str] | None) -> str:
    pairs = [(name, value if isinstance(value, str) else ",".join(value)) for name, value in parameters.items() if value]
    return f"?{urlencode(pairs)}" if pairs else ""


def _json(answer: Answer) -> Any:
    return answer.json()


def _nothing(_answer: Answer) -> None:
    return None


def _body(data: Payload) -> tuple[dict[str, str], bytes]:
    if isinstance(data, str):
        return {"Content-Type": "text/plain; charset=utf-8"}, data.encode()
    return {"Content-Type": "application/octet-stream"}, bytes(data)


def read_sent(answer: Answer) -> Sent:
    told = answer.json()
    try:
        return Sent(int(told["id"]), int(told["epoch"]), Fate(told["fate"]))
    except (KeyError, TypeError, ValueError) as error:
        raise UnexpectedAnswer("invalid answer to a send: it lacks the id, the epoch or the fate") from error


def _read_payload(answer: Answer) -> Payload:
    if answer.headers.get("content-type", "").startswith("application/octet-stream"):
        return answer.body
    try:
        return answer.body.decode()
    except UnicodeDecodeError as error:
        raise UnexpectedAnswer("invalid answer to a request: it is neither binary nor UTF-8") from error


def send(name: str, data: Payload, wait: Wanted, timeout: float, key: str | None) -> Call[Sent]:
    headers, body = _body(data)
    if key is not None:
        headers["Idempotency-Key"] = visible_ascii("idempotency key", key)
    path = _of(name, "send") + _query(wait=wait, timeout=duration(timeout))
    return Call("POST", path, read_sent, headers, body, waits=timeout)


def fate(name: str, sent: Sent) -> Call[Sent]:
    return Call("GET", _of(name, "sends", str(sent.id)) + _query(epoch=str(sent.epoch)), read_sent)


def request(name: str, data: Payload, json: str | None, equals: str | None, timeout: float) -> Call[Payload]:
    headers, body = _body(data)
    parameters = {"json": json, "equals": equals, "timeout": duration(timeout)}
    # An empty pointer selects the whole answer, so it is sent.
    query = urlencode([(key, value) for key, value in parameters.items() if value is not None])
    return Call("POST", f"{_of(name, 'request')}?{query}", _read_payload, headers, body, waits=timeout)


def status(name: str) -> Call[Status]:
    return Call("GET", _of(name), _json)


def why(name: str) -> Call[Why]:
    return Call("GET", _of(name, "why"), _json)


def put(name: str, settings: Mapping[str, Any]) -> Call[Status]:
    return _with_json("PUT", _of(name), settings, _json)


def delete(name: str) -> Call[None]:
    return Call("DELETE", _of(name), _nothing)


def connect(name: str, data: Payload | None) -> Call[Status]:
    headers, body = ({}, b"") if data is None else _body(data)
    return Call("POST", _of(name, "connect"), _json, headers, body)


def close(name: str, code: int, reason: str) -> Call[Status]:
    return _with_json("POST", _of(name, "close"), {"code": code, "reason": reason}, _json)


def in_bulk(what: Literal["connect", "close", "rotate", "retry"], match: str) -> Call[Matched]:
    return Call("POST", f"/v1/{what}{_query(match=match)}", _json)


def page(match: str, tags: Iterable[str], states: Iterable[str], cursor: str) -> Call[Page]:
    query = _query(match=match, tag=tags, state=states, limit=str(_PAGE), cursor=cursor)
    return Call("GET", f"/v1/connections{query}", _json)


def subscriptions(name: str, states: Iterable[str], cursor: str) -> Call[Subscriptions]:
    query = _query(state=states, limit=str(_PAGE), cursor=cursor)
    return Call("GET", _of(name, "subscriptions") + query, _json)


def subscribe(name: str, key: str, wish: Mapping[str, Any]) -> Call[Subscription]:
    path = _of(name, "subscriptions", key)
    return _with_json("PUT", path, wish, _json) if wish else Call("PUT", path, _json)


def unsubscribe(name: str, key: str) -> Call[None]:
    return Call("DELETE", _of(name, "subscriptions", key), _nothing)


def events(match: str, types: Iterable[str], keys: Iterable[str]) -> str:
    """The path of a stream of events."""
    escaped = [key.replace("\\", "\\\\").replace(",", "\\,") for key in keys]
    return f"/v1/events{_query(match=match, types=types, subscription=escaped)}"


def _with_json(method: str, path: str, body: Mapping[str, Any], read: Callable[[Answer], T]) -> Call[T]:
    return Call(method, path, read, {"Content-Type": "application/json"}, json.dumps(body).encode())
