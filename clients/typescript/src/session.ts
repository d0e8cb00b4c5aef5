// Subscriptions that are held for as long as a session is open, over `/v1/ws`.

import type { SubscriptionState } from "./api.js";
import { toBase64Url } from "./base64.js";
import { mayPass } from "./calls.js";
import { DeadlineExceeded, Disconnected, EverwireError, ProblemError, problemError, UnexpectedAnswer } from "./errors.js";
import { Backoff, sleep, unlessAborted, type Waiting, within } from "./waiting.js";

/** What of a WebSocket is used: that of browsers, of Node from version 22 on, and that of npm's `ws`. */
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
  /** Where it stood when the service took it on; undefined while it is not taken on. */
  readonly state: SubscriptionState | undefined;
  /** Why the service has not taken it on again after the last loss of the session's connection. */
  readonly error: EverwireError | undefined;
}

/** `item`, and the keys of `subscribe` that are not to be those of the settings. */
export type Wish = Record<string, unknown>;

/** What a session needs of its client. */
export interface SessionOptions {
  url: string;
  token: string | undefined;
  timeoutMs: number;
  WebSocket: WebSocketClass;
  /** Rejects where the service lets this client in under no circumstances: a WebSocket of a browser does not say why it fails. */
  check: (signal: AbortSignal) => Promise<void>;
}

// How many questions may be unanswered, and how many subscriptions may be held: what the service allows.
const MAX_PENDING = 1024;
const MAX_HELD = 10_000;
// A browser has no pings: this often something is asked.
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
 * Holds subscriptions for as long as it is open, beside others that hold the same.
 *
 * When its connection to the service breaks, it connects again and holds again what it held. The peer is told that a
 * subscription has ended when nobody holds it any more.
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
  // Holds and releases go out in the order in which they were asked for, those after a loss among them.
  #turn: Promise<void> = Promise.resolve();
  readonly #isOpened: { resolve: () => void; reject: (error: unknown) => void };
  readonly #opened: Promise<void>;

  /** Made by `Client.session`. */
  constructor(options: SessionOptions) {
    this.#options = options;
    let [resolve, reject]: [() => void, (error: unknown) => void] = [() => {}, () => {}];
    this.#opened = new Promise<void>((yes, no) => ([resolve, reject] = [yes, no]));
    // Nobody may be waiting for it.
    this.#opened.catch(() => {});
    this.#isOpened = { resolve, reject };
  }

  /** Whether the service hears this session now, and knows what it holds. */
  get connected(): boolean {
    return this.#connected;
  }

  /** How often the connection to the service was lost and is there again. */
  get reconnects(): number {
    return Math.max(this.#connections - 1, 0);
  }

  /** What it holds, in the order in which it was asked for. */
  get held(): Held[] {
    return [...this.#places.values()].map((place) => place.held);
  }

  /** Connects. Rejects with `Disconnected`, or why the service lets nobody in. What has ended is not opened again. */
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

  /** Ends it, and with it all that it holds. */
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
   * Rejects with why the service does not take it on, and with `Disconnected` or `DeadlineExceeded` where it has not said. Then it is
   * not held, unless it was before.
   */
  hold(name: string, key: string, wish: Wish = {}, options: Waiting = {}): Promise<Held> {
    return this.#inTurn(options.signal, async () => {
      const at = JSON.stringify([name, key]);
      if (this.#places.size >= MAX_HELD && !this.#places.has(at)) {
        throw new RangeError(`a session holds at most ${MAX_HELD} subscriptions`);
      }
      const told = await this.#ask({ ...wish, op: "hold", name, key }, options.signal).catch((error: unknown) => {
        // The service may have taken it on, or may do so yet: it hears the release behind the question.
        const isKnown = error instanceof ProblemError || this.#places.has(at);
        if (!isKnown) this.#ask({ op: "release", name, key }).catch(() => {});
        throw error;
      });
      const held = { name, key, state: told.state, error: undefined };
      this.#places.set(at, { name, key, wish, held });
      return held;
    });
  }

  /** Lets go of a key. Rejects with `NotFound` where the session does not hold it. */
  release(name: string, key: string, options: Waiting = {}): Promise<void> {
    return this.#inTurn(options.signal, async () => {
      // After a loss it is not to be held again, whatever becomes of the question.
      this.#places.delete(JSON.stringify([name, key]));
      await this.#ask({ op: "release", name, key }, options.signal);
    });
  }

  /** Waits for the turn of a hold or a release, for no longer than for an answer. */
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

  /** Rejects where the service lets this client in under no circumstances. */
  async #checkAdmission(): Promise<void> {
    try {
      await this.#options.check(this.#ending.signal);
    } catch (error) {
      if (error instanceof ProblemError && !mayPass(error.status)) throw error;
    }
  }

  /** Connects, and stays until the connection ends. Whether the WebSocket was open. */
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

  /** Rejects when the connection is lost, or the service does not answer on it any more. */
  async #untilLost(ended: AbortSignal): Promise<never> {
    for (;;) {
      await sleep(ASK_MS, ended);
      await this.#stillThere();
    }
  }

  /** Asks for what there is not: the answer is an error, and any answer will do. */
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
      // It is not everwire's: the question runs into its deadline.
      return;
    }
    const pending = this.#pending.get(told?.id ?? "");
    if (pending === undefined) return;
    if (told.type === "ack") pending.resolve(told);
    else if (told.type === "error") pending.reject(problemError(told.problem));
    else pending.reject(new UnexpectedAnswer("invalid answer: it is neither an ack nor an error"));
  }
}
