/**
 * A real grpc-js server for dragoman.test.v1.Echo (protos/echo.proto): the backend behind protocol tests.
 *
 * It echoes request metadata beginning with "x-" as initial metadata, and sends "x-trailer" (and "x-trailer-bin") as trailers.
 */
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { CancelledCalls } from "./cancelled-calls.ts";

interface EchoRequest {
  text: string;
  count: number;
  failCode: number;
  delayMs: number;
  nested: unknown;
  padding: number;
}

const root = join(import.meta.dirname, "../..");

/** The service definition, for clients and servers of grpc-js. */
export function loadEcho(): grpc.ServiceClientConstructor {
  const definition = loadSync("echo.proto", {
    includeDirs: [join(root, "test/support/protos"), join(root, "protos")],
    longs: String,
    defaults: true,
  });
  const loaded = grpc.loadPackageDefinition(definition) as unknown as {
    dragoman: { test: { v1: { Echo: grpc.ServiceClientConstructor } } };
  };
  return loaded.dragoman.test.v1.Echo;
}

export interface EchoServer {
  readonly port: number;
  /** Calls that were cancelled while they ran. */
  readonly cancelled: () => number;
  /** Metadata of the last call. */
  readonly lastMetadata: () => grpc.Metadata | undefined;
  /** Milliseconds the last call's deadline was away when it arrived; undefined without one. */
  readonly lastTimeoutMs: () => number | undefined;
  stop(): Promise<void>;
}

/** @param onCall told of each call that begins, with its metadata */
export async function startEchoServer(port = 0, onCall?: (metadata: grpc.Metadata) => void): Promise<EchoServer> {
  const cancelled = new CancelledCalls();
  let lastMetadata: grpc.Metadata | undefined;
  let lastTimeoutMs: number | undefined;
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });

  type AnyCall = grpc.ServerUnaryCall<EchoRequest, unknown> | grpc.ServerWritableStream<EchoRequest, unknown>;
  const begin = (call: AnyCall | grpc.ServerReadableStream<EchoRequest, unknown> | grpc.ServerDuplexStream<EchoRequest, unknown>): void => {
    lastMetadata = call.metadata;
    onCall?.(call.metadata);
    const deadline = call.getDeadline();
    lastTimeoutMs = deadline === Infinity ? undefined : Number(deadline) - Date.now();
    const initial = new grpc.Metadata();
    for (const [key, value] of Object.entries(call.metadata.getMap())) if (key.startsWith("x-")) initial.set(key, value);
    call.sendMetadata(initial);
  };
  const trailers = (): grpc.Metadata => {
    const metadata = new grpc.Metadata();
    metadata.set("x-trailer", "tail");
    metadata.set("x-trailer-bin", Buffer.from([0, 1, 255]));
    return metadata;
  };
  const failure = (code: number): Partial<grpc.StatusObject> => ({ code, details: `failed with ${code}: 100% é`, metadata: trailers() });
  const answer = (request: EchoRequest, index: number): object => ({
    text: request.text,
    index,
    nested: request.nested,
    padding: Buffer.alloc(request.padding, 0x61),
  });

  server.addService(loadEcho().service, {
    unary(call: grpc.ServerUnaryCall<EchoRequest, unknown>, callback: grpc.sendUnaryData<unknown>) {
      begin(call);
      const reply = cancelled.watch(call, callback);
      const { request } = call;
      setTimeout(() => {
        if (request.failCode > 0) reply(failure(request.failCode));
        else reply(null, answer(request, 0), trailers());
      }, request.delayMs);
    },
    expand(call: grpc.ServerWritableStream<EchoRequest, unknown>) {
      begin(call);
      cancelled.watchStream(call);
      const { request } = call;
      let index = 0;
      const more = (): void => {
        while (index < request.count) if (!call.write(answer(request, index++))) return void call.once("drain", more);
        if (request.failCode > 0) call.emit("error", failure(request.failCode));
        else if (request.delayMs > 0) setTimeout(() => call.end(trailers()), request.delayMs);
        else call.end(trailers());
      };
      more();
    },
    collect(call: grpc.ServerReadableStream<EchoRequest, unknown>, callback: grpc.sendUnaryData<unknown>) {
      begin(call);
      const reply = cancelled.watch(call, callback);
      const texts: string[] = [];
      call.on("data", (request: EchoRequest) => texts.push(request.text));
      call.on("end", () => reply(null, { text: texts.join(","), index: texts.length }, trailers()));
    },
    chat(call: grpc.ServerDuplexStream<EchoRequest, unknown>) {
      begin(call);
      cancelled.watchStream(call);
      let index = 0;
      call.on("data", (request: EchoRequest) => {
        if (request.failCode > 0) call.emit("error", failure(request.failCode));
        else call.write(answer(request, index++));
      });
      call.on("end", () => call.end(trailers()));
    },
  });
  const bound = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, actual) =>
      error ? reject(error) : resolve(actual),
    ),
  );
  return {
    port: bound,
    cancelled: () => cancelled.count,
    lastMetadata: () => lastMetadata,
    lastTimeoutMs: () => lastTimeoutMs,
    stop: () =>
      new Promise((resolve) => {
        server.forceShutdown();
        resolve();
      }),
  };
}
