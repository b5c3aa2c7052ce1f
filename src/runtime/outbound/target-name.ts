/**
 * Which service a call through the outbound listener is for: the header `dragoman-service`, else the host it was made to.
 *
 * The trap: names are compared without case, port and the suffix `.mesh`; "payments", "Payments:80" and "payments.mesh" are one service.
 */
import type { RequestHead } from "../../wire/exchange.ts";

const serviceField = "dragoman-service";
const meshSuffix = ".mesh";

/** "payments"; "" when the request names no host. */
export function targetName({ headers, authority }: RequestHead): string {
  const name = (headers.get(serviceField) ?? hostOf(authority)).toLowerCase();
  return name.endsWith(meshSuffix) ? name.slice(0, -meshSuffix.length) : name;
}

function hostOf(authority: string): string {
  if (authority.startsWith("[")) return authority.slice(1, authority.indexOf("]"));
  const colon = authority.indexOf(":");
  return colon < 0 ? authority : authority.slice(0, colon);
}
