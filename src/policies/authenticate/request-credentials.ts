/**
 * What a call's metadata shows of credentials, and the metadata without them, and without what callers say of themselves.
 *
 * The trap: clients send the same head again as the same list, so all of this is found once for each list and kept by its identity; nothing
 * of one call may be in it, and the list that goes on keeps its identity too.
 */
import type { Principal } from "../../core/principal.ts";
import type { VerifiedToken } from "../../identity/token-verifier.ts";

/** Who the caller is, is for this hop to say: names that servers behind proxies believe (to many of them `_` and `-` are the same). */
const identityNames =
  /^(grpc-metadata-)?(x-dragoman-.*|x-forwarded-(client-cert.*|user|email|groups|preferred-username|access-token)|x-auth-request-.*|x-authenticated-.*|x-remote-user|remote-user|x-client-(cert|verify|dn|san).*|x-ssl-.*|ssl-client-.*|x-jwt-.*|l5d-client-id|l5d-remote-.*)$/;
const bearer = /^bearer +(\S+)$/i;
const isBearer = /^bearer( |$)/i;

export interface CredentialPlaces {
  readonly token: { readonly cookie: string | undefined; readonly forward: boolean } | undefined;
  readonly apiKey: { readonly header: string; readonly cookie: string | undefined; readonly forward: boolean } | undefined;
  /** Names of metadata that the proxy sets. */
  readonly set: ReadonlySet<string>;
}

/** A credential as it was shown. */
interface Shown<Accepted> {
  readonly value: string | undefined;
  /** There is more than one, or it cannot be read. */
  readonly fault: string | undefined;
  /** What was found out of it, kept by whoever did. */
  accepted: Accepted | undefined;
}

export interface RequestCredentials {
  /** What goes on; the very list that came where nothing is taken out. */
  readonly metadata: readonly string[];
  readonly token: Shown<{ readonly verified: VerifiedToken; readonly principal: Principal }>;
  readonly apiKey: Shown<Principal>;
}

export function readCredentials(flat: readonly string[], places: CredentialPlaces): RequestCredentials {
  const tokens: string[] = [];
  const keys: string[] = [];
  const kept: string[] = [];
  let tokenFault: string | undefined;
  let fromCookies: string[] | undefined;
  let keysFromCookies: string[] | undefined;
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!;
    let value = flat[i + 1]!;
    let forward = true;
    if (name === "authorization" && places.token !== undefined && isBearer.test(value)) {
      const token = bearer.exec(value)?.[1];
      if (token === undefined) tokenFault = "it is malformed";
      else tokens.push(token);
      forward = places.token.forward;
    } else if (name === places.apiKey?.header) {
      keys.push(value);
      forward = places.apiKey.forward;
    } else if (name === "cookie") {
      if (places.token?.cookie !== undefined) value = takeCookie(value, places.token.cookie, (fromCookies ??= []), places.token.forward);
      if (places.apiKey?.cookie !== undefined)
        value = takeCookie(value, places.apiKey.cookie, (keysFromCookies ??= []), places.apiKey.forward);
      forward = value !== "";
    } else if (places.set.has(name) || isIdentity(name)) forward = false;
    if (forward) kept.push(name, value);
  }
  // What a page says itself counts before what the browser sends along.
  const shownTokens = tokens.length > 0 ? tokens : (fromCookies ?? []);
  const shownKeys = keys.length > 0 ? keys : (keysFromCookies ?? []);
  // Two of which one is good: whoever is behind might read the other.
  if (shownTokens.length > 1) tokenFault = "there is more than one";
  return {
    metadata: kept.length === flat.length && kept.every((text, at) => text === flat[at]) ? flat : kept,
    token: { value: shownTokens[0], fault: tokenFault, accepted: undefined },
    apiKey: { value: shownKeys[0], fault: shownKeys.length > 1 ? "there is more than one" : undefined, accepted: undefined },
  };
}

const maxRemembered = 512;
const verdicts = new Map<string, boolean>();

function isIdentity(name: string): boolean {
  const known = verdicts.get(name);
  if (known !== undefined) return known;
  const verdict = identityNames.test(name.replaceAll("_", "-"));
  if (verdicts.size < maxRemembered) verdicts.set(name, verdict);
  return verdict;
}

/** @returns the cookies that are left */
function takeCookie(header: string, name: string, values: string[], forward: boolean): string {
  const left: string[] = [];
  for (const pair of header.split(";")) {
    const equals = pair.indexOf("=");
    if (equals < 0 || pair.slice(0, equals).trim() !== name) {
      left.push(pair.trim());
      continue;
    }
    values.push(
      pair
        .slice(equals + 1)
        .trim()
        .replace(/^"(.*)"$/, "$1"),
    );
    if (forward) left.push(pair.trim());
  }
  return left.filter((pair) => pair !== "").join("; ");
}
