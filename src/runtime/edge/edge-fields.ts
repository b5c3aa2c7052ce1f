/**
 * Header fields that only a hop of our own may set, taken out of what comes from outside (SEMANTICS A4, A6).
 *
 * The trap: `grpc-metadata-x-forwarded-for` becomes `x-forwarded-for` further on, so names are looked at without that prefix too.
 */
import { IdentityCache } from "../../core/identity-cache.ts";

const metadataPrefix = "grpc-metadata-";
/** Who the caller is, or how it came here: believed by whoever reads it. */
const internal =
  /^(?:x-forwarded(?:-.*)?|forwarded|x-real-ip|x-client-ip|x-original-.*|x-rewrite-.*|x-envoy-.*|x-dragoman-.*|dragoman-(?!profile$).*|l5d-.*|x-ssl-.*)$/;

export interface EdgeFields {
  /** The same list where nothing was taken out. */
  readonly fields: readonly string[];
  /** A name that two servers could read in two ways; undefined for none. */
  readonly refused: string | undefined;
}

const maxRemembered = 512;
const verdicts = new Map<string, boolean>();

function isInternal(name: string): boolean {
  const known = verdicts.get(name);
  if (known !== undefined) return known;
  const verdict = internal.test(name.startsWith(metadataPrefix) ? name.slice(metadataPrefix.length) : name);
  if (verdicts.size < maxRemembered) verdicts.set(name, verdict);
  return verdict;
}

/** A client that sends the same head again sends the same list. */
const lastRead = new IdentityCache<readonly string[], EdgeFields>(16);

export function edgeFields(flat: readonly string[]): EdgeFields {
  return lastRead.get(flat) ?? lastRead.set(flat, readFields(flat));
}

function readFields(flat: readonly string[]): EdgeFields {
  const kept: string[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!;
    // `x_forwarded_for` is `x-forwarded-for` to many a server behind (CGI writes both as one).
    if (name.includes("_")) return { fields: flat, refused: name };
    if (!isInternal(name)) kept.push(name, flat[i + 1]!);
  }
  return { fields: kept.length === flat.length ? flat : kept, refused: undefined };
}
