/**
 * Which calls the proxy answers itself instead of the service behind: health and reflection, as the configuration has it.
 *
 * The trap: this lives as long as the process and outlives configurations, because a caller may watch health for days. What it tells of is
 * whatever is served at the moment.
 */
import type { Config } from "../config/schema.ts";
import { CallError } from "../core/call-error.ts";
import type { Clock } from "../core/clock.ts";
import type { Handler } from "../core/handler.ts";
import { HealthService, type HealthView } from "../own-services/health.ts";
import { ownSchema } from "../own-services/own-schema.ts";
import { ReflectionService } from "../own-services/reflection.ts";
import type { Schema } from "../schema/descriptor.ts";
import { createMethodTable, type MethodTable } from "../schema/method-table.ts";
import type { ReflectionVersion } from "../schema/sources/reflection-stream.ts";

/** What the answers tell of. */
export interface OwnView extends HealthView {
  schema(): Schema | undefined;
}

/** The service behind, as far as the choice depends on it. */
export interface ReflectedUpstream {
  readonly handler: Handler;
  /** Whether its own reflection is to be preferred to ours. */
  speaks(version: ReflectionVersion): boolean | Promise<boolean>;
}

const unavailable: Handler = () => {
  throw new CallError("UNKNOWN_METHOD");
};

export class OwnAnswers {
  private made: MethodTable | undefined;
  private readonly health: HealthService;
  private readonly reflection: ReflectionService;
  private view: OwnView | undefined;

  constructor(clock: Clock) {
    const view: HealthView = {
      serving: () => this.view?.serving() ?? Promise.resolve(false),
      services: () => this.view?.services() ?? [],
      leaving: () => this.view?.leaving() ?? false,
    };
    this.health = new HealthService(view, clock);
    this.reflection = new ReflectionService(() => this.view?.schema());
  }

  /** Methods that are answered here, for callers whose protocol needs their types. Made when first asked for: it is 1 MB that few need. */
  get table(): MethodTable {
    return (this.made ??= createMethodTable(ownSchema(), { autoMapping: true }));
  }

  attach(view: OwnView): void {
    this.view = view;
  }

  /** Undefined: the service behind is asked. @param path "/grpc.health.v1.Health/Check" */
  handlerOf(path: string, { inbound }: Pick<Config, "inbound">, upstream: ReflectedUpstream): Handler | undefined {
    switch (path) {
      case "/grpc.health.v1.Health/Check":
        return inbound.health === "own" ? (call) => this.health.check(call) : undefined;
      case "/grpc.health.v1.Health/Watch":
        return inbound.health === "own" ? (call) => this.health.watch(call) : undefined;
      case "/grpc.health.v1.Health/List":
        return inbound.health === "own" ? (call) => this.health.list(call) : undefined;
      case "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo":
        return this.reflectionOf("v1", inbound, upstream);
      case "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo":
        return this.reflectionOf("v1alpha", inbound, upstream);
      default:
        return undefined;
    }
  }

  private reflectionOf(
    version: ReflectionVersion,
    { reflection: setting, external }: Config["inbound"],
    upstream: ReflectedUpstream,
  ): Handler | undefined {
    if (setting === "upstream") return undefined;
    if (setting === "off" || (setting === "auto" && external)) return unavailable;
    const own: Handler = (call) => this.reflection.answer(call);
    if (setting === "own") return own;
    return async (call) => ((await upstream.speaks(version)) ? upstream.handler(call) : own(call));
  }
}
