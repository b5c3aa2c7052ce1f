/** A core Handler that calls through grpc-js: the outbound side for tests that are not about ours. Streaming methods only. */
import { Client, credentials, Metadata as GrpcMetadata, type ServiceError } from "@grpc/grpc-js";
import { CallError } from "../../src/core/call-error.ts";
import type { Call } from "../../src/core/call.ts";
import { codeFromNumber } from "../../src/core/code.ts";
import type { Handler } from "../../src/core/handler.ts";
import { MessageStream } from "../../src/core/messages.ts";
import { Metadata } from "../../src/core/metadata.ts";
import { Payload } from "../../src/core/payload.ts";
import type { Reply } from "../../src/core/reply.ts";
import { okStatus, statusOf, type Status } from "../../src/core/status.ts";

export interface GrpcJsHandler {
  readonly handler: Handler;
  close(): void;
}

export function createGrpcJsHandler(address: string): GrpcJsHandler {
  const client = new Client(address, credentials.createInsecure(), {
    "grpc.initial_reconnect_backoff_ms": 50,
    "grpc.max_reconnect_backoff_ms": 100,
  });
  return { handler: (call) => Promise.resolve(open(client, call)), close: () => client.close() };
}

function open(client: Client, call: Call): Reply {
  const same = (bytes: Buffer): Buffer => bytes;
  const stream = client.makeBidiStreamRequest(call.method.path, same, same, new GrpcMetadata(), {});
  call.onCancel(() => stream.cancel());
  void (async () => {
    for await (const payload of call.messages) stream.write(Buffer.from(payload.wire()));
    stream.end();
  })();
  let settle: (status: Status) => void;
  const end = new Promise<Status>((resolve) => (settle = resolve));
  stream.on("error", (error: ServiceError) => {
    const failure = new CallError("UPSTREAM_STATUS", error.details, { code: codeFromNumber(error.code), source: "upstream" });
    settle(statusOf(failure));
  });
  stream.on("status", ({ code }: { code: number }) => code === 0 && settle(okStatus()));
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  class Replies extends MessageStream {
    async next(): Promise<Payload | undefined> {
      try {
        const next = await chunks.next();
        return next.done ? undefined : Payload.ofWire(call.method.output, next.value);
      } catch {
        return undefined; // the reason is the value of `end`
      }
    }
    cancel(): void {
      stream.cancel();
    }
  }
  return { metadata: Metadata.empty, messages: new Replies(), encoding: undefined, ended: undefined, end };
}
