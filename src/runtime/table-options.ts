/** What of the configuration shapes the method table: how REST is spoken, for the listener and for single methods. */
import { isDeepStrictEqual } from "node:util";
import { policiesFor } from "../config/method-policies.ts";
import { toSseSettings } from "../config/rest-settings.ts";
import type { Config } from "../config/schema.ts";
import type { JsonProfile } from "../core/message-type.ts";
import type { BindingOptions } from "../schema/binding/binding-options.ts";
import type { MethodTableOptions } from "../schema/method-table.ts";
import { Keep } from "../schema/percent-decoding.ts";

export function tableOptions(config: Config): MethodTableOptions {
  const { binding, json, profiles, rules } = config.inbound;
  const { autoMapping, keepEscapes, ...switches } = binding;
  const multiSegmentKeep = keepEscapes === "slash" ? Keep.SLASH : Keep.RESERVED;
  return {
    autoMapping,
    binding: { ...switches, multiSegmentKeep, json, profiles: profiles as BindingOptions["profiles"] },
    bindingOf: (method) => {
      const { json: own, sse } = policiesFor(config, method.path);
      return {
        ...(isSet(own) ? { json: { ...json, ...(own as Partial<JsonProfile>) } } : {}),
        ...(isSet(sse) ? { events: toSseSettings(sse) } : {}),
      };
    },
    rules,
  };
}

/** Whether two configurations make the same table of a schema. */
export function sameTable(a: Config, b: Config): boolean {
  const of = ({ inbound, methods }: Config): unknown => [
    inbound.binding,
    inbound.json,
    inbound.profiles,
    inbound.rules,
    Object.entries(methods).map(([pattern, { json, sse }]) => [pattern, json, sse]),
  ];
  return isDeepStrictEqual(of(a), of(b));
}

function isSet<T>(value: T | false | undefined): value is T {
  return value !== undefined && value !== false;
}
