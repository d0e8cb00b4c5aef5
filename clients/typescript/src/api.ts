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
  /** The events, each with `after_ms`: since the beginning of the attempt. */
  events: Event[];
  /** How many events are not told. */
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
/** What something was caused by. There may be others one day. */
export type Cause = (typeof Causes)[number] | (string & {});

/** A name and the keys that change. */
export interface Changed {
  keys: string[];
  name: string;
}

/** How a connection is to be closed. */
export interface Close {
  /** The close code (RFC 6455 §7.4): 1000 to 1003, 1007 to 1014, 3000 to 4999. */
  code?: number;
  /** The reason, at most 123 bytes. */
  reason?: string;
}

/** Who began a close. */
export type CloseBy = "us" | "peer";

/**
 * Something that happened to a connection, or to this reader. `type` says which of the later members there are; there
 * may be more than are described here.
 */
export interface Event {
  /** In `why`: since the beginning of the attempt. */
  after_ms?: number;
  at: string;
  /** Of `connecting`: the retries since the last stable socket. */
  attempt?: number;
  /** Of `message`: binary data. */
  base64?: string;
  /** Of `gap`: from the last frame of the lost socket to *ready*. */
  blind_ms?: number;
  /** Of `retrying`, `failed` and `session_closed`, and of `connecting`, where it is null for the first dial. */
  cause?: Cause | null;
  /** Of `closed`: the close code. */
  code?: number;
  /** Of `dropped`: how many messages. */
  count?: number;
  /** Positions a reader over all names. */
  cursor?: string;
  /** Of `retrying`: how long until the next dial. */
  delay_ms?: number;
  epoch?: number;
  /** Of `sent`. */
  fate?: Fate;
  /** Of `sent`: the message's id; null for one that is said when a socket opens. */
  id?: number | null;
  /** Of `subscription`: its key. */
  key?: string;
  /** Of `error`. */
  kind?: Cause;
  /** Of `lagged`: how many events this reader has missed; null where nobody can count them. */
  missed?: number | null;
  /** Of `gap` with `reason` "hole": how many messages are missing. */
  missing?: number;
  name?: string;
  /** Of `gap`: the peer's last number. */
  peer_seq?: number | null;
  /** Of `closed` the peer's words; of `gap`, `dropped` and `stalled` which kind it is. */
  reason?: string;
  /** Of `sent`: whether it had been written to an earlier socket. */
  resent?: boolean;
  /** Of `retrying` and `failed`: the rule that decided so. */
  rule?: string;
  /** Counts the connection's events within the epoch, without holes. */
  seq?: number;
  /** Of `subscription`: where it stands now. */
  state?: SubscriptionState;
  /** Of `error`: the HTTP status of a refused handshake. */
  status?: number;
  /** Of a message the key of the subscription that it belongs to, where the settings say how that is found. */
  subscription?: string;
  /**
   * Of `message`: a text. Of `error`, `retrying`, `failed` and `session_closed` what went wrong; of `subscription` what
   * the peer said.
   */
  text?: string;
  type: EventType;
  /** Of `ready`: what the script has kept that is no secret. */
  vars?: Record<string, unknown>;
}

/** The values of {@link EventType} that are known. */
export const EventTypes = [
  "connecting", "opened", "ready", "message", "sent", "gap", "closed", "error", "retrying", "failed", "dropped",
  "rotated", "applied", "removed", "session_opened", "session_closed", "subscription", "lagged", "stalled"
] as const;
/** What happened. There may be others one day. */
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
/** What becomes of a message. There may be others one day. */
export type Fate = (typeof Fates)[number] | (string & {});

/** What is wrong with a key of settings. */
export interface KeyError {
  /** What would be right. */
  help: string | null;
  message: string;
  /** Where the key stands, as a JSON pointer (RFC 6901). */
  pointer: string;
}

/** How the last socket ended. */
export interface LastClose {
  at: string;
  by: CloseBy;
  /** Whether close frames went both ways. */
  clean: boolean;
  /**
   * That of the first close frame that was received (RFC 6455 §7.1.5); 1005: it had none, 1006: there was no close
   * frame.
   */
  code: number;
  reason: string;
  /** The close frame that we sent, by ourselves or as an answer. */
  sent: SentClose | null;
}

/** The last error of a connection. */
export interface LastError {
  at: string;
  kind: Cause;
  /** Of a refused handshake: its HTTP status; of a proxy: that of its answer to CONNECT. */
  status?: number;
  text: string;
}

