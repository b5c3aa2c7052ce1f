/**
 * `/.dragoman/openapi.json`, the live document, and `/.dragoman/docs`, a page to read it and try it out.
 *
 * The trap: the page shows text that others wrote (comments of a schema, answers of a service). Nothing of it may become markup or run, so
 * script and style are files of their own, and the policy that goes with every answer allows no others.
 */
import { createHash } from "node:crypto";
import { clientFiles } from "../browser-client/client-files.ts";
import type { Config } from "../config/schema.ts";
import { CallError } from "../core/call-error.ts";
import { pageFiles } from "../docs-page/page-files.ts";
import type { MethodTable } from "../schema/method-table.ts";
import type { Exchange } from "../wire/exchange.ts";
import { describeApi } from "./describe-api.ts";

const documentPath = "/.dragoman/openapi.json";
const pagePath = "/.dragoman/docs";
/** Below it the browser client for calls over WebSocket is served. */
const clientFolder = "/.dragoman/";

/** `img-src` is for the icon: browsers ask for one in any case. */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const securityHeaders = [
  ...["content-security-policy", contentPolicy],
  ...["x-content-type-options", "nosniff"],
  ...["referrer-policy", "no-referrer"],
  ...["cross-origin-opener-policy", "same-origin"],
  ...["cross-origin-resource-policy", "same-origin"],
];

const typeOfExtension: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

interface Page {
  readonly contentType: string;
  readonly body: Buffer;
  readonly etag: string;
}

export interface DocsSite {
  /** @throws CallError for a page that is not there, or a method it does not take */
  answer(x: Exchange, table: MethodTable | undefined, config: Config): void;
}

export async function createDocsSite(): Promise<DocsSite> {
  const pages = new Map<string, Page>();
  for (const [name, text] of await pageFiles()) {
    const extension = name.slice(name.lastIndexOf(".") + 1);
    pages.set(name === "index.html" ? pagePath : `${pagePath}/${name}`, makePage(typeOfExtension[extension]!, text));
  }
  for (const [name, text] of await clientFiles())
    pages.set(clientFolder + name, makePage(name.endsWith(".js") ? typeOfExtension["js"]! : "text/plain; charset=utf-8", text));
  const liveDocument = createLiveDocument();

  return {
    answer(x, table, config) {
      const { method, target, headers } = x.head;
      const query = target.indexOf("?");
      const path = query < 0 ? target : target.slice(0, query);
      const file = pages.get(path);
      if (file === undefined && path !== documentPath) throw new CallError("UNKNOWN_PATH", undefined, { source: "caller" });
      if (method !== "GET" && method !== "HEAD") {
        const options = { source: "caller", headers: ["allow", "GET, HEAD"] } as const;
        throw new CallError("METHOD_NOT_ALLOWED", `this path does not take ${method}, but GET, HEAD`, options);
      }
      const page = file ?? liveDocument(table, config);
      // Asked every time, so that a new version is never missed; what has not changed is not sent again.
      const validators = ["etag", page.etag, "cache-control", "no-cache", ...securityHeaders];
      if (isKnown(headers.get("if-none-match"), page.etag)) x.respond(304, validators, undefined);
      else x.respond(200, ["content-type", page.contentType, ...validators], page.body);
    },
  };
}

/** Made anew when the schema is another; large schemas take a moment, so not for every question. */
function createLiveDocument(): (table: MethodTable | undefined, config: Config) => Page {
  let last: { readonly table: MethodTable; readonly title: string; readonly page: Page } | undefined;
  return (table, config) => {
    if (table === undefined) throw new CallError("NO_SCHEMA");
    if (last?.table !== table || last.title !== config.service)
      last = { table, title: config.service, page: makePage("application/json", JSON.stringify(describeApi(table, config))) };
    return last.page;
  };
}

function makePage(contentType: string, text: string): Page {
  const body = Buffer.from(text);
  return { contentType, body, etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"` };
}

/** RFC 9110, section 13.1.2: weak comparison. */
function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const known = ifNoneMatch.split(",").map((each) => each.trim().replace(/^W\//, ""));
  return known.includes(etag) || known.includes("*");
}
