/** The inbound contract on every protocol, each through other people's clients. */
import { ConnectError } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import { Code, codeFromNumber } from "../../src/core/code.ts";
import { decodeRpcStatus } from "../../src/protocols/shared/rpc-status.ts";
import { connectClient, type ConnectKind } from "../support/connect-client.ts";
import { loadEcho } from "../support/echo-server.ts";
import { inboundContract, type Answer, type InboundClient } from "./protocol-contract.ts";

interface StatusBody {
  code: number;
  message: string;
  details: { "@type": string; reason?: string }[];
}

const rest: InboundClient = {
  async unary(port, request, { metadata = {}, timeoutMs, signal } = {}): Promise<Answer> {
    const headers: Record<string, string> = { "content-type": "application/json", ...metadata };
    if (timeoutMs !== undefined) headers["x-server-timeout"] = String(timeoutMs / 1000);
    const response = await fetch(`http://127.0.0.1:${port}/v1/echo`, {
      method: "POST",
      headers,
      body: JSON.stringify(request),
      ...(signal ? { signal } : {}),
    });
    const body = (await response.json()) as Record<string, unknown> & StatusBody;
    const fields = [...response.headers];
    const own = fields.filter(([name]) => !name.startsWith("trailer-"));
    const trailers = fields
      .filter(([name]) => name.startsWith("trailer-"))
      .map(([name, value]): [string, string] => [name.slice(8), value]);
    const failed = response.status !== 200;
    return {
      code: failed ? codeFromNumber(body.code) : Code.OK,
      message: failed ? body.message : "",
      reason: failed ? body.details.find((detail) => detail["@type"].endsWith("ErrorInfo"))?.reason : undefined,
      body: failed ? undefined : body,
      metadata: new Map(own),
      trailers: new Map(trailers),
    };
  },
};

const Echo = loadEcho();
const clients = new Map<number, grpc.Client>();

function clientAt(port: number): grpc.Client {
  let client = clients.get(port);
  if (client === undefined) {
    client = new Echo(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), { "grpc.max_receive_message_length": -1 });
    clients.set(port, client);
  }
  return client;
}

function toMap(metadata: grpc.Metadata | undefined): Map<string, string> {
  return new Map(Object.entries(metadata?.getMap() ?? {}).map(([key, value]) => [key, String(value)]));
}

const grpcClient: InboundClient = {
  unary(port, request, { metadata = {}, timeoutMs, signal } = {}): Promise<Answer> {
    const sent = new grpc.Metadata();
    for (const [key, value] of Object.entries(metadata)) sent.set(key, value);
    const options = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
    return new Promise((resolve) => {
      const method = Echo.service["Unary"]!;
      let head: grpc.Metadata | undefined;
      let body: Record<string, unknown> | undefined;
      const call = clientAt(port).makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        sent,
        options,
        (_error, value) => {
          body = value as Record<string, unknown> | undefined;
        },
      );
      call.on("metadata", (received: grpc.Metadata) => (head = received));
      call.on("status", (status: grpc.StatusObject) => {
        const [details] = status.metadata.get("grpc-status-details-bin");
        resolve({
          code: codeFromNumber(status.code),
          message: status.details,
          reason: details === undefined ? undefined : reasonOf(details as Buffer),
          body,
          metadata: toMap(head),
          trailers: toMap(status.metadata),
        });
      });
      signal?.addEventListener("abort", () => call.cancel());
    });
  },
  close() {
    for (const client of clients.values()) client.close();
    clients.clear();
  },
};

/** Field 1 of the ErrorInfo among the details. */
function reasonOf(details: Uint8Array): string | undefined {
  const info = decodeRpcStatus(details)?.details.find(({ typeUrl }) => typeUrl.endsWith("ErrorInfo"));
  return info === undefined ? undefined : Buffer.from(info.value.subarray(2, 2 + info.value[1]!)).toString();
}

function viaConnect(kind: ConnectKind, httpVersion: "1.1" | "2"): InboundClient {
  const open: { close(): void }[] = [];
  return {
    async unary(port, request, { metadata = {}, timeoutMs, signal } = {}): Promise<Answer> {
      const { client, close } = connectClient(kind, port, httpVersion);
      open.push({ close });
      let head: Headers | undefined;
      let tail: Headers | undefined;
      const options = { headers: metadata, ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(signal === undefined ? {} : { signal }) };
      const call = client["unary"] as unknown as (request: object, options: object) => Promise<Record<string, unknown>>;
      const seen = { onHeader: (headers: Headers) => (head = headers), onTrailer: (trailers: Headers) => (tail = trailers) };
      const maps = (): Pick<Answer, "metadata" | "trailers"> => ({ metadata: new Map(head ?? []), trailers: new Map(tail ?? []) });
      try {
        const body = await call(request, { ...options, ...seen });
        return { code: Code.OK, message: "", reason: undefined, body, ...maps() };
      } catch (thrown) {
        const error = ConnectError.from(thrown);
        const info = error.details.find((detail) => "type" in detail && detail.type.endsWith("ErrorInfo")) as
          { value: Uint8Array } | undefined;
        const reason = info === undefined ? undefined : Buffer.from(info.value.subarray(2, 2 + info.value[1]!)).toString();
        return { code: codeFromNumber(error.code), message: error.rawMessage, reason, body: undefined, ...maps() };
      }
    },
    close() {
      for (const { close } of open.splice(0)) close();
    },
  };
}

inboundContract("rest", rest);
inboundContract("grpc", grpcClient);
inboundContract("grpc-web", viaConnect("grpc-web", "1.1"));
inboundContract("connect", viaConnect("connect", "1.1"));
inboundContract("connect", viaConnect("connect-json", "2"));
