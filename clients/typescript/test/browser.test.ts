// The client in a browser, behind a proxy of the page's own site. EVERWIRE_CHROMIUM is the browser,
// `chromium` by default.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { eventually, Lines, Service, TOKEN } from "./harness.js";

const CHROMIUM = process.env["EVERWIRE_CHROMIUM"] ?? "chromium";
const DIST = new URL("../../dist/", import.meta.url);

// The script in the page. It reports its result to the test.
const SCRIPT = `
import { Client, payload, Unauthorized } from "/dist/index.js";
const told = {};
try {
  const client = new Client({ token: ${JSON.stringify(TOKEN)} });
  told.url = client.url;
  const echo = client.connection("echo");
  const events = await client.events({ match: "echo", types: ["message"] }).ready();
  told.fate = (await echo.send("grüße", { wait: "confirmed" })).fate;
  told.heard = payload(await events.read({ timeoutMs: 10000 }));
  await echo.send(Uint8Array.of(0, 255));
  told.bytes = [...payload(await events.read({ timeoutMs: 10000 }))];
  await events.close();
  told.answer = JSON.parse(await client.connection("calls").request('{"id":7,"op":"ask","of":1}'));
  const session = await client.session().open();
  told.key = (await session.hold("subs", "trades")).key;
  const holders = [];
  for await (const held of client.connection("subs").subscriptions()) holders.push(...held.holders);
  told.holders = holders.length;
  await session.close();
  const wrong = new Client({ token: "wrong" });
  told.wrong = await wrong.session().open().catch((error) => error instanceof Unauthorized);
  told.status = await wrong.connection("echo").status().catch((error) => error.name);
} catch (error) {
  told.error = String(error.stack ?? error);
}
await fetch("/told", { method: "POST", body: JSON.stringify(told) });
`;

/**
 * Serves the page and the client, and forwards requests for the service, like a proxy of the site.
 */
async function site(service: Service): Promise<{ port: number; told: () => string | undefined; close: () => void }> {
  const there = new URL(service.url);
  let told: string | undefined;
  const headersFor = (from: IncomingMessage) => {
    const headers = { ...from.headers, host: there.host };
    return headers.origin === undefined ? headers : { ...headers, origin: there.origin };
  };
  const serve = async (from: IncomingMessage, to: ServerResponse) => {
    const path = from.url ?? "/";
    if (path === "/") {
      to.setHeader("Content-Type", "text/html").end(`<!doctype html><meta charset="utf-8"><script type="module">${SCRIPT}</script>`);
    } else if (path === "/told") {
      told = "";
      for await (const chunk of from) told += String(chunk);
      to.end();
    } else if (path.startsWith("/dist/")) {
      to.setHeader("Content-Type", "text/javascript").end(await readFile(new URL(path.slice("/dist/".length), DIST)));
    } else {
      const passed = request({ host: there.hostname, port: there.port, path, method: from.method ?? "GET", headers: headersFor(from) });
      passed.on("response", (answer) => answer.pipe(to.writeHead(answer.statusCode ?? 502, answer.headers)));
      passed.on("error", () => to.destroy());
      to.on("close", () => passed.destroy());
      from.pipe(passed);
    }
  };
  const server = createServer((from, to) => void serve(from, to).catch(() => to.writeHead(404).end()));
  server.on("upgrade", (from, socket, head) => {
    const passed = connect(Number(there.port), there.hostname, () => {
      const lines = Object.entries(headersFor(from)).map(([name, value]) => `${name}: ${value}`);
      passed.write(`GET ${from.url} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
      passed.write(head);
      socket.pipe(passed).pipe(socket);
    });
    for (const end of [passed, socket]) end.on("error", () => [passed, socket].forEach((one) => one.destroy()));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert(typeof address === "object" && address !== null);
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { port: address.port, told: () => told, close };
}

test("a page of the service's site does it all", async (context) => {
  const service = await Service.forTest(context);
  const client = service.client();
  for (const name of ["echo", "calls", "subs"]) await service.ready(client, name);
  const { port, told, close } = await site(service);
  const profile = await mkdtemp(join(tmpdir(), "everwire-chromium-"));
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", `--user-data-dir=${profile}`];
  const chromium = new Lines(CHROMIUM, [...flags, `http://127.0.0.1:${port}/`]);
  context.after(async () => {
    await chromium.end("SIGTERM");
    close();
    await rm(profile, { recursive: true, force: true, maxRetries: 10 });
  });
  const found = await eventually("the page has told", told);
  assert.deepEqual(JSON.parse(found), {
    url: `http://127.0.0.1:${port}`,
    fate: "confirmed",
    heard: "grüße",
    bytes: [0, 255],
    answer: { id: 7, result: 1 },
    key: "trades",
    holders: 1,
    wrong: true,
    status: "Unauthorized",
  });
});
