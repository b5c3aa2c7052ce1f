/** connect-node as a client of dragoman.test.v1.Echo, over Connect, gRPC-Web and gRPC: other people's view of our answers. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createFileRegistry, fromBinary, type DescService } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { createClient, type Client, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport, Http2SessionManager } from "@connectrpc/connect-node";

export type ConnectKind = "connect" | "connect-json" | "connect-get" | "grpc-web" | "grpc";

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(join(import.meta.dirname, "protos/echo.binpb"))));

export function echoService(): DescService {
  return registry.getService("dragoman.test.v1.Echo")!;
}

/** A client and the way to close its connections. */
export function connectClient(
  kind: ConnectKind,
  port: number,
  httpVersion: "1.1" | "2" = "1.1",
): { client: Client<DescService>; close(): void } {
  const baseUrl = `http://127.0.0.1:${port}`;
  const sessions = new Http2SessionManager(baseUrl);
  const options = httpVersion === "2" ? { baseUrl, httpVersion, sessionManager: sessions } : { baseUrl, httpVersion };
  const transport = ((): Transport => {
    switch (kind) {
      case "grpc":
        return createGrpcTransport({ baseUrl, sessionManager: sessions });
      case "grpc-web":
        return createGrpcWebTransport(options);
      case "connect":
        return createConnectTransport(options);
      case "connect-json":
        return createConnectTransport({ ...options, useBinaryFormat: false });
      case "connect-get":
        return createConnectTransport({ ...options, useHttpGet: true });
    }
  })();
  return { client: createClient(echoService(), transport), close: () => sessions.abort() };
}