/** The peer's last message before its socket ended. */
export interface LastMessage {
  /** When it came. */
  at: string;
  /** Instead of `text`: the first 256 bytes of a binary message that is none. */
  base64?: string;
  /** Whether it was a binary message. */
  binary: boolean;
  /** Its length in bytes. */
  bytes: number;
  /** What its first 256 bytes say, with `***` for secrets; it ends with `…` where the message goes on. */
  text?: string;
}

/** How many connections a request in bulk concerned. */
export interface Matched {
  /** Those of them for which something was done. */
  changed: number;
  /** The connections that the pattern selects. */
  matched: number;
}

/** How much memory is used, and for what, in bytes. */
export interface MemoryUsage {
  /** Bodies of requests, until what they bring is accepted. */
  bodies: number;
  /** What connections said last. */
  histories: number;
  /** The bound over what connections said last: `service.history_bytes`, or half of `limit` where that is less. */
  histories_limit: number;
  /**
   * The bound over all uses: `service.memory`. From half of it on histories let go of their oldest, from three quarters
   * on readers miss events, from nine tenths on messages are refused.
   */
  limit: number;
  /** What waits to be sent, and what is remembered of it. */
  outboxes: number;
  /** Events that wait for those who read them. */
  readers: number;
  /** Messages of which a part has arrived. */
  reassembly: number;
  /** The sum of all uses. */
  used: number;
}

/** A name that could not be changed as planned. */
export interface NotChanged {
  name: string;
  reason: string;
}

/** What waits to be sent. */
export interface Outbox {
  bytes: number;
  dropped: number;
  in_doubt: number;
  messages: number;
  /** For how long the oldest has waited of which nothing was written. */
  oldest_ms: number | null;
}

/** What has become of an attempt. */
export type Outcome = "dialling" | "up" | "lost" | "closed" | "failed";

/** What the process does as a whole. */
export interface Overview {
  /** How many connections there are. */
  connections: number;
  memory: MemoryUsage;
  /** Events that readers missed because they were too slow or there was no memory, since the start. */
  missed_events: number;
  /** Why the store cannot be opened, which is tried again; null where it is open, or nothing needs it. */
  store_outage: string | null;
  /** The version of everwire. */
  version: string;
}

/** A part of the list, in the order of the names. */
export interface Page {
  /** At most as many as were asked for. */
  connections: Status[];
  /** The `cursor` of the next page; `None` at the end. */
  next_cursor?: string | null;
}

/** What came of the dial of one URL. */
export interface Probe {
  error: ProbeError | null;
  /** Whether it was upgraded. */
  ok: boolean;
  /** The address that answered: the peer's, or its proxy's. */
  peer: string | null;
  subprotocol: string | null;
  timings: Timings;
  /** With its variables unexpanded. */
  url: string;
}

/** Why a dial failed. */
export interface ProbeError {
  kind: string;
  /** Of a refused handshake: its HTTP status. */
  status?: number;
  /** What it was, or what the server said. */
  text: string;
}

/** What came of a dry run. */
export interface Probes {
  name: string;
  /** One for each URL. */
  probes: Probe[];
}

