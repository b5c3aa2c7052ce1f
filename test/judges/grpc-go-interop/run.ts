/**
 * grpc-go's interop client against grpc-go's interop server with the proxy between them: with the service's schema, without one, and
 * with TLS on both sides. DRAGOMAN_JUDGES names the folder with the two programs. Arguments, if any, name the cases to run.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { startProxy, type ProxyOptions } from "../judged-proxy.ts";

const judges = join(process.env["DRAGOMAN_JUDGES"] ?? "", "grpc-go");
const metricsBalancer = `--service_config_json={"loadBalancingConfig":[{"test_backend_metrics_load_balancer":{}}]}`;

/** All that the client knows, but for those that want an account with a cloud, or another server: docs/conformance.md lists them. */
const cases: readonly (readonly [name: string, ...flags: string[]])[] = [
  ["empty_unary"],
  ["large_unary"],
  ["client_streaming"],
  ["server_streaming"],
  ["ping_pong"],
  ["empty_stream"],
  ["timeout_on_sleeping_server"],
  ["cancel_after_begin"],
  ["cancel_after_first_response"],
  ["status_code_and_message"],
  ["special_status_message"],
  ["custom_metadata"],
  ["unimplemented_method"],
  ["unimplemented_service"],
  ["orca_per_rpc", metricsBalancer],
  ["orca_oob", metricsBalancer],
  ["rpc_soak", "--soak_iterations=20"],
  ["channel_soak", "--soak_iterations=20"],
];

const descriptors = join(judges, "grpc-testing.binpb");
const certificate = { cert: readFileSync(join(judges, "server1.pem")), key: readFileSync(join(judges, "server1.key")) };
const ca = readFileSync(join(judges, "ca.pem"));
const testName = "foo.test.google.fr";

interface Mode {
  readonly name: string;
  readonly server: readonly string[];
  readonly client: readonly string[];
  readonly proxy: (port: number) => ProxyOptions;
}

const modes: readonly Mode[] = [
  { name: "schema known", server: [], client: [], proxy: (port) => ({ upstream: `grpc://127.0.0.1:${port}`, descriptors }) },
  { name: "no schema", server: [], client: [], proxy: (port) => ({ upstream: `grpc://127.0.0.1:${port}`, descriptors: undefined }) },
  {
    name: "TLS on both sides",
    server: ["--use_tls", `--tls_cert_file=${join(judges, "server1.pem")}`, `--tls_key_file=${join(judges, "server1.key")}`],
    client: ["--use_tls", "--use_test_ca", `--ca_file=${join(judges, "ca.pem")}`, `--server_host_override=${testName}`],
    proxy: (port) => ({
      upstream: `grpcs://127.0.0.1:${port}`,
      descriptors,
      upstreamTls: { ca, serverName: testName },
      tls: { ...certificate, clientCa: undefined },
    }),
  },
];

let passed = 0;
let failed = 0;
const wanted = process.argv.slice(2);
for (const mode of modes) await runMode(mode);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);

async function runMode({ name, server: serverFlags, client, proxy: proxyOptions }: Mode): Promise<void> {
  const port = await freePort();
  const server = spawn(join(judges, "server"), [`--port=${port}`, ...serverFlags], { stdio: ["ignore", "inherit", "inherit"] });
  process.once("exit", () => server.kill("SIGKILL"));
  await listening(port);
  const proxy = await startProxy(proxyOptions(port));
  for (const [testCase, ...flags] of cases) {
    if (wanted.length > 0 && !wanted.includes(testCase)) continue;
    const all = ["--server_host=127.0.0.1", `--server_port=${proxy.port}`, `--test_case=${testCase}`, ...client, ...flags];
    try {
      await promisify(execFile)(join(judges, "client"), all, { timeout: 30_000 });
      passed++;
    } catch (error) {
      failed++;
      const { stderr } = error as { stderr?: string };
      console.log(`FAILED: ${name}: ${testCase}\n${(stderr ?? String(error)).split("\n").slice(0, 5).join("\n")}`);
    }
  }
  await proxy.close();
  server.kill("SIGKILL");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function listening(port: number): Promise<void> {
  const endAtMs = performance.now() + 10_000;
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    const reached = await new Promise<boolean>((resolve) =>
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false)),
    );
    socket.destroy();
    if (reached) return;
    if (performance.now() > endAtMs) throw new Error("the interop server does not listen");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
