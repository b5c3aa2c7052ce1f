/** The layer of `authorize`: its variables, and what follows from the expressions. Only what they read is made for a call. */
import type { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import type { CallerTls } from "../../core/caller.ts";
import type { Handler, Layer } from "../../core/handler.ts";
import type { Metadata } from "../../core/metadata.ts";
import { PrincipalSlot, type Principal } from "../../core/principal.ts";
import { celValue, ExpressionFailure, ExpressionFault, Expressions, type Expression } from "../../expressions/expression.ts";
import { identityOf } from "../../identity/certificate-identity.ts";
import { LimitedLog } from "../../telemetry/limited-log.ts";
import type { Services } from "../policy.ts";

const expressions = new Expressions({
  principal: "string",
  kind: "string",
  claims: "map<string, dyn>",
  method: "string",
  service: "string",
  protocol: "string",
  metadata: "map<string, string>",
  source: { address: "string", identity: "string" },
});

interface Settings {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly shadow: boolean;
}

/** What is wrong with an expression; undefined when it can be used. */
export function faultOf(source: string): string | undefined {
  try {
    expressions.compile(source, "bool");
    return undefined;
  } catch (error) {
    if (error instanceof ExpressionFault) return error.message;
    throw error;
  }
}

/** Why a call is refused: for the log, never for the caller. */
interface Verdict {
  readonly rule: string;
  readonly failure?: string;
}

export function authorizing({ allow, deny, shadow }: Settings, { logger, clock, metrics }: Services): Layer {
  const allowing = allow.map((source) => expressions.compile(source, "bool"));
  const denying = deny.map((source) => expressions.compile(source, "bool"));
  const reads = new Set([...allowing, ...denying].flatMap((expression) => [...expression.reads]));
  const valuesOf = valuesFor(reads);
  const log = new LimitedLog(logger, clock);
  const allowed = metrics.policies.of("authorize", "allowed");
  const denied = metrics.policies.of("authorize", shadow ? "shadow-denied" : "denied");

  /** Undefined: the call may be made. */
  function judge(call: Call): Verdict | undefined {
    const values = valuesOf(call);
    for (const expression of denying) {
      const held = holds(expression, values);
      if (held === true) return { rule: expression.source };
      if (held !== false) return { rule: expression.source, failure: held.message };
    }
    if (allowing.length === 0) return undefined;
    let failure: string | undefined;
    for (const expression of allowing) {
      const held = holds(expression, values);
      if (held === true) return undefined;
      if (held !== false) failure ??= `${expression.source}: ${held.message}`;
    }
    return { rule: "no allow holds", ...(failure === undefined ? {} : { failure }) };
  }

  function report(call: Call, { rule, failure }: Verdict): void {
    const { id, method, caller } = call;
    log.warn(shadow ? "a call would be refused" : "a call was refused", {
      id,
      method: method.path.slice(0, 256),
      peer: caller.address,
      principal: call.slots.get(PrincipalSlot)?.id.slice(0, 256) ?? "",
      rule,
      ...(failure === undefined ? {} : { failure }),
    });
  }

  return (next: Handler): Handler =>
    (call) => {
      const verdict = judge(call);
      if (verdict === undefined) {
        allowed.count++;
        return next(call);
      }
      denied.count++;
      report(call, verdict);
      if (shadow) return next(call);
      throw new CallError("NOT_AUTHORIZED", undefined, { source: "caller" });
    };
}

function holds(expression: Expression, values: Readonly<Record<string, unknown>>): boolean | ExpressionFailure {
  try {
    return expression.evaluate(values) === true;
  } catch (error) {
    if (error instanceof ExpressionFailure) return error;
    throw error;
  }
}

type Values = (call: Call) => Readonly<Record<string, unknown>>;

function valuesFor(reads: ReadonlySet<string>): Values {
  const wants = { claims: reads.has("claims"), metadata: reads.has("metadata"), source: reads.has("source") };
  const noClaims = new Map<string, unknown>();
  return (call) => {
    const { method, caller } = call;
    const principal = call.slots.get(PrincipalSlot);
    return {
      principal: principal?.id ?? "",
      kind: principal?.kind ?? "anonymous",
      claims: wants.claims && principal !== undefined ? claimsOf(principal) : noClaims,
      method: method.path.slice(1),
      service: method.service,
      protocol: caller.protocol,
      metadata: wants.metadata ? metadataOf(call.metadata) : undefined,
      source: wants.source ? { address: caller.address, identity: certified(caller.tls) } : undefined,
    };
  };
}

/** A principal is the same object for all calls with the same token. */
const convertedClaims = new WeakMap<Principal, unknown>();

function claimsOf(principal: Principal): unknown {
  let claims = convertedClaims.get(principal);
  if (claims === undefined) convertedClaims.set(principal, (claims = celValue(principal.claims)));
  return claims;
}

/** Values of one name are joined as HTTP joins them, so that a second one cannot hide behind the first. */
function metadataOf({ flat }: Metadata): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!;
    const value = flat[i + 1]!;
    const former = map.get(name);
    map.set(name, former === undefined ? value : `${former}, ${value}`);
  }
  return map;
}

const identities = new WeakMap<CallerTls, string>();

/** The identity of the connection's certificate; "" without one that is in order. */
function certified(tls: CallerTls | undefined): string {
  if (tls === undefined) return "";
  let identity = identities.get(tls);
  if (identity === undefined) {
    try {
      identity = identityOf(tls, []) ?? "";
    } catch {
      identity = "";
    }
    identities.set(tls, identity);
  }
  return identity;
}
