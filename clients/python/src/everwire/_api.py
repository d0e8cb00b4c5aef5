"""What the service says and hears, as its OpenAPI document has it. Written by `clients/generate.py`: do not edit."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, TypedDict

from ._open_enum import OpenEnum


# Who began the close.
CloseBy: TypeAlias = Literal["us", "peer"]


# The outcome of an attempt.
Outcome: TypeAlias = Literal["dialling", "up", "lost", "closed", "failed"]


# The state of such a socket.
SessionState: TypeAlias = Literal["connecting", "open", "closing"]


# A connection, or the keys that connections inherit.
Settings: TypeAlias = dict[str, Any]


# The state of a connection.
State: TypeAlias = Literal["idle", "connecting", "opening", "open", "backoff", "closing", "closed", "failed"]


# The state of a step.
StepState: TypeAlias = Literal["queued", "signs", "calls", "made", "listens", "rests"]


# The state of a subscription on the current socket. Without a socket, all are wanted.
SubscriptionState: TypeAlias = Literal["wanted", "sent", "active", "refused", "unanswered", "ended"]


class Alive(TypedDict):
    """That the process is alive."""

    # Always "ok".
    status: str


class Attempt(TypedDict):
    """From a dial to the loss of its socket."""

    # When it began.
    at: str
    # The events, each with `after_ms`: the time since the beginning of the attempt.
    events: list[Event]
    # The number of events that are left out.
    omitted: int
    outcome: Outcome


class Cause(OpenEnum):
    """The cause of something. Other values are possible."""

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
    """How to close a connection."""

    # The close code (RFC 6455 §7.4): 1000 to 1003, 1007 to 1014, 3000 to 4999.
    code: int
    # The reason, at most 123 bytes.
    reason: str


class ClusterLog(TypedDict):
    """The log, as this node reads it."""

    # Differences between the stream and the settings.
    differences: list[str]
    # Why it cannot be read, or the last such reason.
    error: ClusterTrouble | None
    # The number of the last record that was read.
    read: int
    # The server that it is read from; null while it is not.
    server: str | None


class ClusterMove(TypedDict):
    """A shard on its way."""

    # The node that gives it.
    from_node: str
    # The shard.
    shard: int
    # The node that gets it.
    to_node: str


class ClusterMoved(TypedDict):
    """How many shards came to a node from others."""

    # Their holder was drained.
    drain: int
    # The node got its share: it joined, or its share became larger.
    join: int
    # Their holder left in order.
    leave: int
    # Their holder was lost.
    lost: int


class ClusterNode(TypedDict):
    """A node."""

    # Its boot, in hexadecimal digits.
    boot: str
    # Whether it gives away what it has.
    drains: bool
    # Whether it can be given shards.
    is_settled: bool
    # What it has, for names with a `place`.
    labels: dict[str, Any]
    # Its name.
    node: str
    # How many seconds ago this node saw its last sign of life.
    renewed_seconds_ago: float | None
    # How many shards it holds.
    shards: int
    # Its share, beside the weights of others.
    weight: int


class ClusterPart(TypedDict):
    """The part of a node in the cluster, in short."""

    # For how many more seconds it may write; null if it may not.
    lease_seconds: float | None
    # This node.
    node: str
    # What it does, as `phase` of `GET /v1/cluster`.
    phase: str


class ClusterStatus(TypedDict):
    """The cluster, as this node sees it."""

    # Its boot, in hexadecimal digits; null before it has joined.
    boot: str | None
    # Why it last held nothing any more; null if that was never so.
    ended: ClusterTrouble | None
    # How many shards nobody holds.
    free: int
    # For how many more seconds it may write; null if it may not.
    lease_seconds: float | None
    # The log that decides who holds what.
    log: ClusterLog
    # How many shards came to this node from others, by why they came.
    moved: ClusterMoved
    # The moves that are under way, at most 256.
    moves: list[ClusterMove]
    # How many names this node knows, wherever they are.
    names: int
    # This node.
    node: str
    # The nodes, in the order of their names.
    nodes: list[ClusterNode]
    # What it does: "reading" the log, "joining", "settling" until it can be given shards, "ready", "draining", or
    # "left".
    phase: str
    # How many shards each place has; 0 before the log has begun.
    shards: int


class ClusterTrouble(TypedDict):
    """What went wrong, and when."""

    # When, in RFC 3339.
    at: str
    # A stable code, such as "cluster_lease_lapsed".
    code: str
    # Whether it is still so.
    is_now: bool
    # What went wrong.
    text: str


class _Event(TypedDict):
    at: str
    # One of `EventType`.
    type: str


class Event(_Event, total=False):
    """Something that happened to a connection or to this reader. `type` decides which of the later members are present.
    There may be more types than are described here."""

    # In `why`: the time since the beginning of the attempt.
    after_ms: float
    # In `connecting`: the number of retries since the last stable socket.
    attempt: int
    # In `message`: binary data.
    base64: str
    # In `gap`: the time from the last frame of the lost socket to *ready*.
    blind_ms: float
    # In `retrying`, `failed`, `session_closed` and `connecting`, where it is null for the first dial. One of `Cause`.
    cause: str | None
    # In `closed`: the close code.
    code: int
    # In `dropped`: how many messages.
    count: int
    # The position of the event for a reader of all names.
    cursor: str
    # In `retrying`: how long until the next dial.
    delay_ms: float
    epoch: int
    # In `sent`. One of `Fate`.
    fate: str
    # In `sent`: the id of the message; null for a message that is sent whenever a socket opens.
    id: int | None
    # In `subscription`: its key.
    key: str
    # In `error`. One of `Cause`.
    kind: str
    # In `lagged`: how many events this reader has missed; null if unknown.
    missed: int | None
    # In `gap` with `reason` "hole": how many messages are missing.
    missing: int
    name: str
    # In `gap`: the peer's last sequence number.
    peer_seq: int | None
    # In `closed`: the reason of the peer. In `gap`, `dropped` and `stalled`: the kind.
    reason: str
    # In `sent`: whether it was written to an earlier socket before.
    resent: bool
    # In `retrying` and `failed`: the rule that decided this.
    rule: str
    # The number of the event within the epoch, without gaps.
    seq: int
    # In `subscription`: its new state.
    state: SubscriptionState
    # In `error`: the HTTP status of a refused handshake.
    status: int
    # In `message`: the key of the subscription that it belongs to, if the settings say how to find it.
    subscription: str
    # In `message`: a text. In `error`, `retrying`, `failed` and `session_closed`: what went wrong. In `subscription`:
    # the peer's text.
    text: str
    # In `ready`: what the script has captured, without secrets.
    vars: dict[str, Any]


class EventType(OpenEnum):
    """The kind of an event. Other values are possible."""

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
    """The fate of a message. Other values are possible."""

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
    """An error in a key of settings."""

    # What would be right.
    help: str | None
    message: str
    # The position of the key, as a JSON pointer (RFC 6901).
    pointer: str


class LastClose(TypedDict):
    """How the last socket ended."""

    at: str
    by: CloseBy
    # Whether both sides sent close frames.
    clean: bool
    # The code of the first received close frame (RFC 6455 §7.1.5); 1005 if it had none, 1006 if there was no close
    # frame.
    code: int
    reason: str
    # The close frame that we sent, first or as an answer.
    sent: SentClose | None


class _LastError(TypedDict):
    at: str
    # One of `Cause`.
    kind: str
    text: str


class LastError(_LastError, total=False):
    """The last error of a connection."""

    # The HTTP status of a refused handshake, or of a proxy's answer to CONNECT.
    status: int


class _LastMessage(TypedDict):
    # When it was received.
    at: str
    # Whether it was a binary message.
    binary: bool
    # Its length in bytes.
    bytes: int


class LastMessage(_LastMessage, total=False):
    """The peer's last message before its socket ended."""

    # Instead of `text`: the first 256 bytes of a binary message that is not text.
    base64: str
    # The text of its first 256 bytes, with `***` for secrets; it ends with `…` if the message is longer.
    text: str


