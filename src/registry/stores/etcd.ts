/**
 * Entries in etcd (3.4 and later), for more than one registry: leases, watches and transactions are etcd's own.
 *
 * The traps: leases are counted in whole seconds there; a prefix is a range up to the next key that cannot have it; and a watch that loses its
 * member goes on at another from the next revision, so it neither misses nor repeats anything.
 */
import { status, type ServiceError } from "@grpc/grpc-js";
import type { Clock } from "../../core/clock.ts";
import { pause } from "../../core/pause.ts";
import type { Random } from "../../core/random.ts";
import { EtcdClient, type Json } from "./etcd/etcd-client.ts";
import { LeaseKeeper } from "./etcd/lease-keeper.ts";
import { CompactedError, ConflictError, LeaseError, type RegistryStore, type StoreChange, type StoredEntry } from "./registry-store.ts";

const pageEntries = 1000;
const longestPauseMs = 2000;

export interface EtcdStoreOptions {
  /** host:port, or the IP addresses and ports of several members with commas between. */
  readonly address: string;
  /** What all our keys begin with there. */
  readonly root?: string;
  readonly clock: Clock;
  readonly random: Random;
}

interface KeyValue {
  readonly key: string;
  readonly value?: string;
  readonly modRevision: string;
}

interface WatchResponse {
  readonly header?: { readonly revision?: string };
  readonly canceled?: boolean;
  readonly compactRevision?: string;
  readonly cancelReason?: string;
  readonly events?: readonly { readonly type?: "DELETE"; readonly kv: KeyValue }[];
}

export function createEtcdStore({ address, root = "dragoman/", clock, random }: EtcdStoreOptions): RegistryStore {
  const client = new EtcdClient(address);
  const keeper = new LeaseKeeper(client, clock);
  const closing = new AbortController();

  const revisionOf = (answer: Json): number => Number((answer["header"] as { readonly revision?: string } | undefined)?.revision ?? 0);
  const keyOf = (key: string): string => toBase64(root + key);

  function entryOf({ key, value = "", modRevision }: KeyValue): StoredEntry {
    return {
      key: Buffer.from(key, "base64").toString().slice(root.length),
      value: Buffer.from(value, "base64"),
      revision: Number(modRevision),
    };
  }

  function changeOf({ type, kv }: { readonly type?: "DELETE"; readonly kv: KeyValue }): StoreChange {
    const { key, value, revision } = entryOf(kv);
    return { revision, key, value: type === "DELETE" ? undefined : value };
  }

  /** The key is at `revision`; 0: it is not there. */
  function isAt(key: string, revision: number): Json {
    return { target: "MOD", result: "EQUAL", key: keyOf(key), modRevision: String(revision) };
  }

  /** @yields what came from `from` on, until the stream breaks, which throws */
  async function* follow(prefix: string, from: number, signal: AbortSignal): AsyncGenerator<readonly StoreChange[]> {
    const stream = client.stream("Watch/Watch");
    const cancel = (): void => stream.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      const [key, rangeEnd] = rangeOf(root + prefix);
      stream.write({ createRequest: { key, rangeEnd, startRevision: String(from), progressNotify: true } });
      for await (const response of stream as AsyncIterable<WatchResponse>) {
        const { compactRevision = "0", canceled = false, cancelReason, events = [] } = response;
        if (compactRevision !== "0") throw new CompactedError(Number(compactRevision));
        if (canceled) throw new Error(`etcd ended the watch: ${cancelReason ?? "it does not say why"}`);
        if (events.length > 0) yield events.map(changeOf);
      }
    } finally {
      signal.removeEventListener("abort", cancel);
      stream.cancel();
    }
  }

  return {
    kind: "etcd",
    async read(prefix) {
      const entries: StoredEntry[] = [];
      const [first, rangeEnd] = rangeOf(root + prefix);
      let key = first;
      let revision = 0;
      for (;;) {
        // All pages as of the first one's revision.
        const at = revision === 0 ? {} : { revision: String(revision) };
        const answer = await client.ask("KV/Range", { key, rangeEnd, limit: String(pageEntries), ...at });
        revision ||= revisionOf(answer);
        const page = (answer["kvs"] as readonly KeyValue[] | undefined) ?? [];
        entries.push(...page.map(entryOf));
        if (answer["more"] !== true) return { revision, entries };
        key = Buffer.concat([Buffer.from(page.at(-1)!.key, "base64"), Buffer.of(0)]).toString("base64");
      }
    },
    async write(key, value, { expected, lease } = {}) {
      const put = { key: keyOf(key), value: toBase64(value), ...(lease === undefined ? {} : { lease }) };
      const compare = expected === undefined ? [] : [isAt(key, expected)];
      const answer = await client.ask("KV/Txn", { compare, success: [{ requestPut: put }] }).catch(leaseFailure);
      if (answer["succeeded"] !== true) throw new ConflictError(`${key} is not at revision ${expected}`);
      return revisionOf(answer);
    },
    async remove(key, expected) {
      const compare = expected === undefined ? { ...isAt(key, 0), result: "NOT_EQUAL" } : isAt(key, expected);
      const answer = await client.ask("KV/Txn", { compare: [compare], success: [{ requestDeleteRange: { key: keyOf(key) } }] });
      if (answer["succeeded"] === true) return revisionOf(answer);
      if (expected !== undefined) throw new ConflictError(`${key} is not at revision ${expected}`);
      return undefined;
    },
    async *watch(prefix, fromRevision, given) {
      const signal = AbortSignal.any([given, closing.signal]);
      let next = fromRevision;
      let pauseMs = 50;
      while (!signal.aborted) {
        try {
          for await (const changes of follow(prefix, next, signal)) {
            next = changes.at(-1)!.revision + 1;
            pauseMs = 50;
            yield changes;
          }
        } catch (error) {
          if (error instanceof CompactedError) throw error;
        }
        await pause(clock, (random.uint32() / 2 ** 32) * pauseMs, signal);
        pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      }
    },
    async grantLease(ttlMs) {
      const { ID } = (await client.ask("Lease/LeaseGrant", { TTL: String(Math.max(1, Math.ceil(ttlMs / 1000))) })) as {
        readonly ID: string;
      };
      return ID;
    },
    keepLease: (lease) => keeper.keep(lease),
    async revokeLease(lease) {
      await client.ask("Lease/LeaseRevoke", { ID: lease }).catch((error: ServiceError) => {
        if (error.code !== status.NOT_FOUND) throw error;
      });
    },
    close() {
      closing.abort();
      keeper.close();
      client.close();
    },
  };
}

function leaseFailure(error: ServiceError): never {
  throw error.code === status.NOT_FOUND ? new LeaseError("the lease has run out", { cause: error }) : error;
}

/** All keys that begin with `prefix`: from it up to the first that does not. */
function rangeOf(prefix: string): [key: string, rangeEnd: string] {
  const end = Buffer.from(prefix);
  // Prefixes are text and not empty, so the last byte is never the highest.
  end[end.length - 1]!++;
  return [toBase64(prefix), end.toString("base64")];
}

function toBase64(bytes: string | Uint8Array): string {
  return Buffer.from(bytes as string).toString("base64");
}
