"""What the service says and hears, as its OpenAPI document has it. Written by `clients/generate.py`: do not edit."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, TypedDict

from ._open_enum import OpenEnum


# Who began a close.
CloseBy: TypeAlias = Literal["us", "peer"]


# What has become of an attempt.
Outcome: TypeAlias = Literal["dialling", "up", "lost", "closed", "failed"]


# Where such a socket is.
SessionState: TypeAlias = Literal["connecting", "open", "closing"]


# A connection, or what connections inherit.
Settings: TypeAlias = dict[str, Any]


# Where a connection is.
State: TypeAlias = Literal["idle", "connecting", "opening", "open", "backoff", "closing", "closed", "failed"]


# What a step does.
StepState: TypeAlias = Literal["queued", "signs", "calls", "made", "listens", "rests"]


# Where a subscription stands on the socket that serves. Without a socket each is wanted.
SubscriptionState: TypeAlias = Literal["wanted", "sent", "active", "refused", "unanswered", "ended"]


class Alive(TypedDict):
    """That the process is alive."""

    # Always "ok".
    status: str


class Attempt(TypedDict):
    """From a dial to the loss of its socket."""

    # When it began.
    at: str
    # The events, each with `after_ms`: since the beginning of the attempt.
    events: list[Event]
    # How many events are not told.
    omitted: int
    outcome: Outcome


class Cause(OpenEnum):
    """What something was caused by. There may be others one day."""

    SECRET_MISSING = "secret_missing"
    INVALID_REQUEST = "invalid_request"
    FORBIDDEN = "forbidden"
    DNS = "dns"
    PROXY = "proxy"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    CONNECT_TIMEOUT = "connect_timeout"
    TCP = "tcp"
    TLS_CERTIFICATE = "tls_certificate"
    TLS = "tls"
    HANDSHAKE_STATUS = "handshake_status"
    HANDSHAKE_INVALID = "handshake_invalid"
    SUBPROTOCOL = "subprotocol"
    EXTENSION = "extension"
    CLOSED = "closed"
    EOF = "eof"
    RESET = "reset"
    PONG_TIMEOUT = "pong_timeout"
    FENCE_TIMEOUT = "fence_timeout"
    WRITE_TIMEOUT = "write_timeout"
    IDLE_TIMEOUT = "idle_timeout"
    MEMORY = "memory"
    PROTOCOL = "protocol"
    DECODE = "decode"
    PREPARE = "prepare"
    SCRIPT_REFUSED = "script_refused"
    SCRIPT_TIMEOUT = "script_timeout"
    RULE = "rule"
    TEMPLATE = "template"
    PANIC = "panic"
    STORE = "store"
    SESSIONS_ONLY = "sessions_only"
    CLOSED_BY_HAND = "closed_by_hand"
    SHUTDOWN = "shutdown"
    REMOVED = "removed"
    ROTATION = "rotation"


class Changed(TypedDict):
    """A name and the keys that change."""

    keys: list[str]
    name: str


class Close(TypedDict, total=False):
    """How a connection is to be closed."""

    # The close code (RFC 6455 §7.4): 1000 to 1003, 1007 to 1014, 3000 to 4999.
    code: int
    # The reason, at most 123 bytes.
    reason: str


class _Event(TypedDict):
    at: str
    # One of `EventType`.
    type: str


class Event(_Event, total=False):
    """Something that happened to a connection, or to this reader. `type` says which of the later members there are;
    there may be more than are described here."""

    # In `why`: since the beginning of the attempt.
    after_ms: float
    # Of `connecting`: the retries since the last stable socket.
    attempt: int
    # Of `message`: binary data.
    base64: str
    # Of `gap`: from the last frame of the lost socket to *ready*.
    blind_ms: float
    # Of `retrying`, `failed` and `session_closed`, and of `connecting`, where it is null for the first dial. One of
    # `Cause`.
    cause: str | None
    # Of `closed`: the close code.
    code: int
    # Of `dropped`: how many messages.
    count: int
    # Positions a reader over all names.
    cursor: str
    # Of `retrying`: how long until the next dial.
    delay_ms: float
    epoch: int
    # Of `sent`. One of `Fate`.
    fate: str
    # Of `sent`: the message's id; null for one that is said when a socket opens.
    id: int | None
    # Of `subscription`: its key.
    key: str
    # Of `error`. One of `Cause`.
    kind: str
    # Of `lagged`: how many events this reader has missed; null where nobody can count them.
    missed: int | None
    # Of `gap` with `reason` "hole": how many messages are missing.
    missing: int
    name: str
    # Of `gap`: the peer's last number.
    peer_seq: int | None
    # Of `closed` the peer's words; of `gap`, `dropped` and `stalled` which kind it is.
    reason: str
    # Of `sent`: whether it had been written to an earlier socket.
    resent: bool
    # Of `retrying` and `failed`: the rule that decided so.
    rule: str
    # Counts the connection's events within the epoch, without holes.
    seq: int
    # Of `subscription`: where it stands now.
    state: SubscriptionState
    # Of `error`: the HTTP status of a refused handshake.
    status: int
    # Of a message the key of the subscription that it belongs to, where the settings say how that is found.
    subscription: str
    # Of `message`: a text. Of `error`, `retrying`, `failed` and `session_closed` what went wrong; of `subscription`
    # what the peer said.
    text: str
    # Of `ready`: what the script has kept that is no secret.
    vars: dict[str, Any]


class EventType(OpenEnum):
    """What happened. There may be others one day."""

    CONNECTING = "connecting"
    OPENED = "opened"
    READY = "ready"
    MESSAGE = "message"
    SENT = "sent"
    GAP = "gap"
    CLOSED = "closed"
    ERROR = "error"
    RETRYING = "retrying"
    FAILED = "failed"
    DROPPED = "dropped"
    ROTATED = "rotated"
    APPLIED = "applied"
    REMOVED = "removed"
    SESSION_OPENED = "session_opened"
    SESSION_CLOSED = "session_closed"
    SUBSCRIPTION = "subscription"
    LAGGED = "lagged"
    STALLED = "stalled"


class FailedRotation(TypedDict):
    """A rotation whose new socket could not be had so far. The old one serves on."""

    # How many dials of the new socket have failed, one after the other; `last_error` says why.
    failures: int
    # When the next one is due; null while it is on its way.
    retry_at: str | None


class Fate(OpenEnum):
    """What becomes of a message. There may be others one day."""

    ACCEPTED = "accepted"
    QUEUED = "queued"
    WRITTEN = "written"
    CONFIRMED = "confirmed"
    EXPIRED = "expired"
    EVICTED = "evicted"
    CANCELLED = "cancelled"
    IN_DOUBT = "in_doubt"
    FORGOTTEN = "forgotten"


class KeyError(TypedDict):
    """What is wrong with a key of settings."""

    # What would be right.
    help: str | None
    message: str
    # Where the key stands, as a JSON pointer (RFC 6901).
    pointer: str


class LastClose(TypedDict):
    """How the last socket ended."""

    at: str
    by: CloseBy
    # Whether close frames went both ways.
    clean: bool
    # That of the first close frame that was received (RFC 6455 §7.1.5); 1005: it had none, 1006: there was no close
    # frame.
    code: int
    reason: str
    # The close frame that we sent, by ourselves or as an answer.
    sent: SentClose | None


class _LastError(TypedDict):
    at: str
    # One of `Cause`.
    kind: str
    text: str


class LastError(_LastError, total=False):
    """The last error of a connection."""

    # Of a refused handshake: its HTTP status; of a proxy: that of its answer to CONNECT.
    status: int


class _LastMessage(TypedDict):
    # When it came.
    at: str
    # Whether it was a binary message.
    binary: bool
    # Its length in bytes.
    bytes: int


class LastMessage(_LastMessage, total=False):
    """The peer's last message before its socket ended."""

    # Instead of `text`: the first 256 bytes of a binary message that is none.
    base64: str
    # What its first 256 bytes say, with `***` for secrets; it ends with `…` where the message goes on.
    text: str


