// What can go wrong. Each class is told from the others by `instanceof`, and by its `name`.
//
//     EverwireError
//     ├── ProblemError            the service has answered with a problem (RFC 9457)
//     │   ├── BadRequest          400, 413, 415, 422: the request cannot be meant
//     │   ├── Unauthorized        401: no token, or a wrong one
//     │   ├── Forbidden           403: the token lacks the scope, or does not reach the name
//     │   ├── NotFound            404: there is no such name, message or subscription
//     │   ├── Conflict            409: it cannot be done as things are
//     │   ├── Unavailable         429, 503: not now; `retryAfterMs` says when
//     │   └── MessageError        it is about one message, and `fate` says what became of it
//     │       ├── Rejected        it was not accepted; `reason` says why
//     │       ├── NeverWritten    it expired, was evicted or cancelled: the peer does not have it
//     │       ├── InDoubt         it was written, and the socket died: perhaps the peer has it
//     │       ├── Forgotten       what became of it is not known any more
//     │       ├── Refused         of a request: the peer has refused it; `answer` is what it said
//     │       ├── NotSent         of a request: it was not written in time
//     │       └── Unanswered      of a request: it was written, and not answered in time
//     ├── Disconnected            the service cannot be reached, or the connection to it broke
//     ├── DeadlineExceeded        it took longer than was allowed
//     └── UnexpectedAnswer        the answer is none of everwire's

import type { Cause, KeyError, Problem, ProblemFate, Reason } from "./api.js";
import { fromBase64 } from "./base64.js";

/** Anything that goes wrong with everwire. */
export class EverwireError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The service cannot be reached, or the connection to it broke: what was asked for may have been done. */
export class Disconnected extends EverwireError {}

/** It took longer than was allowed. */
export class DeadlineExceeded extends EverwireError {}

/** The answer is none of everwire's: perhaps a proxy's, or the address is another service's. */
export class UnexpectedAnswer extends EverwireError {}

/** The service has answered with a problem (RFC 9457). */
export class ProblemError extends EverwireError {
  /** The document, with all members. */
  readonly problem: Problem;
  /** After how many milliseconds another try may help, if the service says so. */
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

  /** Why, in a word that programs can compare. There may be others than those that are known. */
  get reason(): Reason | undefined {
    return this.problem.reason;
  }

  /** What became of the message that it is about. */
  get fate(): ProblemFate | undefined {
    return this.problem.fate;
  }

  /** What is behind it, where something is. */
  get causeKind(): Cause | undefined {
    const { cause } = this.problem;
    const kind = typeof cause === "object" && cause !== null && "kind" in cause ? cause.kind : cause;
    return typeof kind === "string" ? kind : undefined;
  }

  /** Of settings that cannot be used: what is wrong with which key. */
  get errors(): readonly KeyError[] {
    return this.problem.errors ?? [];
  }
}

/** 400, 413, 415, 422: the request cannot be meant. */
export class BadRequest extends ProblemError {}

/** 401: no token, or a wrong one. */
export class Unauthorized extends ProblemError {}

/** 403: the token lacks the scope, or does not reach the name. */
export class Forbidden extends ProblemError {}

/** 404: there is no such name, message or subscription. */
export class NotFound extends ProblemError {}

/** 409: it cannot be done as things are. */
export class Conflict extends ProblemError {}

/** 429, 503: not now. */
export class Unavailable extends ProblemError {}

/** It is about one message: `fate` says what became of it. */
export class MessageError extends ProblemError {
  /** The message's id, if it was accepted. */
  get id(): number | undefined {
    return this.problem.id;
  }

  /** The epoch in which it was accepted. */
  get epoch(): number | undefined {
    return this.problem.epoch;
  }
}

/** It was not accepted: `reason` says why. */
export class Rejected extends MessageError {}

/** It expired, was evicted or cancelled: the peer does not have it. */
export class NeverWritten extends MessageError {}

/** It was written, and the socket died before more was known: perhaps the peer has it. */
export class InDoubt extends MessageError {}

/** What became of it is not known any more. */
export class Forgotten extends MessageError {}

/** Of a request: the peer has refused it. */
export class Refused extends MessageError {
  /** What the peer said. */
  get answer(): string | Uint8Array {
    const { base64, text } = this.problem;
    return base64 === undefined ? (text ?? "") : fromBase64(base64);
  }
}

/** Of a request: it was not written in time. The peer does not have it. */
export class NotSent extends MessageError {}

/** Of a request: it was written, and not answered in time. */
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

/** The error of a problem document, of the class that its fate or its status chooses. */
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
