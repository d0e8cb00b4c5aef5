// The errors of the client. `instanceof` and the `name` distinguish the classes.
//
//     EverwireError
//     ├── ProblemError            the service answered with a problem (RFC 9457)
//     │   ├── BadRequest          400, 413, 415, 422: the request is invalid
//     │   ├── Unauthorized        401: no token, or a wrong one
//     │   ├── Forbidden           403: the token lacks the scope, or does not reach the name
//     │   ├── NotFound            404: there is no such name, message or subscription
//     │   ├── Conflict            409: the present state does not allow it
//     │   ├── Unavailable         429, 503: not possible now; `retryAfterMs` is when to try again
//     │   └── MessageError        the problem is about one message; `fate` is the outcome
//     │       ├── Rejected        the message was not accepted; `reason` is why
//     │       ├── NeverWritten    it expired, was evicted or cancelled: the peer does not have it
//     │       ├── InDoubt         it was written, and the socket was lost: the peer may have it
//     │       ├── Forgotten       the fate is no longer known
//     │       ├── Refused         request: the peer refused it; `answer` is its answer
//     │       ├── NotSent         request: it was not written in time
//     │       └── Unanswered      request: it was written, and not answered in time
//     ├── Disconnected            the service cannot be reached, or the connection to it broke
//     ├── DeadlineExceeded        the deadline has passed
//     └── UnexpectedAnswer        the answer is not from everwire

import type { Cause, KeyError, Problem, ProblemFate, Reason } from "./api.js";
import { fromBase64 } from "./base64.js";

/** Any error of this client. */
export class EverwireError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/**
 * The service cannot be reached, or the connection to it broke: the request may have been executed.
 */
export class Disconnected extends EverwireError {}

/** The deadline has passed. */
export class DeadlineExceeded extends EverwireError {}

/**
 * The answer is not from everwire: perhaps from a proxy, or the address belongs to another service.
 */
export class UnexpectedAnswer extends EverwireError {}

/** The service answered with a problem (RFC 9457). */
export class ProblemError extends EverwireError {
  /** The document, with all members. */
  readonly problem: Problem;
  /**
   * The number of milliseconds after which another attempt may succeed, if the service gives one.
   */
  readonly retryAfterMs: number | undefined;

  constructor(problem: Problem, retryAfterMs?: number) {
    super(`${problem.status} ${problem.title}: ${problem.detail}`);
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }

  /** The HTTP status. */
  get status(): number {
    return this.problem.status;
  }

  /** What is wrong, and what would be right. */
  get detail(): string {
    return this.problem.detail;
  }

  /** The reason as a code for programs. A later service may use other codes than the known ones. */
  get reason(): Reason | undefined {
    return this.problem.reason;
  }

  /** The fate of the message that the problem is about. */
  get fate(): ProblemFate | undefined {
    return this.problem.fate;
  }

  /** The cause, if the problem has one. */
  get causeKind(): Cause | undefined {
    const { cause } = this.problem;
    const kind = typeof cause === "object" && cause !== null && "kind" in cause ? cause.kind : cause;
    return typeof kind === "string" ? kind : undefined;
  }

  /** For invalid settings: the fault of each key. */
  get errors(): readonly KeyError[] {
    return this.problem.errors ?? [];
  }
}

/** 400, 413, 415, 422: the request is invalid. */
export class BadRequest extends ProblemError {}

/** 401: no token, or a wrong one. */
export class Unauthorized extends ProblemError {}

/** 403: the token lacks the scope, or does not reach the name. */
export class Forbidden extends ProblemError {}

/** 404: there is no such name, message or subscription. */
export class NotFound extends ProblemError {}

/** 409: the present state does not allow it. */
export class Conflict extends ProblemError {}

/** 429, 503: not possible now. */
export class Unavailable extends ProblemError {}

/** The problem is about one message: `fate` is the outcome. */
export class MessageError extends ProblemError {
  /** The id of the message, if it was accepted. */
  get id(): number | undefined {
    return this.problem.id;
  }

  /** The epoch in which it was accepted. */
  get epoch(): number | undefined {
    return this.problem.epoch;
  }
}

/** The message was not accepted: `reason` is why. */
export class Rejected extends MessageError {}

/** The message expired, was evicted or cancelled: the peer does not have it. */
export class NeverWritten extends MessageError {}

/** The message was written, and the socket was lost before a confirmation: the peer may have it. */
export class InDoubt extends MessageError {}

/** The fate is no longer known. */
export class Forgotten extends MessageError {}

/** Request: the peer refused it. */
export class Refused extends MessageError {
  /** The answer of the peer. */
  get answer(): string | Uint8Array {
    const { base64, text } = this.problem;
    return base64 === undefined ? (text ?? "") : fromBase64(base64);
  }
}

/** Request: it was not written in time. The peer does not have it. */
export class NotSent extends MessageError {}

/** Request: it was written, and not answered in time. */
export class Unanswered extends MessageError {}

type Class = new (problem: Problem, retryAfterMs?: number) => ProblemError;

const BY_FATE = new Map<string, Class>([
  ["rejected", Rejected],
  ["expired", NeverWritten],
  ["evicted", NeverWritten],
  ["cancelled", NeverWritten],
  ["in_doubt", InDoubt],
  ["forgotten", Forgotten],
  ["failed", Refused],
  ["not_sent", NotSent],
  ["unanswered", Unanswered],
]);
const BY_STATUS = new Map<number, Class>([
  [400, BadRequest],
  [401, Unauthorized],
  [403, Forbidden],
  [404, NotFound],
  [409, Conflict],
  [413, BadRequest],
  [415, BadRequest],
  [422, BadRequest],
  [429, Unavailable],
  [503, Unavailable],
]);

/** The error of a problem document; its fate or its status determines the class. */
export function problemError(document: unknown, retryAfterMs?: number): EverwireError {
  if (!isProblem(document)) {
    return new UnexpectedAnswer("invalid answer: it is an error, but not a problem document");
  }
  const { fate, status } = document;
  const ofFate = fate === undefined ? undefined : (BY_FATE.get(fate) ?? MessageError);
  return new (ofFate ?? BY_STATUS.get(status) ?? ProblemError)(document, retryAfterMs);
}

function isProblem(document: unknown): document is Problem {
  if (typeof document !== "object" || document === null) return false;
  const { title, status, detail } = document as Partial<Problem>;
  return typeof title === "string" && typeof status === "number" && typeof detail === "string";
}
