// Sends with their fates, requests, and operations on a connection.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { inspect } from "node:util";

import { BadRequest, DeadlineExceeded, Disconnected, Forbidden, Forgotten, NeverWritten, NotFound, Refused, Rejected, Unanswered, Unauthorized } from "everwire";

import { all, eventually, Peer, READER, Service, TOKEN } from "./harness.js";

test("a send has the fate that was asked for", async (context) => {
  const service = await Service.forTest(context);
  const client = service.client();
  const echo = await service.ready(client, "echo");
  const events = await client.events({ match: "echo", types: ["message"] }).ready();
  const sent = await echo.send("grüße", { wait: "confirmed", timeoutMs: 10_000 });
  assert.deepEqual([sent.fate, sent.id], ["confirmed", 1]);
  assert.equal((await events.read({ timeoutMs: 10_000 }))?.text, "grüße");
  await echo.send(Uint8Array.of(0, 255), { wait: "written", timeoutMs: 10_000 });
  assert.equal((await events.read({ timeoutMs: 10_000 }))?.base64, "AP8=");
  await events.close();
  assert.deepEqual(await echo.fate(sent), sent);
  await assert.rejects(echo.fate({ id: 1, epoch: 99, fate: "queued" }), Forgotten);
  await assert.rejects(echo.fate({ id: 99, epoch: sent.epoch, fate: "queued" }), NotFound);
});

test("a send while the name is down has its fate later, over a restart, too", async (context) => {
  const service = await Service.forTest(context);
  const later = service.client().connection("later");
  const queued = await later.send("one", { wait: "confirmed", timeoutMs: 200 });
  assert.equal(queued.fate, "queued");
  await assert.rejects(later.waitFor(queued, "written", { timeoutMs: 300 }), DeadlineExceeded);
  await service.end("SIGKILL");
  await assert.rejects(later.waitFor(queued, "written", { timeoutMs: 300 }), DeadlineExceeded);
  await service.start();
  const peer = await Peer.start(service.later);
  context.after(() => peer.end());
  assert.equal((await later.waitFor(queued, "confirmed", { timeoutMs: 20_000 })).fate, "confirmed");
});

test("a message that is never written says so", async (context) => {
  const service = await Service.forTest(context);
  const name = service.client().connection("made");
  await name.put({ url: `ws://127.0.0.1:${service.later}/echo`, outbox: { messages: 1 } });
  const sent = await name.send("one");
  await assert.rejects(name.send("two"), (error) => error instanceof Rejected && error.reason === "full" && error.retryAfterMs === 1000);
  const waiting = name.waitFor(sent, "written", { timeoutMs: 20_000 });
  await name.close();
  await assert.rejects(waiting, (error) => error instanceof NeverWritten && error.fate === "cancelled" && error.id === sent.id);
  await assert.rejects(name.send("three"), (error) => error instanceof Rejected && error.reason === "closed");
  await name.delete();
  await assert.rejects(name.status(), NotFound);
});

test("a key sends once over a restart", async (context) => {
  const service = await Service.forTest(context);
  const later = service.client().connection("later");
  const first = await later.send("once", { idempotencyKey: "k" });
  await service.end("SIGKILL");
  const again = later.send("once", { timeoutMs: 10_000, idempotencyKey: "k" });
  await pause(300);
  await service.start();
  assert.equal((await again).id, first.id);
  await assert.rejects(later.send("other", { idempotencyKey: "k" }), (error) => error instanceof BadRequest && error.reason === "key_used");
});

test("a wrong token, and a name that does not exist", async (context) => {
  const service = await Service.forTest(context);
  const wrong = service.client({ token: "wrong" });
  await assert.rejects(wrong.connection("echo").status(), Unauthorized);
  await assert.rejects(wrong.events().ready(), Unauthorized);
  await assert.rejects(wrong.events().next(), Unauthorized);
  await assert.rejects(wrong.session().open(), Unauthorized);
  const reader = service.client({ token: READER });
  await assert.rejects(reader.connection("echo").close(), (error) => error instanceof Forbidden && /control/.test(error.detail));
  const nobody = service.client().connection("nobody");
  for (const ask of [() => nobody.status(), () => nobody.why(), () => nobody.connect(), () => nobody.send("x"), () => all(nobody.subscriptions())]) {
    await assert.rejects(ask(), (error) => error instanceof NotFound && /nobody/.test(error.detail));
  }
  await assert.rejects(service.client().events({ types: ["shut"] }).ready(), BadRequest);
});

