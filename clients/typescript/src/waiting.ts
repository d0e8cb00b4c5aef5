// Waits with a deadline that a caller can cancel.

import { DeadlineExceeded } from "./errors.js";

/** The longest duration, and the signal that ends the wait earlier. */
export interface Waiting {
  signal?: AbortSignal | undefined;
}

/** Sleeps. Rejects with the signal's reason. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const ended = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", ended);
      resolve();
    }, ms);
    signal?.addEventListener("abort", ended, { once: true });
  });
}

/**
 * Runs a function that obeys a signal, for a limited number of milliseconds.
 *
 * Rejects with `DeadlineExceeded`, or with the reason of the caller's own signal.
 */
export async function within<T>(
  ms: number,
  signal: AbortSignal | undefined,
  text: string,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const ending = new AbortController();
  const ended = () => ending.abort(signal?.reason);
  signal?.addEventListener("abort", ended, { once: true });
  const timer = setTimeout(() => ending.abort(new DeadlineExceeded(text)), ms);
  try {
    return await run(ending.signal);
  } catch (error) {
    // The error that the abort has caused does not matter.
    throw ending.signal.aborted ? ending.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", ended);
  }
}

const FIRST_MS = 100;
const LONGEST_MS = 5000;
const LONGEST_ASKED_MS = 60_000;

/**
 * Doubles, within limits, with jitter: clients that lost the service together do not return
 * together.
 */
export class Backoff {
  #next = FIRST_MS;

  /**
   * Reports how long the last attempt worked. The pause is reset only if that is at least the next
   * pause.
   */
  worked(ms: number): void {
    if (ms >= this.#next) this.#next = FIRST_MS;
  }

  /** The pause in milliseconds. `atLeast`: the service's `Retry-After`. */
  wait(atLeast = 0): number {
    const most = this.#next;
    this.#next = Math.min(most * 2, LONGEST_MS);
    return Math.max(most / 2 + (Math.random() * most) / 2, Math.min(atLeast, LONGEST_ASKED_MS));
  }
}

/** The result of a promise, unless the signal comes first. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(signal.reason);
    if (signal.aborted) ended();
    signal.addEventListener("abort", ended, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", ended));
  });
}
