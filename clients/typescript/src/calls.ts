// Requests, and the meaning of their answers, without any I/O.

import type { Fate } from "./api.js";
import { type EverwireError, problemError, UnexpectedAnswer } from "./errors.js";

/** A text message or a binary one. */
export type Payload = string | Uint8Array;

/** The fates that a caller can wait for. */
export type Wanted = "queued" | "written" | "confirmed";

/** An accepted message, and its fate so far. `id` and `epoch` together identify it. */
export interface Sent {
  readonly id: number;
  readonly epoch: number;
  readonly fate: Fate;
}

const RANKS: Record<string, number> = { accepted: 0, queued: 1, written: 2, confirmed: 3 };
const LONGEST_WAIT_MS = 300_000;

/** Whether a message's fate is this one or a better one. */
export function reaches(sent: Sent, wanted: Wanted): boolean {
  return (RANKS[sent.fate] ?? -1) >= (RANKS[wanted] ?? Infinity);
}

/** Whether a message's fate can no longer change. */
export function isFinal(sent: Sent): boolean {
  return !["accepted", "queued", "written"].includes(sent.fate);
}

/** An answer of the service. */
export interface Answer {
  status: number;
  headers: Headers;
  body: Uint8Array;
}

/** A request, and the function that reads its answer. */
export interface Call<T> {
  method: "GET" | "PUT" | "POST" | "DELETE";
  path: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** How long the service itself waits before it answers. */
  waitsMs?: number;
  read: (answer: Answer) => T;
}

/**
 * Checks that a text can be a header value. The error does not contain it, since it may be a token.
 */
export function visibleAscii(what: string, text: string): string {
  if (!/^[!-~]+$/.test(text)) throw new TypeError(`invalid ${what}: write at least one character, only ASCII, and no spaces`);
  return text;
}

/** Whether another attempt may succeed: the service, or a proxy before it, is busy or down. */
export function mayPass(status: number): boolean {
  return status >= 500 || status === 408 || status === 429;
}

/** Milliseconds in the format of the service. */
export function duration(ms: number): string {
  if (!(ms >= 0 && ms <= LONGEST_WAIT_MS)) {
    throw new RangeError(`invalid timeout ${ms}: write 0 to ${LONGEST_WAIT_MS} milliseconds`);
  }
  return `${Math.round(ms)}ms`;
}

/** The path of a resource of a connection. */
export function of(name: string, ...rest: string[]): string {
  // A segment of dots would be interpreted as a relative path.
  const segments = [name, ...rest].map((segment) => encodeURIComponent(segment).replaceAll(".", "%2E"));
  return `/v1/connections/${segments.join("/")}`;
}

/** A query. Parameters that are undefined, null or an empty list are left out. */
export function query(parameters: Record<string, string | readonly string[] | null | undefined>): string {
  const told = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) continue;
    told.set(name, typeof value === "string" ? value : value.join(","));
  }
  const text = told.toString();
  return text === "" ? "" : `?${text}`;
}

/** The keys of subscriptions in the format of the parameter. */
export function escapedKeys(keys: readonly string[]): string[] {
  return keys.map((key) => key.replaceAll("\\", "\\\\").replaceAll(",", "\\,"));
}

/** The body of a message. */
export function body(data: Payload): { headers: Record<string, string>; body: Payload } {
  const type = typeof data === "string" ? "text/plain; charset=utf-8" : "application/octet-stream";
  return { headers: { "Content-Type": type }, body: data };
}

/** A body of JSON. */
export function json(value: unknown): { headers: Record<string, string>; body: string } {
  return { headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) };
}

/** Parses JSON of the service. The OpenAPI document describes it. */
export function readJson<T>(answer: Answer): T {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(answer.body)) as T;
  } catch {
    throw new UnexpectedAnswer(`invalid answer of status ${answer.status}: it is not JSON`);
  }
}

/** Reads an answer without a body. */
export function readNothing(): void {}

/** Reads a message's fate. */
export function readSent(answer: Answer): Sent {
  const { id, epoch, fate } = readJson<Partial<Sent>>(answer) ?? {};
  if (typeof id !== "number" || typeof epoch !== "number" || typeof fate !== "string") {
    throw new UnexpectedAnswer("invalid answer to a send: it lacks the id, the epoch or the fate");
  }
  return { id, epoch, fate };
}

/** Reads the answer of a peer. */
export function readPayload({ headers, body }: Answer): Payload {
  if (headers.get("content-type")?.startsWith("application/octet-stream")) return body;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw new UnexpectedAnswer("invalid answer to a request: it is neither binary nor UTF-8");
  }
}

/** The error in an answer. */
export function errorOf(answer: Answer): EverwireError {
  const after = answer.headers.get("retry-after") ?? "";
  const retryAfterMs = /^\d{1,6}$/.test(after) ? Number(after) * 1000 : undefined;
  if (!answer.headers.get("content-type")?.includes("problem+json")) {
    return new UnexpectedAnswer(`invalid answer of status ${answer.status}: it is not a problem document; is this everwire's address?`);
  }
  try {
    return problemError(readJson(answer), retryAfterMs);
  } catch (error) {
    return error as EverwireError;
  }
}
