/**
 * What the runner takes for the client under test: a reference client, and before the runner's server, which answers in every wrong way
 * there is, the proxy.
 *
 * The runner only ever asks for protobuf by one protocol, because that is what its server is to see: DRAGOMAN_UPSTREAM, grpc or connect.
 * DRAGOMAN_CLIENT names the program (referenceclient, grpcclient), DRAGOMAN_SPEAKS what it speaks to the proxy ("connect json"); how it fails
 * must not depend on that.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { clientRequest, decode, descriptorSet, judges, messagesOf, writeMessage, type ClientCompatRequest } from "./compat.ts";
import { startProxy, type Proxy } from "../judged-proxy.ts";

const protocols: Readonly<Record<string, number>> = { connect: 1, grpc: 2, "grpc-web": 3 };
const http2 = 2;
const codecs: Readonly<Record<string, number>> = { proto: 1, json: 2 };

const [protocol = "grpc", codec = "proto"] = (process.env["DRAGOMAN_SPEAKS"] ?? "").split(" ").filter((word) => word !== "");
const client = spawn(join(judges, "bin", process.env["DRAGOMAN_CLIENT"] ?? "referenceclient"), [], {
  stdio: ["pipe", "inherit", "inherit"],
});
process.once("exit", () => client.kill("SIGKILL"));
process.once("SIGTERM", () => process.exit(0));

/** One before each of the runner's servers. */
const proxies = new Map<string, Promise<Proxy>>();

function proxyBefore({ host, port, httpVersion, serverTlsCert, clientTlsCreds }: ClientCompatRequest): Promise<Proxy> {
  const secure = serverTlsCert.length > 0;
  const scheme = process.env["DRAGOMAN_UPSTREAM"] ?? "grpc";
  // Over TLS the version is not said: the proxy finds it out.
  const upstream = `${secure ? `${scheme}s` : httpVersion === http2 ? scheme : `${scheme}+http1`}://${host}:${port}`;
  let proxy = proxies.get(upstream);
  if (proxy === undefined) {
    proxy = startProxy({
      upstream,
      descriptors: descriptorSet,
      upstreamTls: secure ? { ca: serverTlsCert, ...clientTlsCreds } : undefined,
    });
    proxies.set(upstream, proxy);
  }
  return proxy;
}

for await (const bytes of messagesOf(process.stdin)) {
  const request = decode<ClientCompatRequest>(clientRequest, bytes);
  const proxy = await proxyBefore(request);
  request.host = "127.0.0.1";
  request.port = proxy.port;
  request.serverTlsCert = new Uint8Array(0);
  delete request.clientTlsCreds;
  request.protocol = protocols[protocol]!;
  request.codec = codecs[codec]!;
  if (protocol === "grpc") request.httpVersion = http2;
  writeMessage(client.stdin, clientRequest, request);
}
client.stdin.end();
if (client.exitCode === null) await once(client, "exit");
for (const proxy of proxies.values()) await (await proxy).close();
process.exit(client.exitCode ?? 1);