class Matched(TypedDict):
    """How many connections a request in bulk concerned."""

    # Those of them for which something was done.
    changed: int
    # The connections that the pattern selects.
    matched: int


class MemoryUsage(TypedDict):
    """How much memory is used, and for what, in bytes."""

    # Bodies of requests, until what they bring is accepted.
    bodies: int
    # What connections said last.
    histories: int
    # The bound over what connections said last: `service.history_bytes`, or half of `limit` where that is less.
    histories_limit: int
    # The bound over all uses: `service.memory`. From half of it on histories let go of their oldest, from three
    # quarters on readers miss events, from nine tenths on messages are refused.
    limit: int
    # What waits to be sent, and what is remembered of it.
    outboxes: int
    # Events that wait for those who read them.
    readers: int
    # Messages of which a part has arrived.
    reassembly: int
    # The sum of all uses.
    used: int


class NotChanged(TypedDict):
    """A name that could not be changed as planned."""

    name: str
    reason: str


class Outbox(TypedDict):
    """What waits to be sent."""

    bytes: int
    dropped: int
    in_doubt: int
    messages: int
    # For how long the oldest has waited of which nothing was written.
    oldest_ms: float | None


class Overview(TypedDict):
    """What the process does as a whole."""

    # How many connections there are.
    connections: int
    memory: MemoryUsage
    # Events that readers missed because they were too slow or there was no memory, since the start.
    missed_events: int
    # Why the store cannot be opened, which is tried again; null where it is open, or nothing needs it.
    store_outage: str | None
    # The version of everwire.
    version: str


