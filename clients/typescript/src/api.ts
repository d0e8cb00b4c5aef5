// What the service says and hears, as its OpenAPI document has it. Written by clients/generate.py: do not edit.

/** That the process is alive. */
export interface Alive {
  /** Always "ok". */
  status: string;
}

/** From a dial to the loss of its socket. */
export interface Attempt {
  /** When it began. */
  at: string;
  /** The events, each with `after_ms`: the time since the beginning of the attempt. */
  events: Event[];
  /** The number of events that are left out. */
  omitted: number;
  outcome: Outcome;
}

/** The values of {@link Cause} that are known. */
export const Causes = [
  "secret_missing", "invalid_request", "forbidden", "dns", "proxy", "refused", "unreachable", "connect_timeout", "tcp",
  "tls_certificate", "tls", "handshake_status", "handshake_invalid", "subprotocol", "extension", "closed", "eof",
  "reset", "pong_timeout", "fence_timeout", "write_timeout", "idle_timeout", "memory", "protocol", "decode", "prepare",
  "script_refused", "script_timeout", "rule", "template", "panic", "store", "sessions_only", "closed_by_hand",
  "shutdown", "removed", "rotation"
] as const;
/** The cause of something. Other values are possible. */
export type Cause = (typeof Causes)[number] | (string & {});

/** A name and the keys that change. */
export interface Changed {
  keys: string[];
  name: string;
}

/** How to close a connection. */
export interface Close {
  /** The close code (RFC 6455 §7.4): 1000 to 1003, 1007 to 1014, 3000 to 4999. */
  code?: number;
  /** The reason, at most 123 bytes. */
  reason?: string;
}

/** Who began the close. */
export type CloseBy = "us" | "peer";

/** The log, as this node reads it. */
export interface ClusterLog {
  /** Differences between the stream and the settings. */
  differences: string[];
  /** Why it cannot be read, or the last such reason. */
  error: ClusterTrouble | null;
  /** The number of the last record that was read. */
  read: number;
  /** The server that it is read from; null while it is not. */
  server: string | null;
}

/** A shard on its way. */
export interface ClusterMove {
  /** The node that gives it. */
  from_node: string;
  /** The shard. */
  shard: number;
  /** The node that gets it. */
  to_node: string;
}

/** How many shards came to a node from others. */
export interface ClusterMoved {
  /** Their holder was drained. */
  drain: number;
  /** The node got its share: it joined, or its share became larger. */
  join: number;
  /** Their holder left in order. */
  leave: number;
  /** Their holder was lost. */
  lost: number;
}

/** A node. */
export interface ClusterNode {
  /** Its boot, in hexadecimal digits. */
  boot: string;
  /** Whether it gives away what it has. */
  drains: boolean;
  /** Whether it can be given shards. */
  is_settled: boolean;
  /** What it has, for names with a `place`. */
  labels: Record<string, unknown>;
  /** Its name. */
  node: string;
  /** How many seconds ago this node saw its last sign of life. */
  renewed_seconds_ago: number | null;
  /** How many shards it holds. */
  shards: number;
  /** Its share, beside the weights of others. */
  weight: number;
}

/** The part of a node in the cluster, in short. */
export interface ClusterPart {
  /** For how many more seconds it may write; null if it may not. */
  lease_seconds: number | null;
  /** This node. */
  node: string;
  /** What it does, as `phase` of `GET /v1/cluster`. */
  phase: string;
}

