/**
 * What a policy is: a word, a configuration, and a layer made from it.
 *
 * The trap: `create` runs once per distinct configuration and the layer it returns is applied once per method, so state made in `create` is
 * shared by methods that are configured alike and gone after a reload; what must outlive a reload is handed in through {@link Services}.
 */
import type { Clock } from "../core/clock.ts";
import type { Handler, Layer } from "../core/handler.ts";
import type { Logger } from "../core/logger.ts";
import type { Random } from "../core/random.ts";
import type { RetryBudget } from "../core/retry-budget.ts";
import type { TimerWheel } from "../core/timer-wheel.ts";
import type { CallMetrics } from "../telemetry/call-metrics.ts";
import type { KeySources } from "../identity/key-sources.ts";
import type { HostBreakers } from "./circuit-breaker/host-breakers.ts";
import type { LineWriter } from "../telemetry/line-writer.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import type * as z from "zod/mini";
import { withUnits, type WithUnits } from "./settings.ts";

export { described, duration, optional, percent, setting, size } from "./settings.ts";

/** What lives as long as the process: policies are rebuilt on every reload, these are handed from one runtime to the next. */
export interface Services {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: Random;
  readonly metrics: CallMetrics;
  readonly timers: TimerWheel;
  /** The writer for a destination ("stdout", "stderr" or a path); the same one whenever the same destination is asked for. */
  readonly lines: (destination: string) => LineWriter;
  /** How calls are traced: as the configuration says, so anew with every reload. */
  readonly tracing: Tracing;
  /** The keys of issuers, by their address. */
  readonly keySources: KeySources;
  /** What further attempts may add to the load of the service whose calls these are; a reload keeps it. */
  readonly retryBudget: RetryBudget;
  /** The circuit breakers of hosts. */
  readonly breakers: HostBreakers;
  /** What reaches a server that a policy asks, by its address ("grpc://host:port"). @throws Error when there is no such address */
  readonly dial: (url: string) => Handler;
}

export interface PolicySpec<Config extends z.ZodMiniObject> {
  /** File name, configuration key, metric label and docs page. */
  readonly kind: string;
  /** Once per call, or once per attempt. */
  readonly scope: "call" | "attempt";
  readonly summary: string;
  /** "always": cannot be switched off; "default": on unless set to false; "opt-in": off unless configured. */
  readonly enabled: "always" | "default" | "opt-in";
  /** Also sees what is refused before it is a call of a method: an unknown path, a head that cannot be read. */
  readonly seesRefusals?: boolean;
  /** The key a bare value stands for: `timeout: 2s` is `timeout: {total: 2s}`. */
  readonly shorthand?: string;
  /** Settings that are paths of files: ["jwt", "jwks"]. Like all in a configuration file they are relative to it. (What holds "://" is none.) */
  readonly files?: readonly (readonly string[])[];
  /** Loads what only this policy needs. Done, where it is configured, before its settings are looked at and before `create`. */
  load?(): Promise<void>;
  readonly config: Config;
  create(config: WithUnits<z.output<Config>>, services: Services): Layer;
}

/** A policy as the runtime sees it: the type of its configuration is its own affair. */
export interface Policy {
  readonly kind: string;
  readonly scope: "call" | "attempt";
  readonly summary: string;
  readonly enabled: "always" | "default" | "opt-in";
  readonly seesRefusals: boolean;
  readonly shorthand: string | undefined;
  readonly files: readonly (readonly string[])[];
  load(): Promise<void>;
  readonly config: z.ZodMiniObject;
  /** @param value what `config` accepted, defaults filled in, durations and sizes still text. */
  create(value: Readonly<Record<string, unknown>>, services: Services): Layer;
}

export function definePolicy<Config extends z.ZodMiniObject>(spec: PolicySpec<Config>): Policy {
  const { kind, scope, summary, enabled, seesRefusals = false, shorthand, files = [], config } = spec;
  return {
    kind,
    scope,
    summary,
    enabled,
    seesRefusals,
    shorthand,
    files,
    load: async () => spec.load?.(),
    config,
    create: (value, services) =>
      spec.create(withUnits<z.output<Config>>(config as unknown as z.ZodMiniType<z.output<Config>>, value as z.output<Config>), services),
  };
}
