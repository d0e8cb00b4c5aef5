// Code that needs no service.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Causes, Client, Fates, isFinal, NotFound, ProblemError, reaches, Reasons, Rejected, UnexpectedAnswer } from "everwire";

import { fromBase64, toBase64Url } from "#dist/base64.js";
import { readBody } from "#dist/body.js";
import { duration, errorOf, escapedKeys, of, query, readSent } from "#dist/calls.js";
import { problemError } from "#dist/errors.js";
import { Parser } from "#dist/sse.js";
import { Backoff } from "#dist/waiting.js";

const problem = (status: number, members: object = {}) => ({ type: "about:blank", title: "Title", status, detail: "what is wrong", ...members });

test("a problem becomes the error of its fate or status", () => {
  const rejected = problemError(problem(429, { fate: "rejected", reason: "full" }), 1000);
  assert(rejected instanceof Rejected);
  assert.deepEqual([rejected.name, rejected.status, rejected.reason, rejected.retryAfterMs], ["Rejected", 429, "full", 1000]);
  assert(problemError(problem(404)) instanceof NotFound);
  const later = problemError(problem(418, { reason: "teapot", cause: { kind: "steam" } }));
  assert(later instanceof ProblemError && later.reason === "teapot" && later.causeKind === "steam");
  for (const wrong of [null, [], {}, { status: "404" }, { ...problem(404), detail: null }]) {
    assert(problemError(wrong) instanceof UnexpectedAnswer);
  }
  assert(Fates.length === 9 && Reasons.includes("full") && Causes.includes("refused"));
});

test("an answer that is not everwire's is told apart", () => {
  const answer = (text: string, type: string) => ({ status: 502, headers: new Headers({ "content-type": type }), body: new TextEncoder().encode(text) });
  assert(errorOf(answer("<html>", "text/html")) instanceof UnexpectedAnswer);
  assert(errorOf(answer("{", "application/problem+json")) instanceof UnexpectedAnswer);
  for (const text of ["{}", "[]", "null", '{"id":1,"epoch":1}', '{"id":"x","epoch":1,"fate":"queued"}']) {
    assert.throws(() => readSent(answer(text, "application/json")), UnexpectedAnswer);
  }
});

test("frames are put together from any pieces", () => {
  const text = 'retry: 1000\nid: c0\n\n: still here\n\nid: c1\ndata: {"ü":1}\n\ndata: a\r\ndata: b\r\n\r\nid: c2\ndata: cut o';
  const bytes = new TextEncoder().encode(text);
  for (const size of [1, 2, 3, 7, 1000]) {
    const parser = new Parser(100);
    const frames = [];
    for (let begin = 0; begin < bytes.length; begin += size) frames.push(...parser.feed(bytes.subarray(begin, begin + size)));
    assert.deepEqual(frames, [{ id: "c0" }, { id: "c1", data: '{"ü":1}' }, { data: "a\nb" }]);
  }
});

test("a frame is bounded", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  assert.throws(() => new Parser(100).feed(bytes(`data: ${"x".repeat(200)}`)), UnexpectedAnswer);
  const parser = new Parser(100);
  assert.throws(() => {
    for (let line = 0; line < 3; line += 1) parser.feed(bytes(`data: ${"x".repeat(60)}\n`));
  }, UnexpectedAnswer);
  const slow = new Parser(100);
  assert.throws(() => {
    for (let piece = 0; piece < 30; piece += 1) slow.feed(bytes("data:"));
  }, UnexpectedAnswer);
  assert.throws(() => new Parser(100).feed(Uint8Array.of(0xff, 10)), UnexpectedAnswer);
});

test("an answer is bounded", async () => {
  let pulled = 0;
  let isCancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      pulled += 1;
      controller.enqueue(new Uint8Array(60));
    },
    cancel: () => {
      isCancelled = true;
    },
  });
  const { signal } = new AbortController();
  await assert.rejects(readBody(new Response(endless), 100, signal), UnexpectedAnswer);
  assert(isCancelled && pulled <= 4);
  assert.deepEqual(await readBody(new Response("grüße"), 100, signal), new TextEncoder().encode("grüße"));
  assert.deepEqual(await readBody(new Response(null), 100, signal), new Uint8Array());
});

test("paths are escaped", () => {
  assert.equal(of("a:b.c"), "/v1/connections/a%3Ab%2Ec");
  assert.equal(of("a", "subscriptions", "../x y/é"), "/v1/connections/a/subscriptions/%2E%2E%2Fx%20y%2F%C3%A9");
  const asked = query({ match: "feed-*", types: [], subscription: escapedKeys(["a,b", "c\\"]), json: "", cursor: null });
  assert.equal(asked, "?match=feed-*&subscription=a%5C%2Cb%2Cc%5C%5C&json=");
});

test("waits have bounds", () => {
  assert.deepEqual([duration(0), duration(300_000)], ["0ms", "300000ms"]);
  for (const wrong of [-1, 300_001, Number.NaN, Number.POSITIVE_INFINITY]) assert.throws(() => duration(wrong), RangeError);
  const backoff = new Backoff();
  const waits = Array.from({ length: 10 }, () => backoff.wait());
  assert((waits[0] ?? 0) <= 100 && (waits[9] ?? 0) >= 2500 && (waits[9] ?? 0) <= 5000);
  assert.deepEqual([backoff.wait(30_000), backoff.wait(1e9)], [30_000, 60_000]);
  backoff.worked(4900);
  assert(backoff.wait() >= 2500);
  backoff.worked(5000);
  assert(backoff.wait() <= 100);
});

test("fates have an order", () => {
  const sent = (fate: string) => ({ id: 1, epoch: 1, fate });
  assert(reaches(sent("confirmed"), "written") && isFinal(sent("confirmed")));
  assert(!reaches(sent("accepted"), "queued") && !isFinal(sent("accepted")));
  assert(!reaches(sent("expired"), "queued") && !reaches(sent("teleported"), "queued"));
});

test("base64 is that of the standard", () => {
  assert.deepEqual(fromBase64("AP8="), Uint8Array.of(0, 255));
  assert.equal(toBase64Url("??>>~"), "Pz8-Pn4");
});

test("what no header can say is refused at once", async () => {
  const client = new Client({ url: "http://127.0.0.1:9", timeoutMs: 500 });
  for (const wrong of ["", "a\n", "a b", "→"]) {
    assert.throws(() => client.events({ since: wrong }), /invalid cursor/);
    await assert.rejects(client.connection("a").send("x", { timeoutMs: 500, idempotencyKey: wrong }), /invalid idempotency key/);
  }
});

test("what cannot be an address or a token is refused without being said", () => {
  for (const url of ["ftp://x", "http://me:pass@x", "x"]) {
    assert.throws(() => new Client({ url }), (error: Error) => error instanceof TypeError && !error.message.includes("pass"));
  }
  for (const token of ["", "a\nb", "é"]) assert.throws(() => new Client({ token }), /invalid token/);
  if (globalThis.WebSocket === undefined) assert.throws(() => new Client().session(), /npm's ws/);
});
