/**
 * The HTTP/1.1 proxy most people would write on Node: node:http in front, undici's Pool behind, and what a proxy owes its operators: an
 * access log, a counter of answers, `traceparent` and `x-forwarded-for`.
 *
 *   node proxy.ts PORT BACKEND LOG
 */
import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Pool } from "undici";

const [port = "0", backend = "127.0.0.1:8080", log = "/dev/null"] = process.argv.slice(2);
const pool = new Pool(`http://${backend}`, { connections: 64 });
const accessLog = createWriteStream(log, { flags: "a" });
const answers = new Map<string, { count: number; sumMs: number }>();
const hopByHop = new Set(["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"]);

type Fields = Record<string, string | string[]>;

function endToEnd(fields: Record<string, string | string[] | undefined>): Fields {
  const kept: Fields = {};
  for (const [name, value] of Object.entries(fields)) if (value !== undefined && !hopByHop.has(name)) kept[name] = value;
  return kept;
}

/** The caller's trace with a span of our own. */
function traceparent(given: string | undefined): string {
  const [, trace, , flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(given ?? "") ?? [];
  return `00-${trace ?? randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-${flags ?? "01"}`;
}

function forwarded(request: IncomingMessage): Fields {
  const headers = endToEnd(request.headers);
  const before = headers["x-forwarded-for"];
  const address = request.socket.remoteAddress ?? "";
  headers["x-forwarded-for"] = before === undefined ? address : `${String(before)}, ${address}`;
  headers["traceparent"] = traceparent(request.headers["traceparent"] as string | undefined);
  return headers;
}

function done(request: IncomingMessage, status: number, startedAt: number): void {
  const durationMs = performance.now() - startedAt;
  const key = `${request.method} ${status}`;
  const entry = answers.get(key);
  if (entry === undefined) answers.set(key, { count: 1, sumMs: durationMs });
  else {
    entry.count++;
    entry.sumMs += durationMs;
  }
  const { method, url, headers } = request;
  const line = { time: new Date().toISOString(), method, url, status, durationMs, agent: headers["user-agent"] };
  accessLog.write(`${JSON.stringify(line)}\n`);
}

async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const startedAt = performance.now();
  response.once("finish", () => done(request, response.statusCode, startedAt));
  const hasBody = request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined;
  const answer = await pool.request({
    method: request.method as "GET",
    path: request.url ?? "/",
    headers: forwarded(request),
    body: hasBody ? request : null,
  });
  response.writeHead(answer.statusCode, endToEnd(answer.headers));
  answer.body.on("error", (error) => response.destroy(error)).pipe(response);
}

const server = createServer((request, response) => {
  pass(request, response).catch((error: unknown) => {
    if (response.headersSent) response.destroy();
    else response.writeHead(502, { "content-type": "text/plain" }).end(String(error));
  });
});
server.keepAliveTimeout = 3_600_000; // as long as the others keep idle connections
server.listen(Number(port), "127.0.0.1", 1024);
