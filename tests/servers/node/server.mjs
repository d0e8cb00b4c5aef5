// A foreign WebSocket server: npm's `ws`.
//
//     server.mjs [CERT KEY [CLIENT_CA]]
//
// With CLIENT_CA, `wss` requires a client certificate of that authority. The path selects a
// behaviour, with the same paths as in ../python/server.py; only /received is not there.
// /record/NAME appends a line for each message to the file in the environment variable RECORD.
// The output is one line with the ports: {"ws": PORT, "wss": PORT or null}. The server ends when
// its standard input does.

import { openSync, readFileSync, writeSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

// `ws` is in NODE_PATH, which `import` ignores.
const { WebSocketServer } = createRequire(import.meta.url)("ws");

const MAX_MESSAGE = 32 * 1024 * 1024;

function echo(socket) {
  socket.on("message", (data, binary) => socket.send(data, { binary }));
}

async function feed(socket) {
  for (let tick = 1; socket.readyState === socket.OPEN; tick += 1) {
    socket.send(JSON.stringify({ t: tick }));
    await sleep(20);
  }
}

// Answers each message with the number of bytes received over TCP so far.
function received(socket, tcp) {
  socket.on("message", () => socket.send(String(tcp.bytesRead)));
}

function binary(socket) {
  socket.send(Buffer.from(Array.from({ length: 256 }, (_, index) => index)));
  echo(socket);
}

function sendFragments(socket, pieces, binary) {
  pieces.forEach((piece, index) => socket.send(piece, { binary, fin: index === pieces.length - 1 }));
}

function fragmented(socket) {
  sendFragments(socket, ["one ", "zwei ", "trois é"], false);
  sendFragments(socket, [Buffer.from([0, 1]), Buffer.from([2]), Buffer.from([3, 255])], true);
  socket.on("message", (data, binary) => {
    const whole = binary ? data : data.toString();
    const middle = Math.floor(whole.length / 2);
    sendFragments(socket, [whole.slice(0, middle), whole.slice(middle)], binary);
  });
}

const recording = process.env.RECORD ? openSync(process.env.RECORD, "a") : null;

function record(socket, name) {
  socket.on("message", (data) => writeSync(recording, `${name} ${data}\n`));
}

function closeWith(socket, code) {
  socket.once("message", () => socket.close(code, "as you asked"));
}

const handlers = new Map(Object.entries({
  "/echo": echo,
  "/subprotocol": echo,
  "/feed": feed,
  "/received": received,
  "/binary": binary,
  "/fragmented": fragmented,
}));

function handlerOf(path) {
  const name = /^\/record\/(.+)$/.exec(path);
  if (name && recording !== null) {
    return (socket) => record(socket, name[1]);
  }
  const code = /^\/close\/(\d+)$/.exec(path);
  return code ? (socket) => closeWith(socket, Number(code[1])) : handlers.get(path);
}

const pathOf = (request) => request.url.split("?")[0];

// The client's second offer at /subprotocol, its first elsewhere.
function secondOffer(offers, request) {
  return [...offers][pathOf(request) === "/subprotocol" ? 1 : 0] ?? false;
}

function refuse(tcp, status, headers) {
  const body = `${http.STATUS_CODES[status]}\n`;
  const lines = [`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}`, "Connection: close", `Content-Length: ${body.length}`, ...headers];
  tcp.end(`${lines.join("\r\n")}\r\n\r\n${body}`);
}

function serve(server) {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE,
    // Agrees to all requested parameters, and then compresses every message.
    perMessageDeflate: { threshold: 0 },
    handleProtocols: secondOffer,
  });
  server.on("upgrade", (request, tcp, head) => {
    tcp.on("error", () => tcp.destroy());
    const handler = handlerOf(pathOf(request));
    if (pathOf(request) === "/reject-401") {
      refuse(tcp, 401, ['WWW-Authenticate: Bearer realm="test"']);
    } else if (!handler) {
      refuse(tcp, 404, []);
    } else {
      sockets.handleUpgrade(request, tcp, head, (socket) => {
        socket.on("error", () => {});
        handler(socket, tcp);
      });
    }
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(server.address().port));
  });
}

const [cert, key, ca] = process.argv.slice(2).map((path) => readFileSync(path));
const ports = {
  ws: await serve(http.createServer()),
  wss: key ? await serve(https.createServer({ cert, key, ca, requestCert: Boolean(ca), rejectUnauthorized: Boolean(ca) })) : null,
};
console.log(JSON.stringify(ports));
process.stdin.resume().on("end", () => process.exit(0));
