/** A real grpc-js server for dragoman.test.v1.Sockets (protos/sockets.proto): sends back what it gets. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { buildSchema } from "../../src/schema/build-schema.ts";
import type { Schema } from "../../src/schema/descriptor.ts";

const root = join(import.meta.dirname, "../..");

export const socketsDescriptors = join(import.meta.dirname, "protos/sockets.binpb");

/** The schema of protos/sockets.proto. */
export function socketsSchema(): Schema {
  return buildSchema(readFileSync(socketsDescriptors));
}

export interface SocketsServer {
  readonly port: number;
  stop(): Promise<void>;
}

export async function startSocketsServer(): Promise<SocketsServer> {
  const definition = loadSync("sockets.proto", {
    includeDirs: [join(root, "test/support/protos"), join(root, "protos")],
    defaults: true,
  });
  const loaded = grpc.loadPackageDefinition(definition) as unknown as {
    dragoman: { test: { v1: { Sockets: grpc.ServiceClientConstructor } } };
  };
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  const echo = (call: grpc.ServerDuplexStream<unknown, unknown>): void => void call.pipe(call);
  server.addService(loaded.dragoman.test.v1.Sockets.service, { mirror: echo, chat: echo });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  return {
    port,
    async stop() {
      server.forceShutdown();
    },
  };
}
