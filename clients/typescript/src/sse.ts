// Server-sent events (HTML Living Standard §9.2) in the format of the service. `EventSource` cannot
// send a token.

import { UnexpectedAnswer } from "./errors.js";

/** The content between two empty lines: a cursor, data, or both. */
export interface Frame {
  id?: string;
  data?: string;
}

/** Parses bytes as they arrive into whole frames. A frame that is cut off at the end is ignored. */
export class Parser {
  readonly #longest: number;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  // Pieces of an unfinished line, which are joined once.
  #pieces: string[] = [];
  #length = 0;
  #frame: Frame = {};

  constructor(longest: number) {
    this.#longest = longest;
  }

  /**
   * The frames that these bytes complete. Throws `UnexpectedAnswer` for one that is too long, or
   * not UTF-8.
   */
  feed(chunk: Uint8Array): Frame[] {
    const lines = this.#decode(chunk).split("\n");
    const rest = lines.pop() ?? "";
    const frames: Frame[] = [];
    for (const line of lines) {
      this.#pieces.push(line);
      const whole = this.#pieces.join("");
      this.#pieces = [];
      const frame = this.#line(whole.endsWith("\r") ? whole.slice(0, -1) : whole);
      if (frame !== undefined) frames.push(frame);
      this.#length = this.#frame.data?.length ?? 0;
      this.#check();
    }
    if (rest !== "") this.#pieces.push(rest);
    this.#length += rest.length;
    this.#check();
    return frames;
  }

  #check(): void {
    if (this.#length > this.#longest) throw new UnexpectedAnswer(`an event has more than ${this.#longest} characters`);
  }

  #decode(chunk: Uint8Array): string {
    try {
      return this.#decoder.decode(chunk, { stream: true });
    } catch {
      throw new UnexpectedAnswer("invalid event: it is not UTF-8");
    }
  }

  #line(line: string): Frame | undefined {
    if (line === "") {
      const frame = this.#frame;
      this.#frame = {};
      return frame.id === undefined && frame.data === undefined ? undefined : frame;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "id") this.#frame.id = value;
    if (field === "data") this.#frame.data = this.#frame.data === undefined ? value : `${this.#frame.data}\n${value}`;
    return undefined;
  }
}
