// Servers for examples/dialogue/ whose libraries have no program: servers.mjs graphql-ws|socket.io TOKEN
//
// They end on SIGTERM as documented, and refuse clients without the token.

import http from "node:http";
import { createRequire } from "node:module";

// The packages are in NODE_PATH, which `import` ignores.
const require = createRequire(import.meta.url);

const servers = {
  // A query, a feed of trades for each symbol, and a room whose messages go to its subscribers.
  "graphql-ws"(server, token) {
    const { buildSchema } = require("graphql");
    const { useServer } = require("graphql-ws/use/ws");
    const { WebSocketServer } = require("ws");
    const { setTimeout: sleep } = require("node:timers/promises");
    const schema = buildSchema(`
      type Query { version: Int }
      type Trade { symbol: String, price: Int }
      type Subscription { trades(symbol: String!): Trade }
    `);
    const roots = {
      query: { version: 1 },
      subscription: {
        trades: async function* ({ symbol }) {
          if (symbol === "NONE") throw new Error("no such symbol");
          for (let price = 1; ; price += 1) {
            yield { trades: { symbol, price } };
            await sleep(200);
          }
        },
      },
    };
    const socket = new WebSocketServer({ server, path: "/graphql" });
    // 4403 for a wrong token, and a ping of the library every two seconds.
    const onConnect = ({ connectionParams }) => connectionParams?.token === token;
    const { dispose } = useServer({ schema, roots, onConnect }, socket, 2000);
    return { port: 4000, end: dispose };
  },

  // Messages to a room go to its members.
  "socket.io"(server, token) {
    const { Server } = require("socket.io");
    const io = new Server(server, { pingInterval: 2000, pingTimeout: 2000 });
    io.use((socket, next) => next(socket.handshake.auth.token === token ? undefined : new Error("not authorized")));
    io.on("connection", (socket) => {
      socket.on("join", (room, done) => {
        socket.join(room);
        done({ room });
      });
      socket.on("leave", (room) => socket.leave(room));
      socket.on("say", (room, what, done) => {
        io.to(room).emit("said", what);
        done?.("heard");
      });
    });
    return { port: 3000, end: () => io.close() };
  },
};

const [kind, token] = process.argv.slice(2);
const server = http.createServer();
const { port, end } = servers[kind](server, token);
server.listen(port, "127.0.0.1");
process.on("SIGTERM", async () => {
  server.close();
  await end();
  process.exit(0);
});
