"""What can go wrong.

    EverwireError
    ├── ProblemError            the service has answered with a problem (RFC 9457)
    │   ├── BadRequest          400, 413, 415, 422: the request cannot be meant
    │   ├── Unauthorized        401: no token, or a wrong one
    │   ├── Forbidden           403: the token lacks the scope, or does not reach the name
    │   ├── NotFound            404: there is no such name, message or subscription
    │   ├── Conflict            409: it cannot be done as things are
    │   ├── Unavailable         429, 503: not now; `retry_after` says when
    │   └── MessageError        it is about one message, and `fate` says what became of it
    │       ├── Rejected        it was not accepted; `reason` says why
    │       ├── NeverWritten    it expired, was evicted or cancelled: the peer does not have it
    │       ├── InDoubt         it was written, and the socket died: perhaps the peer has it
    │       ├── Forgotten       what became of it is not known any more
    │       ├── Refused         of a request: the peer has refused it; `answer` is what it said
    │       ├── NotSent         of a request: it was not written in time
    │       └── Unanswered      of a request: it was written, and not answered in time
    ├── Disconnected            the service cannot be reached, or the connection to it broke
    ├── DeadlineExceeded        it took longer than was allowed (also a TimeoutError)
    └── UnexpectedAnswer        the answer is none of everwire's
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, cast

from ._api import Cause, KeyError as SettingsError, Problem, ProblemFate, Reason


class EverwireError(Exception):
    """Anything that goes wrong with everwire."""


class Disconnected(EverwireError):
    """The service cannot be reached, or the connection to it broke: what was asked for may have been done."""


class DeadlineExceeded(EverwireError, TimeoutError):
    """It took longer than was allowed."""


class UnexpectedAnswer(EverwireError):
    """The answer is none of everwire's: perhaps a proxy's, or the address is another service's."""


class ProblemError(EverwireError):
    """The service has answered with a problem (RFC 9457)."""

    def __init__(self, problem: Problem, retry_after: float | None = None) -> None:
        super().__init__(f"{problem['status']} {problem['title']}: {problem['detail']}")
        self.problem = problem
        """The document, with all members."""
        self.retry_after = retry_after
        """After how many seconds another try may help, if the service says so."""

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
        """Why, in a word that programs can compare."""
        reason = self.problem.get("reason")
        return None if reason is None else Reason(reason)

    @property
    def fate(self) -> ProblemFate | None:
        """What became of the message that it is about."""
        fate = self.problem.get("fate")
        return None if fate is None else ProblemFate(fate)

    @property
    def cause(self) -> Cause | None:
        """What is behind it, where something is."""
        cause = self.problem.get("cause")
        kind = cause.get("kind") if isinstance(cause, Mapping) else cause
        return Cause(kind) if isinstance(kind, str) else None

    @property
    def errors(self) -> list[SettingsError]:
        """Of settings that cannot be used: what is wrong with which key."""
        return self.problem.get("errors", [])


class BadRequest(ProblemError):
    """400, 413, 415, 422: the request cannot be meant."""


class Unauthorized(ProblemError):
    """401: no token, or a wrong one."""


class Forbidden(ProblemError):
    """403: the token lacks the scope, or does not reach the name."""


class NotFound(ProblemError):
    """404: there is no such name, message or subscription."""


class Conflict(ProblemError):
    """409: it cannot be done as things are."""


class Unavailable(ProblemError):
    """429, 503: not now."""


class MessageError(ProblemError):
    """It is about one message: `fate` says what became of it."""

    @property
    def id(self) -> int | None:
        """The message's id, if it was accepted."""
        return self.problem.get("id")

    @property
    def epoch(self) -> int | None:
        """The epoch in which it was accepted."""
        return self.problem.get("epoch")


class Rejected(MessageError):
    """It was not accepted: `reason` says why."""


class NeverWritten(MessageError):
    """It expired, was evicted or cancelled: the peer does not have it."""


class InDoubt(MessageError):
    """It was written, and the socket died before more was known: perhaps the peer has it."""


class Forgotten(MessageError):
    """What became of it is not known any more."""


class Refused(MessageError):
    """Of a request: the peer has refused it."""

    @property
    def answer(self) -> str | bytes:
        """What the peer said."""
        encoded = self.problem.get("base64")
        if encoded is None:
            return self.problem.get("text", "")
        try:
            return base64.b64decode(encoded, validate=True)
        except binascii.Error:
            return b""


class NotSent(MessageError):
    """Of a request: it was not written in time. The peer does not have it."""


class Unanswered(MessageError):
    """Of a request: it was written, and not answered in time."""


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
    """The error of a problem document, of the class that its fate or its status chooses."""
    if not isinstance(document, Mapping) or not _is_problem(document):
        return UnexpectedAnswer("invalid answer: it is an error, but not a problem document")
    problem = cast(Problem, dict(document))
    if "fate" not in problem:
        return _BY_STATUS.get(problem["status"], ProblemError)(problem, retry_after)
    return _BY_FATE.get(problem["fate"], MessageError)(problem, retry_after)


def fate_error(message_id: int, epoch: int, fate: str) -> EverwireError:
    """The error of a message that can no longer be what was asked for: as `send` with `wait` would answer it."""
    detail = f"the message can no longer reach the fate that was asked for: it is {fate}"
    return problem_error(
        {"type": "about:blank", "title": "Conflict", "status": 409, "detail": detail, "id": message_id, "epoch": epoch, "fate": fate}
    )
