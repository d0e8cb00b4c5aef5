"""The errors of the clients.

    EverwireError
    ├── ProblemError            the service answered with a problem (RFC 9457)
    │   ├── BadRequest          400, 413, 415, 422: the request is invalid
    │   ├── Unauthorized        401: no token, or a wrong one
    │   ├── Forbidden           403: the token lacks the scope, or does not reach the name
    │   ├── NotFound            404: there is no such name, message or subscription
    │   ├── Conflict            409: the present state does not allow it
    │   ├── Unavailable         429, 503: not possible now; `retry_after` is when to try again
    │   └── MessageError        the problem is about one message; `fate` is the outcome
    │       ├── Rejected        the message was not accepted; `reason` is why
    │       ├── NeverWritten    it expired, was evicted or cancelled: the peer does not have it
    │       ├── InDoubt         it was written, and the socket was lost: the peer may have it
    │       ├── Forgotten       the fate is no longer known
    │       ├── Refused         request: the peer refused it; `answer` is its answer
    │       ├── NotSent         request: it was not written in time
    │       └── Unanswered      request: it was written, and not answered in time
    ├── Disconnected            the service cannot be reached, or the connection to it broke
    ├── DeadlineExceeded        the deadline has passed (also a TimeoutError)
    └── UnexpectedAnswer        the answer is not from everwire
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, cast

from ._api import Cause, KeyError as SettingsError, Problem, ProblemFate, Reason


class EverwireError(Exception):
    """Any error of this client."""


class Disconnected(EverwireError):
    """The service cannot be reached, or the connection to it broke: the request may have been
    executed.
    """


class DeadlineExceeded(EverwireError, TimeoutError):
    """The deadline has passed."""


class UnexpectedAnswer(EverwireError):
    """The answer is not from everwire: perhaps from a proxy, or the address belongs to another
    service.
    """


class ProblemError(EverwireError):
    """The service answered with a problem (RFC 9457)."""

    def __init__(self, problem: Problem, retry_after: float | None = None) -> None:
        super().__init__(f"{problem['status']} {problem['title']}: {problem['detail']}")
        self.problem = problem
        """The document, with all members."""
        self.retry_after = retry_after
        """The number of seconds after which another attempt may succeed, if the service gives one.
        """

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.problem["status"]

    @property
    def detail(self) -> str:
        """What is wrong, and what would be right."""
        return self.problem["detail"]

    @property
    def reason(self) -> Reason | None:
        """The reason as a code for programs."""
        reason = self.problem.get("reason")
        return None if reason is None else Reason(reason)

    @property
    def fate(self) -> ProblemFate | None:
        """The fate of the message that the problem is about."""
        fate = self.problem.get("fate")
        return None if fate is None else ProblemFate(fate)

    @property
    def cause(self) -> Cause | None:
        """The cause, if the problem has one."""
        cause = self.problem.get("cause")
        kind = cause.get("kind") if isinstance(cause, Mapping) else cause
        return Cause(kind) if isinstance(kind, str) else None

    @property
    def errors(self) -> list[SettingsError]:
        """For invalid settings: the fault of each key."""
        return self.problem.get("errors", [])


class BadRequest(ProblemError):
    """400, 413, 415, 422: the request is invalid."""


class Unauthorized(ProblemError):
    """401: no token, or a wrong one."""


class Forbidden(ProblemError):
    """403: the token lacks the scope, or does not reach the name."""


class NotFound(ProblemError):
    """404: there is no such name, message or subscription."""


class Conflict(ProblemError):
    """409: the present state does not allow it."""


class Unavailable(ProblemError):
    """429, 503: not possible now."""


class MessageError(ProblemError):
    """The problem is about one message: `fate` is the outcome."""

    @property
    def id(self) -> int | None:
        """The id of the message, if it was accepted."""
        return self.problem.get("id")

    @property
    def epoch(self) -> int | None:
        """The epoch in which it was accepted."""
        return self.problem.get("epoch")


class Rejected(MessageError):
    """The message was not accepted: `reason` is why."""


class NeverWritten(MessageError):
    """The message expired, was evicted or cancelled: the peer does not have it."""


class InDoubt(MessageError):
    """The message was written, and the socket was lost before a confirmation: the peer may have it.
    """


class Forgotten(MessageError):
    """The fate is no longer known."""


class Refused(MessageError):
    """Request: the peer refused it."""

    @property
    def answer(self) -> str | bytes:
        """The answer of the peer."""
        encoded = self.problem.get("base64")
        if encoded is None:
            return self.problem.get("text", "")
        try:
            return base64.b64decode(encoded, validate=True)
        except binascii.Error:
            return b""


class NotSent(MessageError):
    """Request: it was not written in time. The peer does not have it."""


class Unanswered(MessageError):
    """Request: it was written, and not answered in time."""


_BY_FATE: dict[str, type[ProblemError]] = {
    "rejected": Rejected,
    "expired": NeverWritten,
    "evicted": NeverWritten,
    "cancelled": NeverWritten,
    "in_doubt": InDoubt,
    "forgotten": Forgotten,
    "failed": Refused,
    "not_sent": NotSent,
    "unanswered": Unanswered,
}
_BY_STATUS: dict[int, type[ProblemError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: BadRequest,
    415: BadRequest,
    422: BadRequest,
    429: Unavailable,
    503: Unavailable,
}
_NEEDED = {"title": str, "status": int, "detail": str}
_WORDS = ("fate", "reason")


def _is_problem(document: Mapping[Any, Any]) -> bool:
    has_needed = all(isinstance(document.get(key), kind) for key, kind in _NEEDED.items())
    return has_needed and all(isinstance(document.get(key, ""), str) for key in _WORDS)


def problem_error(document: object, retry_after: float | None = None) -> EverwireError:
    """The error of a problem document; its fate or its status determines the class."""
    if not isinstance(document, Mapping) or not _is_problem(document):
        return UnexpectedAnswer("invalid answer: it is an error, but not a problem document")
    problem = cast(Problem, dict(document))
    if "fate" not in problem:
        return _BY_STATUS.get(problem["status"], ProblemError)(problem, retry_after)
    return _BY_FATE.get(problem["fate"], MessageError)(problem, retry_after)


def fate_error(message_id: int, epoch: int, fate: str) -> EverwireError:
    """The error of a message that can no longer reach the requested fate, as `send` with `wait`
    would raise it.
    """
    detail = f"the message can no longer reach the fate that was asked for: it is {fate}"
    return problem_error(
        {"type": "about:blank", "title": "Conflict", "status": 409, "detail": detail, "id": message_id, "epoch": epoch, "fate": fate}
    )
