/**
 * Origins as people write them: `https://app.example.com`, `https://*.example.com`, `http://localhost:*`, `null`, `*`.
 *
 * The trap: browsers leave a default port out of `Origin`, so it is left out here too, or `https://a.example:443` would never be met.
 */
import * as z from "zod/mini";

export interface OriginPattern {
  readonly scheme: string;
  /** Without the `*.` of a wildcard. */
  readonly host: string;
  /** "" for the scheme's own, "*" for any. */
  readonly port: string;
  /** Any name below the host, but not the host itself. */
  readonly subdomains: boolean;
}

const form = /^([a-z][a-z0-9+.-]*):\/\/(\*\.)?([a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::(\d{1,5}|\*))?$/;
const defaultPorts: Readonly<Record<string, string>> = { http: "80", https: "443" };

/** The parts of an origin; undefined for what is none. */
export function parseOrigin(text: string): OriginPattern | undefined {
  const [, scheme, wildcard, host, port = ""] = form.exec(text.toLowerCase()) ?? [];
  if (scheme === undefined || host === undefined) return undefined;
  return { scheme, host, port: port === defaultPorts[scheme] ? "" : port, subdomains: wildcard !== undefined };
}

const expected = "expected an origin such as https://app.example.com, https://*.example.com, http://localhost:* or *";

export const originPattern = z.string({ error: expected }).check((payload) => {
  const { value } = payload;
  if (value !== "*" && value !== "null" && parseOrigin(value) === undefined)
    payload.issues.push({ code: "custom", message: expected, input: value });
});