/** The cluster, as this node sees it. */
export interface ClusterStatus {
  /** Its boot, in hexadecimal digits; null before it has joined. */
  boot: string | null;
  /** Why it last held nothing any more; null if that was never so. */
  ended: ClusterTrouble | null;
  /** How many shards nobody holds. */
  free: number;
  /** For how many more seconds it may write; null if it may not. */
  lease_seconds: number | null;
  /** The log that decides who holds what. */
  log: ClusterLog;
  /** How many shards came to this node from others, by why they came. */
  moved: ClusterMoved;
  /** The moves that are under way, at most 256. */
  moves: ClusterMove[];
  /** How many names this node knows, wherever they are. */
  names: number;
  /** This node. */
  node: string;
  /** The nodes, in the order of their names. */
  nodes: ClusterNode[];
  /**
   * What it does: "reading" the log, "joining", "settling" until it can be given shards, "ready", "draining", or
   * "left".
   */
  phase: string;
  /** How many shards each place has; 0 before the log has begun. */
  shards: number;
}

/** What went wrong, and when. */
export interface ClusterTrouble {
  /** When, in RFC 3339. */
  at: string;
  /** A stable code, such as "cluster_lease_lapsed". */
  code: string;
  /** Whether it is still so. */
  is_now: boolean;
  /** What went wrong. */
  text: string;
}

/**
 * Something that happened to a connection or to this reader. `type` decides which of the later members are present.
 * There may be more types than are described here.
 */
export interface Event {
  /** In `why`: the time since the beginning of the attempt. */
  after_ms?: number;
  at: string;
  /** In `connecting`: the number of retries since the last stable socket. */
  attempt?: number;
  /** In `message`: binary data. */
  base64?: string;
  /** In `gap`: the time from the last frame of the lost socket to *ready*. */
  blind_ms?: number;
  /** In `retrying`, `failed`, `session_closed` and `connecting`, where it is null for the first dial. */
  cause?: Cause | null;
  /** In `closed`: the close code. */
  code?: number;
  /** In `dropped`: how many messages. */
  count?: number;
  /** The position of the event for a reader of all names. */
  cursor?: string;
  /** In `retrying`: how long until the next dial. */
  delay_ms?: number;
  epoch?: number;
  /** In `sent`. */
  fate?: Fate;
  /** In `sent`: the id of the message; null for a message that is sent whenever a socket opens. */
  id?: number | null;
  /** In `subscription`: its key. */
  key?: string;
  /** In `error`. */
  kind?: Cause;
  /** In `lagged`: how many events this reader has missed; null if unknown. */
  missed?: number | null;
  /** In `gap` with `reason` "hole": how many messages are missing. */
  missing?: number;
  name?: string;
  /** In `gap`: the peer's last sequence number. */
  peer_seq?: number | null;
  /** In `closed`: the reason of the peer. In `gap`, `dropped` and `stalled`: the kind. */
  reason?: string;
  /** In `sent`: whether it was written to an earlier socket before. */
  resent?: boolean;
  /** In `retrying` and `failed`: the rule that decided this. */
  rule?: string;
  /** The number of the event within the epoch, without gaps. */
  seq?: number;
  /** In `subscription`: its new state. */
  state?: SubscriptionState;
  /** In `error`: the HTTP status of a refused handshake. */
  status?: number;
  /** In `message`: the key of the subscription that it belongs to, if the settings say how to find it. */
  subscription?: string;
  /**
   * In `message`: a text. In `error`, `retrying`, `failed` and `session_closed`: what went wrong. In `subscription`:
   * the peer's text.
   */
  text?: string;
  type: EventType;
  /** In `ready`: what the script has captured, without secrets. */
  vars?: Record<string, unknown>;
}

/** The values of {@link EventType} that are known. */
export const EventTypes = [
  "connecting", "opened", "ready", "message", "sent", "gap", "closed", "error", "retrying", "failed", "dropped",
  "rotated", "applied", "removed", "session_opened", "session_closed", "subscription", "lagged", "stalled"
] as const;
/** The kind of an event. Other values are possible. */
export type EventType = (typeof EventTypes)[number] | (string & {});

/** A rotation whose new socket could not be had so far. The old one serves on. */
export interface FailedRotation {
  /** How many dials of the new socket have failed, one after the other; `last_error` says why. */
  failures: number;
  /** When the next one is due; null while it is on its way. */
  retry_at: string | null;
}

