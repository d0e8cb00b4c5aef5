// The client, and the methods for one connection.

import type { EventType, Matched, Page, State, Status, Subscription, Subscriptions, SubscriptionState, Why } from "./api.js";
import { LONGEST_ANSWER, readBody } from "./body.js";
import {
  type Call,
  body,
  duration,
  errorOf,
  escapedKeys,
  isFinal,
  json,
  of,
  type Payload,
  query,
  readJson,
  readNothing,
  readPayload,
  readSent,
  reaches,
  type Sent,
  visibleAscii,
  type Wanted,
} from "./calls.js";
import { DeadlineExceeded, Disconnected, EverwireError, problemError, Unavailable } from "./errors.js";
import { Events } from "./events.js";
import { Session, type WebSocketClass, type Wish } from "./session.js";
import { Backoff, sleep, type Waiting, within } from "./waiting.js";

/** The options of a client. */
export interface ClientOptions {
  /** `http://127.0.0.1:9180` by default; in a browser, the origin of the page. */
  url?: string;
  /**
   * A token of the service's configuration, under `[[service.tokens]]`. It is in no property that
   * can be listed or logged.
   */
  token?: string;
  /**
   * Bounds each request, in addition to a wait that is requested from the service: 10,000 by
   * default.
   */
  timeoutMs?: number;
  /** Replaces the global one. */
  fetch?: typeof globalThis.fetch;
  /** Replaces the global one, which Node has since version 22: the class of npm's `ws`. */
  WebSocket?: WebSocketClass;
}

/** The connections in a list. */
export interface Listing extends Waiting {
  match?: string;
  tags?: readonly string[];
  states?: readonly State[];
}

/** The selected events. */
export interface Telling extends Waiting {
  /** A pattern of names: all by default. */
  match?: string;
  /** All but `sent` by default; `lagged` is always included. */
  types?: readonly EventType[];
  /** Only messages of these subscriptions. */
  keys?: readonly string[];
  /** After this cursor; from now on by default. */
  since?: string | undefined;
  /** It ends with `Disconnected` if the service cannot be reached for this time. */
  giveUpAfterMs?: number;
  /** How many events may wait here: 1,024 by default. */
  maxEvents?: number;
  /**
   * After this silence the connection counts as lost: 45,000 by default; the service sends
   * something every 15,000.
   */
  silenceMs?: number;
}

const DEFAULT_URL = "http://127.0.0.1:9180";
const TIMEOUT_MS = 10_000;
const PAGE = 500;

/** A client of one everwire service. */
export class Client {
  readonly #url: string;
  readonly #token: string | undefined;
  readonly #timeoutMs: number;
  readonly #fetch: typeof globalThis.fetch;
  readonly #WebSocket: WebSocketClass | undefined;

  constructor(options: ClientOptions = {}) {
    let url: URL;
    try {
      url = new URL(options.url ?? ownSite() ?? DEFAULT_URL);
    } catch {
      throw new TypeError("invalid url: write http://HOST:PORT or https://HOST");
    }
    if (!["http:", "https:"].includes(url.protocol) || url.username !== "" || url.password !== "") {
      throw new TypeError("invalid url: write http://HOST:PORT or https://HOST, without a user");
    }
    if (options.token !== undefined) visibleAscii("token", options.token);
    this.#url = (url.origin + url.pathname).replace(/\/+$/, "");
    this.#token = options.token;
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.#WebSocket = options.WebSocket ?? (globalThis.WebSocket as WebSocketClass | undefined);
  }

  /** The URL of the service. */
  get url(): string {
    return this.#url;
  }

  /** Bounds each request. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** The methods for one connection. This sends no request. */
  connection(name: string): Connection {
    return new Connection(this, name);
  }

