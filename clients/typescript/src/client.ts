// The client, and what is asked of one connection.

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

/** How a client is made. */
export interface ClientOptions {
  /** `http://127.0.0.1:9180` by default; in a page that page's origin. */
  url?: string;
  /** What the service's configuration has under `[[service.tokens]]`. Nothing that can be listed or logged has it. */
  token?: string;
  /** Bounds each request, beside what the service itself is asked to wait: 10,000 by default. */
  timeoutMs?: number;
  /** Instead of the global one. */
  fetch?: typeof globalThis.fetch;
  /** Instead of the global one, which Node has from version 22 on: the class of npm's `ws`. */
  WebSocket?: WebSocketClass;
}

/** Which names a list has. */
export interface Listing extends Waiting {
  match?: string;
  tags?: readonly string[];
  states?: readonly State[];
}

/** Which events are told. */
export interface Telling extends Waiting {
  /** A pattern of names: all by default. */
  match?: string;
  /** All but `sent` by default; `lagged` is always told. */
  types?: readonly EventType[];
  /** Of messages only those of these subscriptions. */
  keys?: readonly string[];
  /** Behind this cursor; from now on by default. */
  since?: string | undefined;
  /** It ends with `Disconnected` when the service could not be reached for so long. */
  giveUpAfterMs?: number;
  /** How many events may wait here: 1,024 by default. */
  maxEvents?: number;
  /** After how long without a byte the service is taken for gone: 45,000 by default; it says something every 15,000. */
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

  /** Where the service is. */
  get url(): string {
    return this.#url;
  }

  /** Bounds each request. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** What is asked of one connection. Nothing is asked yet. */
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

  /** Has all connections of a pattern up. */
  connect(match: string, options: Waiting = {}): Promise<Matched> {
    return this.call({ method: "POST", path: `/v1/connect${query({ match })}`, read: readJson<Matched> }, options.signal);
  }

  /** Dials now all connections of a pattern that wait in backoff or have failed. */
  retry(match: string, options: Waiting = {}): Promise<Matched> {
    return this.call({ method: "POST", path: `/v1/retry${query({ match })}`, read: readJson<Matched> }, options.signal);
  }

  /** What happens to the connections of a pattern, from now on or behind the cursor `since`. */
  events(telling: Telling = {}): Events {
    const { match, types, keys, ...options } = telling;
    const asked = query({ match, types, subscription: keys && escapedKeys(keys) });
    return new Events((path, init) => this.#request(path, init), `/v1/events${asked}`, options);
  }

  /** A session that holds subscriptions for as long as it is open. */
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

  /** Asks, and reads the answer. For what this client has no method for. */
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
    // Neither cookies nor a redirect, which would take the token elsewhere.
    return this.#fetch(this.#url + path, { ...init, headers, credentials: "omit", redirect: "error", cache: "no-store" });
  }
}

/** Where a page is from: the service, or a proxy before it, lets no page of another site in. */
function ownSite(): string | undefined {
  const origin = globalThis.location?.origin;
  return origin?.startsWith("http") ? origin : undefined;
}

/** How a message is sent. */
export interface Sending extends Waiting {
  /** The fate to wait for: `queued` by default. */
  wait?: Wanted;
  /** How long to wait for it: 5,000 by default. */
  timeoutMs?: number;
  /** With it the message is sent once, however often it is asked for. */
  idempotencyKey?: string;
}

/** How a message is answered. */
export interface Asking extends Waiting {
  /** Where the settings have no `request`: where the answer has the value `equals`, as a JSON pointer. */
  json?: string;
  /** That value. */
  equals?: string;
  /** How long to wait for the answer: 10,000 by default. */
  timeoutMs?: number;
}

/** What is asked of one connection of the service. */
export class Connection {
  readonly name: string;
  readonly #client: Client;

  /** Made by `Client.connection`. */
  constructor(client: Client, name: string) {
    this.#client = client;
    this.name = name;
  }