/** The values of {@link Fate} that are known. */
export const Fates = [
  "accepted", "queued", "written", "confirmed", "expired", "evicted", "cancelled", "in_doubt", "forgotten"
] as const;
/** The fate of a message. Other values are possible. */
export type Fate = (typeof Fates)[number] | (string & {});

/** An error in a key of settings. */
export interface KeyError {
  /** What would be right. */
  help: string | null;
  message: string;
  /** The position of the key, as a JSON pointer (RFC 6901). */
  pointer: string;
}

/** How the last socket ended. */
export interface LastClose {
  at: string;
  by: CloseBy;
  /** Whether both sides sent close frames. */
  clean: boolean;
  /**
   * The code of the first received close frame (RFC 6455 §7.1.5); 1005 if it had none, 1006 if there was no close
   * frame.
   */
  code: number;
  reason: string;
  /** The close frame that we sent, first or as an answer. */
  sent: SentClose | null;
}

/** The last error of a connection. */
export interface LastError {
  at: string;
  kind: Cause;
  /** The HTTP status of a refused handshake, or of a proxy's answer to CONNECT. */
  status?: number;
  text: string;
}

/** The peer's last message before its socket ended. */
export interface LastMessage {
  /** When it was received. */
  at: string;
  /** Instead of `text`: the first 256 bytes of a binary message that is not text. */
  base64?: string;
  /** Whether it was a binary message. */
  binary: boolean;
  /** Its length in bytes. */
  bytes: number;
  /** The text of its first 256 bytes, with `***` for secrets; it ends with `…` if the message is longer. */
  text?: string;
}

/** The number of connections in a bulk request. */
export interface Matched {
  /** Those of them for which something was done. */
  changed: number;
  /** The connections that the pattern selects. */
  matched: number;
  /** Nodes of the cluster that did not answer: nothing is known of their names. Absent if all did. */
  missing_nodes?: string[];
}

/** Memory in bytes, by use. */
export interface MemoryUsage {
  /** Bodies of requests, until their content is accepted. */
  bodies: number;
  /** The last messages of connections. */
  histories: number;
  /** The limit for histories: `service.history_bytes`, or half of `limit` if that is less. */
  histories_limit: number;
  /**
   * The limit for all uses together: `service.memory`. At half of it, histories drop their oldest messages; at three
   * quarters, readers miss events; at nine tenths, messages are refused.
   */
  limit: number;
  /** Messages that wait to be sent, and the records of messages. */
  outboxes: number;
  /** Events that wait for their readers. */
  readers: number;
  /** Fragmented messages that are incomplete. */
  reassembly: number;
  /** The sum of all uses. */
  used: number;
}

/** Where a name is. */
export interface NameInCluster {
  /** Whether that is the node that answers. */
  is_here: boolean;
  /** The name. */
  name: string;
  /** The node that holds it; null if nobody does. */
  node: string | null;
  /** Its shard; null before the cluster knows its place. */
  shard: number | null;
  /** The subject of its messages in NATS; null if they are not published. */
  subject: string | null;
  /**
   * The same in words, with what is to be expected, such as "nobody holds shard 12: node c left 5 s ago, others take it
   * within 34 s".
   */
  text: string;
  /** The token of its holder: the upper half of its epochs. */
  token: number | null;
}

/** From sockets to NATS. */
export interface NatsIn {
  /** Dropped messages. */
  dropped: number;
  /** Messages that are not acknowledged yet: published, in memory, in the spool. */
  pending: number;
  /** Messages that the stream has acknowledged. */
  published: number;
  /** Messages that were published again, since a connection was lost. */
  redelivered: number;
  /** Bytes of messages in the spool. */
  spool_bytes: number;
  /** Messages in the spool. */
  spool_messages: number;
}

/** The lag of the bridge to NATS for a connection. */
export interface NatsLag {
  /** Messages of the connection that the stream has not acknowledged. */
  pending: number;
  /** The reason, if known. */
  text: string | null;
}

