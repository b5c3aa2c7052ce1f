/**
 * The services that may be called through the outbound listener, each begun when it is first called.
 *
 * The trap: a reload makes all of them anew, and those that did not change hand their endpoints and connections on as a whole; only the others
 * are drained.
 */
import { isDeepStrictEqual } from "node:util";
import type { OutboundConfig, OutboundServiceConfig } from "../../config/outbound-settings.ts";
import type { Config } from "../../config/schema.ts";
import { CallError } from "../../core/call-error.ts";
import { didYouMean } from "../../core/nearest-name.ts";
import type { Policy } from "../../policies/policy.ts";
import type { RequestHead } from "../../wire/exchange.ts";
import { loadConnector, type Connector } from "../connector.ts";
import type { Serving } from "../dispatch.ts";
import { Pipelines } from "../pipelines.ts";
import type { ProcessServices } from "../process-services.ts";
import { tracingOf } from "../traced-upstream.ts";
import { outboundCatalogue, OutboundService } from "./outbound-service.ts";
import { targetName } from "./target-name.ts";

export interface OutboundServicesOptions {
  readonly config: Config & { readonly outbound: OutboundConfig };
  readonly policies: readonly Policy[];
  readonly services: ProcessServices;
  readonly previous?: OutboundServices | undefined;
}

export class OutboundServices {
  private readonly options: OutboundServicesOptions;
  private readonly connectors: ReadonlyMap<string, Connector>;
  /** What of a serving is the same for all services that are not known. */
  private readonly unknown: Pick<Serving, "handlerOf" | "observed">;
  private readonly called = new Map<string, OutboundService>();

  private constructor(options: OutboundServicesOptions, connectors: ReadonlyMap<string, Connector>) {
    const { config, services, policies, previous } = options;
    this.options = options;
    this.connectors = connectors;
    const { policies: forAll } = config.outbound;
    const pipelines = new Pipelines({
      policies,
      config: { policies: forAll, methods: {} },
      services: { ...services, tracing: tracingOf(config, services) },
      target: () => () => Promise.reject(new CallError("UNKNOWN_TARGET")),
    });
    this.unknown = { handlerOf: (method) => pipelines.handlerOf(method), observed: (innermost) => pipelines.observed(innermost) };
    for (const [name, service] of previous?.called ?? []) if (this.takesOver(name, previous!)) this.called.set(name, service);
  }

  /** @throws StartError when a service cannot be set up as it is configured */
  static async create(options: OutboundServicesOptions): Promise<OutboundServices> {
    const { config, services } = options;
    const { http2, upstreamJson: json } = config.inbound;
    const { messageBytes } = config.limits;
    const schemes = new Set(Object.values(config.outbound.services).map(({ protocol }) => protocol));
    const connectors = new Map<string, Connector>();
    for (const scheme of schemes) {
      const way = { scheme, http2, json, hostSeen: "caller", messageBytes, clock: services.clock, resolve: () => undefined } as const;
      connectors.set(scheme, await loadConnector(way));
    }
    return new OutboundServices(options, connectors);
  }

  /** What serves the request: the service that it names. */
  servingFor(head: RequestHead): Serving {
    const name = targetName(head);
    const known = this.called.get(name);
    if (known !== undefined) return known.serving;
    const settings = this.settingsOf(name);
    if (settings === undefined) return this.refusing(name);
    const { config, policies, services } = this.options;
    const service = new OutboundService({ name, config, settings, policies, services, connect: this.connectors.get(settings.protocol)! });
    this.called.set(name, service);
    return service.serving;
  }

  /** The services that have been called, for the admin pages. */
  get clusters(): readonly OutboundService["cluster"][] {
    return [...this.called.values()].map(({ cluster }) => cluster);
  }

  /** Lets calls finish and closes what `next` has not taken over. */
  async close(graceMs: number, next?: OutboundServices): Promise<void> {
    const leaving = [...this.called].filter(([name, service]) => next?.called.get(name) !== service);
    await Promise.all(leaving.map(([, service]) => service.drain(graceMs)));
  }

  private settingsOf(name: string): OutboundServiceConfig | undefined {
    const { services } = this.options.config.outbound;
    return Object.hasOwn(services, name) ? services[name] : undefined;
  }

  private takesOver(name: string, previous: OutboundServices): boolean {
    const of = (all: OutboundServices): unknown => [all.settingsOf(name), all.options.config.limits, all.options.config.telemetry];
    return this.settingsOf(name) !== undefined && isDeepStrictEqual(of(this), of(previous));
  }

  private refusing(name: string): Serving {
    const { config } = this.options;
    const names = Object.keys(config.outbound.services);
    const what = name === "" ? "the call names no service" : `no service ${JSON.stringify(name)} is known here${didYouMean(name, names)}`;
    return { ...outboundCatalogue(config), ...this.unknown, refusal: new CallError("UNKNOWN_TARGET", what) };
  }
}
