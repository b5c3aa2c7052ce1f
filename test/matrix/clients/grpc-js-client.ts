/** @grpc/grpc-js as a client of the matrix: other people's view of gRPC over HTTP/2. */
import * as grpc from "@grpc/grpc-js";
import { certificate } from "../../support/certificate.ts";
import { decodeAnswer, decodeStatus, encodeRequest, type Message } from "../messages.ts";
import { metadataOf, methodOfKind, servicePath, type MatrixClient, type Observed, type Script } from "../script.ts";

export function createGrpcJsClient(port: number, tls: boolean): MatrixClient {
  const credentials = tls ? grpc.credentials.createSsl(Buffer.from(certificate)) : grpc.credentials.createInsecure();
  const options = { "grpc.enable_retries": 0, ...(tls ? { "grpc.ssl_target_name_override": "localhost" } : {}) };
  const plain = new grpc.Client(`127.0.0.1:${port}`, credentials, options);
  const zipping = new grpc.Client(`127.0.0.1:${port}`, credentials, { ...options, "grpc.default_compression_algorithm": 2 });
  return {
    call: (script) => talk(script.gzip ? zipping : plain, script),
    close() {
      plain.close();
      zipping.close();
    },
  };
}

function talk(client: grpc.Client, script: Script): Promise<Observed> {
  const { kind, requests } = script;
  const sent = new grpc.Metadata();
  for (const [name, value] of Object.entries(metadataOf(script)))
    sent.set(name, name.endsWith("-bin") ? Buffer.from(value, "base64") : value);
  // Not as an option of the call: grpc-js would then be the one that gives up.
  if (script.timeoutMs !== undefined) sent.set("grpc-timeout", `${script.timeoutMs}m`);
  const messages: Message[] = [];
  let head: grpc.Metadata | undefined;
  const { promise, resolve } = Promise.withResolvers<Observed>();
  // A bidirectional stream is what every kind looks like on the wire; the rules of one message are the proxy's to keep.
  const path = servicePath + methodOfKind[kind];
  const call = client.makeBidiStreamRequest(path, (message: Message) => encodeRequest(message), decodeAnswer, sent, {});
  let wake: () => void = () => undefined;
  let over = false;
  call.on("metadata", (metadata: grpc.Metadata) => (head = metadata));
  call.on("data", (message: Message) => {
    messages.push(message);
    script.answered.resolve();
    wake();
  });
  call.on("error", () => undefined); // the status says it
  call.on("status", ({ code, details, metadata }: grpc.StatusObject) => {
    over = true;
    wake();
    script.answered.resolve();
    const [status] = metadata.get("grpc-status-details-bin");
    const known = status === undefined ? [] : decodeStatus(status as Buffer).details;
    resolve({ code, message: details, details: known, messages, metadata: textsOf(head), trailers: textsOf(metadata), form: {} });
  });
  if (script.leaves) void script.arrived.promise.then(() => call.cancel());
  void (async () => {
    for (const [index, request] of requests.entries()) {
      call.write(request);
      if (kind === "bidi") while (messages.length <= index && !over) await new Promise<void>((waked) => (wake = waked));
    }
    call.end();
  })();
  return promise;
}

function textsOf(metadata: grpc.Metadata | undefined): Record<string, string> {
  const texts = Object.entries(metadata?.getMap() ?? {}).map(([name, value]) => [
    name,
    typeof value === "string" ? value : value.toString("base64"),
  ]);
  return Object.fromEntries(texts) as Record<string, string>;
}