/** From NATS to sockets. */
export interface NatsOut {
  /** Messages in memory: in flight or waiting. */
  held: number;
  /** Names with messages that must be read again. */
  names_behind: number;
  /** Messages that were dropped from memory and read again from the stream. */
  read_again: number;
  /** Messages that could not be sent and have left the queue. */
  refused: number;
  /** Messages that were sent and have left the queue. */
  sent: number;
}

/** The status of the bridge to NATS. */
export interface NatsStatus {
  /** Differences between the streams and the settings. */
  differences: string[];
  /** Why it carries no messages now, or the last such reason. */
  error: NatsTrouble | null;
  /** From sockets to NATS. */
  inbound: NatsIn;
  /** From NATS to sockets. */
  outbound: NatsOut;
  /** The server that it is connected to; null while it is not. */
  server: string | null;
}

/** A fault of the bridge. */
export interface NatsTrouble {
  /** When, in RFC 3339. */
  at: string;
  /** A stable code, such as "nats_unreachable". */
  code: string;
  /** Whether it is still present. */
  is_now: boolean;
  /** What went wrong. */
  text: string;
}

/** A name that could not be changed as planned. */
export interface NotChanged {
  name: string;
  reason: string;
}

/** The messages that wait to be sent. */
export interface Outbox {
  bytes: number;
  dropped: number;
  in_doubt: number;
  messages: number;
  /** How long the oldest message has waited of which nothing was written. */
  oldest_ms: number | null;
}

/** The outcome of an attempt. */
export type Outcome = "dialling" | "up" | "lost" | "closed" | "failed";

/** The process as a whole. */
export interface Overview {
  /** The part of this node in its cluster; absent without a cluster. */
  cluster?: ClusterPart | null;
  /** How many connections there are. */
  connections: number;
  memory: MemoryUsage;
  /** Events that readers missed since the start, because they were too slow or there was no memory. */
  missed_events: number;
  /** The status of the bridge to NATS; absent without a bridge. */
  nats?: NatsStatus | null;
  /** Why the store cannot be opened; the service keeps trying. Null if it is open, or if nothing needs it. */
  store_outage: string | null;
  /** The version of everwire. */
  version: string;
}

/** A page of the list, in the order of the names. */
export interface Page {
  /** At most as many as requested. */
  connections: Status[];
  /** Nodes of the cluster that did not answer: their names are missing. Absent if all did. */
  missing_nodes?: string[];
  /** The `cursor` of the next page; `None` at the end. */
  next_cursor?: string | null;
}

/** The result of dialling one URL. */
export interface Probe {
  error: ProbeError | null;
  /** Whether the upgrade succeeded. */
  ok: boolean;
  /** The address that answered: the peer's, or its proxy's. */
  peer: string | null;
  subprotocol: string | null;
  timings: Timings;
  /** The URL with its variables unexpanded. */
  url: string;
}

/** Why a dial failed. */
export interface ProbeError {
  kind: string;
  /** The HTTP status of a refused handshake. */
  status?: number;
  /** What went wrong, or the text of the server. */
  text: string;
}

/** The result of a dry run. */
export interface Probes {
  name: string;
  /** One for each URL. */
  probes: Probe[];
}