class _Page(TypedDict):
    # At most as many as were asked for.
    connections: list[Status]


class Page(_Page, total=False):
    """A part of the list, in the order of the names."""

    # The `cursor` of the next page; `None` at the end.
    next_cursor: str | None


class Probe(TypedDict):
    """What came of the dial of one URL."""

    error: ProbeError | None
    # Whether it was upgraded.
    ok: bool
    # The address that answered: the peer's, or its proxy's.
    peer: str | None
    subprotocol: str | None
    timings: Timings
    # With its variables unexpanded.
    url: str


class _ProbeError(TypedDict):
    kind: str
    # What it was, or what the server said.
    text: str


class ProbeError(_ProbeError, total=False):
    """Why a dial failed."""

    # Of a refused handshake: its HTTP status.
    status: int


class Probes(TypedDict):
    """What came of a dry run."""

    name: str
    # One for each URL.
    probes: list[Probe]


class _Problem(TypedDict):
    # What is wrong, and what would be right.
    detail: str
    status: int
    # The phrase of the status.
    title: str
    # Always "about:blank".
    type: str


class Problem(_Problem, total=False):
    """What is wrong with a request, or with answering it (RFC 9457)."""

    # Of a request that the peer has refused: its answer, if that is a binary message.
    base64: str
    # What is behind it: "memory" if `service.memory` is used up; of a client of the raw bridge that gets no socket an
    # object with `kind` and `text`.
    cause: Any
    # Of JSON: the column, from 1.
    column: int
    # Of a message: the epoch in which it was accepted.
    epoch: int
    # Of settings: all that is wrong.
    errors: list[KeyError]
    # Of a message: what became of it; "rejected" if it was not accepted. Of a request besides: "failed", "not_sent",
    # "unanswered". One of `ProblemFate`.
    fate: str
    # Of "feature_missing": the feature.
    feature: str
    # Of a message: its id, if it was accepted.
    id: int
    # Of "feature_missing": the key of the settings that needs it.
    key: str
    # Of JSON: the line, from 1.
    line: int
    # Of settings: how much more is wrong.
    omitted: int
    # Of a message that was not accepted: why. Of a change: "not_stored" if it was made, and is not on disk;
    # "store_outage" if the store cannot be opened, so that it is not known what there is; "feature_missing" if it needs
    # what this build was made without. Of a subscription that is not taken on: "other_item", "full", "too_long" or
    # "no_subscribe". One of `Reason`.
    reason: str
    # Of a request that the peer has refused: its answer, if that is a text.
    text: str


class ProblemFate(OpenEnum):
    """What became of a message that a problem is about. There may be others one day."""

    ACCEPTED = "accepted"
    QUEUED = "queued"
    WRITTEN = "written"
    CONFIRMED = "confirmed"
    EXPIRED = "expired"
    EVICTED = "evicted"
    CANCELLED = "cancelled"
    IN_DOUBT = "in_doubt"
    FORGOTTEN = "forgotten"
    REJECTED = "rejected"
    FAILED = "failed"
    NOT_SENT = "not_sent"
    UNANSWERED = "unanswered"


class _Readiness(TypedDict):
    # Whether they are.
    ready: bool
    # The required connections that are not.
    waiting: list[str]


class Readiness(_Readiness, total=False):
    """Whether all required connections are ready, and the process goes on."""

    # The process is about to end: it is not ready from then on. Absent otherwise.
    ending: bool
    # The store cannot be opened: durable connections wait for it, and what the API was given before is not known.
    # Absent otherwise.
    store_outage: bool


