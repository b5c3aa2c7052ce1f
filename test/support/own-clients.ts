/** Other people's clients of the services that the proxy answers itself: grpc-js by proto-loader, connect-node by a descriptor set. */
import { join } from "node:path";
import { createFileRegistry, fromBinary, type DescService } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport, Http2SessionManager } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { compileOwn } from "../../deploy/own-descriptors.ts";

const root = join(import.meta.dirname, "../..");

/** grpc-js' client constructor of `grpc.health.v1.Health` and its like. */
export function grpcClient(service: string, address: string): grpc.Client & Record<string, never> {
  const file = service.toLowerCase().split(".").slice(0, -1).join("/");
  const name = service.split(".")[1]!;
  const definition = loadSync(`${file}/${name}.proto`, {
    includeDirs: [join(root, "protos")],
    enums: String,
    defaults: true,
    oneofs: true,
  });
  const loaded = grpc.loadPackageDefinition(definition);
  const constructor = service.split(".").reduce((scope, part) => scope[part] as never, loaded as unknown as Record<string, never>);
  return new (constructor as unknown as grpc.ServiceClientConstructor)(address, grpc.credentials.createInsecure()) as never;
}

let registry: ReturnType<typeof createFileRegistry> | undefined;

export function ownService(name: string): DescService {
  registry ??= createFileRegistry(fromBinary(FileDescriptorSetSchema, compileOwn()));
  return registry.getService(name)!;
}

export const webProtocols = ["connect", "connect-json", "grpc-web", "grpc"] as const;

type AnyCall = (
  request: object | AsyncIterable<object>,
  options?: { readonly signal?: AbortSignal },
) => Promise<unknown> & AsyncIterable<unknown>;

/** connect-node's client of the same. */
export function webClient(
  protocol: (typeof webProtocols)[number],
  service: string,
  address: string,
): { readonly client: Readonly<Record<string, AnyCall>>; close(): void } {
  const baseUrl = `http://${address}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const options = { baseUrl, httpVersion: "2", sessionManager } as const;
  const transport =
    protocol === "grpc"
      ? createGrpcTransport(options)
      : protocol === "grpc-web"
        ? createGrpcWebTransport(options)
        : createConnectTransport({ ...options, useBinaryFormat: protocol === "connect" });
  return { client: createClient(ownService(service), transport) as never, close: () => sessionManager.abort() };
}
