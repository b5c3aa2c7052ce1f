/**
 * A service that is called through the outbound listener: its endpoints, found out again and again, and the policies of calls to it.
 *
 * The trap: it begins with the first call to it, so a sidecar keeps nothing of services that nobody here calls; that call waits for the first
 * answer of discovery.
 */
import { isSecure } from "../../config/addresses.ts";
import type { Config } from "../../config/schema.ts";
import type { OutboundServiceConfig } from "../../config/outbound-settings.ts";
import type { Handler } from "../../core/handler.ts";
import type { Method } from "../../core/method.ts";
import { createDnsDiscovery } from "../../discovery/dns.ts";
import type { Discovery } from "../../discovery/discovery.ts";
import { createStaticDiscovery } from "../../discovery/static.ts";
import type { Policy } from "../../policies/policy.ts";
import { isHttpMethod } from "../../protocols/http/http-call.ts";
import { balancers } from "../../upstream/balancers/index.ts";
import type { Balancer } from "../../upstream/balancers/balancer.ts";
import { ServiceCluster } from "../../upstream/service-cluster.ts";
import type { Connector } from "../connector.ts";
import type { Serving } from "../dispatch.ts";
import { Pipelines } from "../pipelines.ts";
import type { ProcessServices } from "../process-services.ts";
import { readClientTls, type ClientTls } from "../tls-files.ts";
import { attempting, tracingOf } from "../traced-upstream.ts";

export interface OutboundServiceOptions {
  readonly name: string;
  readonly config: Config;
  readonly settings: OutboundServiceConfig;
  readonly policies: readonly Policy[];
  readonly services: ProcessServices;
  readonly connect: Connector;
}

export class OutboundService {
  readonly serving: Serving;
  readonly cluster: ServiceCluster;
  private readonly options: OutboundServiceOptions;
  private readonly stopping = new AbortController();
  private readonly following: Promise<void>;

  /** @throws StartError when TLS files cannot be used, or a policy cannot be made */
  constructor(options: OutboundServiceOptions) {
    this.options = options;
    const { name, config, settings, policies, services, connect } = options;
    const { balance } = settings;
    const tlsOf = clientTlsOf(name, settings);
    const cluster = (this.cluster = new ServiceCluster({
      name,
      balancer: balancerOf(balance, services),
      clock: services.clock,
      random: services.random,
      connect: (endpoint) => connect(endpoint, tlsOf(endpoint.host)),
      drainMs: config.drainMs,
      slowStartMs: balance.slowStartMs,
      zone: balance.zone,
    }));
    const tracing = tracingOf(config, services);
    const traced = attempting({ scheme: settings.protocol, host: name, port: undefined }, services, tracing);
    const pipelines = new Pipelines({
      policies,
      config: settings,
      services: { ...services, tracing, retryBudget: services.retryBudgets.of(`outbound ${name}`) },
      target: (method) => traced(isHttpMethod(method) ? cluster.plainHttp : cluster.handler),
    });
    this.serving = {
      ...outboundCatalogue(config),
      plainHttp: speaksPlainHttp(settings.protocol),
      handlerOf: (method: Method): Handler => pipelines.handlerOf(method),
      observed: (innermost: Handler): Handler => pipelines.observed(innermost),
    };
    this.following = this.follow();
  }

  async drain(graceMs: number): Promise<void> {
    this.stopping.abort();
    await this.following;
    await this.cluster.drain(graceMs);
    await this.cluster.close();
  }

  private async follow(): Promise<void> {
    const { name, services } = this.options;
    try {
      for await (const endpoints of discoveryOf(this.options).watch(this.stopping.signal)) this.cluster.update(endpoints);
    } catch (error) {
      services.logger.error(`discovery of ${name} ended; its last endpoints stay in use`, { cause: error });
    }
  }
}

/** What holds for all services: there is no schema, so nothing is transcoded here. */
export function outboundCatalogue({ limits, inbound }: Config): Pick<Serving, "table" | "messageBytes" | "bodyBytes" | "websocket"> {
  return { table: undefined, messageBytes: limits.messageBytes, bodyBytes: limits.bodyBytes, websocket: inbound.websocket };
}

function discoveryOf({ name, settings, services }: OutboundServiceOptions): Discovery {
  const { endpoints, dns } = settings;
  if (dns === undefined) return createStaticDiscovery(endpoints ?? []);
  const colon = dns.lastIndexOf(":");
  const { clock, random, logger } = services;
  const onProblem = (message: string): void => logger.warn(`${name}: ${message}`);
  return createDnsDiscovery({ name: dns.slice(0, colon), port: Number(dns.slice(colon + 1)), clock, random, onProblem });
}

function balancerOf({ kind, hashBy }: OutboundServiceConfig["balance"], { random }: ProcessServices): Balancer {
  return balancers.find((spec) => spec.kind === kind)!.create({ hashBy }, random);
}

/** Files are read once, so that what is wrong with them is found before the first call; the name is the endpoint's own unless it is set. */
function clientTlsOf(name: string, { protocol, tls }: OutboundServiceConfig): (host: string) => ClientTls | undefined {
  if (tls === undefined && (protocol === "sidecar" || !isSecure({ scheme: protocol }))) return () => undefined;
  const material = readClientTls(`outbound.services.${name}.tls`, tls, name);
  return (host) => ({ ...material, servername: tls?.serverName ?? host });
}

function speaksPlainHttp(protocol: OutboundServiceConfig["protocol"]): boolean {
  return protocol === "sidecar" || protocol === "http" || protocol === "https";
}