class _Matched(TypedDict):
    # Those of them for which something was done.
    changed: int
    # The connections that the pattern selects.
    matched: int


class Matched(_Matched, total=False):
    """The number of connections in a bulk request."""

    # Nodes of the cluster that did not answer: nothing is known of their names. Absent if all did.
    missing_nodes: list[str]


class MemoryUsage(TypedDict):
    """Memory in bytes, by use."""

    # Bodies of requests, until their content is accepted.
    bodies: int
    # The last messages of connections.
    histories: int
    # The limit for histories: `service.history_bytes`, or half of `limit` if that is less.
    histories_limit: int
    # The limit for all uses together: `service.memory`. At half of it, histories drop their oldest messages; at three
    # quarters, readers miss events; at nine tenths, messages are refused.
    limit: int
    # Messages that wait to be sent, and the records of messages.
    outboxes: int
    # Events that wait for their readers.
    readers: int
    # Fragmented messages that are incomplete.
    reassembly: int
    # The sum of all uses.
    used: int


class NameInCluster(TypedDict):
    """Where a name is."""

    # Whether that is the node that answers.
    is_here: bool
    # The name.
    name: str
    # The node that holds it; null if nobody does.
    node: str | None
    # Its shard; null before the cluster knows its place.
    shard: int | None
    # The subject of its messages in NATS; null if they are not published.
    subject: str | None
    # The same in words, with what is to be expected, such as "nobody holds shard 12: node c left 5 s ago, others take
    # it within 34 s".
    text: str
    # The token of its holder: the upper half of its epochs.
    token: int | None


