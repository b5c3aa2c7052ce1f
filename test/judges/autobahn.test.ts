/**
 * Autobahn's cases of framing, closing and text, and some of compression, against a method and against a server that is passed on to; the
 * whole of them is autobahn.sh.
 *
 * The runner comes from PyPI by that script, once. Where it has not, these tests are skipped, or bring it where everything is required.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { outside } from "../support/outside.ts";

const cache = process.env["DRAGOMAN_JUDGES"] ?? join(homedir(), ".cache", "dragoman-judges");
/** What there is but for load (9.*) and compression (12.*, 13.*), which take long. */
const quick = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"];
/** Of compression those that this runner can judge: it fails by itself over answers that are small and therefore not compressed. */
const targets = [
  { target: "echo", cases: [...quick, "12.4.5", "13.7.4"], count: 249 },
  { target: "pass-through", cases: [...quick, "12.1.1", "12.2.3", "12.4.5", "13.1.1", "13.3.2", "13.7.4"], count: 253 },
];

describe("Autobahn", function () {
  this.timeout(300_000);

  for (const { target, cases, count } of targets)
    it(`finds nothing wrong: ${target}`, async function () {
      outside(this, "python3");
      if (!existsSync(join(cache, "kosoku")) && process.env["DRAGOMAN_REQUIRE"] !== "all") {
        console.log("      skipped: needs the runner that test/judges/autobahn.sh --runner kosoku brings");
        this.skip();
      }
      const script = join(import.meta.dirname, "autobahn.sh");
      const child = spawn(script, ["--target", target, "--runner", "kosoku", ...cases], { stdio: ["ignore", "pipe", "inherit"] });
      const output = await text(child.stdout);
      assert.match(output, new RegExp(`^${count} passed, 0 failed$`, "m"), output);
    });
});
