// A real service and a real peer for the tests.
//
// EVERWIRE_ROOT is the repository, EVERWIRE_PROGRAM the program, and EVERWIRE_PYTHON a Python with
// `websockets`, for the peer.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { Client, type ClientOptions, type Connection, type ConnectionEvent, type Events, payload, type WebSocketClass } from "everwire";
import WebSocket from "ws";

export const ROOT = process.env["EVERWIRE_ROOT"] ?? "../..";
export const TESTING = join(ROOT, "clients/testing");
export const TOKEN = "the-clients-s3cret";
export const READER = "the-readers-s3cret";
const PROGRAM = process.env["EVERWIRE_PROGRAM"] ?? join(ROOT, "target/debug/everwire");
const PYTHON = process.env["EVERWIRE_PYTHON"] ?? "python3";
export const SOON_MS = 20_000;

/** Repeats `check` until it returns something. */
export async function eventually<T>(what: string, check: () => Promise<T> | T): Promise<NonNullable<T>> {
  const deadline = Date.now() + SOON_MS;
  while (Date.now() < deadline) {
    const found = await check();
    if (found) return found;
    await pause(20);
  }
  throw new Error(`not in time: ${what}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  assert(typeof address === "object" && address !== null);
  return address.port;
}

/** A process that writes and reads lines. */
export class Lines {
  readonly process: ChildProcess;
  readonly #told: string[] = [];
  readonly #ended: Promise<unknown>;

  constructor(command: string, args: string[], env: Record<string, string> = {}) {
    this.process = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
    this.#ended = once(this.process, "exit");
    for (const stream of [this.process.stdout, this.process.stderr]) {
      assert(stream !== null);
      createInterface({ input: stream }).on("line", (line) => this.#told.push(line));
    }
  }

  say(line: string): void {
    this.process.stdin?.write(`${line}\n`);
  }

  async next(): Promise<string> {
    await eventually("a line", () => this.#told.length > 0);
    return this.#told.shift() ?? "";
  }

  async end(signal: NodeJS.Signals = "SIGKILL"): Promise<number | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill(signal);
      await this.#ended;
    }
    return this.process.exitCode;
  }
}

export class Peer extends Lines {
  port = 0;

  static async start(port = 0): Promise<Peer> {
    const peer = new Peer(PYTHON, [join(TESTING, "peer.py"), String(port)]);
    peer.port = (await peer.toldOf("port")) as number;
    return peer;
  }

  /** The next output of this kind. */
  async toldOf(what: string): Promise<unknown> {
    for (;;) {
      const told = JSON.parse(await this.next()) as Record<string, unknown>;
      if (what in told) return told[what];
    }
  }

  async heard(): Promise<{ op: string; args: unknown[] }> {
    return (await this.toldOf("heard")) as { op: string; args: unknown[] };
  }

  /** Waits until the end of its last socket at /feed: later messages are kept for the next one. */
  async untilNobodyListens(): Promise<void> {
    while ((await this.toldOf("feeds")) !== 0);
  }

  numbers(first: number, last: number): void {
    for (let n = first; n <= last; n += 1) this.say(JSON.stringify({ n }));
  }
}

export class Service {
  readonly peer: Peer;
  readonly later: number;
  readonly url: string;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(folder: string, peer: Peer, port: number, later: number) {
    this.#folder = folder;
    this.peer = peer;
    this.later = later;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** A service for one test, which ends with the test. */
  static async forTest(test: TestContext): Promise<Service> {
    const folder = await mkdtemp(join(tmpdir(), "everwire-client-"));
    const peer = await Peer.start();
    const [port, later] = [await freePort(), await freePort()];
    let text = await readFile(join(TESTING, "everwire.toml"), "utf8");
    for (const [name, value] of Object.entries({ listen: port, peer: peer.port, later })) {
      text = text.replaceAll(`{${name}}`, String(value));
    }
    await writeFile(join(folder, "everwire.toml"), text);
    const service = new Service(folder, peer, port, later);
    test.after(async () => {
      await service.end("SIGKILL");
      await peer.end();
      await rm(folder, { recursive: true });
    });
    await service.start();
    return service;
  }

  async start(): Promise<void> {
    const started = spawn(PROGRAM, ["run", "everwire.toml"], { cwd: this.#folder, stdio: ["ignore", "pipe", "pipe"] });
    this.#process = started;
    for (const stream of [started.stdout, started.stderr]) {
      stream.on("data", (data: Buffer) => void appendFile(join(this.#folder, "log"), data).catch(() => {}));
    }
    await eventually("the service is up", async () => {
      assert.equal(started.exitCode, null, "the service has ended");
      return await fetch(`${this.url}/healthz`).then(
        (answer) => answer.ok,
        () => false,
      );
    });
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const ended = this.#process;
    this.#process = undefined;
    if (ended !== undefined && ended.exitCode === null) {
      ended.kill(signal);
      await once(ended, "exit");
    }
  }

  client(options: ClientOptions = {}): Client {
    return new Client({ url: this.url, token: TOKEN, WebSocket: WebSocket as unknown as WebSocketClass, ...options });
  }

  /** A connection, once it is ready. */
  async ready(client: Client, name: string): Promise<Connection> {
    const connection = client.connection(name);
    await eventually(`${name} is ready`, async () => (await connection.status()).ready);
    return connection;
  }
}

export function number(event: ConnectionEvent): number {
  return (JSON.parse(String(payload(event))) as { n: number }).n;
}

/** All events up to the message with this number. */
export async function numbers(events: Events, last: number): Promise<ConnectionEvent[]> {
  const heard: ConnectionEvent[] = [];
  for (;;) {
    const event = await events.read({ timeoutMs: SOON_MS });
    assert(event !== undefined);
    heard.push(event);
    if (event.type === "message" && number(event) >= last) return heard;
  }
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
