/**
 * Memory while streams go through, in every form and both ways, to a reader that rests now and then: what is alive does not grow.
 *
 * Thirty-two megabytes each, in one process with clients and backend, which keep nothing themselves. `npm run bench:memory` sends a gigabyte
 * through a process of its own and looks at its resident memory.
 */
import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Cluster } from "../../src/upstream/cluster.ts";
import { FloodServer, type Flood } from "../support/flood-server.ts";
import { clusterAt, startHop, type Hop } from "../support/hop.ts";
import { formRule, streamForms } from "../support/stream-forms.ts";
import { transcodingSchema } from "../support/transcoding-server.ts";

const flood: Flood = { totalBytes: 32 << 20, messageBytes: 16 << 10, restMs: 2, restEveryBytes: 4 << 20 };
const looks = 6;
/** What is kept of the stream would be 12 MiB more in the later looks than in the first. */
const flatBytes = 6 << 20;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** What is alive, in V8's heap and outside it. */
function aliveBytes(): number {
  // Buffers are freed beside the program; the second collection waits until those of the first are.
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe("memory while streams go through", () => {
  let backend: FloodServer;
  let cluster: Cluster;
  let hop: Hop;

  before(async () => {
    backend = await FloodServer.start(flood);
    cluster = clusterAt(backend.port);
    hop = await startHop({ handler: cluster.handler, schema: transcodingSchema(), table: { rules: [formRule] } });
  });
  after(async () => {
    await hop.stop();
    await cluster.close();
    await backend.stop();
  });

  for (const form of streamForms)
    it(`${form.name}: flat`, async function () {
      this.timeout(60_000);
      const alive: number[] = [];
      let nextAt = flood.totalBytes / 8;
      await form.run(hop.port, flood, (bytes) => {
        if (bytes < nextAt || alive.length === looks) return;
        nextAt += flood.totalBytes / 8;
        alive.push(aliveBytes());
      });
      assert.equal(alive.length, looks);
      // What is under way differs from look to look: the least of each half.
      const begun = Math.min(...alive.slice(0, 3));
      const ended = Math.min(...alive.slice(3));
      const shown = alive.map((bytes) => (bytes / 2 ** 20).toFixed(1)).join(", ");
      assert.ok(ended - begun < flatBytes, `grew: ${shown} MiB`);
    });
});
