// Events, over as many connections as necessary.

import type { Event as ConnectionEvent } from "./api.js";
import { fromBase64 } from "./base64.js";
import { LONGEST_PROBLEM, readBody } from "./body.js";
import { errorOf, mayPass, type Payload, visibleAscii } from "./calls.js";
import { Disconnected, EverwireError, ProblemError, UnexpectedAnswer } from "./errors.js";
import { type Frame, Parser } from "./sse.js";
import { Backoff, sleep, unlessAborted, type Waiting, within } from "./waiting.js";

/** The client's function for requests. */
export type Fetch = (path: string, init: RequestInit & { signal: AbortSignal }) => Promise<Response>;

export type { ConnectionEvent };

// The service sends something every 15 s: after a longer silence the connection counts as lost.
const SILENCE_MS = 45_000;
const CONNECT_MS = 10_000;
// The longest message that settings allow, in base64, with room for the rest of the event.
const LONGEST_EVENT = 192 << 20;
// The events that may wait for a reader here. Beyond that nothing is read, and the service queues
// them within its own limits.
const MAX_EVENTS = 1024;
const MAX_LENGTH = 8 << 20;

/** The payload of an event of type `message`: a text or bytes. */
export function payload(event: ConnectionEvent): Payload {
  return event.base64 === undefined ? (event.text ?? "") : fromBase64(event.base64);
}

/** The options of a stream of events. */
export interface EventsOptions {
  since?: string | undefined;
  giveUpAfterMs?: number | undefined;
  signal?: AbortSignal | undefined;
  /** How many events may wait here: 1,024 by default. */
  maxEvents?: number | undefined;
  /** After this silence the connection counts as lost: 45,000 by default. */
  silenceMs?: number | undefined;
}

/**
 * The events as an asynchronous iterator. After a lost connection it continues after the last
 * cursor.
 *
 * It ends by `close`, by leaving a `for await`, by its signal, or by a permanent error (a wrong
 * token, an unknown type). Where events may be missing there is an event of type `lagged`.
 */
export class Events implements AsyncIterableIterator<ConnectionEvent> {
  readonly #fetch: Fetch;
  readonly #path: string;
  readonly #giveUpAfterMs: number | undefined;
  readonly #maxEvents: number;
  readonly #silenceMs: number;
  readonly #ending = new AbortController();
  // The cursor of the last event read from the service, and of the last one returned to the caller.
  #readCursor: string | undefined;
  #cursor: string | undefined;
  #waiting: { event: ConnectionEvent; length: number }[] = [];
  #length = 0;
  #began = false;
  #ended = false;
  #error: unknown;
  #pump: Promise<void> | undefined;
  #reconnects = 0;
  #changed = new Set<() => void>();

