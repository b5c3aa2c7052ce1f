#!/usr/bin/env node
// Looks at Node's version before anything is loaded that an old one could not read; in JavaScript that Node 14 can parse.
import module from "node:module";
import { fileURLToPath } from "node:url";
import v8 from "node:v8";

const wanted = "OLDEST_NODE".split(".").map(Number);
const have = process.versions.node.split(".").map(Number);
if (have[0] !== wanted[0] ? have[0] < wanted[0] : have[1] < wanted[1]) {
  console.error(
    "dragoman: needs Node " + wanted.join(".") + " or later, and this is " + process.versions.node + ": install it from nodejs.org",
  );
  process.exit(2);
}
// Memory (docs/decisions/0004-memory.md): loading must not blow up the young generation, which src/runtime/memory.ts lets grow when
// there is load; a heap this small is collected as fast by one thread, without the 5 MB that the others keep for themselves; and nothing
// runs long enough during a start to be worth the optimising compilers, whose own code is 4 MB to bring in.
v8.setFlagsFromString("--semi-space-growth-factor=1");
v8.setFlagsFromString("--single-threaded-gc");
v8.setFlagsFromString("--no-opt");
v8.setFlagsFromString("--no-maglev");
// Beside the program, because what can write there can change the program anyway; where nobody can, this does nothing.
if (!process.env.NODE_COMPILE_CACHE) module.enableCompileCache(fileURLToPath(new URL("cache", import.meta.url)));
import("./main.mjs");