/** A problem with a request, or with its answer (RFC 9457). */
export interface Problem {
  /** For a request that the peer has refused: its answer, if that is a binary message. */
  base64?: string;
  /**
   * The cause: "memory" if `service.memory` is used up; for a client of the raw bridge without a socket, an object with
   * `kind` and `text`.
   */
  cause?: unknown;
  /** For JSON: the column, from 1. */
  column?: number;
  /** What is wrong, and what would be right. */
  detail: string;
  /** For a message: the epoch in which it was accepted. */
  epoch?: number;
  /** For settings: all errors. */
  errors?: KeyError[];
  /**
   * For a message: its fate; "rejected" if it was not accepted. For a request also "failed", "not_sent" or
   * "unanswered".
   */
  fate?: ProblemFate;
  /** For "feature_missing": the feature. */
  feature?: string;
  /** For a message: its id, if it was accepted. */
  id?: number;
  /** For "feature_missing": the key of the settings that needs it. */
  key?: string;
  /** For JSON: the line, from 1. */
  line?: number;
  /** For "moved": the node that has the connection; null if none does. */
  node?: string | null;
  /** For settings: the number of further errors. */
  omitted?: number;
  /**
   * For a message that was not accepted: the reason. For a change: "not_stored" if it was made but is not on disk;
   * "store_outage" if the store cannot be opened, so that its content is unknown; "feature_missing" if it needs a
   * feature that this build lacks. For a subscription that was not accepted: "other_item", "full", "too_long" or
   * "no_subscribe". In a cluster: "moved" if no node has the connection open now, "node_away" if its node was not
   * asked, "node_silent" if it was asked and gave no answer, "not_in_log" if the log of the cluster has not taken the
   * change, "cluster" if nodes cannot do it.
   */
  reason?: Reason;
  status: number;
  /** For a request that the peer has refused: its answer, if that is a text. */
  text?: string;
  /** The phrase of the status. */
  title: string;
  /** Always "about:blank". */
  type: string;
}

/** The values of {@link ProblemFate} that are known. */
export const ProblemFates = [
  "accepted", "queued", "written", "confirmed", "expired", "evicted", "cancelled", "in_doubt", "forgotten", "rejected",
  "failed", "not_sent", "unanswered"
] as const;
/** The fate of the message that a problem is about. Other values are possible. */
export type ProblemFate = (typeof ProblemFates)[number] | (string & {});

/** Whether all required connections are ready and the process is not ending. */
export interface Readiness {
  /** The process is about to end, and is no longer ready. Absent otherwise. */
  ending?: boolean;
  /** Whether they are ready. */
  ready: boolean;
  /**
   * The store cannot be opened: durable connections wait for it, and connections that were created over the API are not
   * known. Absent otherwise.
   */
  store_outage?: boolean;
  /** The required connections that are not ready. */
  waiting: string[];
}

/** The values of {@link Reason} that are known. */
export const Reasons = [
  "full", "closed", "too_large", "sessions_only", "not_text", "not_stored", "store_outage", "feature_missing",
  "other_item", "too_long", "no_subscribe", "idle", "failed", "unreachable", "no_turn", "reconfigured", "unavailable",
  "key_used", "no_fence", "moved", "not_in_log", "cluster", "node_away", "node_silent"
] as const;
/** Why something cannot be done. Other values are possible. */
export type Reason = (typeof Reasons)[number] | (string & {});

/** The plan or the result of a reload. */
export interface Reloaded {
  /** Names that are opened. */
  added: string[];
  /** Names whose new settings are applied to the current socket. */
  applied: Changed[];
  /** Whether it was done; false for a plan. */
  done: boolean;
  /** Planned changes that failed. */
  failed: NotChanged[];
  /** Names that are closed and forgotten. */
  removed: string[];
  /** Keys of `[service]`, `nats` and `cluster`, that change with the next start of the process. */
  restart: string[];
  /** Names that need a new socket. */
  rotated: Changed[];
  /** Keys of `[service]` that change at once. */
  service: string[];
  /** Names that do not change and keep their sockets. */
  untouched: string[];
}

/** The requests of clients that have no answer yet. */
export interface Requests {
  /** The number of requests that were written and wait for an answer. */
  in_flight: number;
  /** The number of requests that wait to be written. */
  waiting: number;
}

/** The waiting answers of rules: at most 100 are sent within a second. */
export interface RuleRate {
  /** The number of waiting answers. At 128, reading stops. */
  waiting: number;
}

