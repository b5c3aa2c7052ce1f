/**
 * The bridge from Connect and gRPC-Web to gRPC that most people would write on Node: Connect's own server, which speaks all three, and
 * Connect's client with its gRPC transport behind.
 *
 *   node bridge.ts PORT BACKEND DESCRIPTORS
 */
import { createFileRegistry, type DescMethodUnary, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { connectNodeAdapter, createGrpcTransport } from "@connectrpc/connect-node";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const [port = "0", backend = "127.0.0.1:50051", descriptors = ""] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));
const sayHello = registry.getService("helloworld.Greeter")?.method["sayHello"] as DescMethodUnary;
const transport = createGrpcTransport({ baseUrl: `http://${backend}` });

function forwarded(headers: Headers): Headers {
  const kept = new Headers();
  for (const name of ["authorization", "traceparent", "x-request-id"]) {
    const value = headers.get(name);
    if (value !== null) kept.set(name, value);
  }
  return kept;
}

const adapter = connectNodeAdapter({
  routes: (router) => {
    router.rpc(sayHello, async (request, { signal, timeoutMs, requestHeader }) => {
      const { message } = await transport.unary(sayHello, signal, timeoutMs(), forwarded(requestHeader), request);
      return message;
    });
  },
});
const server = createServer(adapter);
server.keepAliveTimeout = 3_600_000; // as long as the others keep idle connections
server.listen(Number(port), "127.0.0.1", 1024);
