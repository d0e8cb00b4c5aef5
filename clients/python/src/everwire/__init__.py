"""A thin client of everwire, which keeps many named outgoing WebSocket connections up.

`Client` is for programs without `async`, `AsyncClient` for asyncio. Otherwise they are the same.
"""

from ._api import (
    Cause,
    Event,
    EventType,
    Fate,
    Matched,
    Problem,
    ProblemFate,
    Reason,
    State,
    Status,
    Subscription,
    SubscriptionState,
    Why,
)
from ._calls import Payload, Sent, Wanted
from ._events import AsyncEvents, payload
from ._session import AsyncSession, Held
from .aio import AsyncClient, AsyncConnection
from .client import Client, Connection, Events, Session
from .errors import (
    BadRequest,
    Conflict,
    DeadlineExceeded,
    Disconnected,
    EverwireError,
    Forbidden,
    Forgotten,
    InDoubt,
    MessageError,
    NeverWritten,
    NotFound,
    NotSent,
    ProblemError,
    Refused,
    Rejected,
    Unanswered,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
)

__version__ = "0.1.0"

__all__ = [
    "AsyncClient",
    "AsyncConnection",
    "AsyncEvents",
    "AsyncSession",
    "BadRequest",
    "Cause",
    "Client",
    "Conflict",
    "Connection",
    "DeadlineExceeded",
    "Disconnected",
    "Event",
    "EventType",
    "Events",
    "EverwireError",
    "Fate",
    "Forbidden",
    "Forgotten",
    "Held",
    "InDoubt",
    "Matched",
    "MessageError",
    "NeverWritten",
    "NotFound",
    "NotSent",
    "Payload",
    "Problem",
    "ProblemError",
    "ProblemFate",
    "Reason",
    "Refused",
    "Rejected",
    "Sent",
    "Session",
    "State",
    "Status",
    "Subscription",
    "SubscriptionState",
    "Unanswered",
    "Unauthorized",
    "Unavailable",
    "UnexpectedAnswer",
    "Wanted",
    "Why",
    "payload",
]
