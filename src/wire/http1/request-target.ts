/**
 * The request target in its four forms (RFC 9112, section 3.2), and the host it is for.
 *
 * The trap: with the absolute form the target's authority counts and the Host field does not, so whoever routes by host must read
 * `authority`, never the field.
 */
import { refusal, type Refusal } from "./refusal.ts";

export interface Target {
  /** Origin form, or "*". */
  readonly target: string;
  /** The authority of an absolute target; undefined for the other forms. */
  readonly authority: string | undefined;
}

const absolute = /^https?:\/\/([^/?#]*)(.*)$/i;
/** reg-name or IPv4, or an IP literal, and a port (RFC 3986, section 3.2.2); user information is not allowed in a Host. */
const authorityForm = /^(?:[A-Za-z0-9._~!$&'()*+;=%-]+|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?$/;

export function isAuthority(text: string): boolean {
  return authorityForm.test(text);
}

/** Takes apart every target that is not plainly of the origin form without a fragment; llhttp has checked the characters. */
export function readTarget(method: string, text: string): Target | Refusal {
  if (method === "CONNECT") return refusal("METHOD_NOT_ALLOWED", "CONNECT is not served here");
  if (text.includes("#")) return refusal("BAD_REQUEST", "the request target holds a fragment");
  if (text.startsWith("/")) return { target: text, authority: undefined };
  if (text === "*")
    return method === "OPTIONS" ? { target: "*", authority: undefined } : refusal("BAD_REQUEST", 'the target "*" is for OPTIONS only');
  const [, authority, rest] = absolute.exec(text) ?? [];
  if (authority === undefined || rest === undefined) return refusal("BAD_REQUEST", "the request target is neither a path nor an http URL");
  if (!isAuthority(authority)) return refusal("BAD_REQUEST", "the request target's host is not well formed");
  return { target: rest.startsWith("/") ? rest : `/${rest}`, authority };
}
