/**
 * What the runner takes for the server under test: the proxy, and behind it a reference server that is spoken to by one protocol alone.
 *
 * The runner's limit on messages is the server's: compressed messages cross the proxy unopened, so only the server can count them.
 * DRAGOMAN_BACKEND names that server: referenceserver (connect-go) or grpcserver (grpc-go); DRAGOMAN_UPSTREAM how it is spoken to: grpc,
 * connect or connect+http1.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import {
  decode,
  descriptorSet,
  judges,
  messagesOf,
  serverRequest,
  serverResponse,
  writeMessage,
  type ServerCompatRequest,
  type ServerCompatResponse,
} from "./compat.ts";
import { startProxy } from "../judged-proxy.ts";

const spoken: Readonly<Record<string, { readonly protocol: number; readonly httpVersion: number }>> = {
  grpc: { protocol: 2, httpVersion: 2 },
  connect: { protocol: 1, httpVersion: 2 },
  "connect+http1": { protocol: 1, httpVersion: 1 },
};
const scheme = process.env["DRAGOMAN_UPSTREAM"] ?? "grpc";
const stopped = Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);

async function first(from: AsyncGenerator<Uint8Array>, what: string): Promise<Uint8Array> {
  const next = await from.next();
  if (next.done === true) throw new Error(`no ${what}`);
  return next.value;
}

const wanted = decode<ServerCompatRequest>(serverRequest, await first(messagesOf(process.stdin), "request of the runner"));
const server = spawn(join(judges, "bin", process.env["DRAGOMAN_BACKEND"] ?? "referenceserver"), [], { stdio: ["pipe", "pipe", "inherit"] });
process.once("exit", () => server.kill("SIGKILL"));
writeMessage(server.stdin, serverRequest, { ...spoken[scheme], messageReceiveLimit: wanted.messageReceiveLimit });
const { host, port } = decode<ServerCompatResponse>(serverResponse, await first(messagesOf(server.stdout), "answer of the server"));

const { useTls, serverCreds, clientTlsCert } = wanted;
const tls =
  useTls && serverCreds !== undefined
    ? { cert: serverCreds.cert, key: serverCreds.key, clientCa: clientTlsCert.length === 0 ? undefined : clientTlsCert }
    : undefined;
const proxy = await startProxy({ upstream: `${scheme}://${host}:${port}`, descriptors: descriptorSet, tls });
writeMessage(process.stdout, serverResponse, { host: "127.0.0.1", port: proxy.port, pemCert: tls?.cert ?? new Uint8Array(0) });

await stopped;
await proxy.close();
process.exit(0);
