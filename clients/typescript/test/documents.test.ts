// The documents are correct, and the published package is complete.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import { ROOT } from "./harness.js";

const run = promisify(execFile);
const PACKAGE = new URL("../../", import.meta.url).pathname;

test("the examples of the documents are right", async (context) => {
  const folder = join(PACKAGE, "snippets");
  await mkdir(folder, { recursive: true });
  context.after(() => rm(folder, { recursive: true }));
  const files: string[] = [];
  for (const document of ["clients/typescript/README.md", "docs/clients.md"]) {
    const text = await readFile(join(ROOT, document), "utf8");
    for (const [, block] of text.matchAll(/```ts\n(.*?)```/gs)) {
      const file = join(folder, `${files.length}.mts`);
      await writeFile(file, block ?? "");
      files.push(file);
    }
  }
  assert(files.length >= 3);
  const compilerOptions = { noEmit: true, rootDir: "." };
  const config = { extends: "../tsconfig.test.json", compilerOptions, include: ["*.mts"] };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  await run(join(PACKAGE, "node_modules/.bin/tsc"), ["-p", folder], { cwd: PACKAGE }).catch((error: { stdout?: string }) => {
    assert.fail(error.stdout ?? String(error));
  });
});

test("the package has its code, its types and its licences", async () => {
  const { stdout } = await run("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: PACKAGE });
  const [packed] = JSON.parse(stdout) as { name: string; files: { path: string }[] }[];
  assert.equal(packed?.name, "everwire");
  const paths = packed.files.map(({ path }) => path);
  for (const path of ["README.md", "LICENSE-MIT", "LICENSE-APACHE", "dist/index.js", "dist/index.d.ts", "src/index.ts"]) {
    assert(paths.includes(path), `${path} is not among ${paths}`);
  }
  assert(!paths.some((path) => /^(test|build|node_modules)/.test(path)));
  const { dependencies } = JSON.parse(await readFile(join(PACKAGE, "package.json"), "utf8")) as { dependencies?: unknown };
  assert.equal(dependencies, undefined);
});
