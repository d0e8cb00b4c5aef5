// Foreign clients of everwire's service: npm's `ws`, and Node's `fetch`.
//
//     client.mjs ws URL NAME            one of each operation over /v1/ws, with an echo
//     client.mjs raw URL                messages over a raw bridge, with an echo
//     client.mjs ws-resume URL N        events over /v1/ws up to N messages, over as many connections as necessary
//     client.mjs sse-resume URL N       the same over /v1/events
//
// Events and answers are printed as lines of JSON, and each further connection as the line `again`.
// The output equals that of client.py.

import { once } from "node:events";
import { createRequire } from "node:module";

// `ws` is in NODE_PATH, which `import` ignores.
const { WebSocket } = createRequire(import.meta.url)("ws");

const tell = (line) => process.stdout.write(`${line}\n`);

// The messages of an open socket, in order, until it ends.
async function* heard(socket) {
  const queue = [];
  let wake = () => {};
  let ended = false;
  socket.on("message", (data, binary) => {
    queue.push(binary ? data : data.toString());
    wake();
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    ended = true;
    wake();
  });
  for (;;) {
    while (queue.length > 0) yield queue.shift();
    if (ended) return;
    await new Promise((resolve) => (wake = resolve));
  }
}

async function ws(url, name) {
  const socket = new WebSocket(url);
  const messages = heard(socket);
  await once(socket, "open");
  const ask = async (answers, request) => {
    socket.send(JSON.stringify(request));
    for (let answer = 0; answer < answers; answer += 1) tell((await messages.next()).value);
  };
  await ask(1, { op: "subscribe", id: "s", match: name, types: ["message"] });
  await ask(2, { op: "send", id: "t", name, text: "grüße", wait: "confirmed", timeout: "20s" });
  await ask(2, { op: "send", id: "b", name, base64: "AP8=", wait: "written", timeout: "20s" });
  await ask(1, { op: "send", id: "n", name: "nobody", text: "" });
  await ask(1, { op: "unsubscribe", id: "s" });
  await close(socket);
}

async function raw(url) {
  const socket = new WebSocket(url);
  const messages = heard(socket);
  await once(socket, "open");
  for (const message of ["grüße", "", Buffer.from([0, 255]), "x".repeat(70_000)]) {
    socket.send(message);
    const { value } = await messages.next();
    tell(JSON.stringify(typeof value === "string" ? { text: value } : { base64: value.toString("base64") }));
  }
  await close(socket);
}

async function close(socket) {
  socket.close(1000);
  const [code] = await once(socket, "close");
  tell(JSON.stringify({ closed: code }));
}

async function wsResume(url, left) {
  const subscribe = { op: "subscribe", id: "s" };
  for (;;) {
    const socket = new WebSocket(url);
    const messages = heard(socket);
    socket.on("open", () => socket.send(JSON.stringify(subscribe)));
    for await (const line of messages) {
      const told = JSON.parse(line);
      subscribe.since = told.cursor ?? subscribe.since;
      if (told.type === "ack") continue;
      tell(line);
      if (told.type === "message" && (left -= 1) === 0) return socket.terminate();
    }
    tell("again");
  }
}

async function sseResume(url, left) {
  let lastId;
  for (;;) {
    try {
      const headers = lastId === undefined ? {} : { "Last-Event-ID": lastId };
      const response = await fetch(url, { headers });
      let text = "";
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
        const events = (text + chunk).split("\n\n");
        text = events.pop();
        for (const event of events) {
          const field = (name) => event.match(new RegExp(`^${name}: (.*)$`, "m"))?.[1];
          lastId = field("id") ?? lastId;
          const data = field("data");
          if (data === undefined) continue;
          tell(data);
          if (JSON.parse(data).type === "message" && (left -= 1) === 0) return response.body.cancel().catch(() => {});
        }
      }
    } catch {
      // The connection was cut.
    }
    tell("again");
  }
}

const [command, url, argument] = process.argv.slice(2);
const commands = {
  ws: () => ws(url, argument),
  raw: () => raw(url),
  "ws-resume": () => wsResume(url, Number(argument)),
  "sse-resume": () => sseResume(url, Number(argument)),
};
await commands[command]();
// A kept connection does not keep the process running; unwritten lines do.
process.stdout.write("", () => process.exit(0));
