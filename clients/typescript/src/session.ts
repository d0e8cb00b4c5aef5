// Subscriptions that last as long as a session is open, over `/v1/ws`.

import type { SubscriptionState } from "./api.js";
import { toBase64Url } from "./base64.js";
import { mayPass } from "./calls.js";
import { DeadlineExceeded, Disconnected, EverwireError, ProblemError, problemError, UnexpectedAnswer } from "./errors.js";
import { Backoff, sleep, unlessAborted, type Waiting, within } from "./waiting.js";

/**
 * The part of a WebSocket that is used: of browsers, of Node since version 22, and of npm's `ws`.
 */
export interface WebSocketLike {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

/** The class of such a WebSocket. */
export type WebSocketClass = new (url: string, protocols: string[]) => WebSocketLike;

/** A subscription that a session holds. */
export interface Held {
  readonly name: string;
  readonly key: string;
  /** The state when the service accepted it; undefined while it is not accepted. */
  readonly state: SubscriptionState | undefined;
  /** The reason if the service has not accepted it again after the last lost connection. */
  readonly error: EverwireError | undefined;
}

/** `item`, and keys of `subscribe` that replace those of the settings. */
export type Wish = Record<string, unknown>;

/** The parts of the client that a session needs. */
export interface SessionOptions {
  url: string;
  token: string | undefined;
  timeoutMs: number;
  WebSocket: WebSocketClass;
  /**
   * Rejects if the service refuses this client permanently: a browser's WebSocket does not report
   * why it fails.
   */
  check: (signal: AbortSignal) => Promise<void>;
}

// The service's limits for unanswered requests and for held subscriptions.
const MAX_PENDING = 1024;
const MAX_HELD = 10_000;
// Browsers have no pings, so a request is sent at this interval.
const ASK_MS = 20_000;

interface Pending {
  resolve: (told: Told) => void;
  reject: (error: Error) => void;
}

interface Told {
  type?: string;
  id?: string;
  state?: SubscriptionState;
  problem?: unknown;
}

interface Place {
  name: string;
  key: string;
  wish: Wish;
  held: Held;
}

/**
 * Holds subscriptions for as long as it is open. Other sessions may hold the same ones.
 *
 * After a lost connection to the service it connects again, and requests its subscriptions again.
 * The peer is told to end a subscription when nobody holds it any more.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #ending = new AbortController();
  readonly #pending = new Map<string, Pending>();
  readonly #places = new Map<string, Place>();
  #socket: WebSocketLike | undefined;
  #run: Promise<void> | undefined;
  #error: unknown;
  #ids = 0;
  #connections = 0;
  #connected = false;
  // Holds and releases are sent in the order of the calls, also after a lost connection.
  #turn: Promise<void> = Promise.resolve();
  readonly #isOpened: { resolve: () => void; reject: (error: unknown) => void };
  readonly #opened: Promise<void>;

  /** Made by `Client.session`. */
  constructor(options: SessionOptions) {
    this.#options = options;
    let [resolve, reject]: [() => void, (error: unknown) => void] = [() => {}, () => {}];
    this.#opened = new Promise<void>((yes, no) => ([resolve, reject] = [yes, no]));
    // Perhaps nobody waits for it.
    this.#opened.catch(() => {});
    this.#isOpened = { resolve, reject };
  }

  /** Whether the connection is up, and the service has all subscriptions of this session. */
  get connected(): boolean {
    return this.#connected;
  }

  /** How often the connection to the service was lost and restored. */
  get reconnects(): number {
    return Math.max(this.#connections - 1, 0);
  }

  /** The held subscriptions, in the order of the calls. */
  get held(): Held[] {
    return [...this.#places.values()].map((place) => place.held);
  }

  /**
   * Connects. Rejects with `Disconnected`, or the reason why the service refuses. A closed session
   * cannot be opened again.
   */
  async open(options: Waiting = {}): Promise<this> {
    if (this.#error !== undefined) throw this.#error;
    this.#run ??= this.#reconnectForEver().catch((error: unknown) => this.#end(error));
    const ms = this.#options.timeoutMs;
    const text = `the service could not be reached within ${ms} ms`;
    try {
      await within(ms, options.signal, text, (signal) => unlessAborted(this.#opened, signal));
    } catch (error) {
      const why = error instanceof DeadlineExceeded ? new Disconnected(text) : error;
      this.#end(why);
      await this.close();
      throw why;
    }
    return this;
  }

  /** Closes the session, which releases all its subscriptions. */
  async close(): Promise<void> {
    this.#end(new Disconnected("the session is closed"));
    await this.#run;
  }

  #end(error: unknown): void {
    this.#error ??= error;
    this.#isOpened.reject(this.#error);
    this.#ending.abort(this.#error);
  }

  /**
   * Subscribes to a key of a connection.
   *
   * Rejects with the reason if the service refuses, and with `Disconnected` or `DeadlineExceeded`
   * if it did not answer. Then the key is not held, unless it was before.
   */
  hold(name: string, key: string, wish: Wish = {}, options: Waiting = {}): Promise<Held> {
    return this.#inTurn(options.signal, async () => {
      const at = JSON.stringify([name, key]);
      if (this.#places.size >= MAX_HELD && !this.#places.has(at)) {
        throw new RangeError(`a session holds at most ${MAX_HELD} subscriptions`);
      }
      const told = await this.#ask({ ...wish, op: "hold", name, key }, options.signal).catch((error: unknown) => {
        // The service may have accepted it, or may do so later: the release comes after the
        // request.
        const isKnown = error instanceof ProblemError || this.#places.has(at);
        if (!isKnown) this.#ask({ op: "release", name, key }).catch(() => {});
        throw error;
      });
      const held = { name, key, state: told.state, error: undefined };
      this.#places.set(at, { name, key, wish, held });
      return held;
    });
  }