class NatsIn(TypedDict):
    """From sockets to NATS."""

    # Dropped messages.
    dropped: int
    # Messages that are not acknowledged yet: published, in memory, in the spool.
    pending: int
    # Messages that the stream has acknowledged.
    published: int
    # Messages that were published again, since a connection was lost.
    redelivered: int
    # Bytes of messages in the spool.
    spool_bytes: int
    # Messages in the spool.
    spool_messages: int


class NatsLag(TypedDict):
    """The lag of the bridge to NATS for a connection."""

    # Messages of the connection that the stream has not acknowledged.
    pending: int
    # The reason, if known.
    text: str | None


class NatsOut(TypedDict):
    """From NATS to sockets."""

    # Messages in memory: in flight or waiting.
    held: int
    # Names with messages that must be read again.
    names_behind: int
    # Messages that were dropped from memory and read again from the stream.
    read_again: int
    # Messages that could not be sent and have left the queue.
    refused: int
    # Messages that were sent and have left the queue.
    sent: int


class NatsStatus(TypedDict):
    """The status of the bridge to NATS."""

    # Differences between the streams and the settings.
    differences: list[str]
    # Why it carries no messages now, or the last such reason.
    error: NatsTrouble | None
    # From sockets to NATS.
    inbound: NatsIn
    # From NATS to sockets.
    outbound: NatsOut
    # The server that it is connected to; null while it is not.
    server: str | None


class NatsTrouble(TypedDict):
    """A fault of the bridge."""

    # When, in RFC 3339.
    at: str
    # A stable code, such as "nats_unreachable".
    code: str
    # Whether it is still present.
    is_now: bool
    # What went wrong.
    text: str


class NotChanged(TypedDict):
    """A name that could not be changed as planned."""

    name: str
    reason: str


class Outbox(TypedDict):
    """The messages that wait to be sent."""

    bytes: int
    dropped: int
    in_doubt: int
    messages: int
    # How long the oldest message has waited of which nothing was written.
    oldest_ms: float | None