/** A message and its fate. */
export interface Sent {
  /**
   * The epoch in which it was accepted. In a later epoch, ids begin again, unless the outbox is durable. Epoch and id
   * together identify a message.
   */
  epoch: number;
  /** Its fate so far. */
  fate: Fate;
  /** The number of the message among the accepted messages of the connection, from 1. */
  id: number;
}

/** A close frame that we sent. */
export interface SentClose {
  code: number;
  reason: string;
}

/** A socket that a client of the raw bridge has for itself. */
export interface Session {
  /** The client's address, as the service sees it. */
  client: string | null;
  /** The number of the session within the connection, from 1. */
  id: number;
  /** The address that answered: the peer's, or its proxy's; null before any has answered. */
  peer: string | null;
  /** Messages from the peer to the client. */
  received: Traffic;
  /** Messages from the client to the peer. */
  sent: Traffic;
  /** When it entered this state. */
  since: string;
  state: SessionState;
}

/** The state of such a socket. */
export type SessionState = "connecting" | "open" | "closing";

/** A connection, or the keys that connections inherit. */
export type Settings = Record<string, unknown>;

/** The state of a connection. */
export type State = "idle" | "connecting" | "opening" | "open" | "backoff" | "closing" | "closed" | "failed";

/** Why a connection is in its present state. */
export interface StateCause {
  at: string;
  /**
   * For a loss, its cause, as in `cause` of the event `retrying`; `store` if it waits for a store that cannot be
   * opened; else `sessions_only`, `closed_by_hand`, `shutdown`, `removed` or `rotation`.
   */
  kind: Cause;
  /** The rule that decided what follows; null if nothing was decided. */
  rule: string | null;
  text: string;
}

/** The status of a connection. */
export interface Status {
  /** The number of retries since the last stable socket. */
  attempt: number;
  /** Why it is in this state; null if the state needs no reason. */
  cause: StateCause | null;
  /** The life of the name, usable as a fencing number. */
  epoch: number;
  /** How often the actor was restarted. */
  incarnation: number;
  last_close: LastClose | null;
  /** The error may be older than the present state. */
  last_error: LastError | null;
  /** When the last application message was received. */
  last_message_at: string | null;
  name: string;
  outbox: Outbox;
  /** The current step before the dial: a program, or a method and the URL as written, without its query. */
  preparing?: string;
  /** Whether application messages can be sent and received. */
  ready: boolean;
  /** `WebSocket.readyState`. */
  ready_state: number;
  received: Traffic;
  /** The number of losses, of sockets and dials, that were followed by a dial. */
  reconnects: number;
  /** The requests of clients that have no answer yet; absent if there are none. */
  requests?: Requests;
  /** When the next dial is due. */
  retry_at: string | null;
  /** A rotation whose new socket has failed so far; absent if there is none. */
  rotation?: FailedRotation;
  /** The round trip time of the last heartbeat. */
  rtt_ms: number | null;
  /** The waiting answers of rules. */
  rule_rate: RuleRate | null;
  sent: Traffic;
  /** The sockets of clients of the raw bridge with `session=own`. */
  sessions: Session[];
  /** When it entered this state. */
  since: string;
  state: State;
  /** The current step of a script. The connection is not ready before this step has passed. */
  step: Step | null;
  subprotocol: string | null;
  /** The number of its subscribers. */
  subscribers: number;
  /** The number of subscriptions in each state; absent if there are none. */
  subscriptions?: SubscriptionCounts;
  tags: string[];
  /** Whether a client can open another one now. */
  takes_sessions: boolean;
  tls: Tls | null;
  /** The URL that is in use or dialled next, with its variables unexpanded. */
  url: string;
  /** All URLs, if there are several. */
  urls?: UrlStatus[];
}

