/** What every store of the registry must keep to. */
import assert from "node:assert/strict";
import { ConflictError, LeaseError, type RegistryStore, type StoreChange } from "../../src/registry/stores/registry-store.ts";
import { until } from "../support/until.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (value: Uint8Array | undefined): string | undefined => (value === undefined ? undefined : Buffer.from(value).toString());

/** A watch that keeps what it saw: "key=value", "key=" for removals. */
class Watcher {
  readonly seen: string[] = [];
  readonly revisions: number[] = [];
  failure: unknown;
  readonly done: Promise<void>;
  private readonly stopping = new AbortController();

  constructor(store: RegistryStore, prefix: string, fromRevision: number) {
    this.done = this.follow(store.watch(prefix, fromRevision, this.stopping.signal));
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.done;
  }

  private async follow(changes: AsyncIterable<readonly StoreChange[]>): Promise<void> {
    try {
      for await (const some of changes)
        for (const { key, value, revision } of some) {
          this.seen.push(`${key}=${text(value) ?? ""}`);
          this.revisions.push(revision);
        }
    } catch (error) {
      this.failure = error;
    }
  }
}

export interface StoreHost {
  readonly store: RegistryStore;
  /** Lets time pass for leases, where the test owns it; else waits. */
  pass(byMs: number): Promise<void>;
  /** Seconds are the least that some stores can grant. */
  readonly shortestLeaseMs: number;
  stop(): Promise<void>;
}

