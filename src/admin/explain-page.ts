/**
 * `/explain?method=GET&url=/v1/...`: what `dragoman explain` says, of the process that is running.
 *
 * The trap: `url` holds a query of its own, so it must be percent-encoded; what looks like a parameter of ours and is none is refused
 * rather than lost. Header values are not shown, and this page's address is not logged.
 */
import type { ExplainedRequest } from "../runtime/explain/explained-request.ts";
import { UnusableRequest } from "../runtime/explain/unusable-request.ts";
import type { Runtime } from "../runtime/create-runtime.ts";
import { json, type Asked, type Page } from "./page.ts";

const usage = {
  usage: "/explain?method=GET&url=PATH, everything percent-encoded; accept: text/plain for people",
  parameters: {
    url: "the path with its query, or an http or ws URL",
    method: "the HTTP method; GET unless given",
    header: "a header field, name:value; may be repeated",
    data: "the request body",
    httpVersion: "1.1 or 2",
  },
};
const maxHeaders = 100;

export async function explainPage(runtime: Runtime, { query, accept }: Asked): Promise<Page> {
  if (query === "") return json(200, usage);
  const request = readRequest(new URLSearchParams(query));
  if (typeof request === "string") return badRequest(request);
  try {
    const explanation = await runtime.explain(request);
    if (!/\btext\/plain\b/.test(accept)) return json(200, explanation);
    const { explanationText } = await import("../runtime/explain/explanation-text.ts");
    return { status: 200, contentType: "text/plain; charset=utf-8", body: explanationText(explanation) };
  } catch (error) {
    if (error instanceof UnusableRequest) return badRequest(error.message);
    throw error;
  }
}

/** What is wrong with them, as text. */
function readRequest(parameters: URLSearchParams): ExplainedRequest | string {
  for (const name of parameters.keys())
    if (!(name in usage.parameters)) return `unknown parameter ${JSON.stringify(name.slice(0, 64))}: an & inside url is written %26`;
  const url = parameters.get("url");
  if (url === null) return "url is missing";
  const given = parameters.getAll("header");
  if (given.length > maxHeaders) return `more than ${maxHeaders} header fields`;
  const headers: [string, string][] = [];
  for (const field of given) {
    const colon = field.indexOf(":");
    if (colon <= 0) return "header: expected name:value";
    headers.push([field.slice(0, colon), field.slice(colon + 1)]);
  }
  const httpVersion = parameters.get("httpVersion") ?? undefined;
  if (httpVersion !== undefined && httpVersion !== "1.1" && httpVersion !== "2") return "httpVersion: expected 1.1 or 2";
  const data = parameters.get("data");
  return { httpMethod: parameters.get("method") ?? "GET", url, headers, body: data === null ? undefined : Buffer.from(data), httpVersion };
}

function badRequest(message: string): Page {
  return json(400, { code: 3, message, details: [] });
}