  /** The status of all connections of a pattern that have one of these tags and are in one of these states. */
  async *connections(listing: Listing = {}): AsyncGenerator<Status, void, undefined> {
    const { match, tags, states, signal } = listing;
    let cursor: string | null | undefined;
    do {
      const asked = query({ match, tag: tags, state: states, limit: String(PAGE), cursor });
      const page: Page = await this.call({ method: "GET", path: `/v1/connections${asked}`, read: readJson<Page> }, signal);
      yield* page.connections;
      cursor = page.next_cursor;
    } while (typeof cursor === "string");
  }

  /** Connects all connections of a pattern. */
  connect(match: string, options: Waiting = {}): Promise<Matched> {
    return this.call({ method: "POST", path: `/v1/connect${query({ match })}`, read: readJson<Matched> }, options.signal);
  }

  /** Dials at once all connections of a pattern that wait in backoff or have failed. */
  retry(match: string, options: Waiting = {}): Promise<Matched> {
    return this.call({ method: "POST", path: `/v1/retry${query({ match })}`, read: readJson<Matched> }, options.signal);
  }

  /** The events of the connections of a pattern, from now on or after the cursor `since`. */
  events(telling: Telling = {}): Events {
    const { match, types, keys, ...options } = telling;
    const asked = query({ match, types, subscription: keys && escapedKeys(keys) });
    return new Events((path, init) => this.#request(path, init), `/v1/events${asked}`, options);
  }

  /** A session, which holds subscriptions for as long as it is open. */
  session(): Session {
    if (this.#WebSocket === undefined) {
      throw new TypeError("missing WebSocket: give the client the class of npm's ws, as `WebSocket`");
    }
    return new Session({
      url: `${this.#url.replace(/^http/, "ws")}/v1/ws`,
      token: this.#token,
      timeoutMs: this.#timeoutMs,
      WebSocket: this.#WebSocket,
      check: (signal) => this.call({ method: "GET", path: "/openapi.json", read: readNothing }, signal),
    });
  }

  /** Sends a request, and reads the answer. For requests without a method here. */
  async call<T>(call: Call<T>, signal?: AbortSignal): Promise<T> {
    const ms = this.#timeoutMs + (call.waitsMs ?? 0);
    const { method, headers } = call;
    const answer = await within(ms, signal, `the service did not answer within ${ms} ms`, async (ending) => {
      try {
        const init = { method, headers: headers ?? {}, body: call.body ?? null, signal: ending } as const;
        const response = await this.#request(call.path, init as RequestInit & { signal: AbortSignal });
        return { status: response.status, headers: response.headers, body: await readBody(response, LONGEST_ANSWER, ending) };
      } catch (error) {
        throw error instanceof EverwireError ? error : new Disconnected("the service cannot be reached", { cause: error });
      }
    });
    if (answer.status >= 300) throw errorOf(answer);
    return call.read(answer);
  }

  #request(path: string, init: RequestInit & { signal: AbortSignal }): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.#token !== undefined) headers.set("Authorization", `Bearer ${this.#token}`);
    // Neither cookies nor a redirect: the token would be sent elsewhere.
    return this.#fetch(this.#url + path, { ...init, headers, credentials: "omit", redirect: "error", cache: "no-store" });
  }
}

/** The origin of the page: the service, or a proxy before it, refuses pages of other sites. */
function ownSite(): string | undefined {
  const origin = globalThis.location?.origin;
  return origin?.startsWith("http") ? origin : undefined;
}

/** The options of a send. */
export interface Sending extends Waiting {
  /** The fate to wait for: `queued` by default. */
  wait?: Wanted;
  /** The longest wait for it: 5,000 by default. */
  timeoutMs?: number;
  /** With it the message is sent once, even if the request is repeated. */
  idempotencyKey?: string;
}

/** The options of a request. */
export interface Asking extends Waiting {
  /**
   * If the settings have no `request`: the JSON pointer at which the answer has the value `equals`.
   */
  json?: string;
  /** That value. */
  equals?: string;
  /** The longest wait for the answer: 10,000 by default. */
  timeoutMs?: number;
}

