/**
 * Which pages may open a WebSocket: those of the same host, and those of the list.
 *
 * The trap: "same" is host and port. The scheme is not compared, because a proxy in front may have ended TLS, and then the request says
 * http where the page says https.
 */

const defaultPorts: Readonly<Record<string, string>> = { http: "80", https: "443" };
const form = /^([a-z][a-z0-9+.-]*):\/\/(\*\.)?(\[[0-9a-f:.]+\]|[^:/?#@*]+)(?::(\d+|\*))?$/;

interface Origin {
  readonly scheme: string;
  readonly host: string;
  /** Undefined for the scheme's own, "*" for any. */
  readonly port: string | undefined;
  /** Any name below the host, but not the host itself. */
  readonly below: boolean;
}

/**
 * @param origin the header as sent; "null" for pages without one
 * @param allowed `https://app.example`, `https://*.example` for every name below it, `http://localhost:*` for every port, or `*`
 */
export function isAllowedOrigin(origin: string, authority: string, allowed: readonly string[]): boolean {
  const page = parseOrigin(origin);
  if (page !== undefined && isSame(page, parseOrigin(`${page.scheme}://${authority}`))) return true;
  return allowed.some((pattern) => pattern === "*" || pattern === origin || (page !== undefined && fits(parseOrigin(pattern), page)));
}

function parseOrigin(text: string): Origin | undefined {
  const [, scheme, wildcard, host, port] = form.exec(text.toLowerCase()) ?? [];
  if (scheme === undefined || host === undefined) return undefined;
  return { scheme, host, port: port === defaultPorts[scheme] ? undefined : port, below: wildcard !== undefined };
}

function isSame(page: Origin, here: Origin | undefined): boolean {
  return here !== undefined && page.host === here.host && page.port === here.port;
}

function fits(pattern: Origin | undefined, { scheme, host, port }: Origin): boolean {
  if (pattern === undefined || pattern.scheme !== scheme || (pattern.port !== "*" && pattern.port !== port)) return false;
  return pattern.below ? host.endsWith(`.${pattern.host}`) && host.length > pattern.host.length + 1 : host === pattern.host;
}
