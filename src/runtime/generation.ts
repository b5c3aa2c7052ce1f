/**
 * Everything one configuration stands for, from upstream to pipelines; a reload makes the next one and swaps.
 *
 * The trap: what callers and upstream would notice is handed on (the upstream's connections when the upstream is the same, the schema when
 * its source is), and so a generation must not close what its successor has taken.
 */
import { isDeepStrictEqual } from "node:util";
import { parseUpstream, type HostPort } from "../config/addresses.ts";
import type { Config } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import type { Handler } from "../core/handler.ts";
import type { MessageType } from "../core/message-type.ts";
import type { Method } from "../core/method.ts";
import { httpMethodPaths, isHttpMethod } from "../protocols/http/http-call.ts";
import { passedOnMethod } from "../protocols/websocket/relay/upgrade-call.ts";
import { ownMethodPaths } from "../own-services/own-schema.ts";
import type { Policy } from "../policies/policy.ts";
import type { MethodTable } from "../schema/method-table.ts";
import type { Cluster } from "../upstream/cluster.ts";
import { UpstreamHost } from "../upstream/host.ts";
import { toOneHost } from "../upstream/one-host.ts";
import { catalogueOf } from "./catalogue.ts";
import type { Serving } from "./dispatch.ts";
import type { OutboundServices } from "./outbound/outbound-services.ts";
import type { OwnAnswers } from "./own-answers.ts";
import { Pipelines } from "./pipelines.ts";
import { attempting, tracingOf } from "./traced-upstream.ts";
import type { ProcessServices } from "./process-services.ts";
import { createSchemaSource, SchemaWatch } from "./schema-watch.ts";
import { StartError } from "./start-error.ts";
import { sameTable, tableOptions } from "./table-options.ts";
import { createUpstream } from "./upstream-client.ts";
import { UpstreamHealth } from "./upstream-health.ts";
import { probeUntilReached } from "./upstream-probe.ts";
import { UpstreamReflection } from "./upstream-reflection.ts";

const firstSchemaWaitMs = 3000;

/** The upstream with what was learnt from it; handed on as a whole. */
class Hop {
  readonly cluster: Cluster;
  /** The account of attempts at it. */
  readonly host: UpstreamHost;
  readonly health: UpstreamHealth;
  readonly reflection: UpstreamReflection;
  readonly stopping = new AbortController();
  watch: SchemaWatch | undefined;
  /** The upstream has answered, or accepted a connection, at least once. */
  reached = false;
  onTable: (table: MethodTable) => void = () => {};

  constructor(cluster: Cluster, upstream: HostPort, clock: Clock) {
    this.cluster = cluster;
    const { host, port } = upstream;
    this.host = new UpstreamHost({ host, port }, { connection: cluster, joinedAtMs: -Infinity, slowStartMs: 0 });
    this.health = new UpstreamHealth(cluster, upstream, clock);
    this.reflection = new UpstreamReflection({ handler: cluster.handler, clock, watch: () => this.watch });
  }

  carrierOf(method: Method): Handler {
    return (isHttpMethod(method) ? this.cluster.plainHttp : undefined) ?? this.cluster.handler;
  }

  async close(graceMs: number): Promise<void> {
    this.stopping.abort();
    await this.watch?.close();
    await this.cluster.drain(graceMs);
    await this.cluster.close();
  }
}

export interface GenerationOptions {
  readonly config: Config;
  readonly policies: readonly Policy[];
  readonly services: ProcessServices;
  readonly previous?: Generation | undefined;
  /** What the proxy answers itself. */
  readonly own?: OwnAnswers | undefined;
}

export class Generation {
  readonly config: Config;
  readonly pipelines: Pipelines;
  /** What the service beside us may call; undefined where it calls nobody through us. */
  readonly outbound: OutboundServices | undefined;
  private readonly hop: Hop;
  private readonly services: ProcessServices;
  private readonly own: OwnAnswers | undefined;
  private current: Serving;

  private constructor(options: GenerationOptions, hop: Hop, outbound: OutboundServices | undefined) {
    this.config = options.config;
    this.outbound = outbound;
    this.services = options.services;
    this.hop = hop;
    this.own = options.own;
    const tracing = tracingOf(options.config, options.services);
    const traced = attempting(parseUpstream(options.config.inbound.upstream), options.services, tracing);
    this.pipelines = new Pipelines({
      ...options,
      services: {
        ...options.services,
        tracing,
        retryBudget: options.services.retryBudgets.of(`inbound ${options.config.inbound.upstream}`),
      },
      target: (method) => traced(toOneHost(hop.host, hop.carrierOf(method), options.services.clock)),
      own: (method) => options.own?.handlerOf(method.path, options.config, hop.reflection),
    });
    this.current = this.serve(hop.watch?.table);
  }

  /**
   * Builds everything and waits a moment for the first schema, so that the first request finds it.
   * @throws StartError, and then nothing of it is left
   */
  static async create(options: GenerationOptions): Promise<Generation> {
    const { config, services, previous } = options;
    const adopted = previous !== undefined && sameHop(previous.config, config);
    const hop = adopted ? previous.hop : await openHop(config, services);
    try {
      const outbound = await openOutbound(options);
      const generation = new Generation(options, hop, outbound);
      generation.resume();
      if (hop.watch === undefined) generation.nameMethods([]);
      if (!adopted) await generation.waitForSchema(previous !== undefined);
      return generation;
    } catch (error) {
      if (!adopted) await hop.close(0);
      throw error instanceof StartError ? error : new StartError("config", (error as Error).message, { cause: error });
    }
  }

