/**
 * A configuration as a running object: listener, pipelines, upstream; reloaded by swapping, ended by draining.
 *
 * The trap: a reload either takes effect as a whole or not at all. What cannot be changed while the port stays open (limits of the wire,
 * the HTTP/2 engine, TLS on or off) makes it fail and say so; the old configuration keeps running.
 */
import { isDeepStrictEqual } from "node:util";
import { parseHostPort } from "../config/addresses.ts";
import { formatHostPort } from "../core/endpoint.ts";
import type { Config } from "../config/schema.ts";
import type { Call } from "../core/call.ts";
import { CloseStack } from "../core/close-stack.ts";
import { policies } from "../policies/index.ts";
import type { LineWriter } from "../telemetry/line-writer.ts";
import type { CallMetrics } from "../telemetry/call-metrics.ts";
import { createInbounds } from "../protocols/index.ts";
import type { MethodTable } from "../schema/method-table.ts";
import type { UpstreamHost } from "../upstream/host.ts";
import type { ExchangeHandler } from "../wire/exchange.ts";
import type { WireLimits } from "../wire/limits.ts";
import { createListener, type Listener, type ListenerOptions, type ListenerStats } from "../wire/listener.ts";
import { createDispatcher, type Serving } from "./dispatch.ts";
import type { ExplainedRequest } from "./explain/explained-request.ts";
import type { Explanation } from "./explain/explanation.ts";
import { Generation } from "./generation.ts";
import { OwnAnswers, type OwnView } from "./own-answers.ts";
import type { ProcessServices } from "./process-services.ts";
import { createRequestHandler } from "./request-handler.ts";
import { hostView, type HostView } from "./host-view.ts";
import { StartError } from "./start-error.ts";
import type { Telemetry } from "./telemetry.ts";
import { readServerTls } from "./tls-files.ts";
import { writeMetrics } from "./write-metrics.ts";

/** What the admin pages may know of an upstream. */
interface ClusterView {
  /** The service's own name; "outbound/payments" for one that is called through the outbound listener. */
  readonly name: string;
  readonly upstream: string;
  readonly state: string;
  readonly reached: boolean;
  readonly activeStreams: number;
  readonly pendingStreams: number;
  readonly hosts: readonly HostView[];
  readonly schema: {
    readonly source: string;
    readonly hash: string | undefined;
    readonly methods: number;
    readonly problem: string | undefined;
  };
}

interface Readiness {
  readonly ready: boolean;
  /** Why not. */
  readonly reasons: readonly string[];
}

export interface Runtime {
  readonly config: Config;
  /** host:port of the inbound listener. */
  readonly address: string;
  /** host:port of the listener for calls that go out; undefined where there is none. */
  readonly outboundAddress: string | undefined;
  readonly table: MethodTable | undefined;
  readonly metrics: CallMetrics;
  readonly writers: Iterable<LineWriter>;
  /** Where spans go. */
  readonly telemetry: Telemetry;
  readonly reloads: { /** 1 at the start, one more with each reload. */ readonly version: number; readonly failures: number };
  listenerStats(): ListenerStats;
  clusters(): readonly ClusterView[];
  /** Ready: listening, not draining, the schema there (unless none is wanted), the upstream reached at least once. */
  readiness(): Readiness;
  /** What a request would meet, without serving it. @throws UnusableRequest */
  explain(request: ExplainedRequest): Promise<Explanation>;
  /** @throws StartError; the old configuration then keeps running. */
  reload(config: Config): Promise<void>;
  /** Takes no more, lets calls finish within `graceMs`. */
  drain(graceMs: number): Promise<void>;
  close(): Promise<void>;
}

/** @throws StartError */
export async function createRuntime(config: Config, services: ProcessServices): Promise<Runtime> {
  const stack = new CloseStack();
  const own = new OwnAnswers(services.clock);
  try {
    const runtime = new ServiceRuntime(services, own, await Generation.create({ config, policies, services, own }));
    stack.defer(() => runtime.closeUpstream());
    services.telemetry.measure((to, processMetrics) => writeMetrics(to, runtime, processMetrics));
    await services.telemetry.configure(config);
    await runtime.listen(stack);
    return runtime;
  } catch (error) {
    await stack.close();
    throw error;
  }
}

class ServiceRuntime implements Runtime {
  private readonly services: ProcessServices;
  private readonly own: OwnAnswers;
  private generation: Generation;
  private listener: Listener | undefined;
  private stack: CloseStack | undefined;
  private draining = false;
  readonly reloads = { version: 1, failures: 0 };
  private reloading: Promise<void> = Promise.resolve();
  /** Generations that were replaced and still have calls under way. */
  private readonly leaving = new Set<Promise<void>>();
  private readonly handler: ExchangeHandler;
  private readonly outboundHandler: ExchangeHandler;
  private outboundListener: Listener | undefined;