/** The methods for one connection of the service. */
export class Connection {
  readonly name: string;
  readonly #client: Client;

  /** Made by `Client.connection`. */
  constructor(client: Client, name: string) {
    this.#client = client;
    this.name = name;
  }

  /** Its status. */
  status(options: Waiting = {}): Promise<Status> {
    return this.#client.call({ method: "GET", path: of(this.name), read: readJson<Status> }, options.signal);
  }

  /** Why it is up or down, and when it is dialled again. */
  why(options: Waiting = {}): Promise<Why> {
    return this.#client.call({ method: "GET", path: of(this.name, "why"), read: readJson<Why> }, options.signal);
  }

  /** Creates or replaces it. The settings are the keys of `[connections.NAME]`. */
  put(settings: Record<string, unknown>, options: Waiting = {}): Promise<Status> {
    const call = { method: "PUT", path: of(this.name), ...json(settings), read: readJson<Status> } as const;
    return this.#client.call(call, options.signal);
  }

  /** Closes and deletes it. */
  delete(options: Waiting = {}): Promise<void> {
    return this.#client.call({ method: "DELETE", path: of(this.name), read: readNothing }, options.signal);
  }

  /**
   * Dials it now, unless it is up. `data` is sent each time its socket opens, and replaces the data
   * of an earlier call.
   */
  connect(data?: Payload, options: Waiting = {}): Promise<Status> {
    const told = data === undefined ? {} : body(data);
    const call = { method: "POST", path: of(this.name, "connect"), ...told, read: readJson<Status> } as const;
    return this.#client.call(call, options.signal);
  }

  /** Closes it by hand: it stays closed until it is connected again. */
  close(code = 1000, reason = "", options: Waiting = {}): Promise<Status> {
    const call = { method: "POST", path: of(this.name, "close"), ...json({ code, reason }), read: readJson<Status> } as const;
    return this.#client.call(call, options.signal);
  }

  /**
   * Sends a message, and waits for a fate.
   *
   * The result has the requested fate or a better one; or a lesser one if `timeoutMs` have passed
   * first. With an `idempotencyKey` the request is repeated when the connection to the service
   * breaks, and the message is still sent only once; with a durable outbox also over a restart of
   * the service.
   *
   * Rejects with `Rejected` if it was not accepted; `NeverWritten` or `InDoubt` if the fate can no
   * longer be reached; `Disconnected` if there was no answer: without a key it is then unknown
   * whether the message was accepted.
   */
  async send(data: Payload, options: Sending = {}): Promise<Sent> {
    const { wait, timeoutMs = 5000, idempotencyKey, signal } = options;
    const told = body(data);
    if (idempotencyKey !== undefined) told.headers["Idempotency-Key"] = visibleAscii("idempotency key", idempotencyKey);
    const path = of(this.name, "send") + query({ wait, timeout: duration(timeoutMs) });
    const call: Call<Sent> = { method: "POST", path, ...told, waitsMs: timeoutMs, read: readSent };
    if (idempotencyKey === undefined) return await this.#client.call(call, signal);
    return await this.#until(call, timeoutMs + this.#client.timeoutMs, signal);
  }

  /** The present fate of a message. Rejects with `Forgotten` if it is no longer known. */
  async fate(sent: Sent, options: Waiting = {}): Promise<Sent> {
    return await this.#client.call(this.#fateOf(sent), options.signal);
  }

