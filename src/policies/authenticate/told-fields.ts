/**
 * What the upstream is told of the principal: its id, and the claims that the configuration names.
 *
 * The trap: callers may send fields of these names too. They are taken out of the metadata (request-credentials.ts), for every call, so what
 * the upstream finds there was written here or is not there.
 */
import type { Call } from "../../core/call.ts";
import type { Principal } from "../../core/principal.ts";

const longestValue = 4096;

export class ToldFields {
  readonly names: ReadonlySet<string>;
  private readonly claims: readonly (readonly [string, string])[];
  private readonly principalHeader: string | undefined;
  private readonly remembered = new WeakMap<Principal, readonly string[]>();

  /** @param claims claim -> name of the metadata */
  constructor(claims: Readonly<Record<string, string>>, principalHeader: string | undefined) {
    this.claims = Object.entries(claims);
    this.principalHeader = principalHeader;
    this.names = new Set([...Object.values(claims), ...(principalHeader === undefined ? [] : [principalHeader])]);
  }

  add(call: Call, principal: Principal): void {
    if (this.names.size === 0) return;
    let fields = this.remembered.get(principal);
    if (fields === undefined) this.remembered.set(principal, (fields = this.fieldsOf(principal)));
    call.hopFields = call.hopFields === undefined ? fields : [...call.hopFields, ...fields];
  }

  private fieldsOf({ id, claims }: Principal): string[] {
    const { claims: wanted, principalHeader } = this;
    const fields: string[] = [];
    if (principalHeader !== undefined && id !== "") fields.push(principalHeader, fieldText(id));
    for (const [path, name] of wanted) {
      const value = claimAt(claims, path);
      const text = value === undefined ? "" : fieldText(value);
      if (text !== "" && text.length <= longestValue) fields.push(name, text);
    }
    return fields;
  }
}

/** A claim of that very name, else the one that the path leads to: `realm_access.roles`. */
function claimAt(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let at: unknown = claims;
  for (const name of path.split(".")) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Record<string, unknown>)[name];
  }
  return at;
}

/** Lists of words with commas, objects as JSON; what no header has characters for is percent-encoded. */
function fieldText(value: unknown): string {
  const isPlain = (part: unknown): boolean => typeof part === "number" || (typeof part === "string" && !part.includes(","));
  const text = typeof value === "string" ? value : Array.isArray(value) && value.every(isPlain) ? value.join(",") : JSON.stringify(value);
  return text.replace(/[^\x20-\x7e]+/gu, encodeLeniently).trim();
}

function encodeLeniently(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