class Reason(OpenEnum):
    """Why something cannot be done. There may be others one day."""

    FULL = "full"
    CLOSED = "closed"
    TOO_LARGE = "too_large"
    SESSIONS_ONLY = "sessions_only"
    NOT_TEXT = "not_text"
    NOT_STORED = "not_stored"
    STORE_OUTAGE = "store_outage"
    FEATURE_MISSING = "feature_missing"
    OTHER_ITEM = "other_item"
    TOO_LONG = "too_long"
    NO_SUBSCRIBE = "no_subscribe"
    IDLE = "idle"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    NO_TURN = "no_turn"
    RECONFIGURED = "reconfigured"
    UNAVAILABLE = "unavailable"
    KEY_USED = "key_used"
    NO_FENCE = "no_fence"


class Reloaded(TypedDict):
    """What a reload does, or has done."""

    # Names that are opened.
    added: list[str]
    # Names whose new settings are applied to the socket that serves.
    applied: list[Changed]
    # Whether it was done; a plan is not.
    done: bool
    # What was planned and could not be done.
    failed: list[NotChanged]
    # Names that are closed and forgotten.
    removed: list[str]
    # Keys of `[service]`, and `nats`, that change with the next start of the process.
    restart: list[str]
    # Names that need another socket.
    rotated: list[Changed]
    # Keys of `[service]` that change at once.
    service: list[str]
    # Names for which nothing changes: they keep their sockets.
    untouched: list[str]


class Requests(TypedDict):
    """The requests of clients that have no answer yet."""

    # How many were written, and await an answer.
    in_flight: int
    # How many wait to be written.
    waiting: int


class RuleRate(TypedDict):
    """The answers of rules that wait: at most 100 go out within a second."""

    # How many wait. At 128 nothing is read.
    waiting: int


class Sent(TypedDict):
    """A message and its fate."""

    # The epoch in which it was accepted. Ids begin anew in a later one, unless the outbox is durable: epoch and id
    # together name one message.
    epoch: int
    # What has become of it so far. One of `Fate`.
    fate: str
    # Counts the accepted messages of the connection, from 1.
    id: int


class SentClose(TypedDict):
    """A close frame of ours."""

    code: int
    reason: str


class Session(TypedDict):
    """A socket that a client of the raw bridge has for itself."""

    # The client's address, as the service sees it.
    client: str | None
    # Counts the sessions of the connection, from 1.
    id: int
    # The address that answered: the peer's, or its proxy's; null before one has.
    peer: str | None
    # Messages of the peer for the client.
    received: Traffic
    # Messages of the client for the peer.
    sent: Traffic
    # Since when it is in this state.
    since: str
    state: SessionState


class StateCause(TypedDict):
    """Why a connection is in its present state."""

    at: str
    # Of a loss its cause, as in `cause` of the event `retrying`; `store` where it waits for a store that cannot be
    # opened; else `sessions_only`, `closed_by_hand`, `shutdown`, `removed` or `rotation`. One of `Cause`.
    kind: str
    # The rule that decided what follows; null where nothing was decided.
    rule: str | None
    text: str


class _Status(TypedDict):
    # The retries since the last stable socket.
    attempt: int
    # Why it is in this state; null where a state needs no reason.
    cause: StateCause | None
    # The life of the name; a fencing number.
    epoch: int
    # Which restart of the actor this is.
    incarnation: int
    last_close: LastClose | None
    # It may be older than the present state.
    last_error: LastError | None
    # When the last application message came.
    last_message_at: str | None
    name: str
    outbox: Outbox
    # Whether application messages flow.
    ready: bool
    # `WebSocket.readyState`.
    ready_state: int
    received: Traffic
    # The losses, of sockets and of dials, that were followed by a dial.
    reconnects: int
    # When the next dial is due.
    retry_at: str | None
    # The last heartbeat's round trip.
    rtt_ms: float | None
    # The answers of rules that wait.
    rule_rate: RuleRate | None
    sent: Traffic
    # The sockets of clients of the raw bridge with `session=own`.
    sessions: list[Session]
    # Since when it is in this state.
    since: str
    state: State
    # The step of a script that is on its way: it is not ready before that has passed.
    step: Step | None
    subprotocol: str | None
    # How many subscribers hear it.
    subscribers: int
    tags: list[str]
    # Whether a client can open another one now.
    takes_sessions: bool
    tls: Tls | None
    # The URL that is in use or dialled next, with its variables unexpanded.
    url: str


