/** The proxy as users run it, in this process: configuration, pipelines, listener and upstream are the product's. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig, type Override } from "../../src/config/load-config.ts";
import { systemClock } from "../../src/core/clock.ts";
import { createProcessServices } from "../../src/runtime/process-services.ts";
import { createRuntime } from "../../src/runtime/create-runtime.ts";
import { createJsonLogger, writeToStderr } from "../../src/telemetry/json-logger.ts";

export interface ProxyOptions {
  /** grpc://HOST:PORT or grpcs://HOST:PORT */
  readonly upstream: string;
  /** The service's schema, as a descriptor set; without one every call crosses unread. */
  readonly descriptors: string | undefined;
  /** For grpcs: whom to trust, and what to show. */
  readonly upstreamTls?:
    { readonly ca: Uint8Array; readonly serverName?: string; readonly cert?: Uint8Array; readonly key?: Uint8Array } | undefined;
  readonly tls?: { readonly cert: Uint8Array; readonly key: Uint8Array; readonly clientCa: Uint8Array | undefined } | undefined;
}

export interface Proxy {
  readonly port: number;
  close(): Promise<void>;
}

export async function startProxy({ upstream, descriptors, upstreamTls, tls }: ProxyOptions): Promise<Proxy> {
  const folder = mkdtempSync(join(tmpdir(), "dragoman-judge-"));
  const file = (name: string, content: Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const overrides: Override[] = [];
  const set = (path: string, value: unknown): void => void overrides.push({ origin: "judge", path: path.split("."), value });
  set("inbound.listen", "127.0.0.1:0");
  set("inbound.upstream", upstream);
  set("inbound.schema", descriptors === undefined ? "none" : { descriptors });
  set("admin.listen", "off");
  set("policies.access-log", false);
  // The suites compare the timeout the backend saw with the one the client set; our own default would be a third.
  set("policies.timeout", false);
  // They have the backend fail case after case.
  set("policies.circuit-breaker", false);
  // They count the requests of a case.
  set("policies.retry", false);
  // They also count the details of an error, and ours are not the backend's.
  set("inbound.plainErrors", true);
  if (upstreamTls !== undefined) {
    const { ca, serverName, cert, key } = upstreamTls;
    const own = cert === undefined || key === undefined ? {} : { cert: file("own.pem", cert), key: file("own-key.pem", key) };
    set("inbound.upstreamTls", { ca: file("upstream-ca.pem", ca), ...(serverName === undefined ? {} : { serverName }), ...own });
  }
  if (tls !== undefined)
    set("inbound.tls", {
      cert: file("cert.pem", tls.cert),
      key: file("key.pem", tls.key),
      ...(tls.clientCa === undefined ? {} : { clientCa: file("client-ca.pem", tls.clientCa) }),
    });
  const services = createProcessServices(systemClock, createJsonLogger({ clock: systemClock, level: "warn", write: writeToStderr }));
  const runtime = await createRuntime(await loadConfig({ overrides }), services);
  return {
    port: Number(runtime.address.slice(runtime.address.lastIndexOf(":") + 1)),
    async close() {
      await runtime.close();
      await services.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
