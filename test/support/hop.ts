/**
 * One hop for tests: a real listener, the real inbounds, a handler of the test's own (or a real upstream), and a record of how every call ended.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Call } from "../../src/core/call.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { Handler } from "../../src/core/handler.ts";
import { silentLogger } from "../../src/core/logger.ts";
import type { Status } from "../../src/core/status.ts";
import type { WebSocketSettings } from "../../src/protocols/protocol.ts";
import { createInbounds } from "../../src/protocols/index.ts";
import { createDispatcher, type Serving } from "../../src/runtime/dispatch.ts";
import { buildSchema } from "../../src/schema/build-schema.ts";
import type { Schema } from "../../src/schema/descriptor.ts";
import { createMethodTable, type MethodTableOptions } from "../../src/schema/method-table.ts";
import { createCluster, type Cluster } from "../../src/upstream/cluster.ts";
import { Http2Client } from "../../src/wire/http2/http2-client.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { createListener, type TlsMaterial } from "../../src/wire/listener.ts";

/** The schema of protos/echo.proto. */
export function echoSchema(): Schema {
  return buildSchema(readFileSync(join(import.meta.dirname, "protos/echo.binpb")));
}

export interface EndedCall {
  readonly call: Call;
  readonly end: Status;
}

export interface Hop {
  readonly port: number;
  /** Every call that ended, in order. */
  readonly ended: readonly EndedCall[];
  /** Calls that have not ended. */
  underWay(): readonly Call[];
  /** Lets what is under way end, for so long. */
  drain(graceMs: number): Promise<void>;
  stop(): Promise<void>;
}

export interface HopOptions {
  readonly handler: Handler;
  readonly schema?: Schema | undefined;
  readonly messageBytes?: number;
  readonly plainErrors?: boolean;
  readonly methodOverride?: boolean;
  readonly http2?: "own" | "node";
  readonly table?: Partial<MethodTableOptions> | undefined;
  readonly tls?: TlsMaterial;
  readonly websocket?: WebSocketSettings;
}

/** Listens on a free port of 127.0.0.1 and answers every call by `handler`. */
export async function startHop({
  handler,
  schema = echoSchema(),
  messageBytes = 4 << 20,
  plainErrors = false,
  methodOverride = false,
  http2 = "own",
  table,
  tls,
  websocket,
}: HopOptions): Promise<Hop> {
  const ended: EndedCall[] = [];
  const underWay = new Set<Call>();
  const observed =
    (next: Handler): Handler =>
    (call) => {
      underWay.add(call);
      call.onEnd((over, end) => {
        underWay.delete(over);
        ended.push({ call: over, end });
      });
      return next(call);
    };
  const serving: Serving = {
    table: createMethodTable(schema, { autoMapping: true, ...table }),
    messageBytes,
    plainErrors,
    methodOverride,
    websocket,
    handlerOf: () => observed(handler),
    observed,
  };
  const listener = await createListener({
    host: "127.0.0.1",
    port: 0,
    tls,
    limits: defaultLimits,
    handler: createDispatcher({
      inbounds: createInbounds(),
      serving: () => serving,
      onFault: (thrown) => {
        throw thrown;
      },
    }),
    clock: systemClock,
    logger: silentLogger,
    http2,
  });
  return {
    port: listener.address.port,
    ended,
    underWay: () => [...underWay],
    drain: (graceMs) => listener.drain(graceMs),
    stop: () => listener.close(),
  };
}

/** A cluster of one gRPC endpoint on this machine. */
export function clusterAt(port: number, messageBytes = 4 << 20): Cluster {
  const client = new Http2Client({ host: "127.0.0.1", port, clock: systemClock });
  return createCluster({ scheme: "http", authority: `127.0.0.1:${port}`, client, clock: systemClock, messageBytes });
}
