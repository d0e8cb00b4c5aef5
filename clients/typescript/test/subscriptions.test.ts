// Live subscriptions: held by a session, or by the API.

import assert from "node:assert/strict";
import { test } from "node:test";

import { BadRequest, Conflict, type Connection, Disconnected, NotFound } from "everwire";

import { all, eventually, Service } from "./harness.js";

const holders = async (connection: Connection) => {
  return Object.fromEntries((await all(connection.subscriptions())).map(({ key, holders }) => [key, holders]));
};

test("two clients hold one subscription", async (context) => {
  const service = await Service.forTest(context);
  const client = service.client();
  const subs = await service.ready(client, "subs");
  const first = await client.session().open();
  const second = await service.client().session().open();
  assert.equal((await first.hold("subs", "trades")).key, "trades");
  assert.deepEqual((await service.peer.heard()).args, ["trades"]);
  await second.hold("subs", "trades");
  assert.equal((await holders(subs))["trades"]?.length, 2);
  // The other session still holds it: the peer is not told.
  await first.release("subs", "trades");
  assert.equal((await holders(subs))["trades"]?.length, 1);
  await second.hold("subs", "book");
  assert.deepEqual((await service.peer.heard()).args, ["book"]);
  assert.deepEqual([second.held.map(({ key }) => key), first.held], [["trades", "book"], []]);
  await assert.rejects(first.release("subs", "trades"), NotFound);
  // The end of a session releases all its keys.
  await Promise.all([first.close(), second.close()]);
  const ended = [await service.peer.heard(), await service.peer.heard()];
  assert.deepEqual(ended.map(({ op, args }) => `${op} ${args}`).sort(), ["unsub book", "unsub trades"]);
  await eventually("nothing is held", async () => Object.keys(await holders(subs)).length === 0);
  await assert.rejects(first.hold("subs", "late"), Disconnected);
});

test("a session holds again what it held", async (context) => {
  const service = await Service.forTest(context);
  const client = service.client();
  const subs = await service.ready(client, "subs");
  const session = await client.session().open();
  await Promise.all([session.hold("subs", "trades", { item: "trades.all" }), session.hold("subs", "book")]);
  assert.deepEqual([(await service.peer.heard()).args, (await service.peer.heard()).args], [["trades.all"], ["book"]]);
  await service.end("SIGKILL");
  await eventually("the loss is noticed", () => !session.connected);
  await assert.rejects(session.hold("subs", "gone"), Disconnected);
  await service.start();
  await eventually("it is back", () => session.connected && session.reconnects === 1);
  assert.deepEqual(session.held.map(({ error }) => error), [undefined, undefined]);
  const again = [...(await service.peer.heard()).args, ...(await service.peer.heard()).args];
  assert.deepEqual(again.sort(), ["book", "trades.all"]);
  assert.deepEqual(Object.keys(await holders(subs)).sort(), ["book", "trades"]);
  await session.close();
});

test("a hold that is given up is not held", async (context) => {
  const service = await Service.forTest(context);
  const client = service.client();
  const subs = await service.ready(client, "subs");
  const session = await client.session().open();
  await session.hold("subs", "kept");
  const ending = new AbortController();
  const given = session.hold("subs", "given up", {}, { signal: ending.signal });
  // The request is sent, and not answered.
  await Promise.resolve().then(() => {});
  ending.abort(new Error("enough"));
  await assert.rejects(given, /enough/);
  await session.hold("subs", "next");
  assert.deepEqual(Object.keys(await holders(subs)).sort(), ["kept", "next"]);
  assert.deepEqual(session.held.map(({ key }) => key), ["kept", "next"]);
  await session.close();
});

test("what the API holds stays", async (context) => {
  const service = await Service.forTest(context);
  const client = service.client();
  const subs = await service.ready(client, "subs");
  assert.deepEqual((await subs.subscribe("a/b c")).holders, ["api"]);
  assert.deepEqual((await service.peer.heard()).args, ["a/b c"]);
  await eventually("it is active", async () => (await all(subs.subscriptions({ states: ["active"] })))[0]?.key === "a/b c");
  await assert.rejects(subs.subscribe("a/b c", { item: { other: 1 } }), (error) => error instanceof Conflict && error.reason === "other_item");
  await subs.unsubscribe("a/b c");
  assert.equal((await service.peer.heard()).op, "unsub");
  await assert.rejects(subs.unsubscribe("a/b c"), NotFound);
  const noSubscribe = (error: unknown) => error instanceof BadRequest && error.reason === "no_subscribe";
  await assert.rejects(client.connection("echo").subscribe("k"), noSubscribe);
  const session = await client.session().open();
  await assert.rejects(session.hold("echo", "k"), noSubscribe);
  await session.close();
});
