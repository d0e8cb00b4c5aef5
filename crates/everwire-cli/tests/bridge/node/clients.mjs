// Unmodified client libraries, each twice in one process: connected to its server directly, and
// through the raw bridge.
//
//     clients.mjs KIND DIRECT_URL BRIDGED_URL
//
// Each connection sends a question repeatedly. It comes back by way of state that the client has
// at the server: a subscription, a room. Events are printed as lines of JSON, with `at` in
// milliseconds since the epoch: {"way", "what": "up"}, {"way", "what": "down", "why"},
// {"way", "what": "answer", "asked": the time of that question}.
// The process ends when its standard input does.

import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

// The packages are in NODE_PATH, which `import` ignores.
const require = createRequire(import.meta.url);

/// The delay of each client between two tries; without jitter, so that both ways try at the same times.
const RETRY = 500;
/// How often each client that can asks whether its server is there.
const HEARTBEAT = 1000;
/// A question is put again after so long.
const PATIENCE = 150;
const PAUSE = 30;

// Each takes a URL, its topic and a listener; it returns a function that sends a question.
const clients = {
  "mqtt.js"(url, topic, { up, down, answer }) {
    const mqtt = require("mqtt");
    const client = mqtt.connect(url, { reconnectPeriod: RETRY, keepalive: HEARTBEAT / 1000 });
    client.subscribe(topic);
    client.on("connect", up);
    client.on("close", () => down("close"));
    client.on("error", () => {});
    client.on("message", (_topic, payload) => answer(Number(payload)));
    return (id) => client.publish(topic, String(id));
  },

  "graphql-ws"(url, topic, { up, down, answer }) {
    const { createClient } = require("graphql-ws");
    let overdue;
    const client = createClient({
      url,
      webSocketImpl: require("ws"),
      retryAttempts: Infinity,
      // By default it gives up when a server that is down refuses it.
      shouldRetry: () => true,
      retryWait: () => sleep(RETRY),
      keepAlive: HEARTBEAT,
      on: {
        connected: up,
        closed: ({ code, reason }) => down(`${code} ${reason}`),
        // The documented recipe for a server that freezes.
        ping: (received) => {
          overdue = received ? overdue : setTimeout(() => client.terminate(), HEARTBEAT);
        },
        pong: (received) => received && clearTimeout(overdue),
      },
    });
    const subscribe = (query, id, next) => {
      client.subscribe({ query, variables: { topic, id } }, { next, error: (error) => down(`an operation failed: ${JSON.stringify(error)}`), complete() {} });
    };
    subscribe("subscription ($topic: String!) { said(topic: $topic) }", 0, ({ data }) => answer(data.said));
    return (id) => subscribe("mutation ($topic: String!, $id: Int!) { say(topic: $topic, id: $id) }", id, () => {});
  },

  "socket.io-client"(url, room, { up, down, answer }) {
    const { io } = require("socket.io-client");
    const { origin, pathname } = new URL(url);
    const socket = io(origin, {
      path: pathname,
      transports: ["websocket"],
      reconnectionDelay: RETRY,
      reconnectionDelayMax: RETRY,
      randomizationFactor: 0,
    });
    socket.on("connect", () => {
      up();
      socket.emit("join", room);
    });
    socket.on("disconnect", down);
    socket.on("said", answer);
    return (id) => socket.emit("say", room, id);
  },

  ethers(url, _topic, { up, down, answer }) {
    const { WebSocketProvider } = require("ethers");
    let provider;
    let waiting = [];
    const connect = () => {
      const next = new WebSocketProvider(url, undefined, { staticNetwork: false });
      next.websocket.onerror = () => {};
      // It does not reconnect by itself, so the application creates a new one.
      next.websocket.onclose = ({ code, reason }) => {
        down(`${code} ${reason}`);
        next.destroy().catch(() => {});
        setTimeout(connect, RETRY);
      };
      next.on("block", () => {
        waiting.forEach((id) => answer(id));
        waiting = [];
      }).then(up, () => {});
      provider = next;
      waiting = [];
    };
    connect();
    return (id) => {
      waiting.push(id);
      return provider.send("evm_mine", []);
    };
  },

  "nats.ws"(url, subject, { up, down, answer }) {
    globalThis.WebSocket = require("ws");
    const { connect, StringCodec } = require("nats.ws");
    const text = StringCodec();
    let connection;
    const start = async () => {
      connection = await connect({
        servers: url,
        waitOnFirstConnect: true,
        maxReconnectAttempts: -1,
        reconnectTimeWait: RETRY,
        reconnectJitter: 0,
        pingInterval: HEARTBEAT,
        maxPingOut: 1,
      });
      up();
      connection.subscribe(subject, { callback: (_error, message) => answer(Number(text.decode(message.data))) });
      for await (const { type, data } of connection.status()) {
        if (type === "disconnect") {
          down(type);
        } else if (type === "reconnect") {
          up();
        }
      }
      down("given up");
    };
    start().catch((error) => down(`given up: ${error}`));
    return (id) => connection?.publish(subject, text.encode(String(id)));
  },

  stompjs(url, topic, { up, down, answer }) {
    globalThis.WebSocket = require("ws");
    const { Client } = require("@stomp/stompjs");
    const destination = `/topic/${topic}`;
    const client = new Client({
      brokerURL: url,
      connectHeaders: { login: "guest", passcode: "guest" },
      reconnectDelay: RETRY,
      heartbeatIncoming: HEARTBEAT,
      heartbeatOutgoing: HEARTBEAT,
      // By default it waits for the close frame of a server that freezes.
      discardWebsocketOnCommFailure: true,
      onConnect: () => {
        up();
        client.subscribe(destination, ({ body }) => answer(Number(body)));
      },
      onWebSocketClose: ({ code, reason }) => down(`${code} ${reason}`),
      onStompError: ({ headers }) => down(`ERROR ${headers.message}`),
    });
    client.activate();
    return (id) => client.connected && client.publish({ destination, body: String(id) });
  },

  "ocpp-rpc"(url, _topic, { up, down, answer }) {
    const { RPCClient } = require("ocpp-rpc");
    const at = url.lastIndexOf("/");
    const client = new RPCClient({
      endpoint: url.slice(0, at),
      identity: url.slice(at + 1),
      protocols: ["ocpp1.6"],
      pingIntervalMs: HEARTBEAT,
      callConcurrency: 100,
      callTimeoutMs: 5000,
      backoff: { initialDelay: RETRY, maxDelay: RETRY + 1, factor: 2, randomisationFactor: 0 },
    });
    client.on("open", () => {
      up();
      client.call("BootNotification", { chargePointModel: "model", chargePointVendor: "vendor" }).catch(() => {});
    });
    client.on("disconnect", ({ code, reason }) => down(`${code} ${reason}`));
    client.on("close", ({ code, reason }) => down(`given up: ${code} ${reason}`));
    // The central system sends the request back.
    client.handle("DataTransfer", ({ params }) => {
      answer(Number(params.data));
      return { status: "Accepted" };
    });
    client.connect().catch((error) => down(`given up: ${error}`));
    return (id) => client.call("DataTransfer", { vendorId: "vendor", data: String(id) });
  },
};

function tell(what) {
  console.log(JSON.stringify({ at: Date.now(), ...what }));
}

async function drive(start, way, url) {
  const asked = [];
  let heard = () => {};
  const ask = start(url, `everwire-${way}`, {
    up: () => tell({ way, what: "up" }),
    down: (why) => tell({ way, what: "down", why: String(why) }),
    answer: (id) => {
      tell({ way, what: "answer", asked: asked[id] });
      heard();
    },
  });
  for (;;) {
    const id = asked.push(Date.now()) - 1;
    const isHeard = new Promise((resolve) => {
      heard = resolve;
    });
    // A client that is down may refuse, at once or later.
    try {
      Promise.resolve(ask(id)).catch(() => {});
    } catch {}
    await Promise.race([isHeard, sleep(PATIENCE)]);
    await sleep(PAUSE);
  }
}

const [kind, direct, bridged] = process.argv.slice(2);
// Rejections that a library does not handle: with ethers, requests of a destroyed provider.
process.on("unhandledRejection", (error) => kind === "ethers" || console.error(`${kind}: not handled: ${error}`));
drive(clients[kind], "direct", direct);
drive(clients[kind], "bridged", bridged);
process.stdin.resume().on("end", () => process.exit(0));
