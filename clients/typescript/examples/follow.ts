// Follows the messages of a pattern, over restarts of the service and of itself, and prints each
// once.
//
//     EVERWIRE_TOKEN=… node follow.js PATTERN FILE [URL]
//
// FILE keeps the cursor. A line is written before its cursor is stored: after a crash of this
// program the last line may come twice, and none is missing.

import { readFile, rename, writeFile } from "node:fs/promises";

import { Client, payload } from "everwire";

const [pattern, file, url] = process.argv.slice(2);
if (pattern === undefined || file === undefined) {
  console.error("usage: EVERWIRE_TOKEN=… node follow.js PATTERN FILE [URL]");
  process.exit(2);
}

/** Replaces the file atomically: it has the old cursor or the new one. */
async function keep(path: string, cursor: string): Promise<void> {
  await writeFile(`${path}.new`, cursor);
  await rename(`${path}.new`, path);
}

const write = (line: string) => new Promise<void>((resolve) => process.stdout.write(`${line}\n`, () => resolve()));

const token = process.env["EVERWIRE_TOKEN"];
const client = new Client({ ...(url === undefined ? {} : { url }), ...(token === undefined ? {} : { token }) });
const since = await readFile(file, "utf8").catch(() => undefined);
const events = client.events({ match: pattern, types: ["message"], since });
process.on("SIGINT", () => void events.close());
await events.ready();
console.error("following");
for await (const event of events) {
  if (event.type === "message") await write(`${event.name} ${payload(event)}`);
  else if (event.type === "lagged") console.error("#", event.missed ?? "some", "events may be missing here");
  if (events.cursor !== undefined) await keep(file, events.cursor);
}