/** The current step of a script, as written: the first 256 bytes of templates, not filled. */
export interface Step {
  /** What it calls: a program, or the method and the URL without its query; absent if it calls nothing. */
  call?: string | null;
  /** How often it must be received. */
  count: number;
  /** What it expects; null if it passes as soon as it is written, or its call has succeeded. */
  expect: string | null;
  /** How often the expected message has been received. */
  met: number;
  /** The number of the step, from 1. */
  number: number;
  /** The key of the script; `subscribe` if subscriptions are awaited. */
  script: string;
  /** What it sends; null if it calls something, or only listens. */
  send: string | null;
  /** When it entered this state. */
  since: string;
  state: StepState;
  /** The number of steps in the script. */
  steps: number;
  /** When its time is over, or when it is repeated; null while it waits for its turn to be written. */
  until: string | null;
}

/** The state of a step. */
export type StepState = "queued" | "signs" | "calls" | "made" | "listens" | "rests";

/** A subscription. */
export interface Subscription {
  /** `file`: the settings of the connection; `api`; `ws:NUMBER`: a client of `/v1/ws`. */
  holders: string[];
  /** The item as it was written, with its templates not filled. */
  item: unknown;
  key: string;
  /** The number of messages that belong to it. */
  routed: number;
  state: SubscriptionState;
  /** The start of the peer's text when it refused or ended it, masked; or what was wrong. */
  text?: string;
}

/** The number of subscriptions in each state. */
export interface SubscriptionCounts {
  active: number;
  ended: number;
  refused: number;
  sent: number;
  unanswered: number;
  wanted: number;
}

/** The state of a subscription on the current socket. Without a socket, all are wanted. */
export type SubscriptionState = "wanted" | "sent" | "active" | "refused" | "unanswered" | "ended";

/** Some subscriptions of a connection. */
export interface Subscriptions {
  /** The start of the next page; null on the last page. */
  next_cursor: string | null;
  subscriptions: Subscription[];
}

/** How long the steps of a dial took; null for a step that was not needed or not reached. */
export interface Timings {
  dns_ms: number | null;
  proxy_ms: number | null;
  tcp_ms: number | null;
  tls_ms: number | null;
  upgrade_ms: number | null;
}

/** What TLS reports about the peer. */
export interface Tls {
  expires_at: string | null;
  /** Whether any certificate would have been accepted. */
  insecure: boolean;
}

/** Messages and payload bytes. */
export interface Traffic {
  bytes: number;
  messages: number;
}

/** One of several URLs of a connection. */
export interface UrlStatus {
  /** The number of failures in a row. */
  failures: number;
  url: string;
}

/** Why a connection is up or down. */
export interface Why {
  /** The last attempts, the latest first. */
  attempts: Attempt[];
  /** Why it is in this state; null if the state needs no reason. */
  cause: StateCause | null;
  last_close: LastClose | null;
  last_error: LastError | null;
  /**
   * The last message of the peer, if its socket ended within five seconds after it was ready. Only for the scope
   * `control`.
   */
  last_message?: LastMessage | null;
  name: string;
  /** The lag of the bridge to NATS; absent without a lag. */
  nats?: NatsLag | null;
  /** The current step before the dial: a program, or a method and the URL as written, without its query. */
  preparing: string | null;
  ready: boolean;
  /** The requests of clients that have no answer yet. */
  requests: Requests | null;
  /** When the next attempt is due. */
  retry_at: string | null;
  /** A rotation whose new socket could not be had so far. */
  rotation: FailedRotation | null;
  /** The rule for that cause: whether and when to dial again. */
  rule: string | null;
  /** The waiting answers of rules. */
  rule_rate: RuleRate | null;
  /** The sockets of clients of the raw bridge with `session=own`. */
  sessions: Session[];
  /** When it entered this state. */
  since: string;
  state: State;
  /** The current step of a script. The connection is not ready before this step has passed. */
  step: Step | null;
  /** The number of subscriptions in each state. */
  subscriptions: SubscriptionCounts | null;
}

/** The item, and the keys of `subscribe` that differ from the settings. */
export interface Wish {
  /** The default is the key itself, or the item in the settings. Its strings are templates. */
  item?: unknown;
}
