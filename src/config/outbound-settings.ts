/**
 * The listener through which the service beside us calls others, and what it may call.
 *
 * The trap: services stand under names that people choose, so their durations and sizes are turned into numbers one service at a time.
 */
import * as z from "zod/mini";
import { balancers } from "../upstream/balancers/index.ts";
import { described, duration, optional, setting, withUnits, type WithUnits } from "../policies/settings.ts";
import { hostPort, parseHostPort } from "./addresses.ts";
import type { Endpoint } from "../core/endpoint.ts";
import type { PolicySettings } from "./schema.ts";

const text = z.string().check(z.minLength(1, "expected a text that is not empty"));
const weight = z.int({ error: "expected a whole number" }).check(z.gte(1, "expected at least 1"), z.lte(1000, "expected at most 1000"));

const endpoint = z.union([
  hostPort,
  z.strictObject({
    address: hostPort,
    weight: optional(weight, "Its share of the calls against the others'; 1 unless set."),
    zone: optional(text, "Where it stands."),
  }),
]);

const hashBy = z
  .templateLiteral([z.enum(["header:", "cookie:"]), z.string().check(z.minLength(1))])
  .check(z.regex(/^(header|cookie):[!#$%&'*+.^`|~\w-]{1,128}$/, 'expected "header:NAME" or "cookie:NAME"'));

const balance = z.strictObject({
  kind: setting(z.enum(balancers.map(({ kind }) => kind)), "least-request", "How an endpoint is picked for each attempt."),
  hashBy: setting(
    z.union([z.literal("address"), hashBy]),
    "address",
    "`ring-hash`: what keeps to one endpoint; the caller's address, a header or a cookie.",
  ),
  zone: optional(text, "Endpoints of this zone come first, while they are enough."),
  slowStart: setting(duration, "30s", "How long a new endpoint takes to get its whole share."),
});

const tls = z.strictObject({
  ca: optional(text, "PEM file with the authorities to trust instead of the system's."),
  cert: optional(text, "PEM file with our certificate."),
  key: optional(text, "PEM file with its private key."),
  serverName: optional(text, "The name the certificates must hold."),
});

const reach = {
  protocol: setting(
    z.enum(["sidecar", "grpc", "grpcs", "http", "https", "connect", "connects", "connect+http1"]),
    "sidecar",
    "What its endpoints speak: `sidecar` is another Dragoman, which takes gRPC and plain HTTP; the others are as in `inbound.upstream`.",
  ),
  endpoints: optional(
    z.array(endpoint).check(z.minLength(1, "expected at least one endpoint")),
    "Where it listens: `HOST:PORT`, or with `weight` and `zone`.",
  ),
  dns: optional(
    hostPort,
    "A name and a port: all addresses of the name are endpoints, found out again and again. With `_grpc._tcp.NAME:0` SRV records are.",
  ),
  tls: optional(tls, "For endpoints that speak TLS."),
  balance: setting(balance, {}, "How calls are spread over the endpoints."),
};
const reachSchema = z.strictObject(reach);

const serviceName = z.string().check(z.regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, 'expected a name such as "payments"'));

/** @param policySettings the shape of `policies` @param methodSettings and of `methods`, of one line */
export function outboundSettings(policySettings: z.ZodMiniObject, methodSettings: z.ZodMiniType<Readonly<Record<string, PolicySettings>>>) {
  const service = z
    .strictObject({
      ...reach,
      policies: setting(policySettings, {}, "Policies for its methods, over `outbound.policies`."),
      methods: setting(methodSettings, {}, "Policies of some of its methods."),
    })
    .check((payload) => {
      const { endpoints, dns } = payload.value;
      if ((endpoints === undefined) === (dns === undefined))
        payload.issues.push({ code: "custom", message: "expected one of endpoints and dns", input: payload.value });
    });
  return z.strictObject({
    listen: described(hostPort, "Where the service beside us makes its calls, in any protocol: a loopback address."),
    policies: setting(policySettings, {}, "Policies for all calls that go out."),
    services: setting(
      z.record(serviceName, service),
      {},
      "What may be called, by name: `http://payments/...` through the listener, or the header `dragoman-service: payments`.",
    ),
  });
}

type ParsedOutbound = z.output<ReturnType<typeof outboundSettings>>;
type ParsedEndpoint = z.output<typeof endpoint>;

/** A service as the runtime reads it. */
export type OutboundServiceConfig = Omit<WithUnits<z.output<typeof reachSchema>>, "endpoints"> & {
  readonly endpoints: readonly Endpoint[] | undefined;
  readonly policies: PolicySettings;
  readonly methods: Readonly<Record<string, PolicySettings>>;
};

export interface OutboundConfig {
  readonly listen: string;
  readonly policies: PolicySettings;
  readonly services: Readonly<Record<string, OutboundServiceConfig>>;
}

export function toOutboundConfig({ listen, policies, services }: ParsedOutbound): OutboundConfig {
  const forAll = policies as PolicySettings;
  const entries = Object.entries(services).map(
    ([name, { policies: own, methods, endpoints, ...rest }]): [string, OutboundServiceConfig] => {
      const { endpoints: _none, ...converted } = withUnits(reachSchema, rest as z.output<typeof reachSchema>);
      return [name, { ...converted, endpoints: endpoints?.map(toEndpoint), policies: { ...forAll, ...(own as PolicySettings) }, methods }];
    },
  );
  return { listen, policies: forAll, services: Object.fromEntries(entries) };
}

function toEndpoint(given: ParsedEndpoint): Endpoint {
  if (typeof given === "string") return parseHostPort(given);
  const { address, ...rest } = given;
  return { ...parseHostPort(address), ...rest };
}
