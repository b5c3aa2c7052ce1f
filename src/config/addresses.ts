/**
 * Addresses as people write them: where to listen ("127.0.0.1:8080", "[::1]:0", ":8080") and what to speak to ("grpc://127.0.0.1:50051", "http://127.0.0.1:3000").
 *
 * The messages say what to write instead, because these are the two values nearly everyone gets wrong once.
 */
import * as z from "zod/mini";

export interface HostPort {
  /** Without brackets: "::1". "0.0.0.0" where none was written. */
  readonly host: string;
  readonly port: number;
}

/** What is spoken to it: gRPC, Connect or REST, and whether over TLS. Of Connect in clear text also the version of HTTP; TLS finds that out. */
export type UpstreamScheme = "grpc" | "grpcs" | "connect" | "connect+http1" | "connects" | "http" | "https";

export interface Upstream {
  readonly scheme: UpstreamScheme;
  readonly host: string;
  readonly port: number;
}

const hostPortForm = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/]*)):(\d{1,5})$/;

/** @throws RangeError that says what to write */
export function parseHostPort(text: string): HostPort {
  const [, bracketed, plain, digits] = hostPortForm.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535)
    throw new RangeError(`"${text}" is not an address: write HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080`);
  return { host: bracketed ?? (plain === "" || plain === undefined ? "0.0.0.0" : plain), port };
}

/** @throws RangeError that says what to write */
export function parseUpstream(text: string): Upstream {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(text) ?? [];
  if (scheme === undefined)
    throw new RangeError(
      `"${text}" has no scheme: write grpc://${text}, grpcs:// for TLS, connect:// for Connect, or http:// and https:// for REST`,
    );
  if (!isScheme(scheme))
    throw new RangeError(
      `"${text}": ${scheme}:// upstreams cannot be served; the upstream is a gRPC server, grpc://HOST:PORT or grpcs://HOST:PORT, a Connect server, connect://HOST:PORT, connect+http1://HOST:PORT or connects://HOST:PORT, or a REST server, http://HOST:PORT or https://HOST:PORT`,
    );
  const [, bracketed, plain, digits] = hostPortForm.exec(rest!.replace(/\/$/, "")) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (digits === undefined || host === undefined || host === "" || host.includes("@") || port === 0 || port > 65_535)
    throw new RangeError(`"${text}" is not an upstream: write ${scheme}://HOST:PORT, such as ${scheme}://127.0.0.1:50051`);
  return { scheme, host, port };
}

function isScheme(scheme: string): scheme is UpstreamScheme {
  return /^((grpc|connect|http)s?|connect\+http1)$/.test(scheme);
}

/** The upstream speaks Connect. */
export function isConnect({ scheme }: Pick<Upstream, "scheme">): boolean {
  return scheme.startsWith("connect");
}

/** The upstream speaks REST: calls are transcoded to it by the http rules of its schema. */
export function isRest({ scheme }: Pick<Upstream, "scheme">): boolean {
  return scheme === "http" || scheme === "https";
}

export function isSecure({ scheme }: Pick<Upstream, "scheme">): boolean {
  return scheme === "grpcs" || scheme === "connects" || scheme === "https";
}

/** A string that `parse` accepts; its message is the issue's. */
export function parsable(parse: (text: string) => unknown, expected: string): z.ZodMiniString {
  return z.string({ error: expected }).check((payload) => {
    try {
      parse(payload.value);
    } catch (error) {
      payload.issues.push({ code: "custom", message: (error as RangeError).message, input: payload.value });
    }
  });
}

export const hostPort = parsable(parseHostPort, "expected an address such as 127.0.0.1:8080");
export const upstreamUrl = parsable(parseUpstream, "expected an upstream such as grpc://127.0.0.1:50051");
