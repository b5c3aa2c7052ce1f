#!/usr/bin/env node
// Looks at Node's version before anything is loaded that an old one could not read. Written in JavaScript that Node 14 can parse.
import module from "node:module";
import { fileURLToPath } from "node:url";

const wanted = "OLDEST_NODE".split(".").map(Number);
const have = process.versions.node.split(".").map(Number);
const old = have[0] !== wanted[0] ? have[0] < wanted[0] : have[1] < wanted[1];
if (old) {
  console.error("dragoman: needs Node " + wanted.join(".") + " or later, and this is " + process.versions.node);
  process.exit(2);
}
// Compiled code is kept beside the bundle where that can be written to; elsewhere this does nothing.
if (process.env.DC) module.enableCompileCache(fileURLToPath(new URL("cache", import.meta.url)));
import("./main.mjs");
