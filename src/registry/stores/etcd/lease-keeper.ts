/**
 * Keeps leases over one stream for all of them, as etcd would have it: a question and an answer for each, in any order.
 *
 * The trap: a stream that breaks says nothing of the leases. Whoever waited is told that etcd could not be asked, and may ask again.
 */
import type { ClientDuplexStream } from "@grpc/grpc-js";
import type { Clock, Timer } from "../../../core/clock.ts";
import { LeaseError, StoreUnavailable } from "../registry-store.ts";
import { unavailable, type EtcdClient, type Json } from "./etcd-client.ts";

const answerTimeoutMs = 3000;

interface Waiting {
  readonly promise: Promise<void>;
  readonly timer: Timer;
  resolve(): void;
  reject(error: Error): void;
}

export class LeaseKeeper {
  private readonly client: EtcdClient;
  private readonly clock: Clock;
  private stream: ClientDuplexStream<Json, Json> | undefined;
  /** By lease; who asks for the same one meanwhile shares the answer. */
  private readonly waiting = new Map<string, Waiting>();

  constructor(client: EtcdClient, clock: Clock) {
    this.client = client;
    this.clock = clock;
  }

  /** @throws LeaseError, StoreUnavailable */
  keep(lease: string): Promise<void> {
    const asked = this.waiting.get(lease);
    if (asked !== undefined) return asked.promise;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = this.clock.after(answerTimeoutMs, () => this.settle(lease, new StoreUnavailable("etcd does not answer")));
    this.waiting.set(lease, { promise, timer, resolve, reject });
    (this.stream ??= this.open()).write({ ID: lease });
    return promise;
  }

  close(): void {
    this.stream?.cancel();
    this.failAll(new StoreUnavailable("the store was closed"));
  }

  private open(): ClientDuplexStream<Json, Json> {
    const stream = this.client.stream("Lease/LeaseKeepAlive");
    stream.on("data", ({ ID, TTL = "0" }: { readonly ID: string; readonly TTL?: string }) =>
      this.settle(ID, Number(TTL) > 0 ? undefined : new LeaseError("the lease has run out")),
    );
    const over = (error: Error): void => {
      if (this.stream !== stream) return;
      this.stream = undefined;
      this.failAll(unavailable(error));
    };
    stream.on("error", over);
    stream.on("end", () => over(new Error("etcd ended the stream")));
    return stream;
  }

  private settle(lease: string, failure: Error | undefined): void {
    const waiting = this.waiting.get(lease);
    if (waiting === undefined) return;
    this.waiting.delete(lease);
    waiting.timer.cancel();
    if (failure === undefined) waiting.resolve();
    else waiting.reject(failure);
  }

  private failAll(error: Error): void {
    for (const lease of [...this.waiting.keys()]) this.settle(lease, error);
  }
}
