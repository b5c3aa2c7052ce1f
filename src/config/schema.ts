/**
 * The configuration: one zod schema that gives types, defaults, messages, JSON Schema and the tables of docs/configuration.md.
 *
 * The trap: a key is here only when it does something. What is not built is an unknown key, so nobody believes in a setting that is ignored.
 */
import * as z from "zod/mini";
import { policies } from "../policies/index.ts";
import { described, duration, optional, setting, size, withUnits, type WithUnits } from "../policies/settings.ts";
import { hostPort, upstreamUrl } from "./addresses.ts";
import { cors } from "./cors-settings.ts";
import { outboundSettings, toOutboundConfig, type OutboundConfig } from "./outbound-settings.ts";
import { binding, httpRule, json, profiles, restOfMethod, streamForm } from "./rest-settings.ts";
import { telemetry } from "./telemetry-settings.ts";
import { websocket } from "./websocket-settings.ts";

// zod would write code for each schema; it is used once, so that costs more than it gives, and some places forbid it.
z.config({ jitless: true });

const filePath = z.string({ error: "expected the path of a file" }).check(z.minLength(1, "expected the path of a file"));
const text = z.string().check(z.minLength(1, "expected a text that is not empty"));
const count = z.int({ error: "expected a whole number" }).check(z.gte(1, "expected at least 1"));

const schemaSource = z.union([
  z.enum(["reflection", "none"]),
  z.strictObject({
    protos: described(z.array(filePath).check(z.minLength(1, "expected at least one file")), "The .proto files that hold the services."),
    importPaths: setting(z.array(filePath), [], "Folders in which imports are looked for."),
  }),
  z.strictObject({
    descriptors: described(filePath, "A serialized FileDescriptorSet: `buf build -o set.binpb`, `protoc --include_imports -o`."),
  }),
]);

const tls = z.strictObject({
  cert: described(filePath, "PEM file with the certificate and its chain."),
  key: described(filePath, "PEM file with the private key."),
  clientCa: optional(filePath, "PEM file; callers are then asked for a certificate signed by it."),
  clientCertificate: setting(
    z.enum(["required", "optional"]),
    "required",
    "Whether callers without such a certificate are let in, for policies to judge.",
  ),
});

const upstreamTls = z.strictObject({
  ca: optional(filePath, "PEM file with the authorities to trust instead of the system's."),
  cert: optional(filePath, "PEM file with our certificate, for upstreams that want one."),
  key: optional(filePath, "PEM file with its private key."),
  serverName: optional(text, "The name the upstream's certificate must hold; its host unless set."),
});

const inboundShape = z.strictObject({
  listen: setting(hostPort, "127.0.0.1:8080", "Where every protocol is served. Port 0 takes a free one."),
  upstream: described(
    upstreamUrl,
    "The service behind: `grpc://HOST:PORT`; `connect://HOST:PORT`, or `connect+http1://` over HTTP/1.1, for one that speaks Connect alone; `http://HOST:PORT` for REST. `grpcs://`, `connects://` and `https://` for TLS.",
  ),
  schema: setting(
    schemaSource,
    "reflection",
    "Where the service's schema comes from: `reflection` (of gRPC and Connect upstreams over HTTP/2), `{protos, importPaths}`, `{descriptors}`, or `none`: then calls only pass through.",
  ),
  http2: setting(z.enum(["own", "node"]), "own", "The HTTP/2 engine: ours, or node:http2 to compare with."),
  plainErrors: setting(
    z.boolean(),
    false,
    "Leaves `google.rpc.ErrorInfo`, which names the reason, out of the gRPC, gRPC-Web and Connect errors that the proxy makes itself.",
  ),
  external: setting(
    z.boolean(),
    false,
    "Faces the outside: forwarding and internal headers are taken out, unsafe paths and header names refused; no docs and no reflection unless switched on.",
  ),
  docs: optional(z.boolean(), "Serves the live OpenAPI document and the docs page below `/.dragoman/`; on, unless `external`."),
  methodOverride: setting(
    z.boolean(),
    false,
    "Takes a REST POST as the method that `X-HTTP-Method-Override` names; where that has no body, a form is its query.",
  ),
  binding: setting(binding, {}, "How path, query and body of a REST request become its message."),
  json: setting(json, {}, "How REST prints and reads JSON; canonical ProtoJSON unless set."),
  stream: setting(
    streamForm,
    "array",
    "The form of a server stream for clients whose `Accept` leaves it open: a JSON array, a message a line, or server-sent events.",
  ),
  profiles: setting(
    profiles,
    {},
    "Named JSON settings, over `json`, that clients choose by the header `dragoman-profile` or by `Accept: application/json; profile=NAME`.",
  ),
  cors: optional(cors, "Lets pages of other origins call by gRPC-Web, Connect and REST; off unless set."),
  health: setting(
    z.enum(["own", "upstream"]),
    "own",
    "Who answers `grpc.health.v1.Health`: `own` tells whether calls reach the service, `upstream` passes the question through.",
  ),
  reflection: setting(
    z.enum(["auto", "own", "upstream", "off"]),
    "auto",
    "Who answers `grpc.reflection`: the service where its schema comes by reflection and else the proxy (`auto`; nobody if `external`), always one of them, or nobody.",
  ),
  websocket: setting(websocket, {}, "Calls over WebSocket."),
  queryToken: optional(
    z.string().check(z.regex(/^[A-Za-z][\w-]{0,63}$/, "expected the name of a query parameter such as access_token")),
    "Takes a bearer token from the query parameter of this name too, by whatever protocol; never unless set.",
  ),
  rules: setting(
    z.array(httpRule),
    [],
    "`google.api.HttpRule`s in the form of a service configuration, each in place of the annotations of its method.",
  ),
  tls: optional(tls, "Serves TLS 1.2 and later instead of clear text."),
  upstreamTls: optional(upstreamTls, "For `grpcs://`, `connects://` and `https://` upstreams."),
  upstreamHost: setting(
    z.enum(["caller", "upstream"]),
    "caller",
    "The `host` that `http://` and `https://` upstreams see in what is passed on as it is: what the caller asked for, or their own.",
  ),
  upstreamJson: setting(json, {}, "How JSON is printed for `http://` and `https://` upstreams; what they answer is read leniently."),
});

