/** The contract of stores, over a real etcd; and what only etcd can show: members that die, and a history that was cut off. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { systemClock } from "../../src/core/clock.ts";
import { systemRandom } from "../../src/core/random.ts";
import { createEtcdStore } from "../../src/registry/stores/etcd.ts";
import { CompactedError, StoreUnavailable, type RegistryStore } from "../../src/registry/stores/registry-store.ts";
import { startEtcd, type EtcdServer } from "../support/etcd-server.ts";
import { outside } from "../support/outside.ts";
import { until } from "../support/until.ts";
import { storeContract } from "./store-contract.ts";

const run = promisify(execFile);

describe("over etcd", function () {
  this.timeout(60_000);
  let server: EtcdServer;
  let roots = 0;
  const open = (address = server.address): RegistryStore =>
    createEtcdStore({ address, root: `test-${roots++}/`, clock: systemClock, random: systemRandom });

  before(async function () {
    outside(this, "etcd");
    server = await startEtcd();
  });
  after(() => server?.stop());

  storeContract("etcd", async () => {
    const store = open();
    return {
      store,
      pass: (byMs) => new Promise((resolve) => setTimeout(resolve, byMs)),
      shortestLeaseMs: 2000,
      stop: async () => store.close(),
    };
  });

  it("reads more entries than one page holds, as of one revision", async () => {
    const store = open();
    for (let n = 0; n < 2300; n += 100)
      await Promise.all(
        Array.from({ length: 100 }, (_, i) => store.write(`k${String(n + i).padStart(5, "0")}`, Buffer.from(String(n + i)))),
      );
    const { entries } = await store.read("k");
    assert.equal(entries.length, 2300);
    assert.deepEqual(entries.at(-1)!.key, "k02299");
    await store.close();
  });

  it("tells a watch from before a compaction to read anew", async function () {
    outside(this, "etcdctl");
    const store = open();
    await store.write("a", Buffer.from("1"));
    const revision = await store.write("a", Buffer.from("2"));
    await run("etcdctl", ["--endpoints", server.address, "compact", String(revision)], { env: { ...process.env, ETCDCTL_API: "3" } });
    const changes = store.watch("", revision - 1, AbortSignal.timeout(8000))[Symbol.asyncIterator]();
    await assert.rejects(changes.next(), (error: unknown) => error instanceof CompactedError && error.revision === revision);
    await store.close();
  });

  it("says that etcd cannot be asked where nobody listens", async () => {
    const store = open("127.0.0.1:1");
    await assert.rejects(store.read(""), StoreUnavailable);
    await assert.rejects(store.keepLease("7"), StoreUnavailable);
    await store.close();
  });
});

describe("over etcd of three members", function () {
  this.timeout(60_000);

  it("loses no write and repeats none to a watch while members die and come back", async function () {
    outside(this, "etcd");
    const server = await startEtcd(3);
    const store = createEtcdStore({ address: server.address, clock: systemClock, random: systemRandom });
    const stopping = new AbortController();
    const seen: string[] = [];
    let watching: Promise<void> = Promise.resolve();
    try {
      let revision = 0;
      for (let tries = 0; revision === 0 && tries < 50; tries++) revision = await store.write("first", Buffer.from("0")).catch(() => 0);
      watching = (async () => {
        for await (const changes of store.watch("k/", revision, stopping.signal)) for (const { key } of changes) seen.push(key);
      })();
      const written: string[] = [];
      const write = async (key: string): Promise<void> => {
        for (let tries = 0; tries < 200; tries++) {
          // A write whose answer was lost may have been made; then it is there, and that is what counts.
          const done = await store.write(key, Buffer.from(key), { expected: 0 }).then(
            () => true,
            (error: Error) => error.name === "ConflictError",
          );
          if (done) return void written.push(key);
        }
        throw new Error(`${key} could not be written`);
      };
      for (let n = 0; n < 30; n++) {
        if (n === 5) await server.members[0]!.kill();
        if (n === 12) await server.members[0]!.restart();
        if (n === 16) await server.members[1]!.kill();
        if (n === 24) await server.members[1]!.restart();
        await write(`k/${n}`);
      }
      await until(() => seen.length >= written.length, "all writes at the watch", 20_000);
      assert.deepEqual(seen, written);
    } finally {
      stopping.abort();
      await store.close();
      await watching;
      await server.stop();
    }
  });
});
