// Events, over restarts of the service.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { DeadlineExceeded } from "everwire";

import { eventually, number, numbers, Service } from "./harness.js";

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, at) => first + at);

test("nothing is lost or doubled when the service is killed", async (context) => {
  const service = await Service.forTest(context);
  const client = service.client();
  await service.ready(client, "feed");
  const events = await client.events({ match: "feed", types: ["message"] }).ready();
  service.peer.numbers(1, 50);
  const heard = await numbers(events, 50);
  await service.end("SIGKILL");
  await service.peer.untilNobodyListens();
  // The next process receives these, most of them before the client is back.
  service.peer.numbers(51, 100);
  await service.start();
  heard.push(...(await numbers(events, 100)));
  assert.equal(events.reconnects, 1);
  await events.close();
  const messages = heard.filter(({ type }) => type === "message");
  assert.deepEqual(messages.map(number), range(1, 100));
  assert.equal(new Set(messages.map(({ cursor }) => cursor)).size, 100);
  // The last messages before a kill are unknown. That is reported once, at the place where messages
  // may be missing.
  assert.deepEqual(heard.filter(({ type }) => type === "lagged").map(({ missed }) => missed), [null]);
  assert.equal(heard[50]?.type, "lagged");
});

test("a kill within a stream doubles nothing and tells what may be missing", async (context) => {
  const service = await Service.forTest(context);
  const client = service.client();
  await service.ready(client, "feed");
  const events = await client.events({ match: "feed", types: ["message"] }).ready();
  service.peer.say("tick 1500 1");
  const heard = await numbers(events, 300);
  await service.end("SIGKILL");
  await service.start();
  heard.push(...(await numbers(events, 1500)));
  await events.close();
  let last = 0;
  let mayMiss = false;
  for (const event of heard) {
    if (event.type === "lagged") {
      mayMiss = true;
      continue;
    }
    // The peer also ticks while nobody listens: gaps may be only where the service was down.
    assert(number(event) === last + 1 || (mayMiss && number(event) > last), `${last} ${JSON.stringify(event)}`);
    [last, mayMiss] = [number(event), false];
  }
  assert.equal(last, 1500);
});

test("an orderly restart loses nothing and says nothing", async (context) => {
  const service = await Service.forTest(context);
  const client = service.client();
  await service.ready(client, "feed");
  const events = await client.events({ match: "feed", types: ["message"] }).ready();
  service.peer.numbers(1, 20);
  const heard = await numbers(events, 10);
  await service.end("SIGTERM");
  await service.peer.untilNobodyListens();
  service.peer.numbers(21, 40);
  await service.start();
  heard.push(...(await numbers(events, 40)));
  await events.close();
  assert.deepEqual(heard.map(number), range(1, 40));
});

test("another process goes on behind the cursor", async (context) => {
  const service = await Service.forTest(context);
  const client = service.client();
  await service.ready(client, "feed");
  const events = await client.events({ match: "feed", types: ["message"] }).ready();
  const beginning = events.cursor;
  service.peer.numbers(1, 2);
  const first = await events.read({ timeoutMs: 10_000 });
  assert(first !== undefined && number(first) === 1);
  // Fetched but unread events do not count.
  const { cursor } = events;
  await events.close();
  for (const [since, expected] of [[cursor, [2]], [beginning, [1, 2]]] as const) {
    const again = client.events({ match: "feed", types: ["message"], since });
    assert.deepEqual((await numbers(again, 2)).map(number), expected);
    await again.close();
  }
});

test("events are chosen by name, type and key", async (context) => {
  const service = await Service.forTest(context);
  const client = service.client();
  const echo = await service.ready(client, "echo");
  const some = await client.events({ match: "e*", types: ["sent", "message"], keys: ["k,1"] }).ready();
  await echo.send("x", { wait: "confirmed" });
  // The echo belongs to no subscription.
  for (let told = 0; told < 2; told += 1) assert.equal((await some.read({ timeoutMs: 10_000 }))?.type, "sent");
  await assert.rejects(some.read({ timeoutMs: 300 }), DeadlineExceeded);
  // A wait that timed out loses nothing.
  await echo.send("y", { wait: "confirmed" });
  assert.equal((await some.read({ timeoutMs: 10_000 }))?.id, 2);
  await some.close();
});

test("what waits is bounded, and a slow reader is told", async (context) => {
  const service = await Service.forTest(context);
  const client = service.client();
  const feed = await service.ready(client, "feed");
  const events = await client.events({ match: "feed", types: ["message"], maxEvents: 8 }).ready();
  const filler = "x".repeat(30_000);
  for (const n of range(1, 1000)) service.peer.say(JSON.stringify({ n, filler }));
  await eventually("the peer has said it", async () => (await feed.status()).received.messages === 1000);
  await pause(300);
  const heard = await numbers(events, 1000);
  await events.close();
  const missing = heard.filter(({ type }) => type === "lagged").reduce((sum, { missed }) => sum + (missed ?? 0), 0);
  const messages = heard.filter(({ type }) => type === "message").map(number);
  assert(missing > 0);
  assert.equal(missing + messages.length, 1000);
  assert.deepEqual(messages, [...new Set(messages)].sort((a, b) => a - b));
});

test("a loop that is left ends the stream", async (context) => {
  const service = await Service.forTest(context);
  const client = service.client();
  await service.ready(client, "feed");
  const events = await client.events({ match: "feed", types: ["message"] }).ready();
  assert.equal((await client.connection("feed").status()).subscribers > 0, true);
  service.peer.numbers(1, 2);
  for await (const event of events) {
    assert.equal(number(event), 1);
    break;
  }
  assert.deepEqual(await events.next(), { done: true, value: undefined });
  const waiting = client.events({ match: "nobody" });
  const next = waiting.next();
  await waiting.ready();
  await waiting.close();
  assert.deepEqual(await next, { done: true, value: undefined });
});