const inbound = inboundShape.check(({ value, issues }) => {
  if (value.schema === "reflection" && value.upstream.startsWith("connect+http1:"))
    issues.push({
      code: "custom",
      path: ["schema"],
      input: value.schema,
      message:
        "the schema cannot come by reflection, a stream in both directions, which HTTP/1.1 does not carry: pass --proto or --descriptors, or set {protos} or {descriptors}",
    });
});

const limits = z.strictObject({
  message: setting(size, "4MiB", "Largest message in either direction."),
  body: setting(size, "4MiB", "Largest request body that is held whole."),
  head: setting(size, "60KiB", "Largest request head: names and values."),
  headFields: setting(count, 100, "Most header fields of one request."),
  uri: setting(size, "8KiB", "Longest path with query."),
  streams: setting(count, 100, "Most concurrent HTTP/2 streams of one connection."),
  pipelined: setting(count, 64, "Most HTTP/1.1 requests that wait on one connection."),
  connections: setting(count, 20_000, "Most connections at a time; further ones are closed at once."),
  headTimeout: setting(duration, "10s", "Longest a request head may take to arrive."),
  bodyTimeout: setting(duration, "60s", "Longest silence while a body arrives or an answer is taken."),
  idleTimeout: setting(duration, "1h", "Longest life of a connection on which nothing happens."),
  writeHighWater: setting(size, "64KiB", "Answer bytes that may wait for one connection before reading from the upstream stops."),
  streamWindow: setting(size, "256KiB", "HTTP/2 receive window of a stream."),
  connectionWindow: setting(size, "1MiB", "HTTP/2 receive window of a connection."),
});

const admin = z.strictObject({
  listen: setting(
    z.union([z.literal("off"), hostPort]),
    "127.0.0.1:9901",
    "Where health, metrics and the rest of the admin pages are served; `off` for nowhere.",
  ),
  token: optional(
    z.string().check(z.minLength(16, "expected at least 16 characters")),
    "Bearer token; required where `listen` is not a loopback address. `DRAGOMAN_ADMIN_TOKEN` in the environment does the same.",
  ),
});

/** A policy's own configuration, or `false`: not here. (`true` and shorthands have been written out by then.) */
const policyShape = Object.fromEntries(
  policies.map(({ kind, config, enabled, summary }) => [
    kind,
    optional(enabled === "always" ? config : z.union([z.literal(false), config]), summary),
  ]),
);
const policySettings = z.strictObject(policyShape);
const methodSettings = z.strictObject({ ...policyShape, ...restOfMethod });

const methodPattern = /^(\*|([A-Za-z_]\w*\.)*([A-Za-z_]\w*\/(\*|[A-Za-z_]\w*)|\*))$/;
const methodName = z.string().check(z.regex(methodPattern, 'expected "package.Service/Method", "package.Service/*", "package.*" or "*"'));

const outbound = outboundSettings(policySettings, z.record(methodName, policySettings));

export const configSchema = z.strictObject({
  service: setting(text, "service", "The name of the service, for logs and metrics."),
  inbound: described(inbound, "The service beside us, and the listener through which others reach it."),
  outbound: optional(outbound, "The listener through which the service beside us calls others; none unless set."),
  policies: setting(policySettings, {}, "Policies for all methods; `false` switches one off."),
  methods: setting(
    z.record(methodName, methodSettings),
    {},
    "Policies, JSON and events of some methods: `package.Service/Method`, `package.Service/*`, `package.*`.",
  ),
  limits: setting(limits, {}, "What one caller may use up."),
  telemetry: setting(telemetry, {}, "What is told of calls, and to whom."),
  admin: setting(admin, {}, "The listener for operators."),
  drain: setting(duration, "30s", "How long calls may take to finish after SIGTERM."),
});

/** Settings by policy kind: false, or what the policy's schema accepted. */
export type PolicySettings = Readonly<Record<string, false | Readonly<Record<string, unknown>> | undefined>>;

type Parsed = z.output<typeof configSchema>;

/** The configuration as the runtime reads it: numbers with their unit in the key. Policies read their own part themselves. */
export type Config = WithUnits<Omit<Parsed, "policies" | "methods" | "outbound">> & {
  readonly outbound: OutboundConfig | undefined;
  readonly policies: PolicySettings;
  readonly methods: Readonly<Record<string, PolicySettings>>;
};

/** Off for calls that come in, unless it is asked for: there is but one host, and leaving it alone helps nobody (docs/decisions/0011). */
const offInbound: PolicySettings = { "circuit-breaker": false };

/** @param value what {@link configSchema} accepted */
export function toConfig(value: Parsed): Config {
  const { policies: forAll, methods, outbound: calls, ...rest } = value;
  const converted = withUnits(configSchema as unknown as z.ZodMiniType<typeof rest>, rest);
  // What a line says of REST is no policy's settings; runtime/table-options.ts reads it.
  return {
    ...converted,
    outbound: calls === undefined ? undefined : toOutboundConfig(calls),
    policies: { ...offInbound, ...forAll },
    methods: methods as unknown as Config["methods"],
  };
}
