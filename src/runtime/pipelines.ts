/**
 * The handler of each method: the policies that are on for it, composed once around the upstream. A policy that is off is not there.
 * Those of a call stand around those of an attempt, so that trying again runs through the latter once more.
 *
 * The trap: composing is done when a method is first called, and remembered by the method itself; methods the schema does not know are
 * remembered up to a bound, because callers make up their names.
 */
import { compose, type Handler, type Layer } from "../core/handler.ts";
import type { Method } from "../core/method.ts";
import { policiesFor } from "../config/method-policies.ts";
import type { Config, PolicySettings } from "../config/schema.ts";
import type { Policy, Services } from "../policies/policy.ts";

const longestMemory = 4096;

export interface PipelinesOptions {
  readonly policies: readonly Policy[];
  readonly config: Pick<Config, "policies" | "methods">;
  readonly services: Services;
  /** What carries a call of the method out. */
  readonly target: (method: Method) => Handler;
  /** What answers a method instead of the target, without any attempt. */
  readonly own?: ((method: Method) => Handler | undefined) | undefined;
}

export class Pipelines {
  private readonly options: PipelinesOptions;
  /** By policy kind and settings: methods configured alike share a layer's state. */
  private readonly layers = new Map<string, Layer>();
  private readonly refusalLayers: readonly Layer[];
  private readonly handlers = new Map<Method, Handler>();
  private readonly perCall: readonly Policy[];
  private readonly perAttempt: readonly Policy[];
  private lastMethod: Method | undefined;
  private lastHandler: Handler | undefined;

  /** Makes the layers of every line of the configuration, so that what cannot be made fails here and not in a call. */
  constructor(options: PipelinesOptions) {
    this.options = options;
    const { policies, config } = options;
    this.perCall = policies.filter(({ scope }) => scope === "call");
    this.perAttempt = policies.filter(({ scope }) => scope === "attempt");
    this.refusalLayers = this.layersOf(
      policies.filter((policy) => policy.seesRefusals),
      config.policies,
    );
    for (const settings of [config.policies, ...Object.values(config.methods)]) this.layersOf(policies, settings);
  }

  handlerOf(method: Method): Handler {
    if (method === this.lastMethod) return this.lastHandler!;
    let handler = this.handlers.get(method);
    if (handler === undefined) {
      handler = this.composed(method);
      if (this.handlers.size < longestMemory) this.handlers.set(method, handler);
    }
    this.lastMethod = method;
    this.lastHandler = handler;
    return handler;
  }

  /** The layers that also see refusals, around `innermost`. */
  observed(innermost: Handler): Handler {
    return compose(this.refusalLayers, innermost);
  }

  /** The layers that a call of the method at `path` runs through, outermost first; undefined: those of a refusal that has no method. */
  describe(path: string | undefined): readonly { readonly kind: string; readonly settings: Readonly<Record<string, unknown>> }[] {
    const { policies, config } = this.options;
    const given = path === undefined ? config.policies : policiesFor(config, path);
    const asked = path === undefined ? policies.filter((policy) => policy.seesRefusals) : policies;
    return asked.flatMap((policy) => {
      const settings = settingsOf(policy, given);
      return settings === undefined ? [] : [{ kind: policy.kind, settings }];
    });
  }

  /** Calls of the method do not go to the target, or not as a rule. */
  answersItself(method: Method): boolean {
    return this.options.own?.(method) !== undefined;
  }

  private composed(method: Method): Handler {
    const { config, target, own } = this.options;
    const settings = policiesFor(config, method.path);
    const answer = own?.(method) ?? compose(this.layersOf(this.perAttempt, settings), target(method));
    return compose(this.layersOf(this.perCall, settings), answer);
  }

  private layersOf(policies: readonly Policy[], settings: PolicySettings): Layer[] {
    const layers: Layer[] = [];
    for (const policy of policies) {
      const value = settingsOf(policy, settings);
      if (value !== undefined) layers.push(this.layerOf(policy, value));
    }
    return layers;
  }

  private layerOf(policy: Policy, value: Readonly<Record<string, unknown>>): Layer {
    const key = `${policy.kind} ${JSON.stringify(value)}`;
    let layer = this.layers.get(key);
    if (layer === undefined) this.layers.set(key, (layer = policy.create(value, this.options.services)));
    return layer;
  }
}

/** What `policy` is to be made with; undefined when it is off. */
function settingsOf(policy: Policy, settings: PolicySettings): Readonly<Record<string, unknown>> | undefined {
  const given = settings[policy.kind];
  if (given === false) return undefined;
  if (given !== undefined) return given;
  return policy.enabled === "opt-in" ? undefined : policy.config.parse({});
}
