// The example for users to copy.

import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { eventually, Lines, Service, TOKEN } from "./harness.js";

const FOLLOW = new URL("../examples/follow.js", import.meta.url).pathname;

test("follow survives restarts of the service and of itself", async (context) => {
  const service = await Service.forTest(context);
  const client = service.client();
  await service.ready(client, "feed");
  const own = await client.events({ match: "feed", types: ["message"] }).ready();
  const file = join(tmpdir(), `everwire-follow-${process.pid}`);
  context.after(async () => {
    await own.close();
    await rm(file, { force: true });
  });
  let [said, expected] = [0, 0];
  const start = async () => {
    const follow = new Lines(process.execPath, [FOLLOW, "feed", file, service.url], { EVERWIRE_TOKEN: TOKEN });
    context.after(() => follow.end());
    assert.equal(await follow.next(), "following");
    return follow;
  };
  const say = () => {
    for (let n = 0; n < 20; n += 1) service.peer.say(`m${(said += 1)}`);
  };
  const marks: string[] = [];
  const check = async (follow: Lines) => {
    for (const last = expected + 20; expected < last; ) {
      const line = await follow.next();
      if (line.startsWith("#")) marks.push(line);
      else assert.equal(line, `feed m${(expected += 1)}`);
    }
  };
  const follow = await start();
  say();
  await check(follow);
  // With an orderly end nothing is reported. With a kill nothing is lost either, and the output
  // says that this is not certain.
  for (const [signal, told] of [["SIGTERM", 0], ["SIGKILL", 1]] as const) {
    await service.end(signal);
    await service.peer.untilNobodyListens();
    say();
    await service.start();
    await check(follow);
    assert.equal(marks.length, told, `${marks}`);
  }
  for await (const event of own) {
    if (event.text !== "m60") continue;
    // A line comes twice if the program is interrupted before it has stored the cursor.
    await eventually("the cursor is kept", async () => (await readFile(file, "utf8")) === event.cursor);
    break;
  }
  assert.equal(await follow.end("SIGINT"), 0);
  say();
  await check(await start());
});
