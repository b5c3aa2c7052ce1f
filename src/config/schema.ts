/**
 * The configuration: one zod schema that gives types, defaults, messages, JSON Schema and the tables of docs/configuration.md.
 *
 * The trap: a key is here only when it does something. What is not built is an unknown key, so nobody believes in a setting that is ignored.
 */
import { z } from "zod";
import { policies } from "../policies/index.ts";
import { duration, size, withUnits, type WithUnits } from "../policies/units.ts";
import { hostPort, upstreamUrl } from "./addresses.ts";

const filePath = z.string({ error: "expected the path of a file" }).min(1, "expected the path of a file");

const schemaSource = z.union([
  z.enum(["reflection", "none"]),
  z.strictObject({
    protos: z.array(filePath).min(1).describe("The .proto files that hold the services."),
    importPaths: z.array(filePath).default([]).describe("Folders in which imports are looked for."),
  }),
  z.strictObject({
    descriptors: filePath.describe("A serialized FileDescriptorSet: `buf build -o set.binpb`, `protoc --include_imports -o`."),
  }),
]);

const inbound = z.strictObject({
  listen: hostPort.default("127.0.0.1:8080").describe("Where every protocol is served. Port 0 takes a free one."),
  upstream: upstreamUrl.describe("The gRPC service behind: `grpc://HOST:PORT`, `grpcs://HOST:PORT` for TLS."),
  schema: schemaSource
    .default("reflection")
    .describe(
      "Where the service's schema comes from: `reflection`, `{protos, importPaths}`, `{descriptors}`, or `none`: then only gRPC passes through.",
    ),
  external: z.boolean().default(false).describe("Hardens the listener for callers outside: no schema is shown to them."),
  http2: z.enum(["own", "node"]).default("own").describe("The HTTP/2 engine: ours, or node:http2 to compare with."),
  tls: z
    .strictObject({
      cert: filePath.describe("PEM file with the certificate and its chain."),
      key: filePath.describe("PEM file with the private key."),
      clientCa: filePath.optional().describe("PEM file; callers must then show a certificate signed by it."),
    })
    .optional()
    .describe("Serves TLS 1.2 and later instead of clear text."),
  upstreamTls: z
    .strictObject({
      ca: filePath.optional().describe("PEM file with the authorities to trust instead of the system's."),
      cert: filePath.optional().describe("PEM file with our certificate, for upstreams that want one."),
      key: filePath.optional().describe("PEM file with its private key."),
      serverName: z.string().min(1).optional().describe("The name the upstream's certificate must hold; its host unless set."),
    })
    .optional()
    .describe("For `grpcs://` upstreams."),
});

const count = z.int({ error: "expected a whole number" }).min(1, "expected at least 1");

const limits = z.strictObject({
  message: size.default("4MiB").describe("Largest message in either direction."),
  body: size.default("4MiB").describe("Largest request body that is held whole."),
  head: size.default("60KiB").describe("Largest request head: names and values."),
  headFields: count.default(100).describe("Most header fields of one request."),
  uri: size.default("8KiB").describe("Longest path with query."),
  streams: count.default(100).describe("Most concurrent HTTP/2 streams of one connection."),
  pipelined: count.default(64).describe("Most HTTP/1.1 requests that wait on one connection."),
  connections: count.default(20_000).describe("Most connections at a time; further ones wait for one to close."),
  headTimeout: duration.default("10s").describe("Longest a request head may take to arrive."),
  bodyTimeout: duration.default("60s").describe("Longest silence while a body arrives or an answer is taken."),
  idleTimeout: duration.default("1h").describe("Longest life of a connection on which nothing happens."),
  writeHighWater: size.default("64KiB").describe("Answer bytes that may wait for one connection before reading from the upstream stops."),
  streamWindow: size.default("256KiB").describe("HTTP/2 receive window of a stream."),
  connectionWindow: size.default("1MiB").describe("HTTP/2 receive window of a connection."),
});

const admin = z.strictObject({
  listen: z
    .union([z.literal("off"), hostPort])
    .default("127.0.0.1:9901")
    .describe("Where health, metrics and the rest of the admin pages are served; `off` for nowhere."),
  token: z
    .string()
    .min(16, "expected at least 16 characters")
    .optional()
    .describe("Bearer token; required where `listen` is not a loopback address. `DRAGOMAN_ADMIN_TOKEN` in the environment does the same."),
});

/** A policy's own configuration, or `false`: not here. (`true` and shorthands have been written out by then.) */
const policySettings = z.strictObject(
  Object.fromEntries(
    policies.map(({ kind, config, enabled, summary }) => [
      kind,
      (enabled === "always" ? config : z.union([z.literal(false), config])).optional().describe(summary),
    ]),
  ),
);

const methodPattern = /^(\*|([A-Za-z_]\w*\.)*([A-Za-z_]\w*\/(\*|[A-Za-z_]\w*)|\*))$/;

export const configSchema = z.strictObject({
  service: z.string().min(1).default("service").describe("The name of the service, for logs and metrics."),
  inbound: inbound.describe("The service beside us, and the listener through which others reach it."),
  policies: policySettings.default({}).describe("Policies for all methods; `false` switches one off."),
  methods: z
    .record(z.string().regex(methodPattern, 'expected "package.Service/Method", "package.Service/*", "package.*" or "*"'), policySettings)
    .default({})
    .describe("Policies for some methods: `package.Service/Method`, `package.Service/*`, `package.*`."),
  limits: limits.prefault({}).describe("What one caller may use up."),
  admin: admin.prefault({}).describe("The listener for operators."),
  drain: duration.default("30s").describe("How long calls may take to finish after SIGTERM."),
});

/** Settings by policy kind: false, or what the policy's schema accepted. */
export type PolicySettings = Readonly<Record<string, false | Readonly<Record<string, unknown>> | undefined>>;

type Parsed = z.output<typeof configSchema>;

/** The configuration as the runtime reads it: numbers with their unit in the key. Policies read their own part themselves. */
export type Config = WithUnits<Omit<Parsed, "policies" | "methods">> & {
  readonly policies: PolicySettings;
  readonly methods: Readonly<Record<string, PolicySettings>>;
};

/** @param value what {@link configSchema} accepted */
export function toConfig(value: Parsed): Config {
  const { policies: forAll, methods, ...rest } = value;
  const converted = withUnits(configSchema as unknown as z.ZodType<typeof rest>, rest);
  return { ...converted, policies: forAll, methods: methods };
}