class Status(_Status, total=False):
    """What a connection tells about itself."""

    # What is being done before the dial under way: a method and a URL as it was written, without its query, or a
    # program.
    preparing: str
    # The requests of clients that have no answer yet; absent where there is none.
    requests: Requests
    # A rotation whose new socket could not be had so far; absent where there is none.
    rotation: FailedRotation
    # How many subscriptions stand where; absent where there is none.
    subscriptions: SubscriptionCounts
    # All URLs, if there are several.
    urls: list[UrlStatus]


class _Step(TypedDict):
    # How often that must come.
    count: int
    # What it expects; null where it has passed once it is written, or once its call was answered well.
    expect: str | None
    # How often what it expects has come.
    met: int
    # Which step it is, from 1.
    number: int
    # The key of the script; `subscribe` where subscriptions are awaited.
    script: str
    # What it sends; null where it calls something, or only listens.
    send: str | None
    # Since when it is in this state.
    since: str
    state: StepState
    # How many steps the script has.
    steps: int
    # When its time is over, or when it comes again; null while it waits for its turn to be written.
    until: str | None


class Step(_Step, total=False):
    """A step of a script that is on its way, as it was written: of templates the first 256 bytes, not filled."""

    # What it calls: the method and the URL without its query, or the program; left out where it calls nothing.
    call: str | None


class _Subscription(TypedDict):
    # `file`: the settings of the connection; `api`; `ws:NUMBER`: a client of `/v1/ws`.
    holders: list[str]
    # The item as it was written, its templates not filled.
    item: Any
    key: str
    # How many messages were found to belong to it.
    routed: int
    state: SubscriptionState


class Subscription(_Subscription, total=False):
    """A subscription."""

    # What the peer said when it refused or ended it, its start, masked; or what was wrong.
    text: str


class SubscriptionCounts(TypedDict):
    """How many subscriptions stand where."""

    active: int
    ended: int
    refused: int
    sent: int
    unanswered: int
    wanted: int


class Subscriptions(TypedDict):
    """Some subscriptions of a connection."""

    # Where the next page begins; null on the last one.
    next_cursor: str | None
    subscriptions: list[Subscription]


class Timings(TypedDict):
    """How long the steps of a dial took; null for one that was not needed or not reached."""

    dns_ms: float | None
    proxy_ms: float | None
    tcp_ms: float | None
    tls_ms: float | None
    upgrade_ms: float | None


class Tls(TypedDict):
    """What TLS says of the peer."""

    expires_at: str | None
    # Whether any certificate would have been accepted.
    insecure: bool


class Traffic(TypedDict):
    """Messages and payload bytes."""

    bytes: int
    messages: int


class UrlStatus(TypedDict):
    """One of several URLs of a connection."""

    # How often it has failed in a row.
    failures: int
    url: str


class _Why(TypedDict):
    # The last attempts, the latest first.
    attempts: list[Attempt]
    # Why it is in this state; null where a state needs no reason.
    cause: StateCause | None
    last_close: LastClose | None
    last_error: LastError | None
    name: str
    # What is being done before the dial under way: a method and a URL as it was written, without its query, or a
    # program.
    preparing: str | None
    ready: bool
    # The requests of clients that have no answer yet.
    requests: Requests | None
    # When the next attempt is due.
    retry_at: str | None
    # A rotation whose new socket could not be had so far.
    rotation: FailedRotation | None
    # The rule of that cause: whether and when to dial again.
    rule: str | None
    # The answers of rules that wait.
    rule_rate: RuleRate | None
    # The sockets of clients of the raw bridge with `session=own`.
    sessions: list[Session]
    # Since when it is in this state.
    since: str
    state: State
    # The step of a script that is on its way: it is not ready before that has passed.
    step: Step | None
    # How many subscriptions stand where.
    subscriptions: SubscriptionCounts | None


class Why(_Why, total=False):
    """Why a connection is up or down."""

    # What the peer said last, where its socket ended within five seconds after it was ready. Only for the scope
    # `control`.
    last_message: LastMessage | None


class Wish(TypedDict, total=False):
    """What is asked for: the item, and the keys of `subscribe` that are not to be those of the settings."""

    # The key itself by default, or what the settings say of it. Its strings are templates.
    item: Any
