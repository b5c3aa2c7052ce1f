/**
 * B3, the trace headers of Zipkin: `b3` in one field or `x-b3-*` in several (openzipkin/b3-propagation).
 *
 * Three traps. A caller may leave the sampling decision to us ("defer"), or send a decision and no ids. The single field wins over the several.
 * And a trace id of 16 digits is the lower half of one of 32, and goes out as it came.
 */

/** Decision of whoever came before. */
export type B3State = "accept" | "deny" | "debug" | "defer";

export interface B3Context {
  /** 32 and 16 hex digits in lower case; undefined where only a decision was sent. */
  readonly ids: { readonly traceId: string; readonly spanId: string } | undefined;
  readonly state: B3State;
}

export const b3Names: ReadonlySet<string> = new Set([
  "b3",
  "x-b3-traceid",
  "x-b3-spanid",
  "x-b3-parentspanid",
  "x-b3-sampled",
  "x-b3-flags",
]);

const single = /^([0-9a-f]{16}|[0-9a-f]{32})-([0-9a-f]{16})(?:-([01d])(?:-[0-9a-f]{16})?)?$/i;
const traceIdForm = /^(?:[0-9a-f]{16}|[0-9a-f]{32})$/i;
const spanIdForm = /^[0-9a-f]{16}$/i;
const zeros = "0".repeat(32);
const states: Readonly<Record<string, B3State>> = { "0": "deny", "1": "accept", d: "debug", false: "deny", true: "accept" };

/** @param fields names (lower case) and values in turn. @returns undefined where no B3 field can be used */
export function readB3(fields: readonly string[]): B3Context | undefined {
  const value = onlyValue(fields, "b3");
  return (value === undefined ? undefined : readSingle(value)) ?? readMulti(fields);
}

function readSingle(text: string): B3Context | undefined {
  const alone = text.length === 1 ? states[text] : undefined;
  if (alone !== undefined) return { ids: undefined, state: alone };
  const [, traceId, spanId, state] = single.exec(text) ?? [];
  const ids = idsOf(traceId, spanId);
  return ids === undefined ? undefined : { ids, state: state === undefined ? "defer" : states[state.toLowerCase()]! };
}

function readMulti(fields: readonly string[]): B3Context | undefined {
  const debug = onlyValue(fields, "x-b3-flags") === "1";
  const sampled = onlyValue(fields, "x-b3-sampled");
  const state = debug ? "debug" : ((sampled === undefined ? undefined : states[sampled.toLowerCase()]) ?? "defer");
  const traceId = onlyValue(fields, "x-b3-traceid");
  const spanId = onlyValue(fields, "x-b3-spanid");
  const ids =
    traceId !== undefined && spanId !== undefined && traceIdForm.test(traceId) && spanIdForm.test(spanId)
      ? idsOf(traceId, spanId)
      : undefined;
  return ids === undefined && state === "defer" ? undefined : { ids, state };
}

function idsOf(traceId: string | undefined, spanId: string | undefined): B3Context["ids"] {
  if (traceId === undefined || spanId === undefined) return undefined;
  const ids = { traceId: traceId.toLowerCase().padStart(32, "0"), spanId: spanId.toLowerCase() };
  return ids.traceId === zeros || ids.spanId === zeros.slice(16) ? undefined : ids;
}

/** A field that came twice says nothing. */
function onlyValue(fields: readonly string[], name: string): string | undefined {
  let found: string | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] !== name) continue;
    if (found !== undefined) return undefined;
    found = fields[i + 1]!.trim();
  }
  return found;
}

/** What is sent on, beside the ids. */
export interface B3Sent {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly sampled: boolean;
  readonly debug: boolean;
}

const shortPrefix = "0".repeat(16);

function traceIdAsSent(traceId: string): string {
  return traceId.startsWith(shortPrefix) ? traceId.slice(16) : traceId;
}

/** The one field: "trace-span-state-parent". */
export function b3Single({ traceId, spanId, parentId, sampled, debug }: B3Sent): string {
  const context = `${traceIdAsSent(traceId)}-${spanId}-${debug ? "d" : sampled ? "1" : "0"}`;
  return parentId === undefined ? context : `${context}-${parentId}`;
}

/** The several fields, as a flat list. Debug implies the decision, which is then not sent. */
export function b3Multi({ traceId, spanId, parentId, sampled, debug }: B3Sent): string[] {
  const fields = ["x-b3-traceid", traceIdAsSent(traceId), "x-b3-spanid", spanId];
  if (parentId !== undefined) fields.push("x-b3-parentspanid", parentId);
  if (debug) fields.push("x-b3-flags", "1");
  else fields.push("x-b3-sampled", sampled ? "1" : "0");
  return fields;
}