  /**
   * Waits for a fate of a message that was accepted earlier, also over restarts of the service.
   *
   * Rejects with `DeadlineExceeded` after `timeoutMs`, a minute by default; with `NeverWritten` or
   * `InDoubt` if the fate can no longer be reached; with `Forgotten` if it is no longer known.
   */
  async waitFor(sent: Sent, wanted: Wanted = "confirmed", options: Waiting & { timeoutMs?: number } = {}): Promise<Sent> {
    const { timeoutMs = 60_000, signal } = options;
    const deadline = Date.now() + timeoutMs;
    let pause = 20;
    for (;;) {
      sent = await this.#until(this.#fateOf(sent), Math.max(deadline - Date.now(), 1), signal);
      if (reaches(sent, wanted)) return sent;
      if (isFinal(sent)) {
        const detail = `the message can no longer reach the fate that was asked for: it is ${sent.fate}`;
        throw problemError({ type: "about:blank", title: "Conflict", status: 409, detail, ...sent });
      }
      if (Date.now() + pause >= deadline) {
        throw new DeadlineExceeded(`the message is not ${wanted} after ${timeoutMs} ms; it is ${sent.fate}`);
      }
      await sleep(pause, signal);
      pause = Math.min(pause * 1.5, 1000);
    }
  }

  /**
   * Sends a message, and returns the message that answers it.
   *
   * Rejects with `Refused`, which has the peer's answer; `NotSent` or `Unanswered` after
   * `timeoutMs`; `InDoubt` if the socket was lost meanwhile.
   */
  async request(data: Payload, options: Asking = {}): Promise<Payload> {
    const { json, equals, timeoutMs = 10_000, signal } = options;
    const path = of(this.name, "request") + query({ json, equals, timeout: duration(timeoutMs) });
    const call: Call<Payload> = { method: "POST", path, ...body(data), waitsMs: timeoutMs, read: readPayload };
    return await this.#client.call(call, signal);
  }

  /** All its subscriptions, ordered by key, with their states and holders. */
  async *subscriptions(
    options: Waiting & { states?: readonly SubscriptionState[] } = {},
  ): AsyncGenerator<Subscription, void, undefined> {
    let cursor: string | null | undefined;
    do {
      const asked = query({ state: options.states, limit: String(PAGE), cursor });
      const path = of(this.name, "subscriptions") + asked;
      const call = { method: "GET", path, read: readJson<Subscriptions> } as const;
      const page: Subscriptions = await this.#client.call(call, options.signal);
      yield* page.subscriptions;
      cursor = page.next_cursor;
    } while (typeof cursor === "string");
  }

  /**
   * Subscribes to a key until `unsubscribe`, even if this client ends. `Client.session` holds one
   * for as long as it is open.
   */
  subscribe(key: string, wish: Wish = {}, options: Waiting = {}): Promise<Subscription> {
    const told = Object.keys(wish).length === 0 ? {} : json(wish);
    const path = of(this.name, "subscriptions", key);
    return this.#client.call({ method: "PUT", path, ...told, read: readJson<Subscription> }, options.signal);
  }

  /** Ends a subscription of `subscribe`. Sessions with the same key keep it. */
  unsubscribe(key: string, options: Waiting = {}): Promise<void> {
    const path = of(this.name, "subscriptions", key);
    return this.#client.call({ method: "DELETE", path, read: readNothing }, options.signal);
  }

  #fateOf(sent: Sent): Call<Sent> {
    const path = of(this.name, "sends", String(sent.id)) + query({ epoch: String(sent.epoch) });
    return { method: "GET", path, read: readSent };
  }

  /** Repeats a request while the service is down. Only for requests that may be repeated. */
  async #until(call: Call<Sent>, ms: number, signal?: AbortSignal): Promise<Sent> {
    const backoff = new Backoff();
    const text = `the service did not answer within ${Math.round(ms)} ms`;
    return await within(ms, signal, text, async (ending) => {
      for (;;) {
        try {
          return await this.#client.call(call, ending);
        } catch (error) {
          const again = error instanceof Disconnected || error instanceof Unavailable || error instanceof DeadlineExceeded;
          if (ending.aborted || !again) throw error;
          await sleep(backoff.wait(error instanceof Unavailable ? error.retryAfterMs : undefined), ending);
        }
      }
    });
  }
}
