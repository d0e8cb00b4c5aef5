// Servers whose libraries have no program.
//
//     servers.mjs KIND PORT
//
// They listen on 127.0.0.1, and end on SIGTERM as documented.

import { EventEmitter, on } from "node:events";
import http from "node:http";
import { createRequire } from "node:module";

// The packages are in NODE_PATH, which `import` ignores.
const require = createRequire(import.meta.url);

const servers = {
  // Messages to a topic go to its subscribers.
  "graphql-ws"(server) {
    const { buildSchema } = require("graphql");
    const { useServer } = require("graphql-ws/use/ws");
    const { WebSocketServer } = require("ws");
    const topics = new EventEmitter();
    const schema = buildSchema(`
      type Query { version: Int }
      type Mutation { say(topic: String!, id: Int!): Boolean }
      type Subscription { said(topic: String!): Int }
    `);
    const roots = {
      query: { version: 1 },
      mutation: { say: ({ topic, id }) => topics.emit(topic, id) },
      subscription: {
        said: async function* ({ topic }) {
          for await (const [said] of on(topics, topic)) {
            yield { said };
          }
        },
      },
    };
    const { dispose } = useServer({ schema, roots }, new WebSocketServer({ server, path: "/graphql" }));
    return dispose;
  },

  // Messages to a room go to its members.
  "socket.io"(server) {
    const { Server } = require("socket.io");
    const io = new Server(server, { pingInterval: 1000, pingTimeout: 1000 });
    io.on("connection", (socket) => {
      socket.on("join", (room) => socket.join(room));
      socket.on("say", (room, id) => io.to(room).emit("said", id));
    });
    return () => io.close();
  },

  // A central system that sends each DataTransfer back.
  "ocpp-rpc"(server) {
    const { RPCServer } = require("ocpp-rpc");
    const central = new RPCServer({ protocols: ["ocpp1.6"] });
    central.auth((accept) => accept());
    central.on("client", (charger) => {
      charger.handle("BootNotification", () => ({ status: "Accepted", interval: 300, currentTime: new Date().toISOString() }));
      charger.handle("DataTransfer", ({ params }) => {
        charger.call("DataTransfer", params).catch(() => {});
        return { status: "Accepted" };
      });
    });
    server.on("upgrade", central.handleUpgrade);
    return () => central.close({ code: 1001, reason: "restarting" });
  },
};

const [kind, port] = process.argv.slice(2);
const server = http.createServer();
const end = servers[kind](server);
server.listen(Number(port), "127.0.0.1");
process.on("SIGTERM", async () => {
  server.close();
  await end();
  process.exit(0);
});
