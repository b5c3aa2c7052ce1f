/** What of the configuration shapes the method table: how REST is spoken, for the listener and for single methods. */
import { isDeepStrictEqual } from "node:util";
import { policiesFor } from "../config/method-policies.ts";
import { toSseSettings } from "../config/rest-settings.ts";
import type { Config, PolicySettings } from "../config/schema.ts";
import type { JsonProfile } from "../core/message-type.ts";
import type { BindingOptions, StreamFormName } from "../schema/binding/binding-options.ts";
import type { MethodTableOptions } from "../schema/method-table.ts";
import { Keep } from "../schema/percent-decoding.ts";

/** What a line of `methods` holds beside policies. */
interface MethodSettings {
  readonly json?: PolicySettings[string];
  readonly sse?: PolicySettings[string];
  readonly stream?: StreamFormName;
}

export function tableOptions(config: Config): MethodTableOptions {
  const { binding, json, profiles, rules, stream } = config.inbound;
  const { autoMapping, keepEscapes, ...switches } = binding;
  const multiSegmentKeep = keepEscapes === "slash" ? Keep.SLASH : Keep.RESERVED;
  return {
    autoMapping,
    binding: { ...switches, multiSegmentKeep, json, streamForm: stream, profiles: profiles as BindingOptions["profiles"] },
    bindingOf: (method) => {
      const { json: own, sse, stream: form } = policiesFor(config, method.path) as MethodSettings;
      return {
        ...(isSet(own) ? { json: { ...json, ...(own as Partial<JsonProfile>) } } : {}),
        ...(form === undefined ? {} : { streamForm: form }),
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
    inbound.stream,
    Object.entries(methods).map(([pattern, { json, sse, stream }]) => [pattern, json, sse, stream]),
  ];
  return isDeepStrictEqual(of(a), of(b));
}

function isSet<T>(value: T | false | undefined): value is T {
  return value !== undefined && value !== false;
}