export function storeContract(kind: string, start: () => Promise<StoreHost>): void {
  describe(`store ${kind}`, () => {
    let host: StoreHost;
    let store: RegistryStore;
    beforeEach(async () => {
      host = await start();
      ({ store } = host);
    });
    afterEach(() => host.stop());

    it("reads what was written, below a prefix and in order, with its revisions", async () => {
      assert.deepEqual(await store.read("a/").then(({ entries }) => entries), []);
      const first = await store.write("a/2", bytes("two"));
      const second = await store.write("a/1", bytes("one"));
      await store.write("b/1", bytes("other"));
      const { revision, entries } = await store.read("a/");
      assert.ok(second > first && revision > second);
      assert.deepEqual(
        entries.map(({ key, value, revision: at }) => [key, text(value), at]),
        [
          ["a/1", "one", second],
          ["a/2", "two", first],
        ],
      );
    });

    it("overwrites, removes, and says whether there was anything", async () => {
      const first = await store.write("k", bytes("1"));
      const second = await store.write("k", bytes("2"));
      assert.ok(second > first);
      assert.equal(text((await store.read("k")).entries[0]!.value), "2");
      assert.ok((await store.remove("k"))! > second);
      assert.equal(await store.remove("k"), undefined);
      assert.deepEqual((await store.read("")).entries, []);
    });

    it("compares before it sets: the revision that is there, or that nothing is", async () => {
      const first = await store.write("k", bytes("1"), { expected: 0 });
      await assert.rejects(store.write("k", bytes("2"), { expected: 0 }), ConflictError);
      const second = await store.write("k", bytes("2"), { expected: first });
      await assert.rejects(store.write("k", bytes("3"), { expected: first }), ConflictError);
      await assert.rejects(store.remove("k", first), ConflictError);
      assert.ok((await store.remove("k", second)) !== undefined);
      await assert.rejects(store.write("k", bytes("4"), { expected: second }), ConflictError);
    });

    it("lets one of many that compare win", async () => {
      const tries = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => store.write("k", bytes(String(n)), { expected: 0 })));
      assert.equal(tries.filter(({ status }) => status === "fulfilled").length, 1);
      for (const tried of tries) if (tried.status === "rejected") assert.ok(tried.reason instanceof ConflictError);
    });

    it("tells a watch of everything from a revision on, once and in order", async () => {
      await store.write("w/1", bytes("a"));
      const { revision } = await store.read("w/");
      await store.write("w/2", bytes("b"));
      const watcher = new Watcher(store, "w/", revision + 1);
      await until(() => watcher.seen.length === 1, "what came before the watch");
      await store.write("other", bytes("x"));
      await store.write("w/1", bytes("c"));
      await store.remove("w/2");
      await until(() => watcher.seen.length === 3, "what came after it");
      assert.deepEqual(watcher.seen, ["w/2=b", "w/1=c", "w/2="]);
      assert.deepEqual(
        watcher.revisions,
        [...watcher.revisions].sort((a, b) => a - b),
      );
      await watcher.stop();
      assert.equal(watcher.failure, undefined);
    });

    it("serves many watches, each from where it is", async () => {
      const { revision } = await store.read("");
      for (let n = 0; n < 20; n++) await store.write(`k${n % 3}`, bytes(String(n)));
      const watchers = Array.from({ length: 8 }, (_, n) => new Watcher(store, n % 2 === 0 ? "" : "k1", revision + 1));
      await until(() => watchers.every(({ seen }, n) => seen.length === (n % 2 === 0 ? 20 : 7)), "all changes at all watches");
      await Promise.all(watchers.map((watcher) => watcher.stop()));
      assert.deepEqual(watchers[0]!.seen, watchers[2]!.seen);
    });

    it("takes the entries of a lease away when it runs out, and not while it is kept", async () => {
      const ttlMs = host.shortestLeaseMs;
      const lease = await store.grantLease(ttlMs);
      const { revision } = await store.read("");
      await store.write("l/1", bytes("a"), { lease });
      await store.write("l/2", bytes("b"), { lease });
      await store.write("stays", bytes("c"));
      const watcher = new Watcher(store, "l/", revision + 1);
      for (let n = 0; n < 4; n++) {
        await host.pass(ttlMs / 2);
        await store.keepLease(lease);
      }
      assert.equal((await store.read("l/")).entries.length, 2);
      await host.pass(ttlMs * 2);
      await until(() => watcher.seen.length === 4, "the entries to go");
      assert.deepEqual(watcher.seen.slice(2).sort(), ["l/1=", "l/2="]);
      assert.deepEqual(
        (await store.read("")).entries.map(({ key }) => key),
        ["stays"],
      );
      await assert.rejects(store.keepLease(lease), LeaseError);
      await assert.rejects(store.write("l/3", bytes("d"), { lease }), LeaseError);
      await watcher.stop();
    });

    it("ends a lease when told to, and forgives ending it twice", async () => {
      const lease = await store.grantLease(60_000);
      await store.write("l/1", bytes("a"), { lease });
      await store.revokeLease(lease);
      await untilRead(async () => (await store.read("l/")).entries.length === 0);
      await store.revokeLease(lease);
    });

    it("lets an entry leave its lease by being written without, or with another", async () => {
      const [first, second] = [await store.grantLease(60_000), await store.grantLease(60_000)];
      await store.write("a", bytes("1"), { lease: first });
      await store.write("b", bytes("1"), { lease: first });
      await store.write("a", bytes("2"));
      await store.write("b", bytes("2"), { lease: second });
      await store.revokeLease(first);
      assert.deepEqual(
        (await store.read("")).entries.map(({ key }) => key),
        ["a", "b"],
      );
      await store.revokeLease(second);
      await untilRead(async () => (await store.read("")).entries.length === 1);
    });

    it("keeps values as they are, the empty one and every byte among them", async () => {
      const value = Uint8Array.from({ length: 256 }, (_, n) => n);
      await store.write("all", value);
      await store.write("none", new Uint8Array(0));
      const { entries } = await store.read("");
      assert.deepEqual(
        entries.map((entry) => Buffer.from(entry.value)),
        [Buffer.from(value), Buffer.alloc(0)],
      );
    });
  });
}

async function untilRead(condition: () => Promise<boolean>): Promise<void> {
  let met = false;
  for (let tries = 0; tries < 400 && !met; tries++) {
    met = await condition();
    if (!met) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.ok(met);
}