class _Overview(TypedDict):
    # How many connections there are.
    connections: int
    memory: MemoryUsage
    # Events that readers missed since the start, because they were too slow or there was no memory.
    missed_events: int
    # Why the store cannot be opened; the service keeps trying. Null if it is open, or if nothing needs it.
    store_outage: str | None
    # The version of everwire.
    version: str


class Overview(_Overview, total=False):
    """The process as a whole."""

    # The part of this node in its cluster; absent without a cluster.
    cluster: ClusterPart | None
    # The status of the bridge to NATS; absent without a bridge.
    nats: NatsStatus | None


class _Page(TypedDict):
    # At most as many as requested.
    connections: list[Status]


class Page(_Page, total=False):
    """A page of the list, in the order of the names."""

    # Nodes of the cluster that did not answer: their names are missing. Absent if all did.
    missing_nodes: list[str]
    # The `cursor` of the next page; `None` at the end.
    next_cursor: str | None


class Probe(TypedDict):
    """The result of dialling one URL."""

    error: ProbeError | None
    # Whether the upgrade succeeded.
    ok: bool
    # The address that answered: the peer's, or its proxy's.
    peer: str | None
    subprotocol: str | None
    timings: Timings
    # The URL with its variables unexpanded.
    url: str


class _ProbeError(TypedDict):
    kind: str
    # What went wrong, or the text of the server.
    text: str


class ProbeError(_ProbeError, total=False):
    """Why a dial failed."""

    # The HTTP status of a refused handshake.
    status: int


class Probes(TypedDict):
    """The result of a dry run."""

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
    """A problem with a request, or with its answer (RFC 9457)."""

    # For a request that the peer has refused: its answer, if that is a binary message.
    base64: str
    # The cause: "memory" if `service.memory` is used up; for a client of the raw bridge without a socket, an object
    # with `kind` and `text`.
    cause: Any
    # For JSON: the column, from 1.
    column: int
    # For a message: the epoch in which it was accepted.
    epoch: int
    # For settings: all errors.
    errors: list[KeyError]
    # For a message: its fate; "rejected" if it was not accepted. For a request also "failed", "not_sent" or
    # "unanswered". One of `ProblemFate`.
    fate: str
    # For "feature_missing": the feature.
    feature: str
    # For a message: its id, if it was accepted.
    id: int
    # For "feature_missing": the key of the settings that needs it.
    key: str
    # For JSON: the line, from 1.
    line: int
    # For "moved": the node that has the connection; null if none does.
    node: str | None
    # For settings: the number of further errors.
    omitted: int
    # For a message that was not accepted: the reason. For a change: "not_stored" if it was made but is not on disk;
    # "store_outage" if the store cannot be opened, so that its content is unknown; "feature_missing" if it needs a
    # feature that this build lacks. For a subscription that was not accepted: "other_item", "full", "too_long" or
    # "no_subscribe". In a cluster: "moved" if no node has the connection open now, "node_away" if its node was not
    # asked, "node_silent" if it was asked and gave no answer, "not_in_log" if the log of the cluster has not taken the
    # change, "cluster" if nodes cannot do it. One of `Reason`.
    reason: str
    # For a request that the peer has refused: its answer, if that is a text.
    text: str


class ProblemFate(OpenEnum):
    """The fate of the message that a problem is about. Other values are possible."""

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
    # Whether they are ready.
    ready: bool
    # The required connections that are not ready.
    waiting: list[str]


class Readiness(_Readiness, total=False):
    """Whether all required connections are ready and the process is not ending."""

    # The process is about to end, and is no longer ready. Absent otherwise.
    ending: bool
    # The store cannot be opened: durable connections wait for it, and connections that were created over the API are
    # not known. Absent otherwise.
    store_outage: bool


class Reason(OpenEnum):
    """Why something cannot be done. Other values are possible."""

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
    MOVED = "moved"
    NOT_IN_LOG = "not_in_log"
    CLUSTER = "cluster"
    NODE_AWAY = "node_away"
    NODE_SILENT = "node_silent"


