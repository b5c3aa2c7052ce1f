/** What the form holds -> the request that is sent. */
import type { Operation } from "./model.ts";

/** Per operation; kept while the document changes. */
export interface FormValues {
  /** By "path:name" or "query:name"; several values a line each. */
  readonly parameters: Map<string, string>;
  body: string | undefined;
  contentType: string | undefined;
  accept: string | undefined;
}

export interface HeaderLines {
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** A line that is none. */
  readonly wrong: string | undefined;
}

/** @returns the address below the API's root, without a leading slash; or the path parameter that is missing */
export function targetOf(operation: Operation, values: FormValues): { readonly target: string } | { readonly missing: string } {
  let missing: string | undefined;
  const path = operation.path.replace(/\{([^}]+)\}/g, (_, name: string) => {
    const value = values.parameters.get(`path:${name}`) ?? "";
    const parameter = operation.parameters?.find((each) => each.in === "path" && each.name === name);
    const many = parameter?.["x-multi-segment"] === true;
    if (value === "" && !many) missing ??= name;
    return many ? value.split("/").map(encodeURIComponent).join("/") : encodeURIComponent(value);
  });
  if (missing !== undefined) return { missing };
  const query = new URLSearchParams();
  for (const parameter of operation.parameters ?? []) {
    if (parameter.in !== "query") continue;
    const value = values.parameters.get(`query:${parameter.name}`) ?? "";
    if (value === "") continue;
    const { schema } = parameter;
    if (schema.type === "array") for (const line of linesOf(value)) query.append(parameter.name, line);
    else if (schema.type === "object" && typeof schema.additionalProperties === "object") appendMap(query, parameter.name, value);
    else query.append(parameter.name, value);
  }
  const text = query.toString();
  return { target: path.slice(1) + (text === "" ? "" : `?${text}`) };
}

/** `key=value` a line -> `name[key]=value`. */
function appendMap(query: URLSearchParams, name: string, text: string): void {
  for (const line of linesOf(text)) {
    const equals = line.indexOf("=");
    query.append(`${name}[${equals < 0 ? line : line.slice(0, equals)}]`, equals < 0 ? "" : line.slice(equals + 1));
  }
}

/** `Name: value` a line. */
export function readHeaders(text: string): HeaderLines {
  const headers: [string, string][] = [];
  let wrong: string | undefined;
  for (const line of linesOf(text)) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined) wrong ??= line;
    else headers.push([name, value!]);
  }
  return { headers, wrong };
}

/** The same request for a shell. */
export function curlLine(httpMethod: string, url: string, headers: Iterable<readonly [string, string]>, body: string | undefined): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const words = ["curl", "-s", quoted(url)];
  if (httpMethod === "HEAD") words.push("--head");
  else if (httpMethod !== "GET") words.push("-X", httpMethod);
  for (const [name, value] of headers) words.push("-H", quoted(`${name}: ${value}`));
  if (body !== undefined) words.push("--data-binary", quoted(body));
  return words.join(" ");
}

function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