test("names are listed, explained, closed and connected", async (context) => {
  const service = await Service.forTest(context);
  const client = service.client();
  const names = (await all(client.connections())).map(({ name }) => name);
  assert.deepEqual(names, ["calls", "echo", "feed", "later", "subs"]);
  const echo = await service.ready(client, "echo");
  assert.equal((await all(client.connections({ match: "e*,f*", states: ["open"] })))[0]?.name, "echo");
  await eventually("a cause", async () => (await client.connection("later").why()).cause?.kind === "refused");
  await echo.close(4000, "enough");
  await eventually("it is closed", async () => (await echo.status()).state === "closed");
  assert.equal((await echo.connect("first")).name, "echo");
  await eventually("it is open", async () => (await echo.status()).state === "open");
  assert.equal((await client.connect("echo")).matched, 1);
  assert.equal((await client.retry("lat*")).matched, 1);
});

test("two ask at once, and each has its answer", async (context) => {
  const service = await Service.forTest(context);
  const clients = [service.client(), service.client()] as const;
  const calls = await service.ready(clients[0], "calls");
  // All choose the same id.
  const ask = async (of: number) => {
    const answer = await clients[of % 2 === 0 ? 0 : 1].connection("calls").request(JSON.stringify({ id: 7, op: "ask", of }));
    assert.deepEqual(JSON.parse(String(answer)), { id: 7, result: of });
  };
  await Promise.all(Array.from({ length: 100 }, (_, of) => ask(of)));
  await assert.rejects(calls.request('{"id":7,"op":"refuse"}'), (error) => {
    return error instanceof Refused && (JSON.parse(String(error.answer)) as { error: string }).error === "no";
  });
  await assert.rejects(calls.request('{"id":7,"op":"ask"}', { json: "/id", equals: "7" }), Rejected);
});

test("a request has a deadline, and can be given up", async (context) => {
  const service = await Service.forTest(context);
  const client = service.client();
  const calls = await service.ready(client, "calls");
  const begun = Date.now();
  await assert.rejects(calls.request('{"id":7,"op":"silence"}', { timeoutMs: 300 }), Unanswered);
  assert(Date.now() - begun >= 250 && Date.now() - begun < 3000);
  await assert.rejects(calls.request("x", { timeoutMs: 300_001 }), RangeError);
  const events = client.events({ match: "nobody" });
  for (const ask of [
    (signal: AbortSignal) => calls.request('{"id":7,"op":"silence"}', { timeoutMs: 60_000, signal }),
    (signal: AbortSignal) => client.connection("later").send("x", { wait: "confirmed", timeoutMs: 60_000, signal }),
    (signal: AbortSignal) => client.events({ match: "nobody", signal }).next(),
    (signal: AbortSignal) => events.read({ signal }),
  ]) {
    const ending = new AbortController();
    const asked = ask(ending.signal);
    setTimeout(() => ending.abort(new Error("enough")), 200);
    await assert.rejects(asked, /enough/);
    await assert.rejects(ask(ending.signal), /enough/);
  }
  // Only the wait has ended, not the stream.
  await events.ready();
  await events.close();
  assert.equal(await calls.request('{"id":8,"op":"ask","of":1}'), '{"id": 8, "result": 1}');
});

test("a service that is not there is told", async (context) => {
  const service = await Service.forTest(context);
  await service.end("SIGKILL");
  const client = service.client({ timeoutMs: 500 });
  await assert.rejects(client.connection("echo").send("x"), Disconnected);
  await assert.rejects(client.events({ giveUpAfterMs: 300 }).next(), Disconnected);
  const events = client.events();
  await assert.rejects(events.ready({ timeoutMs: 300 }), DeadlineExceeded);
  await events.close();
  await assert.rejects(client.session().open(), Disconnected);
});

test("a token is in no text", async (context) => {
  const service = await Service.forTest(context);
  const client = service.client();
  const session = await client.session().open();
  const events = await client.events().ready();
  for (const shown of [client, session, events, client.connection("echo")]) {
    assert(!inspect(shown, { depth: Infinity, showHidden: true }).includes(TOKEN));
    assert(!JSON.stringify(shown).includes(TOKEN));
  }
  await events.close();
  await session.close();
});
