import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryStore } from "../../src/registry/stores/memory.ts";
import { createSqliteStore } from "../../src/registry/stores/sqlite.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { storeContract } from "./store-contract.ts";

/** Time that the test owns passes in steps, as it does. */
function passing(clock: FakeClock): (byMs: number) => Promise<void> {
  return async (byMs) => {
    for (let left = byMs; left > 0; left -= 250) {
      clock.advance(Math.min(left, 250));
      await Promise.resolve();
    }
  };
}

storeContract("memory", async () => {
  const clock = new FakeClock();
  const store = createMemoryStore(clock);
  return { store, pass: passing(clock), shortestLeaseMs: 2000, stop: async () => store.close() };
});

storeContract("sqlite", async () => {
  const clock = new FakeClock();
  const folder = mkdtempSync(join(tmpdir(), "dragoman-registry-"));
  const store = createSqliteStore(join(folder, "registry.db"), clock);
  return {
    store,
    pass: passing(clock),
    shortestLeaseMs: 2000,
    async stop() {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
});