  constructor(services: ProcessServices, own: OwnAnswers, generation: Generation) {
    this.services = services;
    this.own = own;
    this.generation = generation;
    own.attach(this.ownView);
    const { logger } = services;
    const serving = (): Serving => this.generation.serving;
    const inbounds = createInbounds();
    const onFault = (cause: unknown, call: Call): void =>
      logger.error("an answer could not be written for a reason of our own", { id: call.id, method: call.method.path, cause });
    const dispatch = createDispatcher({ inbounds, serving, onFault });
    this.outboundHandler = createDispatcher({ inbounds, serving: (head) => this.generation.outbound!.servingFor(head), onFault });
    this.handler = createRequestHandler({ dispatch, serving, config: () => this.config, logger });
  }

  /** What health and reflection tell of. */
  private get ownView(): OwnView {
    return {
      serving: async () => this.readiness().ready && (await this.generation.reaches()),
      services: () => this.table?.schema.services.map(({ name }) => name) ?? [],
      schema: () => this.table?.schema,
      leaving: () => this.draining,
    };
  }

  get config(): Config {
    return this.generation.config;
  }

  get address(): string {
    return formatHostPort(this.listener!.address);
  }

  get outboundAddress(): string | undefined {
    return this.outboundListener === undefined ? undefined : formatHostPort(this.outboundListener.address);
  }

  get table(): MethodTable | undefined {
    return this.generation.serving.table;
  }

  get metrics(): CallMetrics {
    return this.services.metrics;
  }

  get telemetry(): Telemetry {
    return this.services.telemetry;
  }

  get writers(): Iterable<LineWriter> {
    return this.services.writers.values();
  }

  async listen(stack: CloseStack): Promise<void> {
    this.stack = stack;
    this.listener = await this.open(this.config);
    stack.defer(() => this.listener!.close());
    this.outboundListener = await this.openOutbound(this.config);
    stack.defer(() => this.outboundListener?.close());
  }

  listenerStats(): ListenerStats {
    return this.listener!.stats();
  }

  clusters(): readonly ClusterView[] {
    const { cluster, host, outbound, watch, config, upstreamReached } = this.generation;
    const { breakers, clock } = this.services;
    const viewsOf = (hosts: readonly UpstreamHost[]): HostView[] => hosts.map((one) => hostView(one, breakers.stateOf(one), clock.nowMs()));
    const methods = watch?.table?.schema.services.reduce((sum, service) => sum + service.methods.length, 0) ?? 0;
    return [
      {
        name: config.service,
        upstream: config.inbound.upstream,
        state: cluster.state,
        reached: upstreamReached,
        activeStreams: cluster.activeStreams,
        pendingStreams: cluster.pendingStreams,
        hosts: viewsOf([host]),
        schema: { source: watch?.kind ?? "none", hash: watch?.table?.schema.hash, methods, problem: watch?.problem?.message },
      },
      ...(outbound?.clusters ?? []).map(({ name, state, activeStreams, pendingStreams, hosts }) => ({
        name: `outbound/${name}`,
        upstream: `${config.outbound!.services[name]!.protocol}://${name}`,
        state,
        reached: state === "ready",
        activeStreams,
        pendingStreams,
        hosts: viewsOf(hosts.hosts),
        // Nothing is transcoded on the way out.
        schema: { source: "none", hash: undefined, methods: 0, problem: undefined },
      })),
    ];
  }

  readiness(): Readiness {
    const reasons: string[] = [];
    if (this.draining) reasons.push("draining");
    const { watch, upstreamReached, config } = this.generation;
    if (watch !== undefined && watch.table === undefined) reasons.push(watch.problem?.message ?? "the schema is not loaded yet");
    if (!upstreamReached && reasons.length === 0) reasons.push(`upstream ${config.inbound.upstream} has not been reached yet`);
    return { ready: reasons.length === 0, reasons };
  }

  async explain(request: ExplainedRequest): Promise<Explanation> {
    const { explainRequest } = await import("./explain/explain-request.ts");
    const { config, serving, pipelines, cluster } = this.generation;
    return explainRequest(request, { config, catalogue: serving, inbounds: createInbounds(), pipelines, upstreamState: cluster.state });
  }

  reload(config: Config): Promise<void> {
    // One at a time: two signals in a row must not build on the same predecessor.
    const reloaded = this.reloading.then(() => this.replace(config));
    this.reloading = reloaded.then(
      () => void this.reloads.version++,
      () => void this.reloads.failures++,
    );
    return reloaded;
  }

