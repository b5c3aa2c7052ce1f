/**
 * A grpc-js server for the methods of any schema: records what each call brought, and echoes it or answers as it is told to.
 *
 * Every method is registered as bidirectional: that is the same on the wire, and one handler is enough.
 */
import * as grpc from "@grpc/grpc-js";
import type { Schema } from "../../../src/schema/descriptor.ts";

export interface SeenCall {
  /** "/suite.test.Suite/Get" */
  readonly path: string;
  readonly metadata: grpc.Metadata;
  readonly messages: Buffer[];
  /** Milliseconds to the deadline when the call arrived; Infinity without one. */
  readonly timeoutMs: number;
  /** The call was ended before it was answered. */
  cancelled: boolean;
}

export interface Script {
  /** Protobuf messages; undefined echoes what came (of a client stream, the first). */
  readonly messages?: readonly Uint8Array[] | undefined;
  readonly headers?: Readonly<Record<string, string | Buffer>> | undefined;
  readonly trailers?: Readonly<Record<string, string | Buffer>> | undefined;
  readonly code?: number | undefined;
  readonly details?: string | undefined;
  /** Never ends; with messages, it sends those. */
  readonly silent?: boolean | undefined;
}

type Bytes = grpc.ServerDuplexStream<Buffer, Buffer>;

export interface RecordingBackend {
  readonly port: number;
  /** In order of arrival. */
  readonly seen: SeenCall[];
  /** What the next calls are answered with. */
  script: Script;
  stop(): void;
}

export async function startRecordingBackend(schema: Schema): Promise<RecordingBackend> {
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  const seen: SeenCall[] = [];
  const backend = { port: 0, seen, script: {} as Script, stop: () => server.forceShutdown() };
  const same = (bytes: Buffer): Buffer => bytes;
  for (const { methods } of schema.services)
    for (const { path, clientStreaming, serverStreaming } of methods)
      server.register<Buffer, Buffer>(
        path,
        (call: Bytes) => {
          const deadline = call.getDeadline();
          const timeoutMs = deadline === Infinity ? Infinity : Number(deadline) - Date.now();
          const record: SeenCall = { path, metadata: call.metadata, messages: [], timeoutMs, cancelled: false };
          seen.push(record);
          answer(call, record, backend.script, clientStreaming && !serverStreaming);
        },
        same,
        same,
        "bidi",
      );
  backend.port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  return backend;
}

function answer(call: Bytes, record: SeenCall, script: Script, once: boolean): void {
  let ended = false;
  call.on("cancelled", () => (record.cancelled = !ended));
  call.on("error", () => undefined);
  call.on("data", (message: Buffer) => record.messages.push(message));
  call.on("end", () => {
    if (script.silent === true && script.messages === undefined) return;
    const trailers = metadataOf(script.trailers);
    if (script.headers !== undefined) call.sendMetadata(metadataOf(script.headers));
    for (const message of script.messages ?? (script.code === undefined ? record.messages.slice(0, once ? 1 : undefined) : []))
      call.write(Buffer.from(message));
    if (script.messages === undefined && script.code === undefined && once && record.messages.length === 0) call.write(Buffer.alloc(0));
    if (script.silent === true) return;
    ended = true;
    if (script.code === undefined) call.end(trailers);
    else call.emit("error", { code: script.code, details: script.details ?? "", metadata: trailers });
  });
}

function metadataOf(fields: Script["headers"]): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(fields ?? {})) metadata.add(name, value);
  return metadata;
}
