// Broken services, with faults that the real one does not produce on demand.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { Client, DeadlineExceeded, Disconnected, type Events, UnexpectedAnswer, type WebSocketClass } from "everwire";
import WebSocket, { WebSocketServer } from "ws";

const HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
const BUSY = "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno";
const event = (n: number) => `id: c${n}\ndata: {"type":"message","at":"","cursor":"c${n}","text":"${n}"}\n\n`;

/**
 * Gives one of the answers to each connection, which stays open unless the answer ends with CUT.
 * Returns the heads of the requests.
 */
async function serve(context: TestContext, answers: string[]): Promise<{ client: Client; heads: string[] }> {
  const heads: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", (data) => {
      heads.push(String(data).toLowerCase());
      const said = answers[Math.min(heads.length, answers.length) - 1] ?? "";
      const [atOnce = "", later] = said.replace(/CUT$/, "").split("PAUSE");
      if (later !== undefined) setTimeout(() => socket.write(later), 100);
      socket.write(atOnce, () => {
        if (said.endsWith("CUT")) socket.end();
      });
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  assert(typeof address === "object" && address !== null);
  const url = `http://127.0.0.1:${address.port}`;
  return { client: new Client({ url, timeoutMs: 500, WebSocket: WebSocket as unknown as WebSocketClass }), heads };
}

/** A service with only sessions. */
async function sessions(context: TestContext, answer: (socket: WebSocket) => void, timeoutMs = 2000): Promise<{ client: Client }> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "everwire.v1" });
  context.after(() => {
    server.close();
    for (const socket of server.clients) socket.terminate();
  });
  server.on("connection", answer);
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return { client: new Client({ url: `http://127.0.0.1:${port}`, timeoutMs, WebSocket: WebSocket as unknown as WebSocketClass }) };
}

async function texts(events: Events, count: number): Promise<(string | undefined)[]> {
  const told = [];
  for (let at = 0; at < count; at += 1) told.push((await events.read({ timeoutMs: 10_000 }))?.text);
  return told;
}

test("a stream that is cut within an event goes on behind the last whole one", async (context) => {
  const cut = `${HEAD}id: c0\n\n${event(1)}id: c2\ndata: {"type":"lost with the connection"}CUT`;
  const { client, heads } = await serve(context, [cut, BUSY, HEAD + event(2) + event(3)]);
  const events = await client.events().ready();
  assert.deepEqual(await texts(events, 3), ["1", "2", "3"]);
  assert.deepEqual([events.cursor, events.reconnects], ["c3", 1]);
  await events.close();
  assert(!heads[0]?.includes("last-event-id"));
  for (const head of heads.slice(1)) assert.match(head, /last-event-id: c1\r\n/);
});

test("a proxy that is busy does not end a stream", async (context) => {
  for (const status of ["408 Request Timeout", "429 Too Many Requests"]) {
    const { client } = await serve(context, [BUSY.replace("502 Bad Gateway", status), HEAD + event(1)]);
    const events = client.events();
    assert.deepEqual(await texts(events, 1), ["1"]);
    await events.close();
  }
});

test("a stream that falls silent is begun anew", async (context) => {
  const { client, heads } = await serve(context, [HEAD + event(1), HEAD + event(2)]);
  const events = client.events({ silenceMs: 200 });
  assert.deepEqual(await texts(events, 2), ["1", "2"]);
  await events.close();
  assert.match(heads[1] ?? "", /last-event-id: c1\r\n/);
});

test("what is no event ends the stream", async (context) => {
  for (const wrong of ["{", "[]", "{}", "7", "null"]) {
    const { client, heads } = await serve(context, [`${HEAD}${event(1)}data: ${wrong}\n\n`]);
    const events = client.events();
    assert.deepEqual(await texts(events, 1), ["1"]);
    for (let again = 0; again < 2; again += 1) await assert.rejects(events.read({ timeoutMs: 10_000 }), UnexpectedAnswer);
    assert.equal(heads.length, 1);
  }
});

test("two wait for one event, and neither is told of an end", async (context) => {
  const { client } = await serve(context, [`${HEAD}id: c0\n\nPAUSE${event(1)}`]);
  const events = await client.events().ready();
  const told = await Promise.allSettled([events.read({ timeoutMs: 500 }), events.read({ timeoutMs: 500 })]);
  await events.close();
  assert.deepEqual(told.map(({ status }) => status).sort(), ["fulfilled", "rejected"], JSON.stringify(told));
});

test("another service is told apart", async (context) => {
  const { client } = await serve(context, [BUSY]);
  await assert.rejects(client.connection("a").status(), UnexpectedAnswer);
  await assert.rejects(client.events({ giveUpAfterMs: 300 }).read({ timeoutMs: 10_000 }), Disconnected);
});

test("a service that says nothing costs its deadline", async (context) => {
  const { client } = await serve(context, [""]);
  await assert.rejects(client.connection("a").status(), (error) => error instanceof DeadlineExceeded && /500 ms/.test(error.message));
  await assert.rejects(client.connection("a").send("x", { timeoutMs: 100, idempotencyKey: "k" }), DeadlineExceeded);
  await assert.rejects(client.session().open(), Disconnected);
});

test("a stream that ends at once is begun anew ever more rarely", async (context) => {
  const { client, heads } = await serve(context, [`${HEAD}id: c0\n\nCUT`]);
  const events = client.events();
  await assert.rejects(events.read({ timeoutMs: 1500 }), DeadlineExceeded);
  await events.close();
  // After at most 0.1, 0.3 and 0.7 s, and at least half of that.
  assert(heads.length >= 3 && heads.length <= 6, `${heads.length}`);
});

test("a session that is not open does not say so at the second try", async (context) => {
  const { client } = await serve(context, [""]);
  const session = client.session();
  for (let again = 0; again < 2; again += 1) await assert.rejects(session.open(), /could not be reached/);
});

test("two open one session, and both wait until it is", async (context) => {
  const { client } = await sessions(context, () => {});
  const session = client.session();
  context.after(() => session.close());
  const opened = async () => (await session.open()).connected;
  assert.deepEqual(await Promise.all([opened(), opened()]), [true, true]);
  await session.close();
  await assert.rejects(session.open(), /closed/);
});

test("a session that ends at once is begun anew ever more rarely", async (context) => {
  let connections = 0;
  const { client } = await sessions(context, (socket) => {
    connections += 1;
    socket.close();
  });
  const session = await client.session().open();
  await pause(1500);
  await session.close();
  assert(connections >= 3 && connections <= 6, `${connections}`);
});

test("a session that hears no answer costs each its deadline", async (context) => {
  const { client } = await sessions(context, () => {}, 500);
  const session = await client.session().open();
  const begun = performance.now();
  const told = await Promise.allSettled(Array.from({ length: 6 }, (_, n) => session.hold("a", `k${n}`)));
  // One second for the turn, and one for the answer.
  assert(performance.now() - begun < 1500);
  for (const one of told) assert(one.status === "rejected" && one.reason instanceof DeadlineExceeded, JSON.stringify(told));
  const held = session.hold("a", "k");
  const ending = new AbortController();
  const given = session.hold("a", "given up in its turn", {}, { signal: ending.signal });
  ending.abort(new Error("enough"));
  await assert.rejects(Promise.race([given, pause(200)]), /enough/);
  await assert.rejects(held, DeadlineExceeded);
  await session.close();
});
