/**
 * Health, metrics, configuration and the rest of it for operators, on a port of its own.
 *
 * It runs on our own wire: that is loaded already, knows its limits, and saves the time and memory of node:http. The traps: a page in a
 * browser can make requests to loopback (DNS rebinding), so the Host must be one of ours; and off loopback nothing is shown without a token.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { isIPv4 } from "node:net";
import { parseHostPort } from "../config/addresses.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { Runtime } from "../runtime/create-runtime.ts";
import { StartError } from "../runtime/start-error.ts";
import type { Exchange } from "../wire/exchange.ts";
import { defaultLimits } from "../wire/limits.ts";
import { createListener, type Listener } from "../wire/listener.ts";
import { createAdminPages, type AdminPage } from "./admin-pages.ts";
import { json, type Asked, type Page } from "./page.ts";

const limits = { ...defaultLimits, headBytes: 16 * 1024, bodyBytes: 0, streams: 16, idleTimeoutMs: 300_000 };
const maxConnections = 256;

export interface AdminOptions {
  readonly runtime: Runtime;
  /** HOST:PORT */
  readonly listen: string;
  readonly token: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** @throws StartError when it may not or cannot listen there. */
export async function createAdminListener({ runtime, listen, token, clock, logger }: AdminOptions): Promise<Listener> {
  const { host, port } = parseHostPort(listen);
  const loopback = isLoopback(host);
  if (!loopback && token === undefined)
    throw new StartError(
      "config",
      `the admin pages on ${listen} would be open to the network: set DRAGOMAN_ADMIN_TOKEN (or admin.token), or listen on 127.0.0.1`,
    );
  const pages = createAdminPages(runtime);
  const expected = token === undefined ? undefined : digest(token);

  const handler = (x: Exchange): void => {
    const { method, target, authority, headers } = x.head;
    x.body.cancel();
    if (loopback && !isLoopback(hostOf(authority)))
      return send(x, refusal(421, 3, `the admin pages do not answer for the host "${authority}"`));
    const query = target.indexOf("?");
    const page = pages.get(query < 0 ? target : target.slice(0, query));
    const trusted = expected === undefined || isToken(headers.get("authorization"), expected);
    if (!trusted && page?.open !== true)
      return send(x, refusal(401, 16, "the admin pages want Authorization: Bearer TOKEN"), ["www-authenticate", 'Bearer realm="dragoman"']);
    if (page === undefined) return send(x, refusal(404, 5, `there is no page ${target}; / lists them`));
    if (method !== "GET" && method !== "HEAD")
      return send(x, refusal(405, 12, "the admin pages are read with GET"), ["allow", "GET, HEAD"]);
    answer(page, { trusted, query: query < 0 ? "" : target.slice(query + 1), accept: headers.get("accept") ?? "" }, x, logger);
  };

  try {
    return await createListener({ host, port, limits, handler, clock, logger, http2: "own", maxConnections });
  } catch (error) {
    throw new StartError("start", `${(error as Error).message}: choose another with --admin, or --admin off`, { cause: error });
  }
}

function answer(page: AdminPage, asked: Asked, x: Exchange, logger: Logger): void {
  Promise.resolve()
    .then(() => page.answer(asked))
    .then(
      (made) => send(x, made),
      (error: unknown) => {
        logger.error("an admin page failed", { target: x.head.target.split("?")[0], cause: error });
        send(x, refusal(500, 13, "the page could not be made; the log has the cause"));
      },
    );
}

function refusal(status: number, code: number, message: string): Page {
  return json(status, { code, message, details: [] });
}

function send(x: Exchange, { status, contentType, body }: Page, more: readonly string[] = []): void {
  const headers = ["content-type", contentType, "cache-control", "no-store", "x-content-type-options", "nosniff", ...more];
  x.respond(status, headers, Buffer.from(body));
}

/** Compared by digest and in constant time, so neither length nor prefix leaks. */
function isToken(authorization: string | undefined, expected: Buffer): boolean {
  const [, token] = /^Bearer +(\S+) *$/i.exec(authorization ?? "") ?? [];
  return token !== undefined && timingSafeEqual(digest(token), expected);
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function hostOf(authority: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/.exec(authority) ?? [];
  return bracketed ?? plain ?? "";
}

/** Addresses only this machine can reach, and the names for them. */
function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}