/** What is wrong with a request, or with answering it (RFC 9457). */
export interface Problem {
  /** Of a request that the peer has refused: its answer, if that is a binary message. */
  base64?: string;
  /**
   * What is behind it: "memory" if `service.memory` is used up; of a client of the raw bridge that gets no socket an
   * object with `kind` and `text`.
   */
  cause?: unknown;
  /** Of JSON: the column, from 1. */
  column?: number;
  /** What is wrong, and what would be right. */
  detail: string;
  /** Of a message: the epoch in which it was accepted. */
  epoch?: number;
  /** Of settings: all that is wrong. */
  errors?: KeyError[];
  /**
   * Of a message: what became of it; "rejected" if it was not accepted. Of a request besides: "failed", "not_sent",
   * "unanswered".
   */
  fate?: ProblemFate;
  /** Of "feature_missing": the feature. */
  feature?: string;
  /** Of a message: its id, if it was accepted. */
  id?: number;
  /** Of "feature_missing": the key of the settings that needs it. */
  key?: string;
  /** Of JSON: the line, from 1. */
  line?: number;
  /** Of settings: how much more is wrong. */
  omitted?: number;
  /**
   * Of a message that was not accepted: why. Of a change: "not_stored" if it was made, and is not on disk;
   * "store_outage" if the store cannot be opened, so that it is not known what there is; "feature_missing" if it needs
   * what this build was made without. Of a subscription that is not taken on: "other_item", "full", "too_long" or
   * "no_subscribe".
   */
  reason?: Reason;
  status: number;
  /** Of a request that the peer has refused: its answer, if that is a text. */
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
/** What became of a message that a problem is about. There may be others one day. */
export type ProblemFate = (typeof ProblemFates)[number] | (string & {});

/** Whether all required connections are ready, and the process goes on. */
export interface Readiness {
  /** The process is about to end: it is not ready from then on. Absent otherwise. */
  ending?: boolean;
  /** Whether they are. */
  ready: boolean;
  /**
   * The store cannot be opened: durable connections wait for it, and what the API was given before is not known. Absent
   * otherwise.
   */
  store_outage?: boolean;
  /** The required connections that are not. */
  waiting: string[];
}

/** The values of {@link Reason} that are known. */
export const Reasons = [
  "full", "closed", "too_large", "sessions_only", "not_text", "not_stored", "store_outage", "feature_missing",
  "other_item", "too_long", "no_subscribe", "idle", "failed", "unreachable", "no_turn", "reconfigured", "unavailable",
  "key_used", "no_fence"
] as const;
/** Why something cannot be done. There may be others one day. */
export type Reason = (typeof Reasons)[number] | (string & {});

/** What a reload does, or has done. */
export interface Reloaded {
  /** Names that are opened. */
  added: string[];
  /** Names whose new settings are applied to the socket that serves. */
  applied: Changed[];
  /** Whether it was done; a plan is not. */
  done: boolean;
  /** What was planned and could not be done. */
  failed: NotChanged[];
  /** Names that are closed and forgotten. */
  removed: string[];
  /** Keys of `[service]`, and `nats`, that change with the next start of the process. */
  restart: string[];
  /** Names that need another socket. */
  rotated: Changed[];
  /** Keys of `[service]` that change at once. */
  service: string[];
  /** Names for which nothing changes: they keep their sockets. */
  untouched: string[];
}

/** The requests of clients that have no answer yet. */
export interface Requests {
  /** How many were written, and await an answer. */
  in_flight: number;
  /** How many wait to be written. */
  waiting: number;
}

/** The answers of rules that wait: at most 100 go out within a second. */
export interface RuleRate {
  /** How many wait. At 128 nothing is read. */
  waiting: number;
}

/** A message and its fate. */
export interface Sent {
  /**
   * The epoch in which it was accepted. Ids begin anew in a later one, unless the outbox is durable: epoch and id
   * together name one message.
   */
  epoch: number;
  /** What has become of it so far. */
  fate: Fate;
  /** Counts the accepted messages of the connection, from 1. */
  id: number;
}

/** A close frame of ours. */
export interface SentClose {
  code: number;
  reason: string;
}

/** A socket that a client of the raw bridge has for itself. */
export interface Session {
  /** The client's address, as the service sees it. */
  client: string | null;
  /** Counts the sessions of the connection, from 1. */
  id: number;
  /** The address that answered: the peer's, or its proxy's; null before one has. */
  peer: string | null;
  /** Messages of the peer for the client. */
  received: Traffic;
  /** Messages of the client for the peer. */
  sent: Traffic;
  /** Since when it is in this state. */
  since: string;
  state: SessionState;
}

/** Where such a socket is. */
export type SessionState = "connecting" | "open" | "closing";

/** A connection, or what connections inherit. */
export type Settings = Record<string, unknown>;

/** Where a connection is. */
export type State = "idle" | "connecting" | "opening" | "open" | "backoff" | "closing" | "closed" | "failed";

/** Why a connection is in its present state. */
export interface StateCause {
  at: string;
  /**
   * Of a loss its cause, as in `cause` of the event `retrying`; `store` where it waits for a store that cannot be
   * opened; else `sessions_only`, `closed_by_hand`, `shutdown`, `removed` or `rotation`.
   */
  kind: Cause;
  /** The rule that decided what follows; null where nothing was decided. */
  rule: string | null;
  text: string;
}

/** What a connection tells about itself. */
export interface Status {
  /** The retries since the last stable socket. */
  attempt: number;
  /** Why it is in this state; null where a state needs no reason. */
  cause: StateCause | null;
  /** The life of the name; a fencing number. */
  epoch: number;
  /** Which restart of the actor this is. */
  incarnation: number;
  last_close: LastClose | null;
  /** It may be older than the present state. */
  last_error: LastError | null;
  /** When the last application message came. */
  last_message_at: string | null;
  name: string;
  outbox: Outbox;
  /**
   * What is being done before the dial under way: a method and a URL as it was written, without its query, or a
   * program.
   */
  preparing?: string;
  /** Whether application messages flow. */
  ready: boolean;
  /** `WebSocket.readyState`. */
  ready_state: number;
  received: Traffic;
  /** The losses, of sockets and of dials, that were followed by a dial. */
  reconnects: number;
  /** The requests of clients that have no answer yet; absent where there is none. */
  requests?: Requests;
  /** When the next dial is due. */
  retry_at: string | null;
  /** A rotation whose new socket could not be had so far; absent where there is none. */
  rotation?: FailedRotation;
  /** The last heartbeat's round trip. */
  rtt_ms: number | null;
  /** The answers of rules that wait. */
  rule_rate: RuleRate | null;
  sent: Traffic;
  /** The sockets of clients of the raw bridge with `session=own`. */
  sessions: Session[];
  /** Since when it is in this state. */
  since: string;
  state: State;
  /** The step of a script that is on its way: it is not ready before that has passed. */
  step: Step | null;
  subprotocol: string | null;
  /** How many subscribers hear it. */
  subscribers: number;
  /** How many subscriptions stand where; absent where there is none. */
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

/** A step of a script that is on its way, as it was written: of templates the first 256 bytes, not filled. */
export interface Step {
  /** What it calls: the method and the URL without its query, or the program; left out where it calls nothing. */
  call?: string | null;
  /** How often that must come. */
  count: number;
  /** What it expects; null where it has passed once it is written, or once its call was answered well. */
  expect: string | null;
  /** How often what it expects has come. */
  met: number;
  /** Which step it is, from 1. */
  number: number;
  /** The key of the script; `subscribe` where subscriptions are awaited. */
  script: string;
  /** What it sends; null where it calls something, or only listens. */
  send: string | null;
  /** Since when it is in this state. */
  since: string;
  state: StepState;
  /** How many steps the script has. */
  steps: number;
  /** When its time is over, or when it comes again; null while it waits for its turn to be written. */
  until: string | null;
}

/** What a step does. */
export type StepState = "queued" | "signs" | "calls" | "made" | "listens" | "rests";

/** A subscription. */
export interface Subscription {
  /** `file`: the settings of the connection; `api`; `ws:NUMBER`: a client of `/v1/ws`. */
  holders: string[];
  /** The item as it was written, its templates not filled. */
  item: unknown;
  key: string;
  /** How many messages were found to belong to it. */
  routed: number;
  state: SubscriptionState;
  /** What the peer said when it refused or ended it, its start, masked; or what was wrong. */
  text?: string;
}

/** How many subscriptions stand where. */
export interface SubscriptionCounts {
  active: number;
  ended: number;
  refused: number;
  sent: number;
  unanswered: number;
  wanted: number;
}

/** Where a subscription stands on the socket that serves. Without a socket each is wanted. */
export type SubscriptionState = "wanted" | "sent" | "active" | "refused" | "unanswered" | "ended";

/** Some subscriptions of a connection. */
export interface Subscriptions {
  /** Where the next page begins; null on the last one. */
  next_cursor: string | null;
  subscriptions: Subscription[];
}

/** How long the steps of a dial took; null for one that was not needed or not reached. */
export interface Timings {
  dns_ms: number | null;
  proxy_ms: number | null;
  tcp_ms: number | null;
  tls_ms: number | null;
  upgrade_ms: number | null;
}

/** What TLS says of the peer. */
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
  /** How often it has failed in a row. */
  failures: number;
  url: string;
}

/** Why a connection is up or down. */
export interface Why {
  /** The last attempts, the latest first. */
  attempts: Attempt[];
  /** Why it is in this state; null where a state needs no reason. */
  cause: StateCause | null;
  last_close: LastClose | null;
  last_error: LastError | null;
  /**
   * What the peer said last, where its socket ended within five seconds after it was ready. Only for the scope
   * `control`.
   */
  last_message?: LastMessage | null;
  name: string;
  /**
   * What is being done before the dial under way: a method and a URL as it was written, without its query, or a
   * program.
   */
  preparing: string | null;
  ready: boolean;
  /** The requests of clients that have no answer yet. */
  requests: Requests | null;
  /** When the next attempt is due. */
  retry_at: string | null;
  /** A rotation whose new socket could not be had so far. */
  rotation: FailedRotation | null;
  /** The rule of that cause: whether and when to dial again. */
  rule: string | null;
  /** The answers of rules that wait. */
  rule_rate: RuleRate | null;
  /** The sockets of clients of the raw bridge with `session=own`. */
  sessions: Session[];
  /** Since when it is in this state. */
  since: string;
  state: State;
  /** The step of a script that is on its way: it is not ready before that has passed. */
  step: Step | null;
  /** How many subscriptions stand where. */
  subscriptions: SubscriptionCounts | null;
}

/** What is asked for: the item, and the keys of `subscribe` that are not to be those of the settings. */
export interface Wish {
  /** The key itself by default, or what the settings say of it. Its strings are templates. */
  item?: unknown;
}