class Reloaded(TypedDict):
    """The plan or the result of a reload."""

    # Names that are opened.
    added: list[str]
    # Names whose new settings are applied to the current socket.
    applied: list[Changed]
    # Whether it was done; false for a plan.
    done: bool
    # Planned changes that failed.
    failed: list[NotChanged]
    # Names that are closed and forgotten.
    removed: list[str]
    # Keys of `[service]`, `nats` and `cluster`, that change with the next start of the process.
    restart: list[str]
    # Names that need a new socket.
    rotated: list[Changed]
    # Keys of `[service]` that change at once.
    service: list[str]
    # Names that do not change and keep their sockets.
    untouched: list[str]


class Requests(TypedDict):
    """The requests of clients that have no answer yet."""

    # The number of requests that were written and wait for an answer.
    in_flight: int
    # The number of requests that wait to be written.
    waiting: int


class RuleRate(TypedDict):
    """The waiting answers of rules: at most 100 are sent within a second."""

    # The number of waiting answers. At 128, reading stops.
    waiting: int


class Sent(TypedDict):
    """A message and its fate."""

    # The epoch in which it was accepted. In a later epoch, ids begin again, unless the outbox is durable. Epoch and id
    # together identify a message.
    epoch: int
    # Its fate so far. One of `Fate`.
    fate: str
    # The number of the message among the accepted messages of the connection, from 1.
    id: int


class SentClose(TypedDict):
    """A close frame that we sent."""

    code: int
    reason: str


class Session(TypedDict):
    """A socket that a client of the raw bridge has for itself."""

    # The client's address, as the service sees it.
    client: str | None
    # The number of the session within the connection, from 1.
    id: int
    # The address that answered: the peer's, or its proxy's; null before any has answered.
    peer: str | None
    # Messages from the peer to the client.
    received: Traffic
    # Messages from the client to the peer.
    sent: Traffic
    # When it entered this state.
    since: str
    state: SessionState


class StateCause(TypedDict):
    """Why a connection is in its present state."""

    at: str
    # For a loss, its cause, as in `cause` of the event `retrying`; `store` if it waits for a store that cannot be
    # opened; else `sessions_only`, `closed_by_hand`, `shutdown`, `removed` or `rotation`. One of `Cause`.
    kind: str
    # The rule that decided what follows; null if nothing was decided.
    rule: str | None
    text: str


class _Status(TypedDict):
    # The number of retries since the last stable socket.
    attempt: int
    # Why it is in this state; null if the state needs no reason.
    cause: StateCause | None
    # The life of the name, usable as a fencing number.
    epoch: int
    # How often the actor was restarted.
    incarnation: int
    last_close: LastClose | None
    # The error may be older than the present state.
    last_error: LastError | None
    # When the last application message was received.
    last_message_at: str | None
    name: str
    outbox: Outbox
    # Whether application messages can be sent and received.
    ready: bool
    # `WebSocket.readyState`.
    ready_state: int
    received: Traffic
    # The number of losses, of sockets and dials, that were followed by a dial.
    reconnects: int
    # When the next dial is due.
    retry_at: str | None
    # The round trip time of the last heartbeat.
    rtt_ms: float | None
    # The waiting answers of rules.
    rule_rate: RuleRate | None
    sent: Traffic
    # The sockets of clients of the raw bridge with `session=own`.
    sessions: list[Session]
    # When it entered this state.
    since: str
    state: State
    # The current step of a script. The connection is not ready before this step has passed.
    step: Step | None
    subprotocol: str | None
    # The number of its subscribers.
    subscribers: int
    tags: list[str]
    # Whether a client can open another one now.
    takes_sessions: bool
    tls: Tls | None
    # The URL that is in use or dialled next, with its variables unexpanded.
    url: str


class Status(_Status, total=False):
    """The status of a connection."""

    # The current step before the dial: a program, or a method and the URL as written, without its query.
    preparing: str
    # The requests of clients that have no answer yet; absent if there are none.
    requests: Requests
    # A rotation whose new socket has failed so far; absent if there is none.
    rotation: FailedRotation
    # The number of subscriptions in each state; absent if there are none.
    subscriptions: SubscriptionCounts
    # All URLs, if there are several.
    urls: list[UrlStatus]


