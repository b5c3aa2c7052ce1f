/** What a page of another origin does with dragoman.test.v1.Echo, in a browser: connect-web, grpc-web and fetch. Bundled for it by esbuild. */
import { createFileRegistry, fromBinary, type DescService } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { GrpcWebClientBase, MethodDescriptor, MethodType, type RpcError } from "grpc-web";

interface Echoed {
  readonly text: string;
  readonly index: number;
}

type Calls = Readonly<Record<"unary" | "expand", (request: object, options: object) => Promise<Echoed> & AsyncIterable<Echoed>>>;

function transportOf(protocol: string, baseUrl: string): Transport {
  if (protocol === "grpc-web") return createGrpcWebTransport({ baseUrl });
  return createConnectTransport({ baseUrl, useBinaryFormat: protocol === "connect", useHttpGet: protocol === "connect-get" });
}

/** A call that succeeds with its metadata, a stream, and one that fails with details, as JSON. */
async function rpc(protocol: string, baseUrl: string, descriptors: string): Promise<unknown> {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, base64Decode(descriptors)));
  const service: DescService = registry.getService("dragoman.test.v1.Echo")!;
  const client = createClient(service, transportOf(protocol, baseUrl)) as unknown as Calls;
  const seen: Record<string, unknown> = {};
  const keep = {
    headers: { "x-color": "blue" },
    onHeader: (headers: Headers) => (seen["color"] = headers.get("x-color")),
    onTrailer: (trailers: Headers) => (seen["trailer"] = trailers.get("x-trailer")),
  };
  try {
    const { text } = await client.unary({ text: "hi" }, keep);
    const streamed: number[] = [];
    for await (const { index } of client.expand({ text: "hi", count: 3 }, {})) streamed.push(index);
    let failure = "";
    await client.unary({ text: "hi", failCode: 9 }, {}).catch((error: unknown) => (failure = String(error)));
    return { text, streamed, failure, ...seen };
  } catch (error) {
    return { kept: ConnectError.from(error).code };
  }
}

/** The same by Google's client, with the bytes of the messages written by hand. */
function grpcWeb(baseUrl: string): Promise<unknown> {
  const bytes = (value: Uint8Array): Uint8Array => value;
  const method = new MethodDescriptor("/dragoman.test.v1.Echo/Unary", MethodType.UNARY, Uint8Array, Uint8Array, bytes, bytes);
  return new Promise((resolve) => {
    const client = new GrpcWebClientBase({ format: "text" });
    const status: unknown[] = [];
    client
      .rpcCall(
        `${baseUrl}/dragoman.test.v1.Echo/Unary`,
        Uint8Array.of(0x0a, 2, 0x68, 0x69),
        { "x-color": "blue" },
        method,
        (error: RpcError | null, answer: unknown) =>
          resolve(error === null || error.code === 0 ? { answer: [...(answer as Uint8Array)].slice(0, 4), status } : { code: error.code }),
      )
      .on("metadata", (metadata) => status.push(metadata["x-color"]));
  });
}

async function rest(baseUrl: string, credentials: "omit" | "include"): Promise<unknown> {
  try {
    const response = await fetch(`${baseUrl}/v1/echo`, {
      method: "POST",
      credentials,
      headers: { "content-type": "application/json", "x-color": "blue" },
      body: '{"text":"hi"}',
    });
    const { text } = (await response.json()) as Echoed;
    return { text, color: response.headers.get("x-color"), trailer: response.headers.get("trailer-x-trailer") };
  } catch (error) {
    return { kept: (error as Error).name };
  }
}

Object.assign(globalThis, { rpc, grpcWeb, rest });