  /** Releases a key. Rejects with `NotFound` if the session does not hold it. */
  release(name: string, key: string, options: Waiting = {}): Promise<void> {
    return this.#inTurn(options.signal, async () => {
      // After a lost connection it must not be requested again, whatever the answer.
      this.#places.delete(JSON.stringify([name, key]));
      await this.#ask({ op: "release", name, key }, options.signal);
    });
  }

  /** Waits for the turn of a hold or a release, at most as long as for an answer. */
  async #inTurn<T>(signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    let pass: () => void = () => {};
    const passed = new Promise<void>((resolve) => (pass = resolve));
    this.#turn = before.then(() => passed);
    try {
      const ms = this.#options.timeoutMs;
      const text = `the service did not answer earlier requests of this session within ${ms} ms`;
      await within(ms, signal, text, (ending) => unlessAborted(before, ending));
      return await run();
    } finally {
      pass();
    }
  }

  async #ask(question: Record<string, unknown>, signal?: AbortSignal): Promise<Told> {
    const socket = this.#socket;
    if (socket === undefined) {
      throw this.#error ?? new Disconnected("the session's connection to the service is lost; it comes back by itself");
    }
    if (this.#pending.size >= MAX_PENDING) throw new RangeError(`${MAX_PENDING} requests of this session have no answer yet, and no more are allowed`);
    this.#ids += 1;
    const id = String(this.#ids);
    const ms = this.#options.timeoutMs;
    try {
      return await within(ms, signal, `the service did not answer within ${ms} ms`, (ending) => {
        const answered = new Promise<Told>((resolve, reject) => this.#pending.set(id, { resolve, reject }));
        socket.send(JSON.stringify({ ...question, id }));
        return unlessAborted(answered, ending);
      });
    } finally {
      this.#pending.delete(id);
    }
  }

  // --- the connection

  async #reconnectForEver(): Promise<void> {
    const backoff = new Backoff();
    while (!this.#ending.signal.aborted) {
      const wasOpen = await this.#oneConnection(backoff);
      if (this.#ending.signal.aborted) return;
      if (!wasOpen) await this.#checkAdmission();
      await sleep(backoff.wait(), this.#ending.signal).catch(() => {});
    }
  }

  /** Rejects if the service refuses this client permanently. */
  async #checkAdmission(): Promise<void> {
    try {
      await this.#options.check(this.#ending.signal);
    } catch (error) {
      if (error instanceof ProblemError && !mayPass(error.status)) throw error;
    }
  }

  /** Connects, and waits until the connection ends. Returns whether the WebSocket was open. */
  async #oneConnection(backoff: Backoff): Promise<boolean> {
    const { url, token, timeoutMs, WebSocket } = this.#options;
    const protocols = ["everwire.v1", ...(token === undefined ? [] : [`bearer.${toBase64Url(token)}`])];
    const socket = new WebSocket(url, protocols);
    const ended = new AbortController();
    const end = () => ended.abort(new Disconnected("the session's connection to the service broke"));
    this.#ending.signal.addEventListener("abort", end, { once: true });
    let isOpen = false;
    const open = new Promise<void>((resolve) => {
      socket.onopen = () => {
        isOpen = true;
        resolve();
      };
    });
    socket.onmessage = (event: { data: unknown }) => this.#hear(event.data);
    socket.onclose = end;
    socket.onerror = end;
    try {
      await within(timeoutMs, ended.signal, "the service did not answer", (signal) => unlessAborted(open, signal));
      this.#socket = socket;
      ended.signal.addEventListener("abort", () => this.#lost(), { once: true });
      await this.#inTurn(ended.signal, () => this.#holdAgain());
      this.#connections += 1;
      this.#connected = true;
      this.#isOpened.resolve();
      const upSince = performance.now();
      return await this.#untilLost(ended.signal).finally(() => backoff.worked(performance.now() - upSince));
    } catch (error) {
      if (error instanceof EverwireError) return isOpen;
      throw error;
    } finally {
      this.#ending.signal.removeEventListener("abort", end);
      this.#lost();
      socket.close(1000);
    }
  }

  /** Rejects when the connection is lost, or when the service no longer answers on it. */
  async #untilLost(ended: AbortSignal): Promise<never> {
    for (;;) {
      await sleep(ASK_MS, ended);
      await this.#stillThere();
    }
  }

  /** Requests something that does not exist: any answer, even an error, proves the connection. */
  async #stillThere(): Promise<void> {
    try {
      await this.#ask({ op: "unsubscribe" });
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
    }
  }

  #lost(): void {
    this.#socket = undefined;
    this.#connected = false;
    for (const { reject } of this.#pending.values()) {
      reject(new Disconnected("the session's connection to the service broke"));
    }
  }

  async #holdAgain(): Promise<void> {
    for (const place of [...this.#places.values()]) {
      const { name, key, wish } = place;
      try {
        const told = await this.#ask({ ...wish, op: "hold", name, key });
        place.held = { name, key, state: told.state, error: undefined };
      } catch (error) {
        if (!(error instanceof ProblemError)) throw error;
        place.held = { name, key, state: undefined, error };
      }
    }
  }

  #hear(data: unknown): void {
    let told: Told;
    try {
      told = JSON.parse(String(data)) as Told;
    } catch {
      // Not an answer of everwire: the request runs into its deadline.
      return;
    }
    const pending = this.#pending.get(told?.id ?? "");
    if (pending === undefined) return;
    if (told.type === "ack") pending.resolve(told);
    else if (told.type === "error") pending.reject(problemError(told.problem));
    else pending.reject(new UnexpectedAnswer("invalid answer: it is neither an ack nor an error"));
  }
}
