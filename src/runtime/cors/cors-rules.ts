/**
 * What the Fetch standard's CORS protocol (fetch.spec.whatwg.org, section 3.2) says to a page: may it call, and what may its script read.
 *
 * The trap is in caches. An answer that differs by origin says `vary: origin` always, also to callers that sent none: otherwise a cache hands
 * an answer made for nobody to a page that must then refuse it.
 */
import { parseOrigin, type OriginPattern } from "../../config/origins.ts";
import type { Config } from "../../config/schema.ts";
import { CallError } from "../../core/call-error.ts";
import { IdentityCache } from "../../core/identity-cache.ts";
import type { RequestHead } from "../../wire/exchange.ts";

export type CorsSettings = NonNullable<Config["inbound"]["cors"]>;

/** Readable by every script anyway (CORS-safelisted response headers), or by none. */
const unlisted: ReadonlySet<string> = new Set([
  "cache-control",
  "content-language",
  "content-length",
  "content-type",
  "expires",
  "last-modified",
  "pragma",
  "set-cookie",
  "set-cookie2",
  "vary",
]);
/** How a call ended: where the protocols put it. */
const outcome = ["grpc-status", "grpc-message", "grpc-status-details-bin"];
const fieldNames = /^[!#$%&'*+.^`|~\w-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^`|~\w-]+)*$/;
const longestNames = 2048;
const maxRemembered = 256;

export class CorsRules {
  private readonly settings: CorsSettings;
  private readonly anyone: boolean;
  private readonly exact: ReadonlySet<string>;
  private readonly patterns: readonly OriginPattern[];
  private readonly exposed: string | undefined;
  private readonly allowedRequest: string | undefined;
  private readonly verdicts = new Map<string, boolean>();
  /** By the list an answer's fields came in: the same list again for the same answer. */
  private readonly answers = new Map<string, IdentityCache<readonly string[], readonly string[]>>();

  constructor(settings: CorsSettings) {
    this.settings = settings;
    const { origins, exposedHeaders, requestHeaders } = settings;
    this.anyone = origins.includes("*");
    const parsed = origins.flatMap((origin) => parseOrigin(origin) ?? []);
    const isPattern = ({ subdomains, port }: OriginPattern): boolean => subdomains || port === "*";
    this.patterns = parsed.filter(isPattern);
    const exact = parsed.filter((each) => !isPattern(each)).map(textOf);
    this.exact = new Set(origins.includes("null") ? [...exact, "null"] : exact);
    this.exposed = exposedHeaders.length === 0 ? undefined : [...outcome, ...exposedHeaders.map(lower)].join(", ");
    this.allowedRequest = requestHeaders.length === 0 ? undefined : requestHeaders.map(lower).join(", ");
  }

  allows(origin: string): boolean {
    if (this.anyone) return true;
    const known = this.verdicts.get(origin);
    if (known !== undefined) return known;
    const verdict = this.exact.has(origin) || this.fits(parseOrigin(origin));
    if (this.verdicts.size < maxRemembered) this.verdicts.set(origin, verdict);
    return verdict;
  }

  /** The fields of an answer with those that the page needs; what the upstream says of CORS itself gives way. */
  answer(origin: string | undefined, headers: readonly string[]): readonly string[] {
    const page = origin !== undefined && this.allows(origin) ? origin : "";
    let cache = this.answers.get(page);
    if (cache === undefined) {
      cache = new IdentityCache<readonly string[], readonly string[]>(8);
      if (this.answers.size < maxRemembered) this.answers.set(page, cache);
    }
    return cache.get(headers) ?? cache.set(headers, this.extended(page, headers));
  }

  /**
   * The fields of the answer to a preflight.
   * @throws CallError ORIGIN_NOT_ALLOWED
   */
  preflight({ headers }: RequestHead): string[] {
    const origin = headers.get("origin")!;
    if (!this.allows(origin))
      throw new CallError("ORIGIN_NOT_ALLOWED", `pages of ${JSON.stringify(origin.slice(0, 200))} may not call this service`, {
        source: "caller",
      });
    const { credentials, maxAgeMs, privateNetwork } = this.settings;
    const fields = ["access-control-allow-origin", this.anyone ? "*" : origin];
    if (credentials) fields.push("access-control-allow-credentials", "true");
    const method = headers.get("access-control-request-method")!;
    // Whether the method fits is the service's to say: the request itself is answered by it.
    if (fieldNames.test(method) && !method.includes(",")) fields.push("access-control-allow-methods", method);
    const asked = headers.getAll("access-control-request-headers").join(",");
    const allowed = this.allowedRequest ?? (asked.length <= longestNames && fieldNames.test(asked) ? asked : undefined);
    if (allowed !== undefined) fields.push("access-control-allow-headers", allowed);
    if (privateNetwork && headers.get("access-control-request-private-network") === "true")
      fields.push("access-control-allow-private-network", "true");
    fields.push("access-control-max-age", String(Math.floor(maxAgeMs / 1000)));
    fields.push("vary", "origin, access-control-request-method, access-control-request-headers");
    return fields;
  }

  private extended(page: string, headers: readonly string[]): readonly string[] {
    const fields: string[] = [];
    const names = new Set(outcome);
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i]!;
      if (name.startsWith("access-control-")) continue;
      if (!unlisted.has(name)) names.add(name);
      fields.push(name, headers[i + 1]!);
    }
    if (this.anyone) fields.push("access-control-allow-origin", "*");
    else fields.push("vary", "origin");
    if (!this.anyone && page !== "") {
      fields.push("access-control-allow-origin", page);
      if (this.settings.credentials) fields.push("access-control-allow-credentials", "true");
    }
    if (this.anyone || page !== "") fields.push("access-control-expose-headers", this.exposed ?? [...names].join(", "));
    return fields;
  }

  private fits(origin: OriginPattern | undefined): boolean {
    // What holds a star is no origin, whoever sent it.
    if (origin === undefined || origin.subdomains || origin.port === "*") return false;
    return this.patterns.some(
      ({ scheme, host, port, subdomains }) =>
        scheme === origin.scheme &&
        (port === "*" || port === origin.port) &&
        (subdomains ? origin.host.endsWith(`.${host}`) : origin.host === host),
    );
  }
}

/** `OPTIONS` with what a browser asks before it lets a page send a request. */
export function isPreflight({ method, headers }: RequestHead): boolean {
  return method === "OPTIONS" && headers.has("access-control-request-method") && headers.has("origin");
}

function textOf({ scheme, host, port }: OriginPattern): string {
  return `${scheme}://${host}${port === "" ? "" : `:${port}`}`;
}

function lower(name: string): string {
  return name.toLowerCase();
}