class _Step(TypedDict):
    # How often it must be received.
    count: int
    # What it expects; null if it passes as soon as it is written, or its call has succeeded.
    expect: str | None
    # How often the expected message has been received.
    met: int
    # The number of the step, from 1.
    number: int
    # The key of the script; `subscribe` if subscriptions are awaited.
    script: str
    # What it sends; null if it calls something, or only listens.
    send: str | None
    # When it entered this state.
    since: str
    state: StepState
    # The number of steps in the script.
    steps: int
    # When its time is over, or when it is repeated; null while it waits for its turn to be written.
    until: str | None


class Step(_Step, total=False):
    """The current step of a script, as written: the first 256 bytes of templates, not filled."""

    # What it calls: a program, or the method and the URL without its query; absent if it calls nothing.
    call: str | None


class _Subscription(TypedDict):
    # `file`: the settings of the connection; `api`; `ws:NUMBER`: a client of `/v1/ws`.
    holders: list[str]
    # The item as it was written, with its templates not filled.
    item: Any
    key: str
    # The number of messages that belong to it.
    routed: int
    state: SubscriptionState


class Subscription(_Subscription, total=False):
    """A subscription."""

    # The start of the peer's text when it refused or ended it, masked; or what was wrong.
    text: str


class SubscriptionCounts(TypedDict):
    """The number of subscriptions in each state."""

    active: int
    ended: int
    refused: int
    sent: int
    unanswered: int
    wanted: int


class Subscriptions(TypedDict):
    """Some subscriptions of a connection."""

    # The start of the next page; null on the last page.
    next_cursor: str | None
    subscriptions: list[Subscription]


class Timings(TypedDict):
    """How long the steps of a dial took; null for a step that was not needed or not reached."""

    dns_ms: float | None
    proxy_ms: float | None
    tcp_ms: float | None
    tls_ms: float | None
    upgrade_ms: float | None


class Tls(TypedDict):
    """What TLS reports about the peer."""

    expires_at: str | None
    # Whether any certificate would have been accepted.
    insecure: bool


class Traffic(TypedDict):
    """Messages and payload bytes."""

    bytes: int
    messages: int


class UrlStatus(TypedDict):
    """One of several URLs of a connection."""

    # The number of failures in a row.
    failures: int
    url: str


class _Why(TypedDict):
    # The last attempts, the latest first.
    attempts: list[Attempt]
    # Why it is in this state; null if the state needs no reason.
    cause: StateCause | None
    last_close: LastClose | None
    last_error: LastError | None
    name: str
    # The current step before the dial: a program, or a method and the URL as written, without its query.
    preparing: str | None
    ready: bool
    # The requests of clients that have no answer yet.
    requests: Requests | None
    # When the next attempt is due.
    retry_at: str | None
    # A rotation whose new socket could not be had so far.
    rotation: FailedRotation | None
    # The rule for that cause: whether and when to dial again.
    rule: str | None
    # The waiting answers of rules.
    rule_rate: RuleRate | None
    # The sockets of clients of the raw bridge with `session=own`.
    sessions: list[Session]
    # When it entered this state.
    since: str
    state: State
    # The current step of a script. The connection is not ready before this step has passed.
    step: Step | None
    # The number of subscriptions in each state.
    subscriptions: SubscriptionCounts | None


class Why(_Why, total=False):
    """Why a connection is up or down."""

    # The last message of the peer, if its socket ended within five seconds after it was ready. Only for the scope
    # `control`.
    last_message: LastMessage | None
    # The lag of the bridge to NATS; absent without a lag.
    nats: NatsLag | None


class Wish(TypedDict, total=False):
    """The item, and the keys of `subscribe` that differ from the settings."""

    # The default is the key itself, or the item in the settings. Its strings are templates.
    item: Any