  get serving(): Serving {
    return this.current;
  }

  get cluster(): Cluster {
    return this.hop.cluster;
  }

  /** The service behind us, with the account of attempts at it. */
  get host(): UpstreamHost {
    return this.hop.host;
  }

  get watch(): SchemaWatch | undefined {
    return this.hop.watch;
  }

  get upstreamReached(): boolean {
    return this.hop.reached;
  }

  /** Whether a call would reach the upstream now. */
  reaches(): boolean | Promise<boolean> {
    return this.hop.health.reaches();
  }

  /** Lets calls to the upstream finish and closes it, unless `next` has taken it over. */
  async close(graceMs: number, next?: Generation): Promise<void> {
    await Promise.all([this.outbound?.close(graceMs, next?.outbound), next?.hop === this.hop ? undefined : this.hop.close(graceMs)]);
  }

  /** Takes the schema's news again, after a successor that was to take over could not. */
  resume(): void {
    this.hop.onTable = (table) => this.adopt(table);
  }

  private serve(table: MethodTable | undefined): Serving {
    const { pipelines, config, own } = this;
    return {
      ...catalogueOf(config, table),
      get own() {
        return own?.table;
      },
      handlerOf: (method: Method): Handler => pipelines.handlerOf(method),
      observed: (innermost: Handler): Handler => pipelines.observed(innermost),
    };
  }

  private adopt(table: MethodTable): void {
    const { logger } = this.services;
    const methods = table.schema.services.flatMap((service) => service.methods);
    this.nameMethods(methods);
    this.hop.reached ||= this.hop.watch?.kind === "reflection";
    this.current = this.serve(table);
    logger.info("schema loaded", { source: this.hop.watch?.kind, hash: table.schema.hash.slice(0, 12), methods: methods.length });
    for (const problem of table.problems) logger.warn(problem.message, { methods: problem.methods, template: problem.template });
  }

  /** These have labels of their own in metrics, and what is answered here or passed on as plain HTTP. */
  private nameMethods(methods: readonly Method[]): void {
    const paths = methods.map((method) => method.path);
    this.services.metrics.setKnown(new Set([...paths, ...ownMethodPaths, ...httpMethodPaths, passedOnMethod.path]));
  }

  private async waitForSchema(isReload: boolean): Promise<void> {
    const { services } = this;
    const { watch } = this.hop;
    if (watch === undefined) return;
    if (watch.table !== undefined) this.adopt(watch.table);
    const waited = new Promise<void>((resolve) => services.clock.after(firstSchemaWaitMs, resolve));
    await Promise.race([watch.first, waited]);
    if (watch.failure !== undefined) throw new StartError("config", watch.failure.message, { cause: watch.failure });
    // At the start nothing is lost by saying so and stopping; later the upstream may be away or changed for a while.
    if (watch.problem?.fatal === true && watch.table === undefined && !isReload) throw new StartError("start", watch.problem.message);
  }
}

function sameHop(a: Config, b: Config): boolean {
  const of = ({ inbound, limits }: Config): unknown => [
    inbound.upstream,
    inbound.upstreamTls,
    inbound.upstreamJson,
    inbound.upstreamHost,
    inbound.schema,
    inbound.http2,
    limits.messageBytes,
  ];
  return isDeepStrictEqual(of(a), of(b)) && sameTable(a, b);
}

async function openOutbound({ config, policies, services, previous }: GenerationOptions): Promise<OutboundServices | undefined> {
  const { outbound } = config;
  if (outbound === undefined) return undefined;
  // Loaded only where calls go out this way.
  const { OutboundServices: Opened } = await import("./outbound/outbound-services.ts");
  return Opened.create({ config: { ...config, outbound }, policies, services, previous: previous?.outbound });
}

async function openHop(config: Config, services: ProcessServices): Promise<Hop> {
  const { clock, logger } = services;
  const resolve = (name: string): MessageType | undefined => hop.watch?.table?.schema.message(name);
  const hop: Hop = new Hop(await createUpstream(config, clock, resolve), parseUpstream(config.inbound.upstream), clock);
  const { upstream, schema } = config.inbound;
  const source = await createSchemaSource(schema, {
    upstream,
    handler: hop.cluster.handler,
    clock,
    onProblem: (problem) => {
      hop.watch?.report(problem);
      logger.warn(problem.message);
    },
  });
  if (source !== undefined)
    hop.watch = new SchemaWatch({ source, tableOptions: tableOptions(config), onTable: (table) => hop.onTable(table) });
  // Reflection finds out by itself; for the other sources nobody has spoken to the upstream yet.
  if (source?.kind !== "reflection") {
    const { host, port } = parseUpstream(upstream);
    const onFailure = (): void => logger.warn(`upstream ${upstream} cannot be reached; trying again`);
    void probeUntilReached(host, port, { clock, signal: hop.stopping.signal, onFailure }).then((reached) => (hop.reached ||= reached));
  }
  return hop;
}