  /** What it tells about itself. */
  status(options: Waiting = {}): Promise<Status> {
    return this.#client.call({ method: "GET", path: of(this.name), read: readJson<Status> }, options.signal);
  }

  /** Why it is up or down, and when it is tried again. */
  why(options: Waiting = {}): Promise<Why> {
    return this.#client.call({ method: "GET", path: of(this.name, "why"), read: readJson<Why> }, options.signal);
  }

  /** Creates or replaces it: the keys of `[connections.NAME]`. */
  put(settings: Record<string, unknown>, options: Waiting = {}): Promise<Status> {
    const call = { method: "PUT", path: of(this.name), ...json(settings), read: readJson<Status> } as const;
    return this.#client.call(call, options.signal);
  }

  /** Closes and forgets it. */
  delete(options: Waiting = {}): Promise<void> {
    return this.#client.call({ method: "DELETE", path: of(this.name), read: readNothing }, options.signal);
  }

  /** Dials it now, unless it is up. `data` is sent whenever its socket opens, in the place of an earlier call's. */
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
   * The answer's fate is the one that was asked for, or a better one; a lesser one where `timeoutMs` ran out first. With an
   * `idempotencyKey` it is asked again when the connection to the service breaks, and sent once all the same: over a restart of
   * the service where the outbox is durable.
   *
   * Rejects with `Rejected` where it was not accepted; `NeverWritten` or `InDoubt` where the fate can no longer come;
   * `Disconnected` where the answer did not come: without a key nobody knows then whether it was accepted.
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

  /** What has become of a message by now. Rejects with `Forgotten` where nobody knows any more. */
  async fate(sent: Sent, options: Waiting = {}): Promise<Sent> {
    return await this.#client.call(this.#fateOf(sent), options.signal);
  }

  /**
   * Waits for a fate of a message that was accepted earlier, over restarts of the service, too.
   *
   * Rejects with `DeadlineExceeded` after `timeoutMs`, a minute by default; with `NeverWritten` or `InDoubt` when the fate can no
   * longer come; with `Forgotten` when nobody knows.
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
   * Sends a message, and gives the one that answers it.
   *
   * Rejects with `Refused`, which has the peer's words; `NotSent` or `Unanswered` after `timeoutMs`; `InDoubt` when the socket was
   * lost meanwhile.
   */
  async request(data: Payload, options: Asking = {}): Promise<Payload> {
    const { json, equals, timeoutMs = 10_000, signal } = options;
    const path = of(this.name, "request") + query({ json, equals, timeout: duration(timeoutMs) });
    const call: Call<Payload> = { method: "POST", path, ...body(data), waitsMs: timeoutMs, read: readPayload };
    return await this.#client.call(call, signal);
  }

  /** All its subscriptions, in the order of their keys: where each stands, and who holds it. */
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

  /** Subscribes to a key until `unsubscribe`, whoever goes away. `Client.session` holds one for as long as it is open. */
  subscribe(key: string, wish: Wish = {}, options: Waiting = {}): Promise<Subscription> {
    const told = Object.keys(wish).length === 0 ? {} : json(wish);
    const path = of(this.name, "subscriptions", key);
    return this.#client.call({ method: "PUT", path, ...told, read: readJson<Subscription> }, options.signal);
  }

  /** Ends what `subscribe` began. Sessions that hold the key go on holding it. */
  unsubscribe(key: string, options: Waiting = {}): Promise<void> {
    const path = of(this.name, "subscriptions", key);
    return this.#client.call({ method: "DELETE", path, read: readNothing }, options.signal);
  }

  #fateOf(sent: Sent): Call<Sent> {
    const path = of(this.name, "sends", String(sent.id)) + query({ epoch: String(sent.epoch) });
    return { method: "GET", path, read: readSent };
  }

  /** Asks again while the service is away: only for what may be asked twice. */
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