  /** Made by `Client.events`. */
  constructor(fetch: Fetch, path: string, options: EventsOptions) {
    this.#fetch = fetch;
    this.#path = path;
    this.#readCursor = this.#cursor = options.since === undefined ? undefined : visibleAscii("cursor", options.since);
    this.#giveUpAfterMs = options.giveUpAfterMs;
    this.#maxEvents = options.maxEvents ?? MAX_EVENTS;
    this.#silenceMs = options.silenceMs ?? SILENCE_MS;
    const { signal } = options;
    if (signal !== undefined) {
      const end = () => this.#end(signal.reason);
      if (signal.aborted) end();
      signal.addEventListener("abort", end, { once: true, signal: this.#ending.signal });
    }
  }

  /**
   * The position of this reader: pass it as `since` to continue from there, also in another
   * process.
   */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  /** How often the connection to the service was lost and restored. */
  get reconnects(): number {
    return this.#reconnects;
  }

  /** Waits until the service has started the stream: all later events are received. */
  async ready(options: Waiting & { timeoutMs?: number } = {}): Promise<this> {
    this.#start();
    const ms = options.timeoutMs ?? CONNECT_MS;
    await within(ms, options.signal, `the service did not begin the stream of events within ${ms} ms`, (signal) =>
      this.#until(() => this.#began || this.#ended, signal),
    );
    if (!this.#began && this.#error !== undefined) throw this.#error;
    return this;
  }

  /**
   * The next event; `undefined` once it is closed. Rejects with `DeadlineExceeded`; no event is
   * lost.
   */
  async read(options: Waiting & { timeoutMs?: number } = {}): Promise<ConnectionEvent | undefined> {
    this.#start();
    const { timeoutMs, signal } = options;
    if (timeoutMs === undefined || this.#hasSomething()) return await this.#take(signal);
    return await within(timeoutMs, signal, `no event within ${timeoutMs} ms`, (ending) => this.#take(ending));
  }

  async next(): Promise<IteratorResult<ConnectionEvent, undefined>> {
    const value = await this.read();
    return value === undefined ? { done: true, value } : { done: false, value };
  }

  async return(): Promise<IteratorResult<ConnectionEvent, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Closes the stream. Unread events are dropped; `cursor` is the position before them. */
  async close(): Promise<void> {
    this.#waiting = [];
    this.#length = 0;
    this.#end(undefined);
    await this.#pump;
  }

  #end(error: unknown): void {
    if (!this.#ended) {
      this.#ended = true;
      this.#error = error;
    }
    this.#ending.abort(new EverwireError("the stream is closed"));
    this.#change();
  }

  // --- the queue

  #hasSomething(): boolean {
    return this.#waiting.length > 0 || this.#ended;
  }

  async #take(signal?: AbortSignal): Promise<ConnectionEvent | undefined> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) {
        this.#length -= next.length;
        this.#cursor = next.event.cursor ?? this.#cursor;
        this.#change();
        return next.event;
      }
      if (this.#error !== undefined) throw this.#error;
      if (this.#ended) return undefined;
      // Another reader may have taken the event.
      await this.#until(() => this.#hasSomething(), signal);
    }
  }

  #change(): void {
    const changed = this.#changed;
    this.#changed = new Set();
    for (const look of changed) look();
  }

  async #until(check: () => boolean, signal?: AbortSignal): Promise<void> {
    while (!check()) {
      await new Promise<void>((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason);
          return;
        }
        const ended = () => {
          this.#changed.delete(look);
          reject(signal?.reason);
        };
        const look = () => {
          signal?.removeEventListener("abort", ended);
          resolve();
        };
        this.#changed.add(look);
        signal?.addEventListener("abort", ended, { once: true });
      });
    }
  }

  async #put(event: ConnectionEvent, length: number): Promise<void> {
    // The limit may be exceeded by one event.
    const room = () => this.#ended || (this.#waiting.length < this.#maxEvents && this.#length < MAX_LENGTH);
    if (!room()) await this.#until(room);
    if (this.#ended) return;
    this.#waiting.push({ event, length });
    this.#length += length;
    this.#change();
  }

  // --- the connection that fills it

  #start(): void {
    if (this.#pump !== undefined || this.#ended) return;
    this.#pump = this.#reconnectForEver().catch((error: unknown) => this.#end(error));
  }

  async #reconnectForEver(): Promise<void> {
    const backoff = new Backoff();
    // A monotonic clock: changes of the system time do not matter.
    let downSince = performance.now();
    while (!this.#ended) {
      let upSince: number | undefined;
      let cause: unknown;
      try {
        await this.#connection(() => {
          upSince = performance.now();
          if (this.#began) this.#reconnects += 1;
        });
        cause = new Disconnected("the service has ended the stream");
      } catch (error) {
        if (this.#ended) return;
        if (isFinal(error)) throw error;
        cause = error;
      }
      if (this.#ended) return;
      if (upSince !== undefined) {
        downSince = performance.now();
        backoff.worked(downSince - upSince);
      }
      if (this.#giveUpAfterMs !== undefined && performance.now() - downSince >= this.#giveUpAfterMs) {
        throw new Disconnected(`the service could not be reached for ${this.#giveUpAfterMs} ms`, { cause });
      }
      const atLeast = cause instanceof ProblemError ? cause.retryAfterMs : undefined;
      await sleep(backoff.wait(atLeast), this.#ending.signal);
    }
  }

  /** Reads one connection to its end. */
  async #connection(isUp: () => void): Promise<void> {
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (this.#readCursor !== undefined) headers["Last-Event-ID"] = this.#readCursor;
    // Ends only this connection.
    const connection = new AbortController();
    const end = () => connection.abort(this.#ending.signal.reason);
    this.#ending.signal.addEventListener("abort", end, { once: true });
    try {
      const response = await within(CONNECT_MS, connection.signal, "the service did not answer", (signal) =>
        // The signal of the wait would also end the body.
        unlessAborted(this.#fetch(this.#path, { headers, signal: connection.signal }), signal),
      );
      if (response.status !== 200) throw await refusal(response, connection.signal);
      if (response.body === null || !response.headers.get("content-type")?.startsWith("text/event-stream")) {
        throw new UnexpectedAnswer("invalid answer: there are no events at this address; is it everwire's?");
      }
      const reader = response.body.getReader();
      const parser = new Parser(LONGEST_EVENT);
      let up = false;
      for (;;) {
        const { done, value } = await within(this.#silenceMs, connection.signal, "the service is silent", (signal) =>
          unlessAborted(reader.read(), signal),
        );
        if (done) return;
        for (const frame of parser.feed(value)) {
          if (!up) isUp();
          up = true;
          await this.#hear(frame);
        }
      }
    } finally {
      this.#ending.signal.removeEventListener("abort", end);
      connection.abort();
    }
  }

  async #hear(frame: Frame): Promise<void> {
    if (frame.data !== undefined) await this.#put(parsed(frame.data), frame.data.length);
    if (frame.id !== undefined) {
      this.#readCursor = frame.id;
      if (!this.#began) {
        // The start: a reader without an event continues from here.
        this.#cursor ??= frame.id;
        this.#began = true;
        this.#change();
      }
    }
  }
}

/** Whether the error is permanent. */
function isFinal(error: unknown): boolean {
  if (error instanceof ProblemError) return !mayPass(error.status);
  return error instanceof UnexpectedAnswer;
}

function parsed(data: string): ConnectionEvent {
  let event: unknown;
  try {
    event = JSON.parse(data);
  } catch {
    throw new UnexpectedAnswer("invalid event: it is not JSON");
  }
  if (typeof (event as Partial<ConnectionEvent> | null)?.type !== "string") {
    throw new UnexpectedAnswer("invalid event: it has no type");
  }
  return event as ConnectionEvent;
}

async function refusal(response: Response, signal: AbortSignal): Promise<Error> {
  const error = await within(CONNECT_MS, signal, "the answer does not end", async (ending) => {
    const body = await readBody(response, LONGEST_PROBLEM, ending);
    return errorOf({ status: response.status, headers: response.headers, body });
  }).catch((error: Error) => error);
  const isProxys = error instanceof UnexpectedAnswer && mayPass(response.status);
  return isProxys ? new Disconnected(`an answer of status ${response.status}`) : error;
}
