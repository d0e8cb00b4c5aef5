// Bounded bodies of answers.

import { UnexpectedAnswer } from "./errors.js";
import { unlessAborted } from "./waiting.js";

/** The longest answer that is read: the longest message that settings allow, and some more. */
export const LONGEST_ANSWER = 192 << 20;
/** The longest problem document. */
export const LONGEST_PROBLEM = 1 << 20;

/**
 * The bytes of an answer. Rejects with `UnexpectedAnswer` if there are more than `longest`; the
 * rest is not read.
 */
export async function readBody(response: Response, longest: number, signal: AbortSignal): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  while (reader !== undefined) {
    const { done, value } = await unlessAborted(reader.read(), signal);
    if (done) break;
    length += value.length;
    if (length > longest) {
      reader.cancel().catch(() => {});
      throw new UnexpectedAnswer(`an answer has more than ${longest} bytes`);
    }
    chunks.push(value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
