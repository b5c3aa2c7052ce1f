/** A process that writes to a SQLite store as fast as it can, and says on standard output what has been written: `node registry-writer.ts FILE`. */
import { writeSync } from "node:fs";
import { systemClock } from "../../src/core/clock.ts";
import { createSqliteStore } from "../../src/registry/stores/sqlite.ts";

const store = createSqliteStore(process.argv[2]!, systemClock);
const lease = await store.grantLease(60_000);
for (let n = 0; ; n++) {
  const key = `k/${n % 50}`;
  const revision = await store.write(key, Buffer.from(String(n)), n % 3 === 0 ? { lease } : {});
  if (n % 7 === 0) await store.remove(`k/${(n + 25) % 50}`);
  // Told after it was written: whoever reads the line may count on it.
  writeSync(1, `${key} ${n} ${revision}\n`);
}