  async drain(graceMs: number): Promise<void> {
    this.draining = true;
    // What others have begun here may need calls to finish, so the way out stays open until they have.
    await this.listener!.drain(graceMs);
    await this.outboundListener?.drain(graceMs);
  }

  async close(): Promise<void> {
    this.draining = true;
    await this.reloading;
    await this.stack?.close();
  }

  async closeUpstream(): Promise<void> {
    await this.generation.close(0);
    await Promise.all(this.leaving);
  }

  private async replace(config: Config): Promise<void> {
    if (this.draining) throw new StartError("start", "the process is shutting down");
    const previous = this.generation;
    const old = previous.config;
    const moves = config.inbound.listen !== old.inbound.listen;
    if (!moves) refuseFixed(old, config);
    const tls = config.inbound.tls === undefined ? undefined : readServerTls(config.inbound.tls);
    const next = await Generation.create({ config, policies: [...policies], services: this.services, previous, own: this.own });
    const replaced: (Listener | undefined)[] = [];
    try {
      const outbound = config.outbound?.listen === old.outbound?.listen ? this.outboundListener : await this.openOutbound(config);
      if (moves) {
        replaced.push(this.listener);
        this.listener = await this.open(config).catch(async (error: unknown) => {
          if (outbound !== this.outboundListener) await outbound?.close();
          throw error;
        });
      } else if (tls !== undefined) this.listener!.setTls(tls);
      if (outbound !== this.outboundListener) replaced.push(this.outboundListener);
      this.outboundListener = outbound;
    } catch (error) {
      previous.resume();
      await next.close(0, previous);
      throw error;
    }
    this.generation = next;
    await this.services.telemetry.configure(config);
    this.leave(config.drainMs, previous, next, replaced);
  }

  private leave(graceMs: number, previous: Generation, next: Generation, listeners: readonly (Listener | undefined)[]): void {
    const left = (async () => {
      for (const listener of listeners) await listener?.drain(graceMs);
      await previous.close(graceMs, next);
    })().catch((error: unknown) => this.services.logger.error("the old configuration did not close cleanly", { cause: error }));
    this.leaving.add(left);
    void left.then(() => this.leaving.delete(left));
  }

  private open(config: Config): Promise<Listener> {
    const { listen, tls } = config.inbound;
    const options = {
      handler: this.handler,
      tls: tls === undefined ? undefined : readServerTls(tls),
      remedy: "--listen or inbound.listen",
    };
    return this.listenOn(listen, config, options);
  }

  private openOutbound(config: Config): Promise<Listener | undefined> {
    if (config.outbound === undefined) return Promise.resolve(undefined);
    return this.listenOn(config.outbound.listen, config, { handler: this.outboundHandler, remedy: "--outbound or outbound.listen" });
  }

  /** @param remedy where another address can be chosen. @throws StartError */
  private async listenOn(
    address: string,
    { inbound, limits }: Config,
    { remedy, ...options }: Pick<ListenerOptions, "handler" | "tls"> & { readonly remedy: string },
  ): Promise<Listener> {
    const { clock, logger } = this.services;
    const { http2 } = inbound;
    try {
      return await createListener({
        ...parseHostPort(address),
        ...options,
        limits: wireLimits(limits),
        clock,
        logger,
        http2,
        maxConnections: limits.connections,
      });
    } catch (error) {
      throw new StartError("start", `${(error as Error).message}: choose another with ${remedy}`, { cause: error });
    }
  }
}

/** What the listener was made with and cannot change. */
function refuseFixed(old: Config, next: Config): void {
  const fixed: string[] = [];
  if (!isDeepStrictEqual({ ...old.limits, messageBytes: 0 }, { ...next.limits, messageBytes: 0 })) fixed.push("limits");
  if (old.inbound.http2 !== next.inbound.http2) fixed.push("inbound.http2");
  if ((old.inbound.tls === undefined) !== (next.inbound.tls === undefined)) fixed.push("inbound.tls (on or off)");
  else if (asksClients(old) !== asksClients(next)) fixed.push("inbound.tls.clientCertificate");
  if (!isDeepStrictEqual(old.admin, next.admin)) fixed.push("admin");
  if (fixed.length > 0) throw new StartError("config", `${fixed.join(" and ")} cannot change while the port stays open: restart instead`);
}

/** Whether clients are asked for a certificate, and must show one. */
function asksClients({ inbound: { tls } }: Config): string {
  return tls?.clientCa === undefined ? "never" : tls.clientCertificate;
}

function wireLimits({ messageBytes: _message, connections: _connections, ...limits }: Config["limits"]): WireLimits {
  return limits;
}
